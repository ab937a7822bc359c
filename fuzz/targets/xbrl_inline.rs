//! Sets of pages of inline XBRL, split at each NUL: every fact is JSON, and a second reading
//! tells the same.
#![no_main]

use edgar::xbrl::read_inline;
use fuzz::facts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let pages: Vec<&[u8]> = input.splitn(4, |byte| *byte == 0).collect();
    facts::checked(|each| read_inline(&pages, each), &pages);
});
