//! Server-sent events: a walk through the log, written as `text/event-stream`.
//!
//! A task walks and a body carries one chunk at a time between it and the connection.
//! Elsewhere: what is asked for and whether it may be (`events`), the walk (`stream/walk`).
//!
//! Invariant: a session holds one batch of events, and every event's `id` is a cursor
//! that resumes after it.

use std::{convert::Infallible, pin::pin, sync::Arc, time::Duration};

use axum::{
    body::Body,
    http::header,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures_util::stream::unfold;
use protocol::{
    close::CloseCode,
    frame::{Done, Refusal, encode},
    seq::Cursor,
};
use tokio::{
    sync::mpsc,
    time::{Instant, sleep_until, timeout},
};

use super::Wire;
use crate::{
    keys::ApiKey,
    log::facts,
    stream::{
        Guard, Place, Shared, Stop, place,
        walk::{Batch, Gone, Then, Walk},
    },
};

/// A connection that takes no chunk for this long is cut.
const WRITE_PATIENCE: Duration = Duration::from_secs(30);

/// How long the last words may take.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);

/// One connected reader.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) walk: Walk,
    pub(super) key: Option<ApiKey>,
    pub(super) place: Place,
    pub(super) wire: Wire,
}

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// The peer is gone.
    Left,
    /// The end that was asked for is reached.
    Done,
    /// The server stops.
    GoingAway,
    /// The peer does not read.
    Slow,
    /// For a reason the client is told.
    Refused(Refusal),
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Stop> for End {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::GoingAway => Self::GoingAway,
            Stop::Revoked(refusal) => Self::Refused(refusal),
        }
    }
}

impl From<Gone> for End {
    fn from(Gone: Gone) -> Self {
        Self::GoingAway
    }
}

/// Starts a session and gives the response that carries it.
pub(super) fn respond(session: Session) -> Response {
    let (chunks, taken) = mpsc::channel::<Bytes>(1);
    tokio::spawn(session.run(chunks));
    let body = unfold(taken, |mut taken| async move {
        let chunk = taken.recv().await?;
        Some((Ok::<_, Infallible>(chunk), taken))
    });
    let headers = [
        (header::CONTENT_TYPE, "text/event-stream"),
        (header::CACHE_CONTROL, "no-store"),
        // Proxies that gather a response would gather for ever.
        (header::HeaderName::from_static("x-accel-buffering"), "no"),
    ];
    (headers, Body::from_stream(body)).into_response()
}

impl Session {
    async fn run(self, chunks: mpsc::Sender<Bytes>) {
        let Self {
            shared,
            walk,
            key,
            place,
            wire,
        } = self;
        shared.metrics.sessions.inc();
        let mut feed = Feed {
            guard: Guard::new(shared.clone(), key),
            heartbeat: Instant::now() + shared.stream.heartbeat,
            shared: &shared,
            walk,
            chunks,
        };
        let Err(end) = feed.run().await;
        if let Some(code) = feed.farewell(end, &wire).await {
            shared.metrics.closed(code.number());
        }
        // The place is kept until the last words are on their way: a stopping server
        // waits for that.
        drop(place);
        shared.metrics.sessions.dec();
    }
}

/// A session at work.
struct Feed<'a> {
    shared: &'a Shared,
    walk: Walk,
    guard: Guard,
    chunks: mpsc::Sender<Bytes>,
    heartbeat: Instant,
}

