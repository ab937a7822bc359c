//! Credentials: bearer headers, API keys and tickets of strangers open nothing, and no file
//! of keys, whatever is in it, opens more than it says.
//!
//! The input is the value of a header, a line end, and the file of keys.
#![no_main]

use libfuzzer_sys::fuzz_target;
use protocol::time::Timestamp;

#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/durable.rs"]
mod durable;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/keys.rs"]
mod keys;
#[allow(dead_code, unreachable_pub, reason = "compiled for what is fuzzed")]
#[path = "../../server/src/tickets.rs"]
mod tickets;

use keys::{KeyRing, in_bearer};
use tickets::Tickets;

const KEY: &str = "fw_aaaaaaaa_secret";
const FILE: &str = r#"{"keys":[{"id":"aaaaaaaa","name":"a","scopes":["stream"],
    "secret_sha256":"2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
    "created_at":"2026-03-03T21:04:58Z"}]}"#;

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n');
    let (header, file) = input.split_at(end.unwrap_or(input.len()));
    let now = Timestamp::UNIX_EPOCH;
    let ours: KeyRing = serde_json::from_slice(FILE.as_bytes()).expect("it is a key file");
    let header = String::from_utf8_lossy(header);
    let key = in_bearer(&header);

    assert_eq!(ours.authenticate(&header, now).is_some(), header == KEY);
    if let Some(key) = key {
        assert!(header.ends_with(|end: char| end.is_whitespace()) || header.ends_with(key));
        assert_eq!(ours.authenticate(key, now).is_some(), key == KEY);
    }
    if let Ok(theirs) = serde_json::from_slice::<KeyRing>(file) {
        let text = key.unwrap_or(KEY);
        let opened = theirs.authenticate(text, now);
        assert!(opened.is_none_or(|key| key.is_valid(now) && text.contains(&key.id)));
        let again = serde_json::to_vec(&theirs).expect("it is JSON");
        assert_eq!(serde_json::from_slice(&again).ok(), Some(theirs));
    }
    assert_eq!(Tickets::default().take(&header), None);
});
