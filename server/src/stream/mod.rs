//! The stream: events to subscribers over a websocket.
//!
//! A session is one connection: [`request`] reads what the URL asks, [`session`] greets,
//! authenticates and subscribes, [`pump`] reads the log with the session's cursor and
//! writes what its filter wants. [`socket`] is the websocket with deadlines.
//!
//! Invariant: the bytes in the log are the bytes on the wire, and a session holds no
//! events but those it is writing.

mod pump;
mod request;
mod session;
mod sessions;
mod socket;

use std::sync::Arc;

use axum::{
    extract::{RawQuery, State, WebSocketUpgrade, ws::rejection::WebSocketUpgradeRejection},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use monitors::clock::Clock;
use protocol::{
    frame::{ErrorCode, MAX_CLIENT_MESSAGE_BYTES, Refusal},
    time::Timestamp,
};
use sec_client::SecClient;
use tokio::sync::watch;

pub(crate) use sessions::Sessions;

use crate::{
    config,
    http::Problem,
    keys::{ApiKey, KeyFile, KeyFileVersion, KeyRing, Scope},
    log::Reader,
    metrics::Metrics,
    status::Status,
};

/// What all doors share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) log: Reader,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) sec: SecClient,
    pub(crate) clock: Clock,
    pub(crate) control: watch::Receiver<Control>,
    pub(crate) key_file: KeyFile,
    pub(crate) auth_required: bool,
    pub(crate) stream: config::Stream,
    pub(crate) sessions: Sessions,
}

/// What all sessions obey: one channel, so that a session waits for one thing less.
#[derive(Debug, Clone, Default)]
pub(crate) struct Control {
    /// The API keys as they are now.
    pub(crate) keys: Arc<KeyRing>,
    /// Which file they were read from.
    pub(crate) keys_version: Option<KeyFileVersion>,
    /// Whether sessions are to be closed.
    pub(crate) closing: bool,
}

impl Shared {
    /// The API key of a request's bearer header, if it has that scope.
    ///
    /// # Errors
    /// A [`Refusal`] when there is none, it is not valid, or lacks the scope.
    pub(crate) fn authorize(&self, headers: &HeaderMap, scope: Scope) -> Result<ApiKey, Refusal> {
        match bearer(headers) {
            Some(key) => self.check_key(key, scope),
            None => {
                let message = "an API key is needed: send `Authorization: Bearer fw_…`";
                Err(Refusal::new(ErrorCode::Unauthorized, message))
            }
        }
    }

    /// The API key that `text` is, if it is valid and has that scope.
    ///
    /// # Errors
    /// A [`Refusal`] when it is not.
    pub(crate) fn check_key(&self, text: &str, scope: Scope) -> Result<ApiKey, Refusal> {
        let key = self.find_key(text).ok_or_else(|| {
            let message = "the API key is not valid: wrong, expired or revoked; \
                `filingwire keys create` makes a new one";
            Refusal::new(ErrorCode::Unauthorized, message)
        })?;
        if !key.scopes.contains(&scope) {
            let message = format!("the API key lacks the scope `{scope}`");
            return Err(Refusal::new(ErrorCode::Forbidden, message));
        }
        Ok(key)
    }

    fn find_key(&self, text: &str) -> Option<ApiKey> {
        let Control {
            keys, keys_version, ..
        } = self.control.borrow().clone();
        let known = keys.authenticate(text, Timestamp::now());
        if known.is_some() || self.key_file.version() == keys_version {
            return known.cloned();
        }
        // It may have been made a moment ago, before the file was looked at again.
        let keys = self.key_file.read().ok()?;
        keys.authenticate(text, Timestamp::now()).cloned()
    }
}

/// The API key in the bearer header.
fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, key) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
}

/// `GET /v1/stream`.
pub(crate) async fn upgrade(
    State(shared): State<Arc<Shared>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        let message =
            "this is a websocket: connect with ws:// or wss://, for example with `filingwire tail`";
        return Problem::new(ErrorCode::UpgradeRequired, message).into_response();
    };
    let request = request::parse(query.as_deref().unwrap_or_default());
    let key = bearer(&headers).map(str::to_owned);
    upgrade
        .read_buffer_size(1024)
        .write_buffer_size(socket::BATCH_BYTES)
        // Twice what is allowed, so that a refusal can be told in-band.
        .max_frame_size(MAX_CLIENT_MESSAGE_BYTES * 2)
        .max_message_size(MAX_CLIENT_MESSAGE_BYTES * 2)
        .on_upgrade(move |socket| session::run(socket, shared, request, key))
}
