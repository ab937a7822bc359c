//! Killed at any moment: what a subscriber has seen stays, and everything arrives once.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use protocol::{
    event::{Body, Event},
    frame::ServerFrame,
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use simulator::{Config, Simulator};
use tokio::time::{Instant, timeout_at};

use crate::harness::{
    program::{Server, create_key},
    subscriber::{Next, Subscriber},
};

const KILLS: usize = 50;

/// What the outside has met over all lives of the server.
#[derive(Default)]
struct Witness {
    by_seq: BTreeMap<u64, Event>,
}

impl Witness {
    fn meet(&mut self, event: Event) {
        let seq = event.seq().get();
        if let Some(before) = self.by_seq.insert(seq, event.clone()) {
            assert_eq!(before, event, "seq {seq} means two things");
        }
    }
}

/// Reads the stream until `end`, then until the connection breaks with the server.
async fn watch(subscriber: &mut Subscriber, witness: &mut Witness, end: Instant) {
    while let Ok(next) = timeout_at(end, subscriber.next()).await {
        match next {
            Next::Frame(ServerFrame::Event(event)) => witness.meet(*event),
            Next::Frame(_) => {}
            Next::Closed(close) => panic!("closed: {close:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_kills_under_load_lose_double_and_renumber_nothing() {
    let mut chance = StdRng::seed_from_u64(50);
    let edgar = Simulator::start_local(Config {
        rate: 8.0,
        ..Config::quiet()
    })
    .await
    .unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = create_key(dir.path(), &[]);
    let mut witness = Witness::default();
    let mut cursor = "oldest".to_owned();

    for _ in 0..KILLS {
        let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &[]).await;
        let query = format!("after={cursor}");
        let mut subscriber = Subscriber::subscribe(&server.stream(), &key, &query).await;
        let end = Instant::now() + Duration::from_millis(chance.random_range(1..900));
        watch(&mut subscriber, &mut witness, end).await;
        cursor = subscriber.cursor.unwrap().to_string();
        server.kill();
        assert!(
            edgar.ledger().violations().is_empty(),
            "a restart is no excuse"
        );
    }

    edgar.set_rate(0.0);
    let published: BTreeSet<String> = edgar
        .ledger()
        .filings()
        .into_iter()
        .map(|f| f.accession)
        .collect();
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &[]).await;
    let log = whole_log(&server, &key, published.len()).await;

    let seqs: Vec<u64> = log.iter().map(|event| event.seq().get()).collect();
    assert_eq!(seqs, (1..=log.len() as u64).collect::<Vec<_>>());
    for (seq, event) in &witness.by_seq {
        assert_eq!(
            &log[*seq as usize - 1],
            event,
            "what was seen is still there"
        );
    }
    let seen: Vec<String> = log.iter().filter_map(seen).collect();
    assert_eq!(seen.iter().cloned().collect::<BTreeSet<_>>(), published);
    assert_eq!(seen.len(), published.len(), "none twice");
    assert!(witness.by_seq.len() > KILLS, "there was a load");
}

fn seen(event: &Event) -> Option<String> {
    match &event.body {
        Body::FilingSeen(filing) => Some(filing.accession.to_string()),
        _ => None,
    }
}

/// Everything from the first event until each of `filings` is seen and archived.
async fn whole_log(server: &Server, key: &str, filings: usize) -> Vec<Event> {
    let mut subscriber = Subscriber::subscribe(&server.stream(), key, "after=oldest").await;
    let mut log = Vec::new();
    let mut archived = BTreeSet::new();
    while archived.len() < filings {
        let event = subscriber.event().await;
        if let Body::FilingArchived(filing) = &event.body {
            archived.insert(filing.accession);
        }
        log.push(event);
    }
    log
}
