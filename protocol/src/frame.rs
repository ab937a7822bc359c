//! What travels on the stream besides events: greetings, heartbeats, errors, and what
//! a client may say.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Serialize, de::IgnoredAny};
use serde_json::{Map, Value};

pub use crate::refusal::{ErrorCode, Refusal};
use crate::{
    error::ParseError,
    event::{Event, EventType},
    filing::Source,
    filter::{Filter, hint},
    lite::LiteEvent,
    named::named,
    seq::{After, Cursor, Until},
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

/// How far a subscriber is behind, sent to whoever falls back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lag {
    /// How many events lie between the last one sent and the head, before filtering.
    pub behind: u64,
}

/// What the server is about to do, such as `draining`: a close follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is; unknown codes are to be ignored.
    pub code: String,
    /// Milliseconds after which to connect again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reconnect_after_ms: Option<u64>,
}

/// Everything up to `until` was sent: the end of the subscription.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Done {
    /// The last event examined.
    pub through: Cursor,
}

/// The answer to a ping.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pong {
    /// That of the ping.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Value>,
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
    /// An event in the lite view.
    Lite(Box<LiteEvent>),
    /// A heartbeat.
    Heartbeat(Heartbeat),
    /// The subscriber has fallen behind.
    Lag(Lag),
    /// The server is about to do something.
    Notice(Notice),
    /// Everything asked for was sent.
    Done(Done),
    /// The answer to a ping.
    Pong(Pong),
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
            "lag" => Self::Lag(serde_json::from_str(text)?),
            "notice" => Self::Notice(serde_json::from_str(text)?),
            "done" => Self::Done(serde_json::from_str(text)?),
            "pong" => Self::Pong(serde_json::from_str(text)?),
            "error" => Self::Error(serde_json::from_str(text)?),
            other if other.parse::<EventType>().is_err() => Self::Unknown(tag.tag),
            _ if tag.is_lite() => Self::Lite(serde_json::from_str(text)?),
            _ => Self::Event(serde_json::from_str(text)?),
        })
    }
}

#[derive(Deserialize)]
struct Tag {
    #[serde(rename = "type")]
    tag: String,
    filing: Option<FilingTag>,
}

#[derive(Deserialize)]
struct FilingTag {
    seen_at: Option<IgnoredAny>,
}

impl Tag {
    /// Tells the views apart: only the full one says when a filing was seen.
    fn is_lite(&self) -> bool {
        self.filing
            .as_ref()
            .is_some_and(|filing| filing.seen_at.is_none())
    }
}

/// The text of a frame of this type.
pub fn encode<T: Serialize>(frame_type: &str, body: &T) -> String {
    const SOUND: &str = "a frame has string keys and no failing field";
    let head = format!(r#"{{"type":"{frame_type}""#);
    let mut text = Vec::with_capacity(256);
    text.extend_from_slice(head.as_bytes());
    // The body's brace becomes the comma before its first field.
    let brace = text.len();
    serde_json::to_writer(&mut text, body).expect(SOUND);
    match &text[brace..] {
        b"{}" => drop(text.remove(brace)),
        _ => text[brace] = b',',
    }
    String::from_utf8(text).expect("JSON is UTF-8")
}

named! {
    /// How much of an event is sent.
    #[derive(Default)]
    View {
        /// All that is known of it.
        #[default]
        Full = "full",
        /// What [`LiteEvent`] has.
        Lite = "lite",
    }
}

/// What a client asks to be sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Subscription {
    /// Where it begins; `None` when the client did not say.
    pub after: Option<After>,
    /// Where it ends; `None` for never.
    pub until: Option<Until>,
    /// How much of each event.
    pub view: View,
    /// Which events.
    pub filter: Filter,
}

impl Subscription {
    /// The parameters beside the fields of the filter.
    pub const PARAMETERS: [&str; 3] = ["after", "until", "view"];

    /// Sets one of [`Self::PARAMETERS`] from its text.
    ///
    /// # Errors
    /// A [`Refusal`] that names the parameter, for a bad value or no such parameter.
    pub fn set(&mut self, name: &str, text: &str) -> Result<(), Refusal> {
        match name {
            "after" => self.after = Some(parse_after(text)?),
            "until" => self.until = Some(parse_parameter("until", text)?),
            "view" => self.view = parse_view(text)?,
            unknown => return Err(Refusal::unknown_field(unknown, &Self::PARAMETERS)),
        }
        Ok(())
    }

