//! A recorded quarter, read through the client.
//!
//! Invariant: what a test expects is found without the parser under test.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;

/// CIKs of each accession.
type Filers = BTreeMap<String, BTreeSet<String>>;

/// A recorded quarter and its filers; `None` where the recordings are not at hand.
fn recorded_quarter() -> Option<(Vec<u8>, Filers)> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../shared/edgar-fixtures/index/master_idx_2025_Q4.idx.zst");
    if !file.exists() {
        assert!(std::env::var_os("CI").is_none(), "{file:?} is missing");
        eprintln!("did not run: {file:?} is missing");
        return None;
    }
    let text = zstd::decode_all(&*std::fs::read(file).unwrap()).unwrap();
    let mut filers = Filers::new();
    for line in String::from_utf8_lossy(&text).lines() {
        let Some((_, file)) = line.rsplit_once("|edgar/data/") else {
            continue;
        };
        let (cik, accession) = file.split_once('/').unwrap();
        let accession = accession.trim_end_matches(".txt").to_owned();
        filers.entry(accession).or_default().insert(cik.to_owned());
    }
    Some((gzip(&text), filers))
}

#[tokio::test]
async fn a_recorded_quarter_gives_each_filing_once_with_all_its_filers() {
    let Some((bytes, filers)) = recorded_quarter() else {
        return;
    };
    let fake = Fake::start(move |_: &Params| (200, bytes.clone())).await;
    let reader = reader_at(&fake, "2026-01-03T12:00:00Z");
    let wanted = Wanted {
        from: Date::MIN,
        to: Date::MAX,
        forms: None,
    };

    let listing = reader.quarter(Quarter::of(date(2025, 12, 31))).await;

    let QuarterListing::Out(index) = listing.unwrap() else {
        panic!("not out");
    };
    let filings = index.filings(&wanted, DAILY);
    let ciks = |filing: &Filing| filing.filers.iter().map(|at| at.cik.to_string()).collect();
    let found: Filers = filings
        .map(|filing| (filing.accession.to_string(), ciks(&filing)))
        .collect();
    assert_eq!(index.through, date(2025, 12, 31));
    assert_eq!(index.rejected, []);
    assert_eq!(found.len(), 193_299);
    assert!(found == filers); // Printing a difference would take a minute.
}
