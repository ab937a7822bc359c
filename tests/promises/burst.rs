//! EDGAR's peaks, time compressed: none lost, none doubled, never too many requests.

use std::{collections::BTreeSet, time::Duration};

use crate::harness::Scene;

async fn burst(filings: usize, within: Duration) {
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("types=filing.seen").await;

    let published: BTreeSet<String> = scene.edgar.burst(filings, within).into_iter().collect();
    let seen = subscriber.filings_seen(filings).await;

    assert_eq!(seen.into_keys().collect::<BTreeSet<_>>(), published);
    assert!(
        scene.edgar.ledger().max_in_one_second() <= 10,
        "{}",
        scene.edgar.ledger().max_in_one_second()
    );
    assert!(scene.edgar.ledger().violations().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_filings_in_one_second() {
    burst(64, Duration::from_secs(1)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_minute_of_154_filings_in_ten_seconds() {
    burst(154, Duration::from_secs(10)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_hour_of_2330_filings_in_a_minute() {
    burst(2330, Duration::from_secs(60)).await;
}
