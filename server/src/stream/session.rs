//! One session as the sweep keeps it: its socket, how far it has come, what it may do.
//!
//! Elsewhere: what moves it (`sweep`), what is asked elsewhere on its behalf (`errands`).
//!
//! Invariant: `sent` and `through` of a heartbeat count what was queued before it. A
//! [`Session`] holds only what every visit looks at, so that thousands of them lie close
//! together; whatever is looked at now and then is [`Aside`].

use std::{
    fmt::Display,
    net::IpAddr,
    time::{Duration, Instant},
};

use protocol::{
    close::CloseCode,
    frame::{ErrorCode, MAX_CLIENT_MESSAGE_BYTES, Refusal},
    seq::Seq,
    time::Timestamp,
};

use super::{
    lanes::LaneId, place::Bound, request::Request, rota::Who, sessions::Place, tape::Spot,
    walk::Walk,
};
use crate::{http::Wire, websocket::Websocket};

/// Client messages allowed in any one second.
const MESSAGES_PER_SECOND: u32 = 5;

/// Websocket pings and pongs of a client allowed in any one second.
const CONTROLS_PER_SECOND: u32 = 50;

/// Bytes of a client allowed in any one second, whatever they are: as many messages as are
/// allowed, at their longest, and their headers.
const BYTES_PER_SECOND: usize = MESSAGES_PER_SECOND as usize * MAX_CLIENT_MESSAGE_BYTES + 64 * 1024;

/// Why we end a session.
#[derive(Debug)]
pub(super) struct End {
    pub(super) code: CloseCode,
    /// What is said before the close.
    pub(super) refusal: Option<Refusal>,
}

impl From<Refusal> for End {
    fn from(refusal: Refusal) -> Self {
        Self {
            code: refusal.code.close(),
            refusal: Some(refusal),
        }
    }
}

impl From<CloseCode> for End {
    fn from(code: CloseCode) -> Self {
        Self {
            code,
            refusal: None,
        }
    }
}

/// One session.
#[derive(Debug)]
pub(super) struct Session {
    pub(super) who: Who,
    pub(super) socket: Websocket,
    pub(super) stage: Stage,
    pub(super) aside: Box<Aside>,
}

/// What of a session is looked at only when something else than an event is to be done.
#[derive(Debug)]
pub(super) struct Aside {
    pub(super) from: IpAddr,
    /// Its place among all sessions; none when there was none for it.
    pub(super) place: Option<Place>,
    /// Its place among all connections.
    _wire: Wire,
    /// What is asked elsewhere; the answer to any other question is void.
    pub(super) question: Question,
    /// Whether there may be input that was not read.
    pub(super) unheard: bool,
    /// Since when the kernel takes nothing.
    pub(super) stuck_since: Option<Instant>,
    /// Whether it has been stuck since all it was owed was last written.
    pub(super) was_stuck: bool,
    /// Whether it was told that it lags, and has not caught up since.
    pub(super) is_lagging: bool,
    /// Since when a key or a subscription is awaited.
    pub(super) awaited_since: Option<Instant>,
    /// When the ping was sent whose pong is missing.
    pub(super) pinged_at: Option<Instant>,
    quota: Quota,
}

/// How far a session has come.
#[derive(Debug)]
pub(super) enum Stage {
    /// It must still send its API key; then this is done.
    Unknown(Request),
    /// It must still say what it subscribes to.
    Unsubscribed,
    /// It is sent events.
    Subscribed(Subscribed),
    /// It is sent no more; the close is on its way.
    Closing,
}

/// What a subscribed session is sent.
#[derive(Debug)]
pub(super) struct Subscribed {
    pub(super) lane: LaneId,
    pub(super) position: Position,
}

/// Which events a session has been given.
#[derive(Debug)]
pub(super) enum Position {
    /// Those before a spot on its lane's tape; it has no end.
    Riding {
        spot: Spot,
        /// The spot's frames less those sent since `subscribed`, modulo 2^64.
        base: u64,
        /// Its place among the members of the lane.
        member: usize,
    },
    /// Those up to a cursor: the tape does not reach back so far, the kernel takes nothing,
    /// or the subscription has an end.
    Apart(Box<Apart>),
}

/// How far a session is that does not ride.
#[derive(Debug)]
pub(super) struct Apart {
    pub(super) cursor: Seq,
    pub(super) sent: u64,
    pub(super) bound: Bound,
    /// What could be vouched for when it was last at the tip.
    pub(super) complete_through: Option<Timestamp>,
    /// Reads the log from `cursor` on; none before the first time and while it reads.
    pub(super) walk: Option<Box<Walk>>,
}