    /// Checks what the client's words alone tell; the log is asked later.
    ///
    /// # Errors
    /// A [`Refusal`] when `after` lies beyond `until`.
    pub fn check(&self) -> Result<(), Refusal> {
        match (&self.after, &self.until) {
            (Some(after), Some(until)) if until.is_before(after) => {
                let message = "`until` lies before `after`: nothing could ever be sent; \
                    take a later `until` or an earlier `after`";
                Err(Refusal::new(ErrorCode::FilterImpossible, message).field("until"))
            }
            _ => Ok(()),
        }
    }
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
    Subscribe(Box<Subscription>),
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
    only(object, &["op", "after", "until", "view", "filter"])?;
    let mut subscription = Subscription::default();
    for name in Subscription::PARAMETERS {
        match object.get(name) {
            None => {}
            Some(Value::String(text)) => subscription.set(name, text)?,
            Some(_) => {
                let message = format!("`{name}` must be a string");
                return Err(Refusal::new(ErrorCode::BadMessage, message).field(name));
            }
        }
    }
    if let Some(filter) = object.get("filter") {
        subscription.filter = Filter::from_json(filter)?;
    }
    subscription.check()?;
    Ok(ClientMessage::Subscribe(Box::new(subscription)))
}

/// Reads the value of `after`.
///
/// # Errors
/// A [`Refusal`] that names the field.
pub fn parse_after(text: &str) -> Result<After, Refusal> {
    parse_parameter("after", text)
}

fn parse_parameter<T: FromStr<Err = ParseError>>(name: &str, text: &str) -> Result<T, Refusal> {
    text.parse().map_err(|error: ParseError| {
        Refusal::new(ErrorCode::BadParameter, error.to_string()).field(name)
    })
}

fn parse_view(text: &str) -> Result<View, Refusal> {
    text.to_ascii_lowercase().parse().map_err(|()| {
        let shown: String = text.chars().take(40).collect();
        let message = format!(
            "unknown view \"{shown}\"{}",
            hint(&shown, &["full", "lite"])
        );
        Refusal::new(ErrorCode::BadParameter, message).field("view")
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
            ClientMessage::parse(r#"{"op":"subscribe","after":"oldest","until":"k-9","view":"lite","filter":{"forms":["4"]}}"#)
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
        assert_eq!(subscription.until, Some("k-9".parse().unwrap()));
        assert_eq!(subscription.view, View::Lite);
        assert_eq!(
            subscription.filter,
            Filter::from_lists([("forms", "4")]).unwrap()
        );
    }

    #[test]
    fn nothing_asked_for_is_everything_from_now_on_without_end() {
        let subscribe = ClientMessage::parse(r#"{"op":"subscribe"}"#).unwrap();

        assert_eq!(subscribe, ClientMessage::Subscribe(Box::default()));
    }

    #[test]
    fn an_end_before_the_start_is_refused() {
        for (after, until) in [
            ("k-9", "k-8"),
            ("time:2026-03-04T00:00:00Z", "time:2026-03-03T00:00:00Z"),
        ] {
            let refusal = refusal(json!({"op": "subscribe", "after": after, "until": until}));

            assert_eq!(refusal.code, ErrorCode::FilterImpossible, "{after} {until}");
            assert_eq!(refusal.field.as_deref(), Some("until"));
        }
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
        for (name, value) in [("until", "live"), ("view", "ful"), ("after", "")] {
            let refusal = refusal(json!({"op": "subscribe", name: value}));
            assert_eq!(refusal.code, ErrorCode::BadParameter);
            assert_eq!(refusal.field.as_deref(), Some(name));
        }
        assert!(
            refusal(json!({"op": "subscribe", "view": "ful"}))
                .message
                .ends_with("did you mean \"full\"?")
        );
    }

    #[test]
    fn what_is_particular_to_a_subscriber_reads_back() {
        let through: Cursor = "k-9".parse().unwrap();
        let frames = [
            (
                encode("lag", &Lag { behind: 5 }),
                ServerFrame::Lag(Lag { behind: 5 }),
            ),
            (
                encode(
                    "done",
                    &Done {
                        through: through.clone(),
                    },
                ),
                ServerFrame::Done(Done { through }),
            ),
            (
                encode("pong", &Pong { id: Some(json!(7)) }),
                ServerFrame::Pong(Pong { id: Some(json!(7)) }),
            ),
            (
                encode("pong", &Pong::default()),
                ServerFrame::Pong(Pong::default()),
            ),
        ];
        for (text, frame) in frames {
            assert_eq!(ServerFrame::parse(&text).unwrap(), frame, "{text}");
        }
        let notice = r#"{"type":"notice","code":"draining","reconnect_after_ms":2000}"#;
        let ServerFrame::Notice(read) = ServerFrame::parse(notice).unwrap() else {
            panic!("{notice}")
        };
        assert_eq!(encode("notice", &read), notice);
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
