//! Forms 13F, cover and information table split at the first NUL.
#![no_main]

use edgar::form13f::{Report, Table};
use fuzz::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let (cover, table) = match input.iter().position(|byte| *byte == 0) {
        Some(nul) => (&input[..nul], Some(&input[nul + 1..])),
        None => (input, None),
    };
    if let Ok(report) = Report::read(cover, table, None) {
        json::checked(&report);
        let rows = report.totals.map_or(0, |totals| totals.entries);
        assert_eq!(report.holdings.len(), rows as usize);
        assert!(report.holdings.len() <= input.len(), "rows from nowhere");
    }
    if let Ok(table) = Table::new(input) {
        let count = table.rows().inspect(|row| drop(json::checked(row))).count();
        assert_eq!(table.rows().count(), count);
    }
});
