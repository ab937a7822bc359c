//! The heart of a session: read, send, or wait.
//!
//! Invariant: the cursor only grows, and every event between two of its values was sent
//! or did not match the filter; so replay turns into live without a seam.

use std::{
    convert::Infallible,
    pin::{Pin, pin},
    time::Duration,
};

use bytes::Bytes;
use eventlog::ReadError;
use protocol::{
    close::CloseCode,
    filter::Filter,
    frame::{ClientMessage, ErrorCode, Heartbeat, Refusal, encode},
    seq::Seq,
    time::{Timestamp, to_millis},
};
use tokio::{
    sync::watch,
    time::{Instant, Sleep, sleep_until},
};

use super::{
    Control, Shared,
    session::{pong, subscribe},
    socket::{BATCH_BYTES, End, Heard, Socket},
};
use crate::{
    keys::{ApiKey, Scope},
    log::{Reader, facts},
};

/// Between websocket pings.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long a pong may take.
const PONG_PATIENCE: Duration = Duration::from_secs(30);

/// Most events examined at a time, so that the client is heard in between.
const BATCH_RECORDS: usize = 512;

/// Turns at the tip after which the session looks at more than events; in a replay it does
/// so after every batch.
const LOOK_AROUND: u32 = 16;

/// A session that is subscribed.
pub(super) struct Pump<'a> {
    socket: &'a mut Socket,
    shared: &'a Shared,
    log: Reader,
    tip: watch::Receiver<Seq>,
    control: watch::Receiver<Control>,
    key: Option<ApiKey>,
    cursor: Seq,
    filter: Filter,
    sent: u64,
    /// What could be vouched for when this session was last at the tip.
    complete_through: Option<Timestamp>,
    batches: u32,
    duties: Duties,
}

/// What is due at a time: one timer for all.
struct Duties {
    heartbeat: Instant,
    ping: Instant,
    pong: Option<Instant>,
    alarm: Pin<Box<Sleep>>,
}

