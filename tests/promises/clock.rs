//! A server under test can live by the clock of its simulated EDGAR, which leaves out nights
//! and weekends: whole weeks pass in minutes.

use protocol::time::eastern_day;
use simulator::{Config, Simulator};

use crate::harness::Scene;

/// Publishes a filing and gives the day on which the server's log took it.
async fn day_of_a_filing(scene: &Scene) -> String {
    let mut subscriber = scene.subscribe("types=filing.seen").await;
    let before = scene.edgar.clock().now();
    scene.edgar.publish_now(1);
    let event = subscriber.event().await;
    assert!(event.at >= before && event.at <= scene.edgar.clock().now());
    eastern_day(event.at).to_string()
}

/// Waits for a day in March, 10:00 Eastern.
async fn until(edgar: &Simulator, day: i8) {
    let morning = format!("2026-03-{day:02}T14:00:00Z").parse().unwrap();
    tokio::time::sleep(edgar.clock().wait(morning)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_lives_through_a_weekend_in_no_time() {
    let scene = Scene::by_its_clock(Config {
        clock_start: Some("2026-03-05T14:00:00Z".parse().unwrap()), // A Thursday.
        clock_plan: Some("09:00-17:00/6".parse().unwrap()),
        keeps_hours: true,
        ..Config::quiet()
    })
    .await;

    until(&scene.edgar, 6).await;
    let before = day_of_a_filing(&scene).await;
    until(&scene.edgar, 9).await;
    let after = day_of_a_filing(&scene).await;

    assert_eq!(
        (before.as_str(), after.as_str()),
        ("2026-03-06", "2026-03-09")
    );
}
