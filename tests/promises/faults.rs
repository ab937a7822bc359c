//! A bad day at EDGAR: everything goes wrong that can, and nothing is lost.

use std::{collections::BTreeMap, time::Duration};

use protocol::event::Body;
use simulator::{Config, Fault, FaultPlan, Simulator};

use crate::harness::{program::Server, subscriber::Subscriber};

/// Every fault but the block page, which stops all traffic and has its own test.
fn bad_day() -> FaultPlan {
    FaultPlan::default()
        .with(Fault::NotFoundFirst, 0.2)
        .with(Fault::Error500, 0.05)
        .with(Fault::Error503, 0.05)
        .with(Fault::Truncate, 0.2)
        .with(Fault::Slow, 0.05)
        .with(Fault::Drop, 0.05)
        .with(Fault::MalformedAtom, 0.1)
        .with(Fault::Duplicate, 0.2)
        .with(Fault::Straddle, 0.2)
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_bad_day_every_filing_is_seen_once_and_archived_exactly() {
    let config = Config {
        rate: 2.0,
        history: 150,
        faults: bad_day(),
        seed: 5,
        ..Config::quiet()
    };
    let edgar = Simulator::start_local(config).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(dir.path(), &edgar.url()).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &server.key, "after=oldest").await;
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut archived: BTreeMap<String, String> = BTreeMap::new();

    while archived.len() < 180 || !all_fired(&edgar) {
        match subscriber.event().await.body {
            Body::FilingSeen(filing) => *seen.entry(filing.accession.to_string()).or_default() += 1,
            Body::FilingArchived(filing) => {
                let original = filing.objects.sgml.unwrap().original_sha256.unwrap();
                archived.insert(filing.accession.to_string(), original);
            }
            other => panic!("not asked for: {other:?}"),
        }
    }

    assert!(seen.values().all(|times| *times == 1));
    for (accession, sha256) in archived {
        let truth = edgar.ledger().filing(&accession).unwrap();
        assert_eq!(sha256, truth.submission_sha256(), "{accession}");
    }
    assert!(
        edgar.ledger().violations().is_empty(),
        "{:?}",
        edgar.ledger().violations()
    );
}

/// A fault that did not fire proves nothing.
fn all_fired(edgar: &Simulator) -> bool {
    let planned = Fault::ALL
        .into_iter()
        .filter(|fault| bad_day().share(*fault) > 0.0);
    planned
        .into_iter()
        .all(|fault| edgar.ledger().fired(fault) > 0)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_block_page_stops_all_traffic_and_nothing_is_lost_over_it() {
    let edgar = Simulator::start_local(Config::quiet()).await.unwrap();
    let dir = tempfile::tempdir().unwrap();
    let key = crate::harness::program::create_key(dir.path(), &[]);
    let block = [("FILINGWIRE__EDGAR__BLOCK_MS", "2000")];
    let server = Server::start_with_key(dir.path(), &edgar.url(), &key, &block).await;
    let mut subscriber = Subscriber::subscribe(&server.stream(), &key, "types=filing.seen").await;
    edgar.publish_now(1);
    subscriber.filings_seen(1).await;

    edgar.set_faults(FaultPlan::default().with(Fault::BlockPage, 1.0));
    crate::harness::eventually("the door shuts", Duration::from_secs(5), async || {
        server.status().await["sec"]["door"] == "blocked"
    })
    .await;
    let asked = requests(&edgar);
    edgar.set_faults(FaultPlan::default());
    let published = edgar.publish_now(3);
    let during = requests(&edgar);
    let seen = subscriber.filings_seen(3).await;

    assert!(edgar.ledger().fired(Fault::BlockPage) > 0);
    assert_eq!(asked, during, "nothing is asked while blocked");
    assert!(
        published
            .iter()
            .all(|accession| seen.contains_key(accession))
    );
}

fn requests(edgar: &Simulator) -> u64 {
    edgar.ledger().requests().values().sum()
}