impl Feed<'_> {
    /// Sends until there is a reason to stop, which is the error.
    async fn run(&mut self) -> Result<Infallible, End> {
        self.send(self.greeting()).await?;
        loop {
            self.guard.check()?;
            let batch = self.walk.read(usize::MAX).await?;
            if !batch.records.is_empty() {
                self.send(self.events(&batch)).await?;
            }
            if self.heartbeat <= Instant::now() {
                self.heartbeat = Instant::now() + self.shared.stream.heartbeat;
                self.send(self.pulse()).await?;
            }
            match batch.then {
                Then::Read => {}
                Then::Wait => self.wait().await?,
                Then::End => return Err(End::Done),
            }
        }
    }

    async fn wait(&mut self) -> Result<(), End> {
        tokio::select! {
            biased;
            moved = self.walk.wait() => moved.map_err(End::from),
            changed = self.guard.changed() => changed.map_err(End::from),
            () = sleep_until(self.heartbeat) => Ok(()),
            () = self.chunks.closed() => Err(End::Left),
        }
    }

    /// Hands over a chunk, and obeys meanwhile: a reader that is stuck keeps nobody from
    /// stopping.
    async fn send(&mut self, chunk: Bytes) -> Result<(), End> {
        let mut sending = pin!(timeout(WRITE_PATIENCE, self.chunks.send(chunk)));
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return match sent {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(_)) => Err(End::Left),
                    Err(_) => Err(End::Slow),
                },
                changed = self.guard.changed() => changed?,
            }
            self.guard.check()?;
        }
    }

    fn greeting(&self) -> Bytes {
        let mut text = Text::default();
        text.add(None, "hello", place::hello(self.shared, true).as_bytes());
        let after = self.walk.through();
        let subscribed = place::subscribed(self.shared, after.seq, self.walk.filter());
        text.add(Some(&after), "subscribed", subscribed.as_bytes());
        text.finish()
    }

    fn events(&self, batch: &Batch) -> Bytes {
        let mut text = Text::default();
        for record in &batch.records {
            let cursor = self.walk.cursor_of(record);
            let event_type = facts(record).event_type.as_str();
            text.add(Some(&cursor), event_type, &self.walk.frame(record));
        }
        text.finish()
    }

    /// A heartbeat, also as a comment, which no client can mistake for an event.
    fn pulse(&self) -> Bytes {
        let heartbeat = self.walk.heartbeat();
        let mut text = Text(b": heartbeat\n".to_vec());
        let frame = encode("heartbeat", &heartbeat);
        text.add(Some(&heartbeat.through), "heartbeat", frame.as_bytes());
        text.finish()
    }

    /// Says why, where the peer can still hear it. Gives the code a websocket would close
    /// with.
    async fn farewell(&self, end: End, wire: &Wire) -> Option<CloseCode> {
        let (code, event, frame) = match end {
            End::Left => return None,
            End::Slow => {
                wire.cut();
                return Some(CloseCode::SlowConsumer);
            }
            End::Done => {
                let through = self.walk.through();
                (CloseCode::Normal, "done", encode("done", &Done { through }))
            }
            End::GoingAway => {
                let crowd = self.shared.metrics.sessions.get();
                let notice = place::draining(rand::random_range(0..=crowd));
                (CloseCode::GoingAway, "notice", notice)
            }
            End::Refused(refusal) => (refusal.code.close(), "error", encode("error", &refusal)),
        };
        let mut text = Text::default();
        text.add(Some(&self.walk.through()), event, frame.as_bytes());
        let last = self.chunks.send(text.finish());
        if timeout(CLOSE_PATIENCE, last).await.is_err() {
            wire.cut();
        }
        Some(code)
    }
}

/// A piece of `text/event-stream`.
///
/// Source: WHATWG HTML, "Server-sent events". Frames are one line each, so `data` is one.
#[derive(Debug, Default)]
struct Text(Vec<u8>);

impl Text {
    fn add(&mut self, id: Option<&Cursor>, event: &str, frame: &[u8]) {
        if let Some(id) = id {
            self.0.extend_from_slice(format!("id: {id}\n").as_bytes());
        }
        for part in [b"event: ", event.as_bytes(), b"\ndata: ", frame, b"\n\n"] {
            self.0.extend_from_slice(part);
        }
    }

    fn finish(self) -> Bytes {
        self.0.into()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::net::Ipv4Addr;

    use protocol::{seq::Seq, time::Timestamp};

    use super::*;
    use crate::{
        http::testing::House,
        stream::place::{Bound, Located, Rule},
    };

    struct Scene {
        house: House,
        wire: Wire,
        chunks: mpsc::Receiver<Bytes>,
    }

    fn scene(events: usize) -> Scene {
        let mut house = House::open(10);
        for _ in 0..events {
            house.append(Timestamp::now());
        }
        let shared = house.shared.clone();
        let wire = Wire::new(shared.limits.connect(Ipv4Addr::LOCALHOST.into()).unwrap());
        let session = Session {
            walk: Walk::new(
                shared.clone(),
                Located {
                    after: Seq::ZERO,
                    bound: Bound::Open,
                    rule: Rule::default(),
                },
            ),
            key: None,
            place: shared.sessions.admit(10).unwrap(),
            wire: wire.clone(),
            shared,
        };
        let (sender, chunks) = mpsc::channel(1);
        tokio::spawn(session.run(sender));
        Scene {
            house,
            wire,
            chunks,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_takes_nothing_is_cut_after_thirty_seconds() {
        let scene = scene(3);
        let since = Instant::now();

        scene.wire.is_cut().await;

        assert_eq!(since.elapsed(), WRITE_PATIENCE);
        scene.house.shared.sessions.all_closed().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_is_stuck_keeps_no_server_from_stopping() {
        let scene = scene(3);
        let since = Instant::now();
        tokio::task::yield_now().await;

        scene
            .house
            .control
            .send_modify(|control| control.closing = true);
        scene.house.shared.sessions.all_closed().await;

        assert!(since.elapsed() <= CLOSE_PATIENCE);
    }

    #[tokio::test(start_paused = true)]
    async fn a_reader_that_leaves_ends_its_session() {
        let mut scene = scene(0);
        let greeting = scene.chunks.recv().await.unwrap();

        drop(scene.chunks);
        scene.house.shared.sessions.all_closed().await;

        assert!(greeting.starts_with(b"event: hello\ndata: {"));
        assert!(greeting.ends_with(b"}\n\n"));
    }

    #[test]
    fn an_event_has_its_cursor_its_type_and_its_frame() {
        let mut text = Text::default();
        text.add(Some(&"k7q2-5".parse().unwrap()), "filing.seen", b"{}");

        let bytes = text.finish();

        assert_eq!(bytes, "id: k7q2-5\nevent: filing.seen\ndata: {}\n\n");
    }
}
