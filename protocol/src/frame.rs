//! What travels on the stream besides events: greetings, heartbeats, errors, and what
//! a client may say.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{
    close::CloseCode,
    event::Event,
    filing::Source,
    filter::{Filter, hint},
    named::named,
    seq::{After, Cursor},
    time::Timestamp,
};
/// The name and version of the protocol.
pub const PROTOCOL: &str = "filingwire.v1";

/// Longest message a client may send, in bytes.
pub const MAX_CLIENT_MESSAGE_BYTES: usize = 64 * 1024;

/// The first frame of every stream.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hello {
    /// Always [`PROTOCOL`].
    pub protocol: String,
    /// The life of the log.
    pub epoch: String,
    /// The newest event.
    pub head: Cursor,
    /// The oldest event kept; `<epoch>-1` when the log is empty.
    pub oldest: Cursor,
    /// Milliseconds between heartbeats.
    pub heartbeat_ms: u64,
    /// `ok`, or `required` when the client must still send its key.
    pub auth: String,
}

/// The answer to a subscription.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subscribed {
    /// Events after this one follow.
    pub after: Cursor,
    /// The filter as understood.
    pub filter: Value,
    /// How many events lie between `after` and the head, before filtering.
    pub behind: u64,
}

/// Sent steadily, so that silence means something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Heartbeat {
    /// When it was sent.
    pub at: Timestamp,
    /// The newest event.
    pub head: Cursor,
    /// The last event examined for this subscription: the cursor to save.
    pub through: Cursor,
    /// Events sent since `subscribed`.
    pub sent: u64,
    /// Everything the sources listed up to this time has been emitted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complete_through: Option<Timestamp>,
    /// The last good poll of each source.
    pub sources: BTreeMap<Source, Timestamp>,
}

/// A frame from the server, as a client reads it.
#[derive(Debug, Clone, PartialEq)]
pub enum ServerFrame {
    /// The greeting.
    Hello(Hello),
    /// The subscription is on.
    Subscribed(Subscribed),
    /// An event.
    Event(Box<Event>),
    /// A heartbeat.
    Heartbeat(Heartbeat),
    /// A refusal; the close follows where it is final.
    Error(Refusal),
    /// A type this version does not know; to be ignored.
    Unknown(String),
}

impl ServerFrame {
    /// Reads one text frame.
    ///
    /// # Errors
    /// When `text` is not JSON with a `type`, or a known type lacks a field.
    pub fn parse(text: &str) -> Result<Self, serde_json::Error> {
        let tag: Tag = serde_json::from_str(text)?;
        Ok(match tag.tag.as_str() {
            "hello" => Self::Hello(serde_json::from_str(text)?),
            "subscribed" => Self::Subscribed(serde_json::from_str(text)?),
            "heartbeat" => Self::Heartbeat(serde_json::from_str(text)?),
            "error" => Self::Error(serde_json::from_str(text)?),
            "filing.seen" | "filing.archived" => Self::Event(serde_json::from_str(text)?),
            _ => Self::Unknown(tag.tag),
        })
    }
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    tag: String,
}

/// The text of a frame of this type.
pub fn encode<T: Serialize>(frame_type: &str, body: &T) -> String {
    #[derive(Serialize)]
    struct Tagged<'a, T> {
        r#type: &'a str,
        #[serde(flatten)]
        body: &'a T,
    }
    serde_json::to_string(&Tagged {
        r#type: frame_type,
        body,
    })
    .expect("a frame has string keys and no failing field")
}

