//! Events over plain HTTP: as server-sent events, as a page, as a long-poll.
//!
//! Elsewhere: writing server-sent events (`sse`), reading the log (`stream/walk`), what
//! a filter is (`stream/request`).
//!
//! Invariant: frames and cursors are those of the websocket, byte for byte.

use std::{sync::Arc, time::Duration};

use axum::{
    Extension,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use protocol::{
    frame::{ErrorCode, Refusal, Subscription},
    seq::Cursor,
};
use tokio::time::{Instant, timeout_at};

use super::{Peer, Problem, Query, Wire, sse};
use crate::{
    keys::ApiKey,
    log::Record,
    status::Phase,
    stream::{
        Place, Shared, place,
        request::{self, Request},
        walk::{Then, Walk},
    },
};

/// Parameters that are no part of the filter.
const STREAM_PARAMETERS: [&str; 1] = ["ticket"];
const PAGE_PARAMETERS: [&str; 3] = ["ticket", "limit", "wait"];

/// Events in a page unless asked for otherwise, and at most.
const PAGE_EVENTS: u32 = 100;
const MOST_PAGE_EVENTS: u32 = 1_000;

/// Longest wait of a long-poll, in seconds.
const MOST_WAIT_S: u32 = 30;

/// Bytes of frames after which a page is full, whatever its limit.
const PAGE_BYTES: usize = 1 << 20;

/// How long a page may look for matches before it gives what it has: its `next` goes on.
const LOOK_PATIENCE: Duration = Duration::from_secs(5);

/// `GET /v1/events/stream`.
pub(crate) async fn stream(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    Extension(wire): Extension<Wire>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_phase(&shared)?;
    let query = Query::split(&query.unwrap_or_default(), &STREAM_PARAMETERS)?;
    let key = shared.authorize_stream(peer.0.ip(), &headers, query.get("ticket"))?;
    let last_id = last_event_id(&headers)?;
    let is_resumed = last_id.is_some();
    let subscription = subscription(&query, last_id)?;
    let place = admit(&shared, key.as_ref())?;
    let walk = walk(&shared, subscription).await?;
    if is_resumed && walk.is_ended() {
        // The one answer after which an `EventSource` does not come back.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    Ok(sse::respond(sse::Session {
        shared,
        walk,
        key,
        place,
        wire,
    }))
}

/// `GET /v1/events`: a page of what is there, or with `wait` of what comes first.
pub(crate) async fn page(
    State(shared): State<Arc<Shared>>,
    peer: Peer,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    check_phase(&shared)?;
    let query = Query::split(&query.unwrap_or_default(), &PAGE_PARAMETERS)?;
    let key = shared.authorize_stream(peer.0.ip(), &headers, query.get("ticket"))?;
    let limit = query.number("limit", 1..=MOST_PAGE_EVENTS)?;
    let wait = query.number("wait", 0..=MOST_WAIT_S)?.unwrap_or(0);
    let subscription = subscription(&query, None)?;
    // Who waits holds a connection as a session does.
    let _place = match wait {
        0 => None,
        _ => Some(admit(&shared, key.as_ref())?),
    };
    let mut page = Page {
        walk: walk(&shared, subscription).await?,
        limit: limit.unwrap_or(PAGE_EVENTS) as usize,
        records: Vec::new(),
        bytes: 0,
    };
    page.fill(&shared, Duration::from_secs(wait.into())).await?;
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    Ok((headers, page.to_json()).into_response())
}

/// # Errors
/// A [`Refusal`] unless the server is running.
pub(crate) fn check_phase(shared: &Shared) -> Result<(), Refusal> {
    match shared.status.phase() {
        Phase::Running => Ok(()),
        Phase::Starting => Err(place::starting()),
        Phase::Draining => {
            let message = "the server is stopping; try again in 2 seconds";
            Err(Refusal::new(ErrorCode::Starting, message))
        }
    }
}