/// A question that is out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Question {
    None,
    /// More of the log.
    Frames(u32),
    /// Who it is, or where its subscription begins: nothing is heard meanwhile.
    Standing(u32),
}

impl Session {
    pub(super) fn new(
        who: Who,
        socket: Websocket,
        from: IpAddr,
        place: Option<Place>,
        wire: Wire,
    ) -> Self {
        let aside = Aside {
            from,
            place,
            _wire: wire,
            question: Question::None,
            unheard: false,
            stuck_since: None,
            was_stuck: false,
            is_lagging: false,
            awaited_since: None,
            pinged_at: None,
            quota: Quota::new(),
        };
        Self {
            who,
            socket,
            stage: Stage::Unsubscribed,
            aside: Box::new(aside),
        }
    }

    /// The id of the API key it was let in with.
    pub(super) fn key_id(&self) -> Option<&str> {
        self.aside.place.as_ref().and_then(Place::key_id)
    }

    /// Whether it gets its frames from its lane's tape.
    pub(super) fn is_riding(&self) -> bool {
        matches!(
            self.stage,
            Stage::Subscribed(Subscribed {
                position: Position::Riding { .. },
                ..
            })
        )
    }

    /// Forgets where in the log's files it was reading: who does not read holds no file.
    pub(super) fn close_file(&mut self) {
        if let Stage::Subscribed(Subscribed {
            position: Position::Apart(apart),
            ..
        }) = &mut self.stage
        {
            apart.walk = None;
        }
    }

    /// It has another place among the members of its lane.
    pub(super) fn move_to(&mut self, place: usize) {
        if let Stage::Subscribed(Subscribed {
            position: Position::Riding { member, .. },
            ..
        }) = &mut self.stage
        {
            *member = place;
        }
    }

    /// Counts a message.
    ///
    /// # Errors
    /// A [`Refusal`] when there are too many in a second.
    pub(super) fn count_message(&mut self, now: Instant) -> Result<(), Refusal> {
        let quota = &mut self.aside.quota;
        quota.turn(now);
        quota.messages += 1;
        within(quota.messages, MESSAGES_PER_SECOND, "messages")
    }

    /// Counts the bytes heard since this was last called.
    ///
    /// # Errors
    /// A [`Refusal`] when there are too many in a second.
    pub(super) fn count_bytes(&mut self, now: Instant) -> Result<(), Refusal> {
        let quota = &mut self.aside.quota;
        quota.turn(now);
        quota.bytes += self.socket.take_heard();
        within(quota.bytes, BYTES_PER_SECOND, "bytes")
    }

    /// Counts a ping or a pong.
    ///
    /// # Errors
    /// A [`Refusal`] when there are too many in a second.
    pub(super) fn count_control(&mut self, now: Instant) -> Result<(), Refusal> {
        let quota = &mut self.aside.quota;
        quota.turn(now);
        quota.controls += 1;
        within(quota.controls, CONTROLS_PER_SECOND, "pings or pongs")
    }
}

fn within<N: PartialOrd + Display>(count: N, most: N, what: &str) -> Result<(), Refusal> {
    if count <= most {
        return Ok(());
    }
    let message = format!("more than {most} {what} in a second; try again in 1 second");
    Err(Refusal::new(ErrorCode::TooManyMessages, message))
}

/// What a client has sent in the current second.
#[derive(Debug)]
struct Quota {
    second: Instant,
    messages: u32,
    controls: u32,
    bytes: usize,
}

impl Quota {
    fn new() -> Self {
        Self {
            second: Instant::now(),
            messages: 0,
            controls: 0,
            bytes: 0,
        }
    }

    fn turn(&mut self, now: Instant) {
        if now.saturating_duration_since(self.second) >= Duration::from_secs(1) {
            *self = Self {
                second: now,
                ..Self::new()
            };
        }
    }
}

/// A message over the limit.
pub(super) fn too_large() -> Refusal {
    let message = format!(
        "a message may have {MAX_CLIENT_MESSAGE_BYTES} bytes, about 6,500 CIKs; ask for more over \
         another connection, or for all and choose among them"
    );
    Refusal::new(ErrorCode::MessageTooLarge, message)
}

/// The answer to a client's ping.
pub(super) fn pong(id: Option<serde_json::Value>) -> String {
    match id {
        Some(id) => serde_json::json!({"type": "pong", "id": id}).to_string(),
        None => serde_json::json!({"type": "pong"}).to_string(),
    }
}
