//! The event log on a hostile disk: whatever lies in its directory, opening and reading it
//! ends in an error or gives records that were written under their number.
//!
//! The input is a program: append, commit, cut the power, then damage files, forge lines
//! with good checksums, move files about; then open, read, and go on writing.
#![no_main]

use fuzz::log::Hostile;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    Hostile::run(input);
});
