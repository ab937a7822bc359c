//! What holds of every subscription, however it was asked for.

use protocol::{
    filter::{Facts, Filter},
    frame::{Refusal, Subscription},
};
use serde_json::Value;

use crate::json;

/// Long words of a client are not repeated whole.
const MAX_MESSAGE: usize = 2_000;

/// What our log holds, one of a kind.
const FRAMES: [&str; 3] = [
    r#"{"type":"filing.seen","cursor":"k-1","seq":1,"at":"2026-03-03T21:04:58Z","filing":{"accession":"0001999999-26-000042","form":"8-K","amendment":false,"source":"atom","seen_at":"2026-03-03T21:04:58Z","items":["2.02"],"filers":[{"cik":"7","name":"Q","role":"filer"}],"urls":{"submission":"x"}}}"#,
    r#"{"type":"filing.archived","cursor":"k-2","seq":2,"at":"2026-03-03T21:04:59Z","filing":{"accession":"0001999999-26-000043","form":"4/A","amendment":true,"source":"efts","seen_at":"2026-03-03T21:04:58Z","filers":[{"cik":"8","name":"R","role":"issuer","sic":"3569","state":"NY"}],"documents":[{"ordinal":1,"type":"4","filename":"a.xml","size_bytes":1}],"urls":{"submission":"x"}}}"#,
    r#"{"type":"source.down","cursor":"k-3","seq":3,"at":"2026-03-03T21:05:00Z"}"#,
];

/// Checks one that was accepted.
///
/// # Panics
/// When something does not hold.
pub fn check(subscription: &Subscription) {
    assert_eq!(subscription.check(), Ok(()));
    let shown = json::checked(&subscription.filter);
    let again = Filter::from_json(&shown).expect("what we show is understood");
    assert_eq!(again, subscription.filter, "and means the same");
    let nothing_asked = shown.as_object().is_some_and(serde_json::Map::is_empty);
    assert_eq!(nothing_asked, subscription.filter == Filter::default());
    for frame in FRAMES {
        let facts = Facts::of_frame(frame.as_bytes()).expect("it is one of ours");
        assert_eq!(again.wants(&facts), subscription.filter.wants(&facts));
    }
}

/// Checks a refusal of `asked`.
///
/// # Panics
/// When something does not hold.
pub fn check_refusal(refusal: &Refusal, asked: &str) {
    let shown = json::checked(refusal);
    assert!(matches!(&shown["message"], Value::String(text) if !text.is_empty()));
    assert!(
        refusal.message.len() <= MAX_MESSAGE,
        "{} bytes answer {} bytes",
        refusal.message.len(),
        asked.len()
    );
}
