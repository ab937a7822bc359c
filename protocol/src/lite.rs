//! The lite view of an event: which filing, of whom, when, and nothing else.
//!
//! Invariant: it is a part of the full frame, in the same order and with the same names, so
//! that one reader understands both.

use serde::{Deserialize, Serialize};

use crate::{
    accession::Accession,
    cik::Cik,
    event::EventType,
    filing::{FilerRole, Source},
    form::Form,
    seq::{Cursor, Seq},
    time::{Date, Timestamp},
};

/// An event about a filing, in the lite view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteEvent {
    /// What happened.
    #[serde(rename = "type")]
    pub event_type: EventType,
    /// Epoch and number together.
    pub cursor: Cursor,
    /// Its number.
    pub seq: Seq,
    /// When it entered the log.
    pub at: Timestamp,
    /// The filing it is about.
    pub filing: LiteFiling,
}

/// A filing, in the lite view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteFiling {
    /// Its name.
    pub accession: Accession,
    /// Its form type.
    pub form: Form,
    /// The official filing date.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filed_on: Option<Date>,
    /// When EDGAR accepted it; absent when only a date is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_at: Option<Timestamp>,
    /// Where a monitor first saw it.
    pub source: Source,
    /// Whose filing it is.
    pub filers: Vec<LiteFiler>,
}

/// One party of a filing, in the lite view.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteFiler {
    /// Its number.
    pub cik: Cik,
    /// Its part in the filing; EFTS does not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<FilerRole>,
    /// Ticker symbols, where the source tells.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tickers: Vec<String>,
}

/// The lite view of an event's frame; that of an event about no filing is the frame itself.
///
/// # Errors
/// When `event_frame` is not the frame of an event.
pub fn lite(event_frame: &[u8]) -> Result<Vec<u8>, serde_json::Error> {
    #[derive(Deserialize)]
    struct Sketch {
        filing: Option<serde::de::IgnoredAny>,
    }
    let sketch: Sketch = serde_json::from_slice(event_frame)?;
    if sketch.filing.is_none() {
        return Ok(event_frame.to_vec());
    }
    let event: LiteEvent = serde_json::from_slice(event_frame)?;
    serde_json::to_vec(&event)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::frame::ServerFrame;

    const FULL: &str = r#"{"type":"filing.archived","cursor":"k7q2-7","seq":7,"at":"2026-03-03T21:04:58.168Z","filing":{"accession":"0001999999-26-000042","form":"8-K","amendment":false,"filed_on":"2026-03-03","accepted_at":"2026-03-03T21:04:41Z","source":"atom","seen_at":"2026-03-03T21:04:58.151Z","size_bytes":690176,"items":["2.02","9.01"],"filers":[{"cik":"1999991","name":"QUAYSIDE \"R\" INC","role":"filer","tickers":["QUAY"],"sic":"3569"},{"cik":"7","name":""}],"urls":{},"documents":[{"ordinal":1,"type":"8-K","filename":"a","size_bytes":1}]}}"#;
    const LITE: &str = r#"{"type":"filing.archived","cursor":"k7q2-7","seq":7,"at":"2026-03-03T21:04:58.168Z","filing":{"accession":"0001999999-26-000042","form":"8-K","filed_on":"2026-03-03","accepted_at":"2026-03-03T21:04:41Z","source":"atom","filers":[{"cik":"1999991","role":"filer","tickers":["QUAY"]},{"cik":"7"}]}}"#;

    fn lite_of(frame: &str) -> String {
        String::from_utf8(lite(frame.as_bytes()).unwrap()).unwrap()
    }

    #[test]
    fn the_lite_view_is_a_part_of_the_full_one() {
        assert_eq!(lite_of(FULL), LITE);
        assert_eq!(lite_of(LITE), LITE);
    }

    #[test]
    fn an_event_about_no_filing_stays_as_it_is() {
        let sealed =
            r#"{ "type":"day.sealed","cursor":"k7q2-8","seq":8,"day":{"date":"2026-03-03"}}"#;

        assert_eq!(lite_of(sealed), sealed);
    }

    #[test]
    fn a_client_tells_the_views_apart() {
        assert!(matches!(
            ServerFrame::parse(FULL).unwrap(),
            ServerFrame::Event(_)
        ));
        assert!(matches!(
            ServerFrame::parse(LITE).unwrap(),
            ServerFrame::Lite(_)
        ));
    }

    #[test]
    fn what_is_no_event_is_an_error() {
        for text in ["", "[]", r#"{"type":"filing.seen","filing":{}}"#] {
            assert!(lite(text.as_bytes()).is_err(), "{text}");
        }
    }
}
