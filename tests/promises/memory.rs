//! Memory stays small: idle, and with the largest submission there is.

use protocol::event::Body;
use simulator::{Config, Wish};

use crate::harness::Scene;

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_needs_less_than_40_mb() {
    let scene = Scene::of(Config {
        history: 500,
        ..Config::quiet()
    })
    .await;
    let mut subscriber = scene.subscribe("after=oldest").await;

    subscriber.filings_seen(500).await;

    let resident = scene.server.memory_mb("VmRSS");
    println!("idle: {resident:.1} MB");
    assert!(resident < 40.0, "{resident:.1} MB");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_submission_of_410_mb_is_archived_with_less_than_100_mb() {
    const BYTES: u64 = 410_000_000;
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("types=filing.archived").await;

    let wish = Wish {
        submission_bytes: Some(BYTES),
        ..Wish::default()
    };
    let accession = scene.edgar.publish(&wish).unwrap();
    let Body::FilingArchived(filing) = subscriber.event().await.body else {
        panic!("not archived")
    };

    let most = scene.server.memory_mb("VmHWM");
    println!("410 MB archived with at most {most:.1} MB");
    let truth = scene.edgar.ledger().filing(&accession).unwrap();
    let sgml = filing.objects.sgml.unwrap();
    assert_eq!(filing.size_bytes, Some(BYTES));
    assert_eq!(
        sgml.original_sha256.as_deref(),
        Some(truth.submission_sha256())
    );
    assert!(most < 100.0, "{most:.1} MB");
}
