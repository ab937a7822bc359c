//! Headers of every style: the standardised JSON is JSON of texts, lists and sections alone.
#![no_main]

use std::collections::HashSet;

use edgar::sgml::Header;
use fuzz::json;
use libfuzzer_sys::fuzz_target;
use serde_json::Value;

fuzz_target!(|input: &[u8]| {
    let header = Header::parse(input);

    let shown = json::checked(&header.tree);
    assert!(shown.is_object());
    check(&shown);

    check_filers(&header);
    assert!(header.items.len() <= header.items_as_written.len());
    assert_eq!(header, Header::parse(input));
});

fn check(value: &Value) {
    match value {
        Value::Object(section) => section.values().for_each(check),
        Value::Array(repeated) => {
            assert!(repeated.len() > 1, "a single value is no array");
            repeated.iter().for_each(check);
        }
        Value::String(_) => {}
        Value::Null | Value::Bool(_) | Value::Number(_) => {
            panic!("no value of a header is `{value}`")
        }
    }
}

fn check_filers(header: &Header) {
    let mut parties = HashSet::new();
    for filer in header.filers() {
        assert!(parties.insert((filer.cik, filer.role)), "a filer, twice");
        assert!(filer.sic.is_none_or(|sic| sic.len() == 4));
        assert!(filer.fiscal_year_end.is_none_or(|day| day.len() == 4));
    }
}
