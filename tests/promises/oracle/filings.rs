//! What EDGAR has on each business day, besides what the seed draws: one filing of each kind
//! that would be rare, and once a week a busy hour.

use std::time::Duration;

use simulator::Wish;
use tokio::time::sleep;

use super::{scene::Scene, span::at};

/// Filings of a busy hour: more than a page of the feed holds.
const BUSY: usize = 80;

const DAY: Duration = Duration::from_secs(86_400);

/// Files on every business day, until the last is over. Once a week a filing of the day before
/// is taken away; of more than ten in a week the program would doubt the index.
pub async fn arrive(scene: &Scene) {
    let edgar = &scene.edgar;
    let mut filed = String::new();
    for (place, day) in scene.span.business_days().enumerate() {
        sleep(edgar.clock().wait(at(day, 7))).await;
        match place % 5 {
            1 => assert!(edgar.withdraw(&filed)),
            4 => drop(edgar.burst(BUSY, Duration::from_secs(3_600))),
            _ => {}
        }
        for wish in &wishes() {
            filed = edgar.publish(wish).unwrap();
        }
    }
    sleep(edgar.clock().wait(at(scene.span.last_filing, 22))).await;
    edgar.set_rate(0.0);
}

fn wishes() -> [Wish; 5] {
    let wish = Wish::default;
    [
        Wish {
            atom_miss: true,
            efts_miss: true,
            ..wish()
        },
        Wish {
            late_days: 1,
            ..wish()
        },
        Wish {
            index_row_late: true,
            ..wish()
        },
        Wish {
            again_after: Some(DAY + DAY / 8),
            ..wish()
        },
        wish(),
    ]
}
