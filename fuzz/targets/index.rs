//! Index files of the four kinds: every line is a row, a bad row, or blank.
#![no_main]

use edgar::index::{self, Kind};
use fuzz::filings::{self, SEEN_AT};
use libfuzzer_sys::fuzz_target;
use protocol::filing::Source;

/// The dashes come within as many lines.
const MAX_HEADER_LINES: usize = 40;

fuzz_target!(|input: &[u8]| {
    let Ok(index) = index::parse(input) else {
        return;
    };
    let lines = input.split(|byte| *byte == b'\n');
    let visible = lines.clone().filter(|line| !line.trim_ascii().is_empty());
    let (visible, read) = (visible.count(), index.rows.len() + index.rejected.len());
    assert!((read..=read + MAX_HEADER_LINES).contains(&visible));

    let places: Vec<usize> = index.rejected.iter().map(|bad| bad.line).collect();
    assert!(places.is_sorted_by(|earlier, later| earlier < later));
    assert!(
        places
            .iter()
            .all(|line| (1..=lines.clone().count()).contains(line))
    );

    let is_master = index::parse_master(input).is_ok();
    assert_eq!(is_master, index.kind == Kind::Master);

    let rows = index.rows.len();
    let joined = index::join(index.rows, SEEN_AT, Source::DailyIndex);
    filings::check(&joined, rows);
});
