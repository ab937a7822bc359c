//! One request budget for the whole process, spent by priority.
//!
//! Every request waits here for its turn. Turns are evenly spaced, never saved up, and given
//! to the most urgent waiter; within a class it is first come, first served. Lower classes get
//! what the higher ones leave; only the search index is read now and then whatever there is to
//! download ([`PATIENCE`]). Feed polls ask for at most half of the default budget, so something
//! is always left in ordinary operation.
//!
//! The waiting task stamps its turn itself, at the moment it goes on. A timer that released
//! tasks would release several at once after a stall of the runtime.
//!
//! Elsewhere: whether a request may be made at all (`block`).
//!
//! Invariant: in no window of [`WINDOW`] are there more than [`CAP`] turns.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

/// Turns in one [`WINDOW`], whatever the configured rate.
///
/// Source: sec.gov, "Accessing EDGAR Data": at most 10 requests a second per user.
const CAP: usize = 10;

/// The SEC's second, with room for the way to the network taking unequally long.
pub(crate) const WINDOW: Duration = Duration::from_millis(1_050);

/// How long new submissions go before the search index. Without an end to it a peak of filings,
/// or thousands that wait after a block, would blind us to what the feed has missed: a poll of a
/// whole day is a hundred requests, and minutes without one are an outage.
const PATIENCE: Duration = Duration::from_secs(1);

/// How urgent a request is; the first is the most urgent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// Polls of the latest-filings feed: everything else follows from them.
    Feed,
    /// Index files: few, and a whole day waits for one.
    Index,
    /// The submission of a filing that was just seen.
    NewFiling,
    /// Crawls of the full-text search index.
    Efts,
    /// Submissions of old ground, repeated looks for late documents.
    Repair,
}

impl Priority {
    /// All priorities, the most urgent first.
    pub const ALL: [Self; 5] = [
        Self::Feed,
        Self::Index,
        Self::NewFiling,
        Self::Efts,
        Self::Repair,
    ];

    /// The name used in metrics and logs.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Feed => "feed",
            Self::Index => "index",
            Self::NewFiling => "new_filing",
            Self::Efts => "efts",
            Self::Repair => "repair",
        }
    }
}

/// Hands out turns.
#[derive(Debug)]
pub(crate) struct Pacer {
    spacing: Duration,
    opens: Instant,
    line: Mutex<Line>,
}

/// Who waits, and what was given lately.
#[derive(Debug, Default)]
struct Line {
    waiting: BTreeMap<Place, Waiting>,
    joined: u64,
    turns: VecDeque<Instant>,
}

/// One who waits.
#[derive(Debug)]
struct Waiting {
    bell: Arc<Notify>,
    since: Instant,
}

/// A place in the line: most urgent first, then first come.
type Place = (Priority, u64);

/// What a waiter learns when it looks at the line.
enum Turn {
    Now,
    At(Instant),
    Behind,
}

impl Pacer {
    /// A pacer with `per_second` evenly spaced turns, 1 to 10, the first at `opens`.
    pub(crate) fn new(per_second: u32, opens: Instant) -> Self {
        Self {
            spacing: Duration::from_secs(1) / per_second.max(1),
            opens,
            line: Mutex::default(),
        }
    }

    /// Waits for a turn. Dropping the future gives the place up and costs no turn.
    pub(crate) async fn turn(&self, priority: Priority) {
        let waiter = self.join(priority);
        loop {
            match self.look(waiter.place) {
                Turn::Now => return,
                Turn::At(moment) => tokio::select! {
                    () = tokio::time::sleep_until(moment) => {}
                    () = waiter.bell.notified() => {}
                },
                Turn::Behind => waiter.bell.notified().await,
            }
        }
    }

