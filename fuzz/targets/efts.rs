//! Answers of the full-text search, joined to filings.
#![no_main]

use edgar::efts;
use fuzz::filings::{self, SEEN_AT};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(answer) = efts::parse(input) else {
        return;
    };
    assert!(answer.true_total() >= answer.total.value);
    let rows = answer.hits.len();

    let joined = efts::join(answer.hits, SEEN_AT);

    filings::check(&joined, rows);
    assert_eq!(joined.is_empty(), rows == 0);
});
