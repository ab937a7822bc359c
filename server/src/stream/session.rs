//! One session: greet, authenticate, subscribe; then the pump.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::extract::ws::WebSocket;
use protocol::{
    close::CloseCode,
    filter::Filter,
    frame::{ClientMessage, ErrorCode, Hello, PROTOCOL, Refusal, Subscribed, Subscription, encode},
    seq::{After, Cursor, Seq},
    time::Timestamp,
};
use serde::Deserialize;
use tokio::time::{Instant, timeout_at};

use super::{
    Shared,
    pump::Pump,
    request::Request,
    sessions::Place,
    socket::{End, Heard, Socket},
};
use crate::{
    keys::{ApiKey, Scope},
    status::Phase,
};

/// How long a client may take to send its key and its subscription.
const HANDSHAKE_PATIENCE: Duration = Duration::from_secs(10);

/// Runs a session to its end.
pub(super) async fn run(
    socket: WebSocket,
    shared: Arc<Shared>,
    request: Result<Request, Refusal>,
    key: Option<String>,
) {
    let mut socket = Socket::new(socket);
    shared.metrics.sessions.inc();
    let admitted = shared.sessions.admit(shared.stream.max_connections);
    // The place is kept until the close is sent: a stopping server waits for that.
    let (end, _place) = match admitted {
        Ok(mut place) => {
            let Err(end) = serve(&mut socket, &shared, &mut place, request, key).await;
            (end, Some(place))
        }
        Err(refusal) => (refusal.into(), None),
    };
    if let Some(code) = socket.close(end).await {
        shared.metrics.closed(code.number());
        tracing::debug!(code = code.number(), "session closed");
    }
    shared.metrics.sessions.dec();
}

/// Serves until there is a reason to stop, which is the error.
async fn serve(
    socket: &mut Socket,
    shared: &Shared,
    place: &mut Place,
    request: Result<Request, Refusal>,
    header_key: Option<String>,
) -> Result<Infallible, End> {
    let deadline = Instant::now() + HANDSHAKE_PATIENCE;
    let key = authenticate(socket, shared, &request, header_key, deadline).await?;
    if let Some(key) = &key {
        place.claim(key)?;
    }
    let subscription = match request? {
        Request::Now(subscription) => subscription,
        Request::Deferred => first_subscription(socket, shared, deadline).await?,
    };
    let (cursor, filter) = subscribe(socket, shared, subscription, None).await?;
    Pump::new(socket, shared, key, cursor, filter).run().await
}

/// Greets, and finds out who it is. A request that makes no sense is told before a key is
/// asked for.
async fn authenticate(
    socket: &mut Socket,
    shared: &Shared,
    request: &Result<Request, Refusal>,
    header_key: Option<String>,
    deadline: Instant,
) -> Result<Option<ApiKey>, End> {
    let known = header_key.map(|key| shared.check_key(&key, Scope::Stream));
    let is_let_in = !shared.auth_required || matches!(known, Some(Ok(_)));
    socket.say(hello(shared, is_let_in)).await?;
    match shared.status.phase() {
        Phase::Running => {}
        Phase::Starting => return Err(starting()),
        Phase::Draining => return Err(End::Close(CloseCode::GoingAway, None)),
    }
    if let Err(refusal) = request {
        return Err(refusal.clone().into());
    }
    match known {
        Some(Ok(key)) => Ok(Some(key)),
        _ if !shared.auth_required => Ok(None),
        Some(Err(refusal)) => Err(refusal.into()),
        None => first_message_key(socket, shared, deadline).await.map(Some),
    }
}

fn hello(shared: &Shared, authenticated: bool) -> String {
    let log = &shared.log;
    let hello = Hello {
        protocol: PROTOCOL.to_owned(),
        epoch: log.epoch().to_string(),
        head: log.epoch().at(log.tip()),
        oldest: log.epoch().at(log.oldest()),
        heartbeat_ms: shared.stream.heartbeat.as_millis() as u64,
        auth: if authenticated { "ok" } else { "required" }.to_owned(),
    };
    encode("hello", &hello)
}

fn starting() -> End {
    Refusal::new(
        ErrorCode::Starting,
        "the server is starting; try again in 2 seconds",
    )
    .into()
}

async fn first_message_key(
    socket: &mut Socket,
    shared: &Shared,
    deadline: Instant,
) -> Result<ApiKey, End> {
    let late = || {
        let message =
            r#"no key came within 10 s; send {"op":"auth","key":"fw_…"} first, or a bearer header"#;
        Refusal::new(ErrorCode::AuthTimeout, message)
    };
    match next_message(socket, shared, deadline, late).await? {
        ClientMessage::Auth { key } => Ok(shared.check_key(&key, Scope::Stream)?),
        _ => {
            let message = r#"send {"op":"auth","key":"fw_…"} first, or a bearer header"#;
            Err(Refusal::new(ErrorCode::Unauthorized, message).into())
        }
    }
}

