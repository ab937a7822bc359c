//! A foreign client's socket: a walk through the log, written in its dialect.
//!
//! What is wrong with a request is said before the upgrade, because these clients know no
//! error frames. Elsewhere: the walk (`stream/walk`), the sockets of our own protocol
//! (`stream/sweep`).
//!
//! Invariant: a session holds one batch of events, and one that is stuck keeps nobody from
//! stopping.

use std::{convert::Infallible, io, sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use futures_util::{SinkExt, StreamExt};
use protocol::{
    close::CloseCode,
    event::Event,
    filing::Filing,
    frame::{ErrorCode, Refusal},
};
use tokio::{
    io::AsyncWriteExt,
    time::{Instant, sleep_until, timeout},
};
use tokio_tungstenite::{
    WebSocketStream,
    tungstenite::{
        self, Message,
        handshake::server::create_response_with_body,
        protocol::{CloseFrame, Role, WebSocketConfig},
    },
};

use super::Dialect;
use crate::{
    http::{Problem, Query, Succession, Successor, events},
    keys::ApiKey,
    log::Record,
    metrics::Metrics,
    stream::{
        Guard, Place, Shared, Stop, Upgraded,
        walk::{Gone, Then, Walk},
    },
    tls::Stream,
};

/// Parameters that a dialect decides.
const DECIDED: [&str; 3] = ["types", "view", "defer"];

/// Between pings. Source: sec-api.io, "Stream API": every 25 seconds.
const PING_INTERVAL: Duration = Duration::from_secs(25);

/// A socket that takes nothing for this long is closed.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long the close may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// Most bytes of what such a client says: it has nothing to say.
const MESSAGE_BYTES: usize = 4096;

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// The peer is gone.
    Left,
    /// We close it.
    Close(CloseCode),
}

impl From<tungstenite::Error> for End {
    fn from(_: tungstenite::Error) -> Self {
        Self::Left
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::GoingAway => Self::Close(CloseCode::GoingAway),
            Stop::Revoked(refusal) => refusal.into(),
        }
    }
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::Close(CloseCode::GoingAway)
    }
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Close(refusal.code.close())
    }
}

/// A client that was let in.
pub(crate) struct Session {
    dialect: Dialect,
    shared: Arc<Shared>,
    key: Option<ApiKey>,
    walk: Walk,
    /// Kept until the last words are on their way: a stopping server waits for that.
    place: Place,
}

/// Answers the handshake of a client that was let in with `key`; with the answer out, its
/// session takes the connection over.
///
/// # Errors
/// A [`Problem`] when a parameter or the handshake is wrong, or a limit is reached.
pub(super) async fn connect(
    dialect: Dialect,
    shared: Arc<Shared>,
    key: Option<ApiKey>,
    request: Request,
) -> Result<Response, Problem> {
    events::check_phase(&shared)?;
    let query = decided(request.uri().query().unwrap_or_default(), dialect)?;
    let handshake = create_response_with_body(&request, Body::empty);
    let succession = request.extensions().get::<Succession>().cloned();
    let (Ok(response), Some(succession)) = (handshake, succession) else {
        let message = "this is a websocket: connect with ws:// or wss://";
        return Err(Problem::new(ErrorCode::UpgradeRequired, message));
    };
    let place = events::admit(&shared, key.as_ref())?;
    let walk = events::walk(&shared, events::subscription(&query, None)?).await?;
    let session = Session {
        dialect,
        shared,
        key,
        walk,
        place,
    };
    let is_first = succession
        .set(Successor::Foreign(Box::new(session)))
        .is_ok();
    debug_assert!(is_first, "nothing is asked after a handshake");
    Ok(response)
}

/// The query without the credential and with what the dialect decides.
fn decided(query: &str, dialect: Dialect) -> Result<Query, Refusal> {
    let [types, view, defer] = DECIDED;
    let asked = Query::split(query, &[dialect.credential, types, view, defer])?;
    if let Some(name) = DECIDED.into_iter().find(|name| asked.get(name).is_some()) {
        let message = format!("`{name}` cannot be chosen here; /v1/stream takes it");
        return Err(Refusal::new(ErrorCode::BadParameter, message).field(name));
    }
    Query::split(
        &format!("types={}&{}", dialect.event_type, asked.rest()),
        &[],
    )
}