named! {
    /// Every error the outside can meet, on the stream and over HTTP.
    ErrorCode {
        /// A field that does not exist.
        FilterUnknownField = "filter_unknown_field",
        /// A field without a value.
        FilterEmpty = "filter_empty",
        /// A value a field cannot have.
        FilterBadValue = "filter_bad_value",
        /// A parameter's value is wrong.
        BadParameter = "bad_parameter",
        /// A client message that is not understood.
        BadMessage = "bad_message",
        /// A client message over 64 KiB.
        MessageTooLarge = "message_too_large",
        /// More client messages than the limit.
        TooManyMessages = "too_many_messages",
        /// No API key, or not a valid one.
        Unauthorized = "unauthorized",
        /// The API key lacks the scope.
        Forbidden = "forbidden",
        /// No key was sent in time.
        AuthTimeout = "auth_timeout",
        /// The cursor is older than the oldest event kept.
        CursorGone = "cursor_gone",
        /// The cursor is beyond the newest event.
        CursorAhead = "cursor_ahead",
        /// The cursor belongs to another log.
        EpochChanged = "epoch_changed",
        /// The server is not ready yet.
        Starting = "starting",
        /// The server cannot take more connections.
        TooManyConnections = "too_many_connections",
        /// No such page or object.
        NotFound = "not_found",
        /// The method is not offered here.
        MethodNotAllowed = "method_not_allowed",
        /// A websocket was expected.
        UpgradeRequired = "upgrade_required",
        /// The server failed.
        Internal = "internal",
    }
}

impl ErrorCode {
    /// How a stream ends after this error.
    pub const fn close(self) -> CloseCode {
        match self {
            Self::Unauthorized | Self::AuthTimeout => CloseCode::Unauthorized,
            Self::Forbidden => CloseCode::Forbidden,
            Self::CursorGone => CloseCode::CursorGone,
            Self::CursorAhead => CloseCode::CursorAhead,
            Self::EpochChanged => CloseCode::EpochChanged,
            Self::MessageTooLarge => CloseCode::TooLarge,
            Self::TooManyMessages | Self::TooManyConnections => CloseCode::Limit,
            Self::Starting => CloseCode::Starting,
            Self::Internal => CloseCode::Internal,
            _ => CloseCode::BadRequest,
        }
    }

    /// Whether trying the same again later can succeed.
    pub const fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::TooManyMessages | Self::TooManyConnections | Self::Starting | Self::Internal
        )
    }
}

/// Why something asked for is not done, with the remedy in the message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{message}")]
pub struct Refusal {
    /// What kind of mistake.
    pub code: ErrorCode,
    /// The offending field.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// What is wrong and what to do.
    pub message: String,
    /// Whether the same request can succeed later.
    pub retryable: bool,
}

impl Refusal {
    /// A refusal that names no field.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            field: None,
            message: message.into(),
            retryable: code.is_retryable(),
        }
    }

    /// Names the offending field.
    #[must_use]
    pub fn field(mut self, field: &str) -> Self {
        self.field = Some(field.chars().take(64).collect());
        self
    }

    /// A field that does not exist, with the nearest that does.
    pub fn unknown_field(field: &str, known: &[&str]) -> Self {
        let shown: String = field.chars().take(64).collect();
        let message = format!("unknown field \"{shown}\"{}", hint(&shown, known));
        Self::new(ErrorCode::FilterUnknownField, message).field(field)
    }
}

/// What a client asks to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Where it begins; `None` when the client did not say.
    pub after: Option<After>,
    /// Which events.
    pub filter: Filter,
}

/// A message from a client.
#[derive(Debug, Clone, PartialEq)]
pub enum ClientMessage {
    /// The API key, first.
    Auth {
        /// `fw_<id>_<secret>`.
        key: String,
    },
    /// Subscribe, or replace the filter from here on.
    Subscribe(Subscription),
    /// Answered by a pong with the same id.
    Ping {
        /// Any JSON value.
        id: Option<Value>,
    },
}

impl ClientMessage {
    /// Reads one text message.
    ///
    /// # Errors
    /// A [`Refusal`] that names the field, for anything not understood.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        let bad = |message: String| Refusal::new(ErrorCode::BadMessage, message);
        let value: Value = serde_json::from_str(text)
            .map_err(|error| bad(format!("the message is not JSON: {error}")))?;
        let object = value
            .as_object()
            .ok_or_else(|| bad("the message is not a JSON object".into()))?;
        let op = object.get("op").and_then(Value::as_str);
        match op {
            Some("auth") => parse_auth(object),
            Some("subscribe") => parse_subscribe(object),
            Some("ping") => {
                only(object, &["op", "id"])?;
                Ok(Self::Ping {
                    id: object.get("id").cloned(),
                })
            }
            _ => Err(bad("`op` must be \"auth\", \"subscribe\" or \"ping\"".into()).field("op")),
        }
    }
}