/// Takes a place for a session.
///
/// # Errors
/// A [`Refusal`] when the server or the API key has as many as it may.
pub(crate) fn admit(shared: &Shared, key: Option<&ApiKey>) -> Result<Place, Refusal> {
    let mut place = shared.sessions.admit(shared.stream.max_connections)?;
    if let Some(key) = key {
        place.claim(key)?;
    }
    Ok(place)
}

/// What a query subscribes to, after the event `last` where that is given.
///
/// # Errors
/// A [`Refusal`] that names the parameter.
pub(crate) fn subscription(query: &Query, last: Option<Cursor>) -> Result<Subscription, Refusal> {
    match request::resume(query.rest(), last)? {
        Request::Now(subscription) => Ok(*subscription),
        Request::Deferred => {
            let message = "`defer` is for the websocket; give the filter here";
            Err(Refusal::new(ErrorCode::BadParameter, message).field("defer"))
        }
    }
}

/// The cursor an `EventSource` comes back with.
fn last_event_id(headers: &HeaderMap) -> Result<Option<Cursor>, Refusal> {
    const NAME: &str = "last-event-id";
    let Some(value) = headers.get(NAME).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let cursor = value.to_str().ok().and_then(|text| text.parse().ok());
    cursor.map(Some).ok_or_else(|| {
        let message = "`Last-Event-ID` must be a cursor, as in the `id` of an event";
        Refusal::new(ErrorCode::BadParameter, message).field(NAME)
    })
}

/// A walk for a subscription, from where it begins.
///
/// # Errors
/// A [`Refusal`] when the log does not hold what is asked for.
pub(crate) async fn walk(
    shared: &Arc<Shared>,
    subscription: Subscription,
) -> Result<Walk, Refusal> {
    let located = place::locate(shared, subscription, None).await?;
    Ok(Walk::new(Arc::clone(shared), located))
}

/// A page as it fills.
struct Page {
    walk: Walk,
    limit: usize,
    records: Vec<Arc<Record>>,
    bytes: usize,
}

impl Page {
    /// Reads until the page is full, or there is something and no more of it, or it is
    /// time to answer.
    async fn fill(&mut self, shared: &Shared, wait: Duration) -> Result<(), Refusal> {
        let mut control = shared.control.clone();
        let closing = async move {
            // Gone with the program: as good as closing.
            let _ = control.wait_for(|control| control.closing).await;
        };
        let mut closing = std::pin::pin!(closing);
        let answer_at = Instant::now() + wait;
        let look_until = Instant::now() + wait.max(LOOK_PATIENCE);
        loop {
            let batch = self.walk.read(self.limit - self.records.len()).await?;
            self.bytes += batch.records.iter().map(|r| r.frame.len()).sum::<usize>();
            self.records.extend(batch.records);
            let is_full = self.records.len() >= self.limit || self.bytes >= PAGE_BYTES;
            match batch.then {
                _ if is_full => return Ok(()),
                Then::End => return Ok(()),
                Then::Read if Instant::now() >= look_until => return Ok(()),
                Then::Read => {}
                Then::Wait if !self.records.is_empty() || Instant::now() >= answer_at => {
                    return Ok(());
                }
                Then::Wait => {
                    let woken = tokio::select! {
                        woken = timeout_at(answer_at, self.walk.wait()) => matches!(woken, Ok(Ok(()))),
                        () = &mut closing => false,
                    };
                    if !woken {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// `{events, next, through, head}`, and `done` when `until` is reached. `next` is what
    /// to ask for after this page; it equals `through`, so it moves over what did not match.
    fn to_json(&self) -> Vec<u8> {
        let (through, head) = (self.walk.through(), self.walk.head());
        let mut json = Vec::with_capacity(self.bytes + self.records.len() + 200);
        json.extend_from_slice(br#"{"events":["#);
        for (index, record) in self.records.iter().enumerate() {
            if index > 0 {
                json.push(b',');
            }
            json.extend_from_slice(&self.walk.frame(record));
        }
        let done = if self.walk.is_ended() {
            r#","done":true"#
        } else {
            ""
        };
        let tail = format!(r#"],"next":"{through}","through":"{through}","head":"{head}"{done}}}"#);
        json.extend_from_slice(tail.as_bytes());
        json
    }
}
