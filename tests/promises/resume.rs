//! A cursor resumes where it was: nothing lost, nothing twice, from memory or from disk.

use std::collections::BTreeSet;

use protocol::{event::Body, seq::Cursor};
use simulator::Config;

use crate::harness::{Scene, program::Server, subscriber::Subscriber};

#[tokio::test(flavor = "multi_thread")]
async fn replay_turns_into_live_without_a_seam() {
    let scene = Scene::of(Config {
        rate: 20.0,
        ..Config::quiet()
    })
    .await;
    let mut live = scene.subscribe("after=oldest").await;
    let mut live_events = Vec::new();
    let mut resumed_events = Vec::new();

    let mut cursor = "oldest".to_owned();
    while live_events.len() < 120 {
        live_events.push(live.event().await);
        if live_events.len() % 20 == 0 {
            let query = format!("after={cursor}");
            let mut resumed = scene.subscribe(&query).await;
            for _ in 0..20 {
                resumed_events.push(resumed.event().await);
            }
            cursor = resumed.cursor.unwrap().to_string();
        }
    }

    assert_eq!(resumed_events, live_events);
    let seqs: Vec<u64> = live_events.iter().map(|event| event.seq().get()).collect();
    assert_eq!(seqs, (1..=120).collect::<Vec<u64>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restarted_server_replays_the_same_bytes_and_goes_on() {
    let mut scene = Scene::quiet().await;
    let mut before = scene.subscribe("after=oldest").await;
    scene.edgar.publish_now(10);
    let mut first = Vec::new();
    while first.len() < 20 {
        first.push(before.event().await);
    }
    assert!(scene.server.stop().await.success());

    let again =
        Server::start_with_key(scene.dir.path(), &scene.edgar.url(), &scene.server.key, &[]).await;
    let mut after = Subscriber::subscribe(&again.stream(), &scene.server.key, "after=oldest").await;
    let mut second = Vec::new();
    while second.len() < 20 {
        second.push(after.event().await);
    }
    let more = scene.edgar.publish_now(1);
    let next = after.filings_seen(1).await;

    assert_eq!(first, second);
    assert_eq!(
        next.keys().collect::<Vec<_>>(),
        more.iter().collect::<Vec<_>>()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_time_is_a_cursor_too() {
    let scene = Scene::quiet().await;
    let mut live = scene.subscribe("types=filing.seen").await;
    scene.edgar.publish_now(1);
    live.event().await;
    scene.edgar.publish_now(1);
    let second = live.event().await;

    let query = format!("types=filing.seen&after=time:{}", second.at);
    let mut later = scene.subscribe(&query).await;

    assert_eq!(later.event().await, second);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_is_never_clamped_or_guessed() {
    let scene = Scene::quiet().await;
    let head = Subscriber::connect(&scene.server.stream(), Some(&scene.server.key))
        .await
        .hello()
        .await
        .head;
    let ahead = Cursor {
        seq: head.seq.next(),
        ..head.clone()
    }
    .to_string();
    let future = "time:2999-01-01T00:00:00Z".to_owned();
    let other = "zzzz-1".to_owned();

    for (after, code, close) in [
        (ahead, "cursor_ahead", 4411),
        (future, "cursor_ahead", 4411),
        (other, "epoch_changed", 4412),
    ] {
        let url = format!("{}?after={after}", scene.server.stream());
        let mut subscriber = Subscriber::connect(&url, Some(&scene.server.key)).await;
        let (refusal, closed) = subscriber.refusal().await;
        let refusal = refusal.unwrap();
        assert_eq!(
            (refusal.code.as_str(), closed),
            (code, Some(close)),
            "{after}"
        );
        assert_eq!(refusal.field.as_deref(), Some("after"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_subscribers_get_the_same_list() {
    let scene = Scene::quiet().await;
    let mut all = Vec::new();
    for _ in 0..1000 {
        all.push(scene.subscribe("types=filing.seen").await);
    }

    let published: BTreeSet<String> = scene.edgar.publish_now(10).into_iter().collect();
    let mut tasks = tokio::task::JoinSet::new();
    for mut subscriber in all {
        tasks.spawn(async move {
            let mut got = Vec::new();
            while got.len() < 10 {
                if let Body::FilingSeen(filing) = subscriber.event().await.body {
                    got.push(filing.accession.to_string());
                }
            }
            got
        });
    }
    let lists = tasks.join_all().await;

    assert!(lists.iter().all(|list| list == &lists[0]));
    assert_eq!(lists[0].iter().cloned().collect::<BTreeSet<_>>(), published);
}
