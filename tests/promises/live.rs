//! Every filing reaches every subscriber, once, in order, with what the source knows.

use std::{collections::BTreeSet, time::Duration};

use protocol::{
    event::Body,
    frame::{Pong, ServerFrame},
};
use simulator::{Config, Simulator, Wish};

use crate::harness::{Scene, eventually, program::Server, subscriber::Subscriber};

#[tokio::test(flavor = "multi_thread")]
async fn every_filing_reaches_a_subscriber_once_with_all_its_filers_and_roles() {
    // The search index knows no roles, so it must not be the first to see a filing.
    let feed_only = [("FILINGWIRE__MONITORS__EFTS__ENABLED", "false")];
    let scene = Scene::with(Config::quiet(), &feed_only).await;
    let mut subscriber = scene.subscribe("types=filing.seen").await;

    let published = scene.edgar.publish_now(40);
    let seen = subscriber.filings_seen(40).await;

    assert_eq!(
        seen.keys().collect::<BTreeSet<_>>(),
        published.iter().collect()
    );
    for (accession, filing) in &seen {
        let truth = scene.edgar.ledger().filing(accession).unwrap();
        let parties: BTreeSet<_> = filing
            .filers
            .iter()
            .map(|f| (f.cik.to_string(), f.role.unwrap().to_string()))
            .collect();
        let expected: BTreeSet<_> = truth
            .filers
            .iter()
            .map(|f| (f.cik.to_string(), f.role.to_owned()))
            .collect();
        assert_eq!(parties, expected, "{accession}");
        assert_eq!(filing.form.as_str(), truth.form);
        assert_eq!(filing.accepted_at.unwrap(), truth.accepted_at);
    }
    assert!(scene.edgar.ledger().violations().is_empty());
    assert_eq!(scene.server.complaints(), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_seen_is_archived_with_the_headers_word_and_the_exact_bytes() {
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("types=filing.archived").await;

    scene.edgar.publish_now(5);

    for _ in 0..5 {
        let event = subscriber.event().await;
        let Body::FilingArchived(filing) = event.body else {
            panic!("{event:?}")
        };
        let truth = scene
            .edgar
            .ledger()
            .filing(&filing.accession.to_string())
            .unwrap();
        let object = filing.objects.sgml.unwrap();
        let stored = std::fs::read(scene.dir.path().join("archive").join(&object.key)).unwrap();
        let original = zstd::decode_all(&stored[..]).unwrap();
        assert_eq!(stored.len() as u64, object.bytes);
        assert_eq!(sha256(&stored), object.sha256);
        assert_eq!(sha256(&original), truth.submission_sha256());
        assert_eq!(
            object.original_sha256.as_deref(),
            Some(truth.submission_sha256())
        );
        assert_eq!(filing.size_bytes, Some(truth.submission_bytes));
        assert!(!filing.documents.is_empty());
    }
}

pub fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_lets_through_what_it_names_and_the_cursor_moves_all_the_same() {
    let scene = Scene::quiet().await;
    let query = "types=filing.seen&forms=8-K*";
    let mut subscriber = scene.subscribe(query).await;
    let wish = |form: &str| Wish {
        form: Some(form.to_owned()),
        ..Wish::default()
    };

    let wanted = scene.edgar.publish(&wish("8-K")).unwrap();
    scene.edgar.publish(&wish("4")).unwrap();
    scene.edgar.publish(&wish("10-Q")).unwrap();

    assert_eq!(
        subscriber
            .event()
            .await
            .body
            .filing()
            .unwrap()
            .accession
            .to_string(),
        wanted
    );
    eventually(
        "all three are examined",
        Duration::from_secs(10),
        async || {
            let heartbeat = subscriber.heartbeat().await;
            heartbeat.sent == 1 && heartbeat.through.seq.get() >= 6
        },
    )
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribing_again_replaces_the_filter_from_there_on() {
    let scene = Scene::quiet().await;
    let mut subscriber = scene.subscribe("types=filing.seen&forms=4").await;
    let wish = |form: &str| Wish {
        form: Some(form.to_owned()),
        ..Wish::default()
    };
    let first = scene.edgar.publish(&wish("4")).unwrap();
    assert_eq!(
        subscriber
            .event()
            .await
            .body
            .filing()
            .unwrap()
            .accession
            .to_string(),
        first
    );

    subscriber
        .say(r#"{"op":"subscribe","filter":{"types":["filing.seen"],"forms":["8-K"]}}"#)
        .await;
    let subscribed = loop {
        if let ServerFrame::Subscribed(subscribed) = subscriber.frame().await {
            break subscribed;
        }
    };
    subscriber.received = 0;
    let second = scene.edgar.publish(&wish("8-K")).unwrap();

    assert_eq!(subscribed.filter["forms"], serde_json::json!(["8-K"]));
    assert_eq!(
        subscriber
            .event()
            .await
            .body
            .filing()
            .unwrap()
            .accession
            .to_string(),
        second
    );
    assert_eq!(subscriber.heartbeat().await.sent, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_authenticates_and_subscribes_in_its_first_messages() {
    let scene = Scene::quiet().await;
    let mut subscriber =
        Subscriber::connect(&format!("{}?defer=true", scene.server.stream()), None).await;

    let hello = subscriber.hello().await;
    subscriber
        .say(format!(r#"{{"op":"auth","key":"{}"}}"#, scene.server.key))
        .await;
    subscriber.say(r#"{"op":"ping","id":7}"#).await;
    subscriber
        .say(r#"{"op":"subscribe","after":"oldest","filter":{"types":["filing.seen"]}}"#)
        .await;
    let pong = subscriber.frame().await;
    let subscribed = subscriber.subscribed().await;
    scene.edgar.publish_now(1);

    assert_eq!(
        (hello.auth.as_str(), hello.protocol.as_str()),
        ("required", "filingwire.v1")
    );
    let id = Some(7.into());
    assert_eq!(pong, ServerFrame::Pong(Pong { id }));
    assert_eq!(subscribed.after.seq.get(), 0);
    assert_eq!(subscriber.filings_seen(1).await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_says_how_far_the_sources_are_covered() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    edgar.publish_now(1);
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &edgar.url()).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "after=oldest").await;

    eventually("atom has been read", Duration::from_secs(10), async || {
        subscriber
            .heartbeat()
            .await
            .sources
            .contains_key(&protocol::filing::Source::Atom)
    })
    .await;
    let ready = server.get("/readyz").await;
    let status = server.status().await;

    assert_eq!(ready.status, 200, "{}", ready.body);
    assert!(
        status["sources"]["atom"]["listed_through"].is_string(),
        "{status}"
    );
    assert_eq!(status["phase"], "running");
    assert_eq!(server.get("/healthz").await.status, 200);
    let metrics = server.get("/metrics").await.body;
    let seen = ["atom", "efts"].map(|source| {
        metrics.contains(&format!(
            "filingwire_updater_filings_seen_total{{source=\"{source}\"}} 1"
        ))
    });
    assert_eq!(
        seen.into_iter().filter(|seen| *seen).count(),
        1,
        "{metrics}"
    );
}
