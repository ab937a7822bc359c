//! Forms 3, 4 and 5: what is read is JSON, and footnotes belong to fields that can have them.
#![no_main]

use edgar::ownership::Statement;
use fuzz::json;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let Ok(statement) = Statement::read(input) else {
        return;
    };

    json::checked(&statement);
    assert_eq!(Statement::read(input).as_ref(), Ok(&statement));
    let tables = [&statement.non_derivative, &statement.derivative];
    let rows = tables.map(|table| table.transactions.len() + table.holdings.len());
    assert!(
        rows.iter().sum::<usize>() <= input.len(),
        "rows from nowhere"
    );
});
