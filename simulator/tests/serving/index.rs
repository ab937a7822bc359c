//! Index files over HTTP, their damage, and filings that change after they are public.

use std::io::Read;
use std::time::Duration;

use simulator::{
    Config, Fault, FaultPlan, LedgerFiling, PathClass, Simulator, Wish, accessions_sha256,
};

use crate::http::{Reply, get};
use crate::{quiet, start};

const DAY: &str = "/Archives/edgar/daily-index/2026/QTR1/master.20260303.idx";
const QUARTER: &str = "/Archives/edgar/full-index/2026/QTR1/master";
const FEED: &str = "/cgi-bin/browse-edgar?action=getcurrent&output=atom&count=100";
const SEARCH: &str = "/LATEST/search-index?forms=-0&startdt=2026-03-03&enddt=2026-03-03";

/// An EDGAR with some filings and all its index files written.
async fn indexed(faults: FaultPlan) -> Simulator {
    let simulator = start(Config { faults, ..quiet() }).await;
    simulator.publish_now(30);
    write_indexes(&simulator);
    simulator
}

fn write_indexes(simulator: &Simulator) {
    simulator.publish_daily_index("2026-03-03".parse().unwrap());
    simulator.rebuild_quarter_indexes();
}

fn path(filing: &LedgerFiling) -> String {
    let (cik, accession) = (filing.filers[0].cik, &filing.accession);
    format!("/Archives/edgar/data/{cik}/{accession}.txt")
}

fn unpacked(reply: &Reply) -> std::io::Result<String> {
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(&reply.body[..]).read_to_end(&mut text)?;
    Ok(text.iter().map(|byte| char::from(*byte)).collect())
}

/// Accessions of the rows of a master index, sorted and distinct.
fn listed(text: &str) -> Vec<String> {
    let files = text.lines().filter_map(|line| line.strip_suffix(".txt"));
    let mut listed: Vec<String> = files
        .map(|path| path.rsplit('/').next().unwrap().to_owned())
        .collect();
    listed.sort();
    listed.dedup();
    listed
}

#[tokio::test]
async fn a_quarters_index_comes_plain_compressed_and_as_the_current_one() {
    let simulator = indexed(FaultPlan::default()).await;
    let address = simulator.address();

    let plain = get(address, &format!("{QUARTER}.idx")).await.text();
    let packed = get(address, &format!("{QUARTER}.gz")).await;
    let current = get(address, "/Archives/edgar/full-index/master.idx").await;

    let day = "2026-03-03".parse().unwrap();
    assert!(plain.starts_with("Description:           Master Index of EDGAR Dissemination Feed\nLast Data Received:    March  3, 2026\n"));
    assert!(plain.contains("\nCIK|Company Name|Form Type|Date Filed|Filename\n-----"));
    assert!(plain.contains("|2026-03-03|edgar/data/"));
    assert_eq!(unpacked(&packed).unwrap(), plain);
    assert_eq!(packed.header("content-encoding"), None);
    assert_eq!(current.text(), plain);
    assert_eq!(
        simulator.ledger().listed_in_quarter_of(day),
        Some(listed(&plain))
    );
    assert_eq!(simulator.ledger().requests()[&PathClass::QuarterIndex], 3);
}

#[tokio::test]
async fn the_ledger_says_what_a_days_index_lists_and_its_checksum() {
    let simulator = indexed(FaultPlan::default()).await;
    let ledger = simulator.ledger();
    let day = "2026-03-03".parse().unwrap();

    let listed = listed(&get(simulator.address(), DAY).await.text());

    assert_eq!(listed.len(), 30);
    assert_eq!(ledger.listed_on(day), Some(listed));
    assert_eq!(ledger.index_days(day, day), [day]);
    assert_eq!(ledger.listed_on(day.tomorrow().unwrap()), None);
    // printf '0000000001-26-000001\n0000000002-26-000001\n' | sha256sum
    assert_eq!(
        accessions_sha256([
            "0000000002-26-000001",
            "0000000001-26-000001",
            "0000000002-26-000001"
        ]),
        "c2279ced6fe640ac7616ab47195e8e9b1e9b1bf2a31de4b9ea901d77db1ed099"
    );
}

#[tokio::test]
async fn a_truncated_index_ends_within_a_row_and_is_as_long_as_announced() {
    let simulator = indexed(FaultPlan::default().with(Fault::IndexTruncate, 1.0)).await;

    let plain = get(simulator.address(), DAY).await;
    let packed = get(simulator.address(), &format!("{QUARTER}.gz")).await;

    assert_eq!(plain.announced(), plain.body.len());
    assert!(!plain.text().ends_with('\n'));
    let text = plain.text();
    let last = text.lines().last().unwrap();
    assert!(last.len() > 1 && !last.ends_with(".txt"), "{last}");
    assert_eq!(packed.announced(), packed.body.len());
    assert!(unpacked(&packed).is_err());
    assert_eq!(simulator.ledger().fired(Fault::IndexTruncate), 2);
}

