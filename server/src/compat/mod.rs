//! Foreign clients: software written for other services receives our events in their shape.
//!
//! [`datamule`] and [`sec_api`] are dialects: which events, in which words. A `session` is the
//! socket they share: it walks the same log with the same cursors as everybody else.
//!
//! Invariant: a foreign client is sent nothing that its service does not send: no greeting and
//! no heartbeat, only frames of filings, and pings.

pub(crate) mod datamule;
pub(crate) mod sec_api;
mod session;

use protocol::{event::EventType, filing::Filing};
use serde_json::Value;

pub(crate) use session::Session;

/// How another service tells of filings.
#[derive(Debug, Clone, Copy)]
struct Dialect {
    /// The parameter that carries the credential.
    credential: &'static str,
    /// The events it tells of.
    event_type: EventType,
    /// One text frame for these filings, oldest first.
    frame: fn(&[Filing]) -> Value,
}
