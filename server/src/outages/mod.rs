//! Truth about silence: one task that watches the sources and tells of their outages.
//!
//! It looks at what the polls have shown ([`crate::source`]), judges each source ([`judge`])
//! and orders `source.down` and `source.up` from the updater, which drops what the log says
//! already: one of each per outage, however often the program is started.
//!
//! After a start, the span since the last event of the log is told as an outage that is over
//! if EDGAR was open for more than a minute of it: nobody watched.
//!
//! Elsewhere: how long silence is normal ([`patience`]), who else is told (`status`).
//!
//! Invariant: `since` is never later than the last moment at which the source is known to
//! have worked, and spans of one source do not overlap.

mod down;
mod judge;
mod patience;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use edgar::calendar;
use jiff::SignedDuration;
use monitors::{clock::Clock, schedule};
use protocol::{event::Body, filing::Source, outage::Outage, outage::Part, time::Timestamp};
use serde::Serialize;
use tokio::{
    sync::{mpsc, oneshot},
    time::{MissedTickBehavior, interval},
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::down::Down;
use self::judge::{Verdict, judge, works_again};
use crate::{source::SourceState, status::Status, updater::Order};

/// Between two looks at all sources; a look costs nothing.
const LOOK_INTERVAL: Duration = Duration::from_millis(250);

/// Opening hours that may pass unwatched over a start without being told.
const ABSENCE: SignedDuration = SignedDuration::from_secs(60);

/// Most characters of an error in an event.
const ERROR_MAX: usize = 300;

/// Watches the sources of the status.
#[derive(Debug)]
pub(crate) struct Watch {
    status: Arc<Status>,
    clock: Clock,
    orders: mpsc::Sender<Order>,
    /// The newest event that the log held at the start.
    last_event: Option<Timestamp>,
    /// Sources without a good poll since the start.
    unheard: BTreeSet<Source>,
    /// Until when the last outage of a source was.
    until: BTreeMap<Source, Timestamp>,
}

/// The updater is gone, and with it who writes.
#[derive(Debug)]
struct Gone;

/// What a source is expected to do at a moment, for the operator.
#[derive(Debug, Serialize)]
pub(crate) struct Expected {
    /// `open`, `batch` in the first twenty minutes, `late` in the quarter of an hour after
    /// closing, `closed`.
    hours: &'static str,
    /// Seconds within which it must have had a good poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer_within_s: Option<u64>,
    /// Seconds within which it must have listed something new.
    #[serde(skip_serializing_if = "Option::is_none")]
    news_within_s: Option<u64>,
}

impl Watch {
    /// A watch over all sources of `status`. `last_event` is when the newest event that the
    /// log held at the start entered it.
    pub(crate) fn new(
        status: Arc<Status>,
        clock: Clock,
        orders: mpsc::Sender<Order>,
        last_event: Option<Timestamp>,
    ) -> Self {
        Self {
            unheard: status.sources().into_keys().collect(),
            status,
            clock,
            orders,
            last_event,
            until: BTreeMap::new(),
        }
    }

    /// Watches until `stop` fires or nobody writes any more.
    pub(crate) async fn run(mut self, stop: CancellationToken) {
        let mut looks = interval(LOOK_INTERVAL);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        while stop.run_until_cancelled(looks.tick()).await.is_some() {
            if let Some(Err(Gone)) = stop.run_until_cancelled(self.look_around()).await {
                return;
            }
        }
    }

    /// Looks at every source once.
    async fn look_around(&mut self) -> Result<(), Gone> {
        for (source, state) in self.status.sources() {
            self.look(source, &state).await?;
        }
        Ok(())
    }

    async fn look(&mut self, source: Source, state: &SourceState) -> Result<(), Gone> {
        let Some(part) = Part::watching(source) else {
            return Ok(());
        };
        if let Some(outage) = self.status.outages().down.of(part).cloned() {
            self.unheard.remove(&source);
            return match works_again(state, &outage) {
                Some(until) => self.tell_up(source, outage, until).await,
                None => Ok(()),
            };
        }
        if let Some(heard) = state.last_success
            && self.unheard.remove(&source)
            && let Some(since) = self.absent_since(heard)
        {
            let error = "the program was not watching".to_owned();
            let outage = self.tell_down(part, since, Some(error)).await?;
            return self.tell_up(source, outage, heard).await;
        }
        self.judge(source, part, state).await
    }

    /// Since when nobody watched before the first good poll at `heard`, if it matters.
    fn absent_since(&self, heard: Timestamp) -> Option<Timestamp> {
        let is_long = |since: &Timestamp| calendar::open_between(*since, heard) > ABSENCE;
        self.last_event.filter(is_long)
    }

    async fn judge(&mut self, source: Source, part: Part, state: &SourceState) -> Result<(), Gone> {
        let started_at = self.status.started_at;
        let (since, error) = match judge(state, started_at, self.clock.now()) {
            Verdict::Works => return Ok(()),
            Verdict::Fails(since) => (since, Some(state.error.clone().unwrap_or_default())),
            Verdict::Silent(since) => (since, None),
        };
        let since = since.or(self.last_event).unwrap_or(started_at);
        let since = self
            .until
            .get(&source)
            .map_or(since, |until| since.max(*until));
        self.tell_down(part, since, error).await.map(drop)
    }

    async fn tell_down(
        &self,
        part: Part,
        since: Timestamp,
        error: Option<String>,
    ) -> Result<Outage, Gone> {
        let error = error.map(|error| error.chars().take(ERROR_MAX).collect());
        let outage = Outage {
            part,
            since,
            until: None,
            error,
        };
        if self.append(Body::SourceDown(outage.clone())).await? {
            let error = outage.error.as_deref().unwrap_or("it lists nothing new");
            tracing::warn!(source = %part, %since, error, "source is down");
        }
        Ok(outage)
    }

    async fn tell_up(
        &mut self,
        source: Source,
        outage: Outage,
        until: Timestamp,
    ) -> Result<(), Gone> {
        let (part, since) = (outage.part, outage.since);
        let outage = Outage {
            until: Some(until),
            ..outage
        };
        self.until.insert(source, until);
        if self.append(Body::SourceUp(outage)).await? {
            tracing::info!(source = %part, %since, %until, "source is up again");
        }
        Ok(())
    }

    /// Appends an event; whether the log did not say so already.
    async fn append(&self, body: Body) -> Result<bool, Gone> {
        let (answer, appended) = oneshot::channel();
        let order = Order::Append(Box::new(body), answer);
        self.orders.send(order).await.map_err(|_| Gone)?;
        Ok(appended.await.map_err(|_| Gone)?.is_some())
    }
}

impl Expected {
    /// What is expected of a source at `now`.
    pub(crate) fn of(state: &SourceState, now: Timestamp) -> Self {
        let hours = if calendar::batch_window(now) {
            "batch"
        } else if calendar::is_open(now) {
            "open"
        } else if schedule::is_busy(now) {
            "late"
        } else {
            "closed"
        };
        let answer_within = schedule::is_busy(now).then(|| judge::answer_within(state));
        Self {
            hours,
            answer_within_s: answer_within.map(|within| within.as_secs()),
            news_within_s: patience::of_hour(now).map(|within| within.as_secs()),
        }
    }
}

#[cfg(test)]
mod tests;
