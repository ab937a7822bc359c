//! The heart of a session: read, send, or wait.
//!
//! Invariant: the cursor only grows, and every event between two of its values was sent
//! or did not match the filter; so replay turns into live without a seam.

use eventlog::ReadError;
use protocol::{
    close::CloseCode,
    filter::Filter,
    frame::{ClientMessage, ErrorCode, Heartbeat, Refusal, encode},
    seq::Seq,
    time::to_millis,
};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::watch,
    time::{Instant, Interval, MissedTickBehavior, interval_at, sleep_until},
};

use super::{
    Shared,
    session::{pong, subscribe},
    socket::{BATCH_BYTES, End, Heard, Socket},
};
use crate::{
    keys::{ApiKey, KeyRing, Scope},
    log::{Reader, facts},
};

/// Between websocket pings.
const PING_INTERVAL: Duration = Duration::from_secs(20);

/// How long a pong may take.
const PONG_PATIENCE: Duration = Duration::from_secs(30);

/// Most events examined at a time, so that the client is heard in between.
const BATCH_RECORDS: usize = 512;

/// A session that is subscribed.
pub(super) struct Pump<'a> {
    socket: &'a mut Socket,
    shared: &'a Shared,
    log: Reader,
    tip: watch::Receiver<Seq>,
    key: Option<ApiKey>,
    keys: watch::Receiver<Arc<KeyRing>>,
    cursor: Seq,
    filter: Filter,
    sent: u64,
    heartbeat: Interval,
    ping: Interval,
    pong_due: Option<Instant>,
}

/// What woke the pump.
enum Woken {
    Tip,
    Keys,
    Heartbeat,
    Ping,
    NoPong,
    Heard(Heard),
    Closing,
    MoreToSend,
}

impl<'a> Pump<'a> {
    pub(super) fn new(
        socket: &'a mut Socket,
        shared: &'a Shared,
        key: Option<ApiKey>,
        cursor: Seq,
        filter: Filter,
    ) -> Self {
        let (log, keys) = (shared.log.clone(), shared.keys.clone());
        let tip = log.tip_changes();
        let heartbeat = steady(shared.stream.heartbeat);
        let ping = steady(PING_INTERVAL);
        Self {
            socket,
            shared,
            log,
            tip,
            key,
            keys,
            cursor,
            filter,
            sent: 0,
            heartbeat,
            ping,
            pong_due: None,
        }
    }

    /// Sends until there is a reason to stop.
    pub(super) async fn run(mut self) -> End {
        loop {
            if let Err(end) = self.step().await {
                return end;
            }
        }
    }

    async fn step(&mut self) -> Result<(), End> {
        let more = self.send_waiting().await?;
        match self.wait(more).await? {
            Woken::Tip | Woken::MoreToSend => Ok(()),
            Woken::Keys => self.check_key(),
            Woken::Heartbeat => self.send_heartbeat().await,
            Woken::Ping => self.send_ping().await,
            Woken::NoPong => Err(End::Close(CloseCode::NoPong, None)),
            Woken::Heard(heard) => self.answer(heard).await,
            Woken::Closing => Err(End::Close(CloseCode::GoingAway, None)),
        }
    }

    /// Sends one batch of what the log holds after the cursor; whether there may be more.
    async fn send_waiting(&mut self) -> Result<bool, End> {
        self.tip.borrow_and_update();
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
            self.socket.send_frames(frames).await?;
        }
        self.cursor = last;
        Ok(true)
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

    async fn wait(&mut self, more: bool) -> Result<Woken, End> {
        let pong_due = self
            .pong_due
            .unwrap_or_else(|| Instant::now() + PONG_PATIENCE);
        tokio::select! {
            biased;
            () = self.shared.closing.cancelled() => Ok(Woken::Closing),
            _ = self.keys.changed() => Ok(Woken::Keys),
            heard = self.socket.hear() => heard.map(Woken::Heard),
            _ = self.heartbeat.tick() => Ok(Woken::Heartbeat),
            () = sleep_until(pong_due), if self.pong_due.is_some() => Ok(Woken::NoPong),
            _ = self.ping.tick() => Ok(Woken::Ping),
            () = std::future::ready(()), if more => Ok(Woken::MoreToSend),
            moved = self.tip.changed() => match moved {
                Ok(()) => Ok(Woken::Tip),
                Err(_) => Ok(Woken::Closing),
            },
        }
    }

    /// The key file has changed: is ours still good?
    fn check_key(&mut self) -> Result<(), End> {
        let ring = self.keys.borrow_and_update().clone();
        let Some(key) = &self.key else { return Ok(()) };
        let now = self.shared.clock.now();
        let good = |key: &ApiKey| key.is_valid(now) && key.scopes.contains(&Scope::Stream);
        if ring.find(&key.id).is_some_and(good) {
            return Ok(());
        }
        let message = "the API key was revoked or has expired";
        Err(Refusal::new(ErrorCode::Unauthorized, message).into())
    }

    async fn send_heartbeat(&mut self) -> Result<(), End> {
        let epoch = self.log.epoch();
        let heartbeat = Heartbeat {
            at: to_millis(self.shared.clock.now()),
            head: epoch.at(self.log.tip()),
            through: epoch.at(self.cursor),
            sent: self.sent,
            complete_through: self.shared.status.complete_through(),
            sources: self.shared.status.last_polls(),
        };
        self.socket.say(encode("heartbeat", &heartbeat)).await
    }

    async fn send_ping(&mut self) -> Result<(), End> {
        self.pong_due.get_or_insert(Instant::now() + PONG_PATIENCE);
        self.socket.ping().await
    }

    async fn answer(&mut self, heard: Heard) -> Result<(), End> {
        match heard {
            Heard::Nothing => {}
            Heard::Pong => self.pong_due = None,
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

/// Ticks that do not come in a burst after a stall.
fn steady(period: Duration) -> Interval {
    let mut ticks = interval_at(Instant::now() + period, period);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    ticks
}
