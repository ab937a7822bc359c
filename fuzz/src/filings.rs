//! What holds of filings joined from the rows of a list, whatever the list.

use std::collections::HashSet;

use protocol::{filing::Filing, time::Timestamp};

use crate::json;

/// When the fuzzed lists are seen.
pub const SEEN_AT: Timestamp = Timestamp::UNIX_EPOCH;

/// Most items kept of one filing.
const MAX_ITEMS: usize = 64;

/// Checks `filings`, joined from `rows` rows.
pub fn check(filings: &[Filing], rows: usize) {
    assert!(filings.len() <= rows);
    let mut accessions = HashSet::new();
    for filing in filings {
        assert!(accessions.insert(filing.accession), "one filing, twice");
        assert_eq!(filing.amendment, filing.form.is_amendment());
        assert!(filing.items.len() <= MAX_ITEMS);
        check_filers(filing);
        check_json(filing);
    }
}

fn check_filers(filing: &Filing) {
    let mut parties = HashSet::new();
    for filer in &filing.filers {
        assert!(parties.insert((filer.cik, filer.role)), "a filer, twice");
    }
    assert_eq!(filing.urls.index.is_some(), !filing.filers.is_empty());
}

/// What goes out as an event is read back as the same filing.
fn check_json(filing: &Filing) {
    let again: Filing = serde_json::from_value(json::checked(filing)).expect("it is a filing");
    assert_eq!(&again, filing);
}
