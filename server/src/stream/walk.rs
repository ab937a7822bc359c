//! Reading the log for a subscription: a cursor and a filter in, wanted events out.
//!
//! A [`Walk`] knows no socket: whoever drives it reads a batch, writes it as its transport
//! does, and waits when there is no more. Elsewhere: where it begins and ends (`place`).
//!
//! Invariant: the cursor only grows, and every event between two of its values was given
//! out or did not match the filter; so replay turns into live without a seam.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use eventlog::ReadError;
use protocol::{
    filter::Filter,
    frame::{ErrorCode, Heartbeat, Refusal},
    seq::{Cursor, Seq},
    time::{Timestamp, to_millis},
};
use tokio::{sync::watch, time::sleep};

use super::{
    Shared,
    place::{Bound, Located, Rule, is_after},
};
use crate::log::{Reader, Record, facts, frame_in};

/// Most events examined at a time, so that the one who drives looks around in between.
const BATCH_RECORDS: usize = 512;

/// Bytes of frames read at a time, and about the most a walk holds.
const BATCH_BYTES: usize = 32 * 1024;

/// How long an event may be on its way from getting its `at` to being visible: an end that
/// is a time waits so long past it.
const SETTLING: Duration = Duration::from_secs(2);

/// Longest wait in one piece: a wall clock may be set meanwhile.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// A subscription's way through the log.
#[derive(Debug)]
pub(crate) struct Walk {
    shared: Arc<Shared>,
    log: Reader,
    tip: watch::Receiver<Seq>,
    rule: Rule,
    bound: Bound,
    cursor: Seq,
    sent: u64,
    /// What could be vouched for when the walk was last at the tip.
    complete_through: Option<Timestamp>,
    ended: bool,
}

/// What one step gives.
#[derive(Debug)]
pub(crate) struct Batch {
    /// The wanted events, in order.
    pub(crate) records: Vec<Arc<Record>>,
    /// How to go on.
    pub(crate) then: Then,
}

/// How to go on after a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    /// There is more to read.
    Read,
    /// Nothing more for now: [`Walk::wait`].
    Wait,
    /// The end that was asked for is reached.
    End,
}

/// The updater is gone, and with it the reason to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Gone;

impl Walk {
    /// A subscription's walk.
    pub(crate) fn new(shared: Arc<Shared>, located: Located) -> Self {
        let Located { after, bound, rule } = located;
        let log = shared.log.clone();
        Self {
            tip: log.tip_changes(),
            log,
            shared,
            rule,
            ended: matches!(bound, Bound::Seq(last) if after >= last),
            bound,
            cursor: after,
            sent: 0,
            complete_through: None,
        }
    }

    /// The cursor of the last event examined: the one to save when nothing matched.
    pub(crate) fn through(&self) -> Cursor {
        self.log.epoch().at(self.cursor)
    }

    /// The last event examined.
    pub(crate) fn position(&self) -> Seq {
        self.cursor
    }

    /// What could be vouched for when the walk was last at the tip.
    pub(crate) fn complete_through(&self) -> Option<Timestamp> {
        self.complete_through
    }

    /// Whether the subscription has an end.
    pub(crate) fn is_bounded(&self) -> bool {
        self.bound != Bound::Open
    }

    /// The cursor of the newest event.
    pub(crate) fn head(&self) -> Cursor {
        self.log.epoch().at(self.log.tip())
    }

    /// The cursor of an event of this log.
    pub(crate) fn cursor_of(&self, record: &Record) -> Cursor {
        self.log.epoch().at(record.seq)
    }

    /// Whether the end that was asked for is reached.
    pub(crate) fn is_ended(&self) -> bool {
        self.ended
    }

    /// The filter.
    pub(crate) fn filter(&self) -> &Filter {
        &self.rule.filter
    }

    /// The frame of an event as the subscription's view shows it.
    pub(crate) fn frame(&self, record: &Record) -> Bytes {
        frame_in(record, self.rule.view)
    }

    /// Reads on, up to `most` wanted events and a bounded number of bytes.
    ///
    /// # Errors
    /// A [`Refusal`] when the events are no longer kept or cannot be read.
    pub(crate) async fn read(&mut self, most: usize) -> Result<Batch, Refusal> {
        // Both were so before the tip was read: what is vouched for lies below it, and
        // nothing that comes later has an `at` that is settled.
        let vouched = self.shared.status.complete_through();
        let settled = self.is_settled();
        let tip = *self.tip.borrow_and_update();
        let mut wanted = Vec::new();
        if !self.ended && self.cursor < tip {
            let read = self
                .log
                .read_after(self.cursor, BATCH_RECORDS, BATCH_BYTES)
                .await;
            let records = read.map_err(|error| unreadable(&error))?;
            wanted = self.take(records, most);
        }
        let at_tip = self.cursor >= tip;
        if at_tip {
            self.complete_through = vouched;
            self.ended |= settled;
        }
        self.sent += wanted.len() as u64;
        self.shared.metrics.frames_sent.inc_by(wanted.len() as u64);
        let then = match (self.ended, at_tip) {
            (true, _) => Then::End,
            (false, true) => Then::Wait,
            (false, false) => Then::Read,
        };
        let records = wanted;
        Ok(Batch { records, then })
    }

    fn take(&mut self, records: Vec<Arc<Record>>, most: usize) -> Vec<Arc<Record>> {
        let mut wanted = Vec::new();
        for record in records {
            if wanted.len() == most {
                break;
            }
            if matches!(self.bound, Bound::Time(last) if is_after(&record.frame, last)) {
                self.ended = true;
                break;
            }
            self.cursor = record.seq;
            if self.rule.filter.wants(facts(&record)) {
                wanted.push(record);
            }
            if matches!(self.bound, Bound::Seq(last) if self.cursor >= last) {
                self.ended = true;
                break;
            }
        }
        wanted
    }