#[tokio::test]
async fn a_days_index_without_rows_is_its_whole_header_and_as_long_as_announced() {
    let whole = get(indexed(FaultPlan::default()).await.address(), DAY).await;
    let simulator = indexed(FaultPlan::default().with(Fault::IndexEmpty, 1.0)).await;

    let empty = get(simulator.address(), DAY).await;
    let quarter = get(simulator.address(), &format!("{QUARTER}.idx")).await;

    assert_eq!(empty.announced(), empty.body.len());
    assert!(whole.text().starts_with(&empty.text()));
    assert!(empty.text().ends_with("-----\n"));
    assert!(!listed(&quarter.text()).is_empty());
    assert_eq!(simulator.ledger().fired(Fault::IndexEmpty), 1);
}

#[tokio::test]
async fn an_index_can_be_shorter_than_announced() {
    let simulator = indexed(FaultPlan::default().with(Fault::Truncate, 1.0)).await;

    let reply = get(simulator.address(), DAY).await;

    assert_eq!(reply.body.len(), reply.announced() / 2);
    assert_eq!(simulator.ledger().fired(Fault::Truncate), 1);
}

#[tokio::test]
async fn a_garbled_index_is_of_another_day_or_has_rows_of_rubbish() {
    let whole = get(indexed(FaultPlan::default()).await.address(), DAY).await;
    let simulator = indexed(FaultPlan::default().with(Fault::IndexGarble, 1.0)).await;
    let (mut of_another_day, mut rubbish) = (0, 0);

    for _ in 0..20 {
        let reply = get(simulator.address(), DAY).await;
        let text = reply.text();
        assert_eq!(reply.body.len(), whole.body.len());
        of_another_day += usize::from(!text.contains("Received:    Mar  3, 2026\n"));
        rubbish += usize::from(text.contains('\0'));
    }

    assert_eq!(of_another_day + rubbish, 20);
    assert!(
        of_another_day > 0 && rubbish > 0,
        "{of_another_day}, {rubbish}"
    );
    assert_eq!(simulator.ledger().fired(Fault::IndexGarble), 20);
}

#[tokio::test]
async fn what_is_withdrawn_is_gone_everywhere_but_from_the_day() {
    let simulator = indexed(FaultPlan::default()).await;
    let ledger = simulator.ledger();
    let filing = ledger.filings()[7].clone();
    let address = simulator.address();
    assert_eq!(get(address, &path(&filing)).await.status, 200);

    assert!(simulator.withdraw(&filing.accession));
    simulator.rebuild_quarter_indexes();

    assert_eq!(get(address, &path(&filing)).await.status, 404);
    for place in [FEED, SEARCH, &format!("{QUARTER}.idx")] {
        let text = get(address, place).await.text();
        assert!(!text.contains(&filing.accession), "{place}");
    }
    let day = get(address, DAY).await.text();
    assert!(listed(&day).contains(&filing.accession));
    assert_eq!(ledger.fired(Fault::Withdraw), 1);
    let gone = ledger.withdrawn();
    assert_eq!((gone.len(), &gone[0].accession), (1, &filing.accession));
    assert!(gone[0].dropped_at.is_some());
}

#[tokio::test]
async fn what_is_disseminated_again_has_other_bytes_and_another_tag() {
    use sha2::{Digest, Sha256};
    let simulator = start(Config {
        clock_speed: 86_400.0,
        ..quiet()
    })
    .await;
    let wish = Wish {
        again_after: Some(Duration::from_secs(86_400)),
        ..Wish::default()
    };
    let accession = simulator.publish(&wish).unwrap();
    let filing = simulator.ledger().filing(&accession).unwrap();
    let sha256 = |reply: &Reply| hex::encode(Sha256::digest(&reply.body));

    let first = get(simulator.address(), &path(&filing)).await;
    let second = loop {
        let reply = get(simulator.address(), &path(&filing)).await;
        if sha256(&reply) != sha256(&first) {
            break reply;
        }
    };

    assert_eq!(sha256(&first), filing.submission_sha256());
    assert_eq!(Some(&*sha256(&second)), filing.revised_sha256());
    assert_ne!(first.header("etag"), second.header("etag"));
    assert!(simulator.clock().now() >= filing.again_at.unwrap());
    assert_eq!(simulator.ledger().fired(Fault::Redisseminate), 1);
}

#[tokio::test]
async fn the_search_can_miss_a_filing_or_find_it_hours_later() {
    for (fault, is_found) in [(Fault::EftsMiss, false), (Fault::EftsLag, true)] {
        let faults = FaultPlan::default().with(fault, 1.0);
        let simulator = start(Config { faults, ..quiet() }).await;
        let accession = simulator.publish_now(1).remove(0);

        let found = get(simulator.address(), SEARCH).await.text();

        let filing = simulator.ledger().filing(&accession).unwrap();
        assert!(!found.contains(&accession));
        let lag = |at: jiff::Timestamp| at.duration_since(filing.accepted_at).as_hours();
        let lag = filing.searchable_at.map(lag);
        assert_eq!(lag.is_some_and(|hours| (2..8).contains(&hours)), is_found);
        assert_eq!(simulator.ledger().fired(fault), 1);
    }
}