impl Session {
    /// Serves the client on a connection that was taken back from HTTP.
    pub(crate) async fn serve(self, upgraded: Upgraded) {
        let Self {
            dialect,
            shared,
            key,
            walk,
            place,
        } = self;
        match accept(upgraded).await {
            Ok(socket) => {
                let talk = Talk {
                    dialect,
                    walk,
                    guard: Guard::new(shared.clone(), key),
                    socket,
                    ping_at: Instant::now() + PING_INTERVAL,
                    is_heard: true,
                };
                shared.metrics.sessions.inc();
                talk.hold(&shared.metrics).await;
                shared.metrics.sessions.dec();
            }
            Err(error) => tracing::debug!(%error, "a connection ended in its handshake"),
        }
        drop(place);
    }
}

/// Writes the answer to the handshake and begins to speak websocket.
async fn accept(upgraded: Upgraded) -> io::Result<WebSocketStream<Stream>> {
    let mut stream = upgraded.stream;
    let written = async {
        stream.write_all(&upgraded.answer).await?;
        stream.flush().await
    };
    timeout(WRITE_PATIENCE, written).await??;
    let config = WebSocketConfig::default()
        .read_buffer_size(MESSAGE_BYTES)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES));
    let (leftover, role) = (upgraded.leftover.to_vec(), Role::Server);
    Ok(WebSocketStream::from_partially_read(stream, leftover, role, Some(config)).await)
}

/// A session at work.
struct Talk {
    dialect: Dialect,
    walk: Walk,
    guard: Guard,
    socket: WebSocketStream<Stream>,
    ping_at: Instant,
    /// Whether anything was heard since the last ping.
    is_heard: bool,
}

impl Talk {
    /// Talks to the end.
    async fn hold(mut self, metrics: &Metrics) {
        let Err(end) = self.run().await;
        if let End::Close(code) = end {
            self.close(code).await;
            metrics.closed(code.number());
        }
    }

    /// Sends until there is a reason to stop, which is the error.
    async fn run(&mut self) -> Result<Infallible, End> {
        loop {
            self.guard.check()?;
            let batch = self.walk.read(usize::MAX).await?;
            if !batch.records.is_empty() {
                let filings: Vec<Filing> = batch.records.iter().map(|r| filing(r)).collect();
                let frame = (self.dialect.frame)(&filings).to_string();
                self.send(Message::text(frame)).await?;
            }
            match batch.then {
                Then::Read => {}
                Then::Wait => self.wait().await?,
                Then::End => return Err(End::Close(CloseCode::Normal)),
            }
        }
    }

    async fn wait(&mut self) -> Result<(), End> {
        tokio::select! {
            biased;
            changed = self.guard.changed() => Ok(changed?),
            moved = self.walk.wait() => Ok(moved?),
            heard = self.socket.next() => self.hear(heard),
            () = sleep_until(self.ping_at) => self.ping().await,
        }
    }

    fn hear(&mut self, heard: Option<tungstenite::Result<Message>>) -> Result<(), End> {
        match heard {
            None | Some(Ok(Message::Close(_))) => Err(End::Left),
            Some(heard) => {
                heard?;
                self.is_heard = true;
                Ok(())
            }
        }
    }

    async fn ping(&mut self) -> Result<(), End> {
        self.ping_at = Instant::now() + PING_INTERVAL;
        if !std::mem::take(&mut self.is_heard) {
            return Err(End::Close(CloseCode::NoPong));
        }
        self.send(Message::Ping(Vec::new().into())).await
    }

    /// Writes, and obeys meanwhile.
    async fn send(&mut self, message: Message) -> Result<(), End> {
        let deadline = Instant::now() + WRITE_PATIENCE;
        let mut sending = std::pin::pin!(self.socket.send(message));
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return Ok(sent?),
                () = sleep_until(deadline) => return Err(End::Close(CloseCode::SlowConsumer)),
                changed = self.guard.changed() => changed?,
            }
            self.guard.check()?;
        }
    }

    async fn close(&mut self, code: CloseCode) {
        let frame = CloseFrame {
            code: code.number().into(),
            reason: Default::default(),
        };
        // Who does not take it is cut.
        let _ = timeout(CLOSE_PATIENCE, self.socket.close(Some(frame))).await;
    }
}

fn filing(record: &Record) -> Filing {
    let event = Event::from_frame(&record.frame).expect("the updater appends events only");
    let filing = event.body.filing().cloned();
    filing.expect("a dialect tells of events about filings")
}
