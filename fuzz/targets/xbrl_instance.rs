//! XBRL instances: every fact is JSON, and a second reading tells the same.
#![no_main]

use edgar::xbrl::read_instance;
use fuzz::facts;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    facts::checked(|each| read_instance(input, each), &[input]);
});
