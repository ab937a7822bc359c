//! What a session needs from elsewhere: who it is, where its subscription begins, what
//! the log holds from there. It is found out beside the sweep, which never waits.
//!
//! Invariant: every question gets one answer.

use std::{net::IpAddr, sync::Arc, time::Duration};

use bytes::Bytes;
use protocol::{
    close::CloseCode,
    frame::{Refusal, Subscription},
    seq::Seq,
    time::Timestamp,
};
use tokio::{runtime::Handle, sync::Semaphore, time::timeout};

use super::{
    Shared,
    hub::{Command, Door},
    place::{self, Located},
    request::Request,
    rota::Who,
    session::End,
    sessions::Place,
    walk::{Then, Walk},
};
use crate::{
    keys::{ApiKey, Scope},
    status::Phase,
    websocket::text_frame,
};

/// Bytes of frames read for a session at a time, and about the most it holds.
const CHUNK_BYTES: usize = 64 * 1024;

/// Batches of the log examined at a time, so that nobody's search for what is rare keeps
/// the others waiting, or goes on for long after its session.
const BATCHES_MAX: u32 = 8;

/// Sessions of one sweep that read the log at the same time.
const READERS_MAX: usize = 16;

/// Longest wait of a subscription that has an end, so that its heartbeats stay true.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How a session goes on.
#[derive(Debug)]
pub(super) enum Next {
    /// As it was.
    Stay,
    /// It ends.
    Close(End),
    /// It must send its API key; then this is done.
    AwaitKey(Request),
    /// It must say what it subscribes to.
    AwaitSubscription,
    /// It is subscribed.
    Begin {
        located: Box<Located>,
        /// Whether it begins where the session is by now, and not at a place of its own.
        goes_on: bool,
    },
}

/// What an errand brings back.
#[derive(Debug)]
pub(super) enum Answer {
    Known(Box<ApiKey>, Next),
    Next(Next),
    Frames(Result<Box<Chunk>, Refusal>),
}

/// Frames read from the log, and how far they reach.
#[derive(Debug)]
pub(super) struct Chunk {
    /// Whole frames with their websocket headers.
    pub(super) frames: Bytes,
    pub(super) count: u64,
    pub(super) through: Seq,
    pub(super) complete_through: Option<Timestamp>,
    /// Whether the subscription's end is reached.
    pub(super) is_last: bool,
    /// To read on.
    pub(super) walk: Box<Walk>,
}

/// Runs errands for one sweep.
#[derive(Debug)]
pub(super) struct Errands {
    shared: Arc<Shared>,
    door: Door,
    readers: Arc<Semaphore>,
    runtime: Handle,
}

impl Errands {
    pub(super) fn new(shared: Arc<Shared>, door: Door, runtime: Handle) -> Self {
        Self {
            shared,
            door,
            readers: Arc::new(Semaphore::new(READERS_MAX)),
            runtime,
        }
    }

    /// Finds out whose API key it is, and how its session goes on.
    pub(super) fn identify(
        &self,
        who: Who,
        turn: u32,
        from: IpAddr,
        key: String,
        request: Option<Request>,
    ) {
        let shared = Arc::clone(&self.shared);
        self.run(who, turn, async move {
            let known = match shared.check_key(from, &key, Scope::Stream) {
                Ok(known) => Box::new(known),
                Err(refusal) => return Answer::Next(Next::Close(refusal.into())),
            };
            let next = match request {
                Some(request) => proceed(&shared, request).await,
                None => Next::Stay,
            };
            Answer::Known(known, next)
        });
    }

    /// Finds out where a subscription begins; `current` is where the session is.
    pub(super) fn subscribe(&self, who: Who, turn: u32, asked: Subscription, current: Option<Seq>) {
        let shared = Arc::clone(&self.shared);
        self.run(who, turn, async move {
            Answer::Next(subscribe(&shared, asked, current).await)
        });
    }

    /// Reads on.
    pub(super) fn fetch(&self, who: Who, turn: u32, walk: Box<Walk>) {
        let readers = Arc::clone(&self.readers);
        self.run(who, turn, async move {
            Answer::Frames(fetch(walk, &readers).await.map(Box::new))
        });
    }

    fn run(&self, who: Who, turn: u32, errand: impl Future<Output = Answer> + Send + 'static) {
        let door = self.door.clone();
        self.runtime.spawn(async move {
            let answer = errand.await;
            door.send(Command::Answer { who, turn, answer }).await;
        });
    }
}

/// How the session of a request begins. A request that makes no sense is told before an
/// API key is asked for.
pub(super) async fn open(
    shared: &Shared,
    place: &mut Place,
    request: Result<Request, Refusal>,
    known: Option<Result<ApiKey, Refusal>>,
) -> Next {
    match shared.status.phase() {
        Phase::Running => {}
        Phase::Starting => return Next::Close(place::starting().into()),
        Phase::Draining => return Next::Close(CloseCode::GoingAway.into()),
    }
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return Next::Close(refusal.into()),
    };
    match known {
        _ if !shared.auth_required => {}
        None => return Next::AwaitKey(request),
        Some(Err(refusal)) => return Next::Close(refusal.into()),
        Some(Ok(key)) => {
            if let Err(refusal) = place.claim(&key) {
                return Next::Close(refusal.into());
            }
        }
    }
    proceed(shared, request).await
}

async fn proceed(shared: &Shared, request: Request) -> Next {
    match request {
        Request::Now(asked) => subscribe(shared, *asked, None).await,
        Request::Deferred => Next::AwaitSubscription,
    }
}

async fn subscribe(shared: &Shared, asked: Subscription, current: Option<Seq>) -> Next {
    let goes_on = asked.after.is_none() && current.is_some();
    match place::locate(shared, asked, current).await {
        Ok(located) => Next::Begin {
            located: Box::new(located),
            goes_on,
        },
        Err(refusal) => Next::Close(refusal.into()),
    }
}

async fn fetch(mut walk: Box<Walk>, readers: &Semaphore) -> Result<Chunk, Refusal> {
    let (mut frames, mut count, mut batches) = (Vec::new(), 0, 0);
    let mut waited = false;
    let is_last = loop {
        let batch = {
            let _reader = readers.acquire().await;
            walk.read(usize::MAX).await?
        };
        count += batch.records.len() as u64;
        batches += 1;
        for record in &batch.records {
            text_frame(walk.frame(record), &mut frames);
        }
        match batch.then {
            Then::End => break true,
            Then::Read if frames.len() < CHUNK_BYTES && batches < BATCHES_MAX => {}
            Then::Wait if walk.is_bounded() && frames.is_empty() && !waited => {
                // Whether it moved or not, the heartbeats should know how far we are.
                let _ = timeout(LONGEST_WAIT, walk.wait()).await;
                waited = true;
            }
            Then::Read | Then::Wait => break false,
        }
    };
    Ok(Chunk {
        frames: frames.into(),
        count,
        through: walk.position(),
        complete_through: walk.complete_through(),
        is_last,
        walk,
    })
}
