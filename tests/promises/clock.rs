//! A server under test can live by the clock of its simulated EDGAR, which leaves out nights
//! and weekends: whole weeks pass in minutes.

use jiff::civil::{Date, Weekday, date};
use protocol::time::eastern_day;
use simulator::{Config, Simulator};

use crate::harness::Scene;

const FRIDAY: Date = date(2026, 3, 6);
const MONDAY: Date = date(2026, 3, 9);

/// Publishes a filing and gives the day on which the server's log took it.
async fn day_of_a_filing(scene: &Scene) -> Date {
    let mut subscriber = scene.subscribe("types=filing.seen").await;
    let before = scene.edgar.clock().now();
    scene.edgar.publish_now(1);
    let event = subscriber.event().await;
    assert!(event.at >= before && event.at <= scene.edgar.clock().now());
    eastern_day(event.at)
}

/// Waits for a day, 10:00 Eastern.
async fn until(edgar: &Simulator, day: Date) {
    let morning = format!("{day}T14:00:00Z").parse().unwrap();
    tokio::time::sleep(edgar.clock().wait(morning)).await;
}

/// The server's days are those of its EDGAR, however long a loaded machine takes.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_lives_through_a_weekend_in_no_time() {
    let config = Config {
        clock_start: Some("2026-03-05T14:00:00Z".parse().unwrap()), // A Thursday.
        clock_plan: Some("09:00-17:00/8".parse().unwrap()),
        keeps_hours: true,
        ..Config::quiet()
    };
    let scene = Scene::by_its_clock(config, &[]).await;

    until(&scene.edgar, FRIDAY).await;
    let before = day_of_a_filing(&scene).await;
    until(&scene.edgar, MONDAY).await;
    let after = day_of_a_filing(&scene).await;

    assert!(before >= FRIDAY && after >= MONDAY, "{before}, {after}");
    for day in [before, after] {
        let is_weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        assert!(!is_weekend, "{day} is left out");
    }
}
