//! What a client must understand of a frame; the rest is passed on or ignored.
//!
//! Read leniently: a later server may send fields, types, sources and codes that are not
//! known here.

use protocol::seq::Cursor;
use serde::Deserialize;

/// A frame, as far as following the stream needs it.
#[derive(Debug, PartialEq)]
pub(super) enum Frame {
    Hello(Hello),
    Subscribed(Subscribed),
    Heartbeat(Heartbeat),
    /// Any event, whatever its type: it has a cursor.
    Event(Cursor),
    Refused(Refused),
    Lag(Lag),
    Notice(Notice),
    /// Everything asked for was sent.
    Done,
    Other,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Hello {
    pub(super) heartbeat_ms: u64,
    pub(super) auth: String,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Subscribed {
    pub(super) after: Cursor,
    pub(super) behind: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Heartbeat {
    pub(super) through: Cursor,
    pub(super) sent: u64,
}

/// An error frame.
#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Refused {
    pub(super) message: String,
    pub(super) retryable: bool,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Lag {
    pub(super) behind: u64,
}

#[derive(Debug, PartialEq, Deserialize)]
pub(super) struct Notice {
    pub(super) code: String,
    pub(super) reconnect_after_ms: Option<u64>,
}

#[derive(Deserialize)]
struct Sketch {
    #[serde(rename = "type")]
    frame_type: String,
}

#[derive(Deserialize)]
struct AnyEvent {
    cursor: Option<Cursor>,
}

impl Frame {
    /// # Errors
    /// When `text` is not JSON with a `type`, or lacks what its type must have.
    pub(super) fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let Sketch { frame_type } = serde_json::from_str(text)?;
        Ok(match frame_type.as_str() {
            "hello" => Self::Hello(serde_json::from_str(text)?),
            "subscribed" => Self::Subscribed(serde_json::from_str(text)?),
            "heartbeat" => Self::Heartbeat(serde_json::from_str(text)?),
            "error" => Self::Refused(serde_json::from_str(text)?),
            "notice" => Self::Notice(serde_json::from_str(text)?),
            "done" => Self::Done,
            "lag" => Self::Lag(serde_json::from_str(text)?),
            "pong" => Self::Other,
            _ => {
                let event: AnyEvent = serde_json::from_str(text)?;
                event.cursor.map_or(Self::Other, Self::Event)
            }
        })
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn whatever_has_a_cursor_is_an_event() {
        let seen = Frame::parse(r#"{"type":"filing.sung","cursor":"k-7","seq":7}"#).unwrap();
        let other = Frame::parse(r#"{"type":"weather","sun":true}"#).unwrap();

        assert_eq!(seen, Frame::Event("k-7".parse().unwrap()));
        assert_eq!(other, Frame::Other);
    }

    #[test]
    fn unknown_codes_and_sources_are_no_obstacle() {
        let error = r#"{"type":"error","code":"newer","message":"no","retryable":true}"#;
        let heartbeat = r#"{"type":"heartbeat","through":"k-7","sent":3,"sources":{"newer":"x"}}"#;

        assert!(matches!(Frame::parse(error).unwrap(), Frame::Refused(_)));
        assert!(matches!(
            Frame::parse(heartbeat).unwrap(),
            Frame::Heartbeat(_)
        ));
    }

    #[test]
    fn what_lacks_its_fields_is_an_error() {
        for text in [
            "",
            "[]",
            "{}",
            r#"{"type":"hello"}"#,
            r#"{"type":"x","cursor":7}"#,
        ] {
            assert!(Frame::parse(text).is_err(), "{text}");
        }
    }
}