    fn join(&self, priority: Priority) -> Waiter<'_> {
        let bell = Arc::new(Notify::new());
        let mut line = self.line();
        let place = (priority, line.joined);
        line.joined += 1;
        let waiting = Waiting {
            bell: bell.clone(),
            since: Instant::now(),
        };
        line.waiting.insert(place, waiting);
        Waiter {
            pacer: self,
            place,
            bell,
        }
    }

    /// Takes the turn of the waiter at `place` if it is due.
    fn look(&self, place: Place) -> Turn {
        let now = Instant::now();
        let mut line = self.line();
        if line.front(now) != Some(place) {
            // It may have come to the front by waiting, of which nobody has told it.
            line.call(now);
            return Turn::Behind;
        }
        let moment = line.next_turn(self.spacing).unwrap_or(self.opens);
        if moment > now {
            return Turn::At(moment);
        }
        line.stamp(now);
        line.leave(place);
        Turn::Now
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Line {
    /// The earliest moment for the next turn; `None` when nothing was given yet.
    fn next_turn(&self, spacing: Duration) -> Option<Instant> {
        let spaced = *self.turns.back()? + spacing;
        let full = self.turns.len() == CAP;
        let windowed = self.turns.front().filter(|_| full).map(|at| *at + WINDOW);
        Some(windowed.map_or(spaced, |windowed| spaced.max(windowed)))
    }

    fn stamp(&mut self, now: Instant) {
        if self.turns.len() == CAP {
            self.turns.pop_front();
        }
        self.turns.push_back(now);
    }

    /// Whose turn is next.
    fn front(&self, now: Instant) -> Option<Place> {
        let first = *self.waiting.keys().next()?;
        let mut search = self
            .waiting
            .range((Priority::Efts, 0)..(Priority::Repair, 0));
        let impatient = search
            .next()
            .filter(|(_, waiting)| waiting.since + PATIENCE <= now);
        match impatient {
            Some((place, _)) if first.0 == Priority::NewFiling => Some(*place),
            _ => Some(first),
        }
    }

    /// Tells the one in front.
    fn call(&self, now: Instant) {
        let front = self.front(now);
        if let Some(waiting) = front.and_then(|place| self.waiting.get(&place)) {
            waiting.bell.notify_one();
        }
    }

    /// Removes a waiter and tells the one now in front.
    fn leave(&mut self, place: Place) {
        if self.waiting.remove(&place).is_some() {
            self.call(Instant::now());
        }
    }
}

/// A place in the line that is given up when dropped.
struct Waiter<'a> {
    pacer: &'a Pacer,
    place: Place,
    bell: Arc<Notify>,
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        self.pacer.line().leave(self.place);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use tokio::task::JoinSet;

    /// Lets `count` waiters per priority run to the end; who went when.
    async fn race(pacer: &Arc<Pacer>, waiters: &[Priority]) -> Vec<(Instant, Priority, usize)> {
        let mut tasks = JoinSet::new();
        for (number, &priority) in waiters.iter().enumerate() {
            let pacer = pacer.clone();
            tasks.spawn(async move {
                pacer.turn(priority).await;
                (Instant::now(), priority, number)
            });
        }
        let mut turns = tasks.join_all().await;
        turns.sort();
        turns
    }

    fn mixed(count: usize) -> Vec<Priority> {
        (0..count).map(|n| Priority::ALL[4 - n % 5]).collect()
    }

    fn most_in_a_second(turns: &[(Instant, Priority, usize)]) -> usize {
        let second = Duration::from_secs(1);
        let within = |start: Instant| {
            turns
                .iter()
                .filter(|turn| turn.0 >= start && turn.0 < start + second)
                .count()
        };
        turns.iter().map(|turn| within(turn.0)).max().unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn thirty_mixed_waiters_never_make_more_than_ten_turns_in_a_second() {
        for rate in [1, 8, 10, 1_000] {
            let pacer = Arc::new(Pacer::new(rate, Instant::now()));

            let turns = race(&pacer, &mixed(30)).await;

            assert_eq!(turns.len(), 30);
            assert!(most_in_a_second(&turns) <= 10, "at {rate} a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn turns_are_evenly_spaced_even_after_a_pause() {
        let pacer = Arc::new(Pacer::new(8, Instant::now()));
        pacer.turn(Priority::Feed).await;
        tokio::time::advance(Duration::from_secs(60)).await;

        let turns = race(&pacer, &mixed(9)).await;

        let gaps = turns.windows(2).map(|pair| pair[1].0 - pair[0].0);
        assert!(gaps.min().unwrap() >= Duration::from_millis(125));
    }

    #[tokio::test(start_paused = true)]
    async fn the_budget_is_used_up_to_its_rate() {
        let pacer = Arc::new(Pacer::new(8, Instant::now()));

        let turns = race(&pacer, &mixed(33)).await;

        let took = turns[32].0 - turns[0].0;
        assert!(took <= Duration::from_millis(4_100), "{took:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn urgent_waiters_overtake_and_equals_keep_their_order() {
        let pacer = Arc::new(Pacer::new(10, Instant::now()));
        pacer.turn(Priority::Repair).await;

        let turns = race(&pacer, &mixed(16)).await;

        let order: Vec<_> = turns.iter().map(|turn| (turn.1, turn.2)).collect();
        assert!(order.is_sorted(), "{order:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn a_late_feed_poll_goes_before_those_who_already_wait() {
        let pacer = Arc::new(Pacer::new(1, Instant::now()));
        pacer.turn(Priority::Repair).await;
        let mut repair = Box::pin(pacer.turn(Priority::Repair));
        assert!(futures_pending(&mut repair).await);

        pacer.turn(Priority::Feed).await;

        assert!(futures_pending(&mut repair).await);
        repair.await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_cancelled_waiter_costs_no_turn_and_wakes_the_next() {
        let pacer = Arc::new(Pacer::new(1, Instant::now()));
        pacer.turn(Priority::Feed).await;
        let start = Instant::now();
        let mut first = Box::pin(pacer.turn(Priority::Feed));
        let mut second = Box::pin(pacer.turn(Priority::Feed));
        assert!(futures_pending(&mut first).await);
        assert!(futures_pending(&mut second).await);

        drop(first);
        second.await;

        let waited = start.elapsed();
        assert!(
            (1_000..1_010).contains(&waited.as_millis()),
            "{waited:?} after one spacing"
        );
        assert!(pacer.line().waiting.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn a_stalled_runtime_does_not_release_several_at_once() {
        let pacer = Arc::new(Pacer::new(8, Instant::now()));
        pacer.turn(Priority::Feed).await;
        let mut waiting: Vec<_> = (0..4)
            .map(|_| Box::pin(pacer.turn(Priority::Feed)))
            .collect();
        for turn in &mut waiting {
            assert!(futures_pending(turn).await);
        }

        tokio::time::advance(Duration::from_secs(5)).await;

        let mut released = 0;
        for turn in &mut waiting {
            released += usize::from(!futures_pending(turn).await);
        }
        assert_eq!(released, 1);
    }

    /// Polls once; whether the future still waits.
    async fn futures_pending(future: &mut (impl Future<Output = ()> + Unpin)) -> bool {
        std::future::poll_fn(|context| {
            std::task::Poll::Ready(std::pin::Pin::new(&mut *future).poll(context).is_pending())
        })
        .await
    }

    #[tokio::test(start_paused = true)]
    async fn a_peak_of_new_filings_keeps_the_search_index_waiting_for_some_seconds_only() {
        let pacer = Arc::new(Pacer::new(8, Instant::now()));
        let began = Instant::now();
        let mut waiters = vec![Priority::NewFiling; 100];
        waiters.extend([Priority::Efts; 2]);

        let turns = race(&pacer, &waiters).await;

        let of_search = turns.iter().filter(|turn| turn.1 == Priority::Efts);
        let waited: Vec<Duration> = of_search.map(|turn| turn.0 - began).collect();
        let soon = PATIENCE..PATIENCE + Duration::from_secs(1);
        assert!(
            waited.iter().all(|waited| soon.contains(waited)),
            "{waited:?}"
        );
        assert_eq!(turns.len(), 102);
    }

    #[tokio::test(start_paused = true)]
    async fn the_first_turn_waits_for_the_opening() {
        let opens = Instant::now() + Duration::from_millis(500);

        let turns = race(&Arc::new(Pacer::new(8, opens)), &[Priority::Feed]).await;

        assert_eq!(turns[0].0, opens);
    }
}