    /// Waits until there may be more to read. Can be dropped without loss.
    ///
    /// # Errors
    /// [`Gone`] when nothing will come any more.
    pub(crate) async fn wait(&mut self) -> Result<(), Gone> {
        let settling = self.until_settled();
        tokio::select! {
            biased;
            moved = self.tip.changed() => moved.map_err(|_| Gone),
            () = settling => Ok(()),
        }
    }

    /// Whether no event of before the end can still become visible.
    fn is_settled(&self) -> bool {
        matches!(self.bound, Bound::Time(last) if self.left_until(last).is_zero())
    }

    fn until_settled(&self) -> impl Future<Output = ()> + use<> {
        let left = match self.bound {
            Bound::Time(last) => Some(self.left_until(last).min(LONGEST_WAIT)),
            Bound::Open | Bound::Seq(_) => None,
        };
        async move {
            match left {
                Some(left) => sleep(left).await,
                None => std::future::pending().await,
            }
        }
    }

    /// How long until every event with an `at` up to `last` is visible.
    fn left_until(&self, last: Timestamp) -> Duration {
        let settled_at = last.checked_add(SETTLING).unwrap_or(Timestamp::MAX);
        let left = settled_at.duration_since(self.shared.clock.now());
        Duration::try_from(left).unwrap_or(Duration::ZERO)
    }

    /// What a heartbeat says now.
    pub(crate) fn heartbeat(&self) -> Heartbeat {
        Heartbeat {
            at: to_millis(self.shared.clock.now()),
            head: self.head(),
            through: self.through(),
            sent: self.sent,
            complete_through: self.complete_through,
            sources: self.shared.status.last_polls(),
        }
    }
}

fn unreadable(error: &ReadError) -> Refusal {
    if matches!(error, ReadError::Gone { .. }) {
        let message = "the events after the cursor are no longer kept; start with after=oldest";
        return Refusal::new(ErrorCode::CursorGone, message).field("after");
    }
    tracing::error!(%error, "the event log cannot be read");
    let message = "the event log cannot be read; try again later";
    Refusal::new(ErrorCode::Internal, message)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::http::testing::House;

    fn at(second: u32) -> Timestamp {
        format!("2026-03-03T12:00:{second:02}Z").parse().unwrap()
    }

    /// A log whose event number n has second n.
    fn house(events: u32) -> House {
        let mut house = House::open(1);
        for second in 1..=events {
            house.append(at(second));
        }
        house
    }

    fn walk(house: &House, bound: Bound) -> Walk {
        filtered(house, bound, Filter::default())
    }

    fn filtered(house: &House, bound: Bound, filter: Filter) -> Walk {
        let located = Located {
            after: Seq::ZERO,
            bound,
            rule: Rule {
                filter,
                ..Rule::default()
            },
        };
        Walk::new(house.shared.clone(), located)
    }

    async fn step(walk: &mut Walk, most: usize) -> (Vec<u64>, Then) {
        let batch = walk.read(most).await.unwrap();
        let seqs = batch.records.iter().map(|record| record.seq.get());
        (seqs.collect(), batch.then)
    }

    #[tokio::test]
    async fn a_walk_goes_on_after_the_last_event_it_gave_out() {
        let mut house = house(5);
        let mut walk = walk(&house, Bound::Open);

        assert_eq!(step(&mut walk, 2).await, (vec![1, 2], Then::Read));
        assert_eq!(step(&mut walk, 3).await, (vec![3, 4, 5], Then::Wait));
        assert_eq!(step(&mut walk, 9).await, (vec![], Then::Wait));
        house.append(at(6));
        assert_eq!(walk.wait().await, Ok(()));
        assert_eq!(step(&mut walk, 9).await, (vec![6], Then::Wait));
        assert_eq!((walk.through(), walk.sent), (walk.head(), 6));
    }

    #[tokio::test]
    async fn what_is_not_wanted_moves_the_cursor_all_the_same() {
        let house = house(5);
        let filter = Filter::from_lists([("forms", "10-K")]).unwrap();
        let mut walk = filtered(&house, Bound::Open, filter);

        assert_eq!(step(&mut walk, 1).await, (vec![], Then::Wait));
        assert_eq!(walk.through(), walk.head());
    }

    #[tokio::test]
    async fn an_end_is_inclusive() {
        let house = house(5);
        let mut by_seq = walk(&house, Bound::Seq(Seq::new(3)));
        let mut by_time = walk(&house, Bound::Time(at(3)));

        assert_eq!(step(&mut by_seq, 9).await, (vec![1, 2, 3], Then::End));
        assert_eq!(step(&mut by_time, 9).await, (vec![1, 2, 3], Then::End));
        assert_eq!(by_seq.through(), by_time.through());
    }

    #[tokio::test]
    async fn an_end_in_the_future_is_waited_for_and_one_in_the_past_is_not() {
        let house = house(5);
        let mut past = walk(&house, Bound::Time(at(5)));
        let mut future = walk(&house, Bound::Time("2999-01-01T00:00:00Z".parse().unwrap()));
        let mut beyond = walk(&house, Bound::Seq(Seq::new(6)));

        assert_eq!(step(&mut past, 9).await.1, Then::End);
        assert_eq!(step(&mut future, 9).await.1, Then::Wait);
        assert_eq!(step(&mut beyond, 9).await.1, Then::Wait);
    }
}