/// What woke the pump.
enum Woken {
    Tip,
    Control,
    Alarm,
    Heard(Heard),
    Nothing,
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        socket: &'a mut Socket,
        shared: &'a Shared,
        key: Option<ApiKey>,
        cursor: Seq,
        filter: Filter,
    ) -> Self {
        let log = shared.log.clone();
        let (tip, control) = (log.tip_changes(), shared.control.clone());
        let duties = Duties::new(shared.stream.heartbeat);
        Self {
            socket,
            shared,
            log,
            tip,
            control,
            key,
            cursor,
            filter,
            sent: 0,
            complete_through: None,
            batches: 0,
            duties,
        }
    }

    /// Sends until there is a reason to stop, which is the error.
    pub(super) async fn run(mut self) -> Result<Infallible, End> {
        loop {
            self.step().await?;
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        let more = self.send_waiting().await?;
        self.batches = self.batches.wrapping_add(1);
        let woken = if more || self.batches.is_multiple_of(LOOK_AROUND) {
            self.look_around().await?
        } else {
            self.wait().await?
        };
        match woken {
            Woken::Tip | Woken::Nothing => Ok(()),
            Woken::Control => obey(&mut self.control, self.key.as_ref()),
            Woken::Alarm => self.do_duties().await,
            Woken::Heard(heard) => self.answer(heard).await,
        }
    }

    /// Sends one batch of what the log holds after the cursor; whether there is more.
    async fn send_waiting(&mut self) -> Result<bool, End> {
        // What is vouched for was so before the tip was read, hence lies below it.
        let vouched = self.shared.status.complete_through();
        let tip = *self.tip.borrow_and_update();
        if self.cursor >= tip {
            self.complete_through = vouched;
            return Ok(false);
        }
        let read = self
            .log
            .read_after(self.cursor, BATCH_RECORDS, BATCH_BYTES)
            .await;
        let records = read.map_err(|error| self.unreadable(&error))?;
        let Some(last) = records.last().map(|record| record.seq) else {
            return Ok(false);
        };
        let wanted = records
            .iter()
            .filter(|record| self.filter.wants(facts(record)));
        let frames: Vec<_> = wanted.map(|record| record.frame.clone()).collect();
        if !frames.is_empty() {
            self.sent += frames.len() as u64;
            self.shared.metrics.frames_sent.inc_by(frames.len() as u64);
            self.send_frames(frames).await?;
        }
        self.cursor = last;
        if last >= tip {
            self.complete_through = vouched;
        }
        Ok(last < tip)
    }

    /// Sends frames, and obeys meanwhile: a reader that is stuck keeps nobody from stopping.
    async fn send_frames(&mut self, frames: Vec<Bytes>) -> Result<(), End> {
        let mut sending = pin!(self.socket.send_frames(frames));
        loop {
            tokio::select! {
                biased;
                sent = &mut sending => return sent,
                changed = self.control.changed() => unless_gone(changed, ())?,
            }
            obey(&mut self.control, self.key.as_ref())?;
        }
    }

    fn unreadable(&self, error: &ReadError) -> End {
        if matches!(error, ReadError::Gone { .. }) {
            let message = "the events after the cursor are no longer kept; start with after=oldest";
            return Refusal::new(ErrorCode::CursorGone, message).into();
        }
        tracing::error!(%error, "the event log cannot be read");
        Refusal::new(
            ErrorCode::Internal,
            "the event log cannot be read; try again later",
        )
        .into()
    }

    /// Waits for anything; events first, so that a new one costs no look at the rest.
    async fn wait(&mut self) -> Result<Woken, End> {
        tokio::select! {
            biased;
            moved = self.tip.changed() => unless_gone(moved, Woken::Tip),
            changed = self.control.changed() => unless_gone(changed, Woken::Control),
            heard = self.socket.hear() => heard.map(Woken::Heard),
            () = &mut self.duties.alarm => Ok(Woken::Alarm),
        }
    }

    /// Whatever there is besides events, without waiting for it.
    async fn look_around(&mut self) -> Result<Woken, End> {
        tokio::select! {
            biased;
            changed = self.control.changed() => unless_gone(changed, Woken::Control),
            heard = self.socket.hear() => heard.map(Woken::Heard),
            () = &mut self.duties.alarm => Ok(Woken::Alarm),
            () = std::future::ready(()) => Ok(Woken::Nothing),
        }
    }

    async fn do_duties(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.duties.pong.is_some_and(|due| due <= now) {
            return Err(End::Close(CloseCode::NoPong, None));
        }
        if self.duties.heartbeat <= now {
            self.duties.heartbeat = now + self.shared.stream.heartbeat;
            self.send_heartbeat().await?;
        }
        if self.duties.ping <= now {
            self.duties.ping = now + PING_INTERVAL;
            self.duties.pong.get_or_insert(now + PONG_PATIENCE);
            self.socket.ping().await?;
        }
        self.duties.set_alarm();
        Ok(())
    }

    async fn send_heartbeat(&mut self) -> Result<(), End> {
        let epoch = self.log.epoch();
        let heartbeat = Heartbeat {
            at: to_millis(self.shared.clock.now()),
            head: epoch.at(self.log.tip()),
            through: epoch.at(self.cursor),
            sent: self.sent,
            complete_through: self.complete_through,
            sources: self.shared.status.last_polls(),
        };
        self.socket.say(encode("heartbeat", &heartbeat)).await
    }

    async fn answer(&mut self, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Nothing => {}
            Heard::Pong => self.duties.pong = None,
            Heard::Message(ClientMessage::Ping { id }) => self.socket.say(pong(id)).await?,
            Heard::Message(ClientMessage::Auth { key }) => {
                if self.shared.auth_required {
                    self.key = Some(self.shared.check_key(&key, Scope::Stream)?);
                }
            }
            Heard::Message(ClientMessage::Subscribe(subscription)) => {
                let place = Some(self.cursor);
                (self.cursor, self.filter) =
                    subscribe(self.socket, self.shared, subscription, place).await?;
                self.sent = 0;
            }
        }
        Ok(())
    }
}

/// Sessions are to be closed, or the API keys have changed: is ours still good?
fn obey(control: &mut watch::Receiver<Control>, key: Option<&ApiKey>) -> Result<(), End> {
    let control = control.borrow_and_update().clone();
    if control.closing {
        return Err(End::Close(CloseCode::GoingAway, None));
    }
    let now = Timestamp::now();
    let good = |key: &ApiKey| key.is_valid(now) && key.scopes.contains(&Scope::Stream);
    if key.is_none_or(|key| control.keys.find(&key.id).is_some_and(good)) {
        return Ok(());
    }
    let message = "the API key was revoked or has expired";
    Err(Refusal::new(ErrorCode::Unauthorized, message).into())
}

/// Without the updater or the program there is nothing to wait for.
fn unless_gone<T>(changed: Result<(), watch::error::RecvError>, woken: T) -> Result<T, End> {
    changed
        .map(|()| woken)
        .map_err(|_| End::Close(CloseCode::GoingAway, None))
}

impl Duties {
    fn new(heartbeat: Duration) -> Self {
        let now = Instant::now();
        let (heartbeat, ping) = (now + heartbeat, now + PING_INTERVAL);
        let alarm = Box::pin(sleep_until(heartbeat.min(ping)));
        Self {
            heartbeat,
            ping,
            pong: None,
            alarm,
        }
    }

    fn set_alarm(&mut self) {
        let next = self.heartbeat.min(self.ping);
        let next = self.pong.map_or(next, |pong| next.min(pong));
        self.alarm.as_mut().reset(next);
    }
}
