//! Pages of the latest-filings feed, joined to filings.
#![no_main]

use edgar::atom;
use fuzz::filings::{self, SEEN_AT};
use libfuzzer_sys::fuzz_target;
use protocol::filing::Source;

fuzz_target!(|input: &[u8]| {
    let Ok(page) = atom::parse(input) else { return };
    let rows = page.entries.len();
    let accessions: Vec<_> = page.entries.iter().map(|entry| entry.accession).collect();

    let joined = atom::join(page.entries, SEEN_AT, Source::Atom);

    filings::check(&joined, rows);
    assert_eq!(
        joined.first().map(|filing| &filing.accession),
        accessions.first()
    );
    let known = |accession| joined.iter().any(|filing| filing.accession == accession);
    assert!(accessions.into_iter().all(known), "an entry is lost");
});
