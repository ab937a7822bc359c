//! Submissions of any envelope: read whole as in pieces, and nothing invented.
#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let _ = fuzz::submission::checked(input);
});