async fn first_subscription(
    socket: &mut Socket,
    shared: &Shared,
    deadline: Instant,
) -> Result<Subscription, End> {
    let late = || {
        let message = r#"no subscription came within 10 s; send {"op":"subscribe","filter":{…}}"#;
        Refusal::new(ErrorCode::BadMessage, message)
    };
    loop {
        match next_message(socket, shared, deadline, late).await? {
            ClientMessage::Subscribe(subscription) => return Ok(subscription),
            // A client that always sends its key, though it was not asked to.
            ClientMessage::Auth { key } if shared.auth_required => {
                shared.check_key(&key, Scope::Stream)?;
            }
            ClientMessage::Auth { .. } | ClientMessage::Ping { .. } => {}
        }
    }
}

/// The next message but pings, which are answered.
async fn next_message(
    socket: &mut Socket,
    shared: &Shared,
    deadline: Instant,
    late: impl Fn() -> Refusal,
) -> Result<ClientMessage, End> {
    let mut control = shared.control.clone();
    loop {
        let heard = tokio::select! {
            heard = timeout_at(deadline, socket.hear()) => heard.map_err(|_| End::from(late()))??,
            _ = control.wait_for(|control| control.closing) => return Err(End::Close(CloseCode::GoingAway, None)),
        };
        match heard {
            Heard::Message(ClientMessage::Ping { id }) => socket.say(pong(id)).await?,
            Heard::Message(message) => return Ok(message),
            Heard::Pong | Heard::Nothing => {}
        }
    }
}

/// The answer to a client's ping.
pub(super) fn pong(id: Option<serde_json::Value>) -> String {
    match id {
        Some(id) => serde_json::json!({"type": "pong", "id": id}).to_string(),
        None => serde_json::json!({"type": "pong"}).to_string(),
    }
}

/// Finds where a subscription begins and says so. `current` is where the session is.
pub(super) async fn subscribe(
    socket: &mut Socket,
    shared: &Shared,
    subscription: Subscription,
    current: Option<Seq>,
) -> Result<(Seq, Filter), End> {
    let cursor = match (subscription.after, current) {
        (None, Some(current)) => current,
        (after, _) => resolve(shared, after.unwrap_or_default()).await?,
    };
    let answer = Subscribed {
        after: shared.log.epoch().at(cursor),
        filter: serde_json::to_value(&subscription.filter).expect("a filter has string keys"),
        behind: cursor.behind(shared.log.tip()),
    };
    socket.say(encode("subscribed", &answer)).await?;
    Ok((cursor, subscription.filter))
}

/// The position that `after` names: never clamped, never guessed.
async fn resolve(shared: &Shared, after: After) -> Result<Seq, Refusal> {
    match after {
        After::Live => Ok(shared.log.tip()),
        After::Oldest => Ok(shared.log.oldest().prev()),
        After::Cursor(cursor) => resolve_cursor(shared, &cursor),
        After::Time(time) => resolve_time(shared, time).await,
    }
}

fn resolve_cursor(shared: &Shared, cursor: &Cursor) -> Result<Seq, Refusal> {
    let log = &shared.log;
    let refuse = |code, message: String| Err(Refusal::new(code, message).field("after"));
    if cursor.epoch != *log.epoch() {
        let message = format!(
            "cursor {cursor} belongs to another log; this one is `{}`: start with after=oldest or time:",
            log.epoch()
        );
        return refuse(ErrorCode::EpochChanged, message);
    }
    if cursor.seq > log.tip() {
        let message = format!(
            "cursor {cursor} is beyond the head {}",
            log.epoch().at(log.tip())
        );
        return refuse(ErrorCode::CursorAhead, message);
    }
    if cursor.seq.next() < log.oldest() {
        let message = format!(
            "the events after {cursor} are no longer kept; the oldest is {}",
            log.epoch().at(log.oldest())
        );
        return refuse(ErrorCode::CursorGone, message);
    }
    Ok(cursor.seq)
}

#[derive(Deserialize)]
struct AtOnly {
    at: Timestamp,
}

async fn resolve_time(shared: &Shared, time: Timestamp) -> Result<Seq, Refusal> {
    if time > shared.clock.now() {
        let message = format!("{time} is in the future");
        return Err(Refusal::new(ErrorCode::CursorAhead, message).field("after"));
    }
    let is_before = move |frame: &[u8]| {
        serde_json::from_slice::<AtOnly>(frame).is_ok_and(|event| event.at < time)
    };
    let first = shared
        .log
        .partition_point(is_before)
        .await
        .map_err(|error| {
            tracing::error!(%error, "the event log cannot be read");
            Refusal::new(ErrorCode::Internal, "the event log cannot be read")
        })?;
    if first == shared.log.oldest() && first > Seq::new(1) {
        let message = format!("events from {time} on are no longer all kept; use after=oldest");
        return Err(Refusal::new(ErrorCode::CursorGone, message).field("after"));
    }
    Ok(first.prev())
}
