//! When the machine gave this process no turn.
//!
//! EDGAR counts a request when it gets to it. After a stall, requests that were sent in good
//! time are counted together, which is no fault of who sent them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;
use tokio::{
    task::JoinSet,
    time::{Instant, sleep},
};

/// Between beats.
const BEAT: Duration = Duration::from_millis(10);

/// A beat that is late by more is a stall: it uses up the room that our pacer leaves.
const ROOM: Duration = Duration::from_millis(50);

/// So long after a stall its requests are still in a second's count.
const AFTER: Duration = Duration::from_millis(1_500);

/// A heart that notices when it stands still.
pub struct Pulse {
    stalls: Arc<Mutex<Vec<Timestamp>>>,
    /// Ends when dropped.
    _beating: JoinSet<()>,
}

impl Pulse {
    pub fn begin() -> Self {
        let stalls = Arc::default();
        let mut beating = JoinSet::new();
        beating.spawn(beat(Arc::clone(&stalls)));
        Self {
            stalls,
            _beating: beating,
        }
    }

    /// Whether it stood still shortly before `at`.
    pub fn stood_still_before(&self, at: Timestamp) -> bool {
        let stalls = self.stalls.lock().unwrap();
        stalls
            .iter()
            .any(|stall| (at - AFTER..=at + ROOM).contains(stall))
    }
}

async fn beat(stalls: Arc<Mutex<Vec<Timestamp>>>) {
    let mut last = Instant::now();
    loop {
        sleep(BEAT).await;
        if last.elapsed() > BEAT + ROOM {
            stalls.lock().unwrap().push(Timestamp::now());
        }
        last = Instant::now();
    }
}