fn parse_auth(object: &Map<String, Value>) -> Result<ClientMessage, Refusal> {
    only(object, &["op", "key"])?;
    match object.get("key").and_then(Value::as_str) {
        Some(key) => Ok(ClientMessage::Auth {
            key: key.to_owned(),
        }),
        None => Err(Refusal::new(ErrorCode::BadMessage, "`key` must be a string").field("key")),
    }
}

fn parse_subscribe(object: &Map<String, Value>) -> Result<ClientMessage, Refusal> {
    only(object, &["op", "after", "filter"])?;
    let after = match object.get("after") {
        None => None,
        Some(Value::String(text)) => Some(parse_after(text)?),
        Some(_) => {
            return Err(
                Refusal::new(ErrorCode::BadMessage, "`after` must be a string").field("after"),
            );
        }
    };
    let filter = object
        .get("filter")
        .map_or(Ok(Filter::default()), Filter::from_json)?;
    Ok(ClientMessage::Subscribe(Subscription { after, filter }))
}

/// Reads the value of `after`.
///
/// # Errors
/// A [`Refusal`] that names the field.
pub fn parse_after(text: &str) -> Result<After, Refusal> {
    text.parse().map_err(|error: crate::error::ParseError| {
        Refusal::new(ErrorCode::BadParameter, error.to_string()).field("after")
    })
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), Refusal> {
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(Refusal {
            code: ErrorCode::BadMessage,
            ..Refusal::unknown_field(unknown, known)
        }),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn refusal(message: Value) -> Refusal {
        ClientMessage::parse(&message.to_string()).unwrap_err()
    }

    #[test]
    fn a_client_can_say_three_things() {
        let auth = ClientMessage::parse(r#"{"op":"auth","key":"fw_a_b"}"#).unwrap();
        let ping = ClientMessage::parse(r#"{"op":"ping","id":7}"#).unwrap();
        let subscribe =
            ClientMessage::parse(r#"{"op":"subscribe","after":"oldest","filter":{"forms":["4"]}}"#)
                .unwrap();

        assert_eq!(
            auth,
            ClientMessage::Auth {
                key: "fw_a_b".into()
            }
        );
        assert_eq!(ping, ClientMessage::Ping { id: Some(json!(7)) });
        let ClientMessage::Subscribe(subscription) = subscribe else {
            panic!("{subscribe:?}")
        };
        assert_eq!(subscription.after, Some(After::Oldest));
    }

    #[test]
    fn what_is_not_understood_is_refused_by_name() {
        assert_eq!(refusal(json!({"op": "sub"})).field.as_deref(), Some("op"));
        assert_eq!(refusal(json!({"op": "auth"})).field.as_deref(), Some("key"));
        assert_eq!(
            refusal(json!({"op": "ping", "no": 1})).field.as_deref(),
            Some("no")
        );
        assert_eq!(
            refusal(json!({"op": "subscribe", "after": 7}))
                .field
                .as_deref(),
            Some("after")
        );
        assert_eq!(
            refusal(json!({"op": "subscribe", "after": "soon"})).code,
            ErrorCode::BadParameter
        );
        assert_eq!(refusal(json!([1])).code, ErrorCode::BadMessage);
    }

    #[test]
    fn an_error_frame_has_the_documented_shape() {
        let frame = encode("error", &Refusal::unknown_field("froms", Filter::fields()));

        assert_eq!(
            frame,
            r#"{"type":"error","code":"filter_unknown_field","field":"froms","message":"unknown field \"froms\"; did you mean \"forms\"?","retryable":false}"#
        );
        assert!(matches!(
            ServerFrame::parse(&frame).unwrap(),
            ServerFrame::Error(_)
        ));
    }

    #[test]
    fn an_unknown_type_is_left_to_be_ignored() {
        let frame = ServerFrame::parse(r#"{"type":"filing.sung","x":1}"#).unwrap();

        assert_eq!(frame, ServerFrame::Unknown("filing.sung".into()));
    }

    proptest! {
        #[test]
        fn no_message_panics(text in ".{0,80}") {
            let _ = ClientMessage::parse(&text);
        }
    }
}
