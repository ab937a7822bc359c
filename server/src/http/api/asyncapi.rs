//! The AsyncAPI document, 3.0: what is said on the stream, by whom, and how it ends.

use protocol::{close::CloseCode, close::is_retryable, event::EventType};
use serde_json::{Map, Value, json};

use super::{super::STREAM_PATH, shapes};

/// The frames that are no events, and their schemas.
const FRAMES: [(&str, &str); 8] = [
    ("hello", "Hello"),
    ("subscribed", "Subscribed"),
    ("heartbeat", "Heartbeat"),
    ("lag", "Lag"),
    ("notice", "Notice"),
    ("done", "Done"),
    ("pong", "Pong"),
    ("error", "Error"),
];

/// What a client may say, and its schemas.
const CLIENT_MESSAGES: [(&str, &str); 3] = [
    ("auth", "Auth"),
    ("subscribe", "Subscribe"),
    ("ping", "Ping"),
];

/// The document.
pub(super) fn document() -> Value {
    let frames = frames();
    let names = |messages: &[(String, String)]| -> Vec<Value> {
        let at = |(name, _): &(String, String)| json!({ "$ref": place("channels/stream", name) });
        messages.iter().map(at).collect()
    };
    let said = CLIENT_MESSAGES.map(|(name, schema)| (name.to_owned(), schema.to_owned()));
    let mut messages = Map::new();
    let mut offered = Map::new();
    for (name, schema) in frames.iter().chain(&said) {
        messages.insert(name.clone(), message(name, schema));
        offered.insert(name.clone(), json!({ "$ref": place("components", name) }));
    }
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "filingwire: the stream",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Text frames, one JSON object each. Events come at least once, in \
                order, after they are durable. A client ignores fields and types that it does \
                not know. Parameters of the address subscribe; see /openapi.json.",
        },
        "defaultContentType": "application/json",
        "channels": { "stream": { "address": STREAM_PATH, "messages": offered } },
        "operations": {
            "tell": {
                "action": "send",
                "channel": { "$ref": "#/channels/stream" },
                "messages": names(&frames),
            },
            "hear": {
                "action": "receive",
                "channel": { "$ref": "#/channels/stream" },
                "messages": names(&said),
            },
        },
        "components": { "messages": messages, "schemas": shapes::schemas() },
        "x-close-codes": close_codes(),
        "x-error-codes": shapes::error_codes(),
    })
}

/// Every frame the server sends by its type, and its schema. A filing's has another with
/// `view=lite`.
fn frames() -> Vec<(String, String)> {
    let mut frames = Vec::new();
    for event in EventType::ALL {
        match event {
            EventType::FilingSeen | EventType::FilingArchived | EventType::FilingWithdrawn => {
                frames.push((event.to_string(), "FilingFrame".to_owned()));
                frames.push((format!("{event}.lite"), "LiteFilingFrame".to_owned()));
            }
            EventType::DaySealed => frames.push((event.to_string(), "DayFrame".to_owned())),
            EventType::SourceDown | EventType::SourceUp => {
                frames.push((event.to_string(), "OutageFrame".to_owned()));
            }
        }
    }
    let others = FRAMES.map(|(name, schema)| (name.to_owned(), schema.to_owned()));
    frames.extend(others);
    frames
}

fn message(name: &str, schema: &str) -> Value {
    let payload = json!({ "$ref": format!("#/components/schemas/{schema}") });
    json!({ "name": name, "payload": payload })
}

fn place(parent: &str, name: &str) -> String {
    format!("#/{parent}/messages/{name}")
}

fn close_codes() -> Value {
    let row = |code: &CloseCode| {
        json!({
            "code": code.number(),
            "meaning": code.meaning(),
            "reconnect": is_retryable(code.number()),
        })
    };
    CloseCode::ALL.iter().map(row).collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::frame::{ClientMessage, ServerFrame};

    use super::*;

    /// The type of a frame that is no event. A new kind of frame does not compile here.
    fn type_of(frame: &ServerFrame) -> Option<&'static str> {
        Some(match frame {
            ServerFrame::Hello(_) => "hello",
            ServerFrame::Subscribed(_) => "subscribed",
            ServerFrame::Heartbeat(_) => "heartbeat",
            ServerFrame::Lag(_) => "lag",
            ServerFrame::Notice(_) => "notice",
            ServerFrame::Done(_) => "done",
            ServerFrame::Pong(_) => "pong",
            ServerFrame::Error(_) => "error",
            ServerFrame::Event(_) | ServerFrame::Lite(_) | ServerFrame::Unknown(_) => return None,
        })
    }

    #[test]
    fn every_kind_of_frame_and_message_is_described_and_every_reference_leads_somewhere() {
        let document = document();

        shapes::tests::check_refs(&document);
        let messages = document["components"]["messages"].as_object().unwrap();
        let count = EventType::ALL.len() + 3 + FRAMES.len() + CLIENT_MESSAGES.len();
        assert_eq!(messages.len(), count);
        for event in EventType::ALL {
            assert!(messages.contains_key(event.as_str()), "{event}");
        }
        let pong = ServerFrame::parse(r#"{"type":"pong"}"#).unwrap();
        assert_eq!(type_of(&pong), Some("pong"));
        for (name, _) in FRAMES {
            // A known type lacks its fields; an unknown one is passed over.
            let read = ServerFrame::parse(&format!(r#"{{"type":"{name}"}}"#));
            assert!(!matches!(read, Ok(ServerFrame::Unknown(_))), "{name}");
        }
        for (op, _) in CLIENT_MESSAGES {
            let read = ClientMessage::parse(&format!(r#"{{"op":"{op}"}}"#));
            assert_ne!(
                read.err().and_then(|refusal| refusal.field).as_deref(),
                Some("op")
            );
        }
    }

    #[test]
    fn every_close_code_is_told_with_whether_to_come_back() {
        let codes = close_codes();

        let codes = codes.as_array().unwrap();
        assert_eq!(codes.len(), CloseCode::ALL.len());
        assert_eq!(codes[0]["code"], 1000);
        assert_eq!(codes.last().unwrap()["reconnect"], false);
    }
}
