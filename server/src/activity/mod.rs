//! How busy today is beside a usual day, and how soon after its acceptance a filing is seen.
//!
//! One more reader of the log, from a month back: it counts filings by Eastern minute and the
//! delays of today by source. Elsewhere: delays as buckets ([`delays`]), the door
//! (`http/activity`).
//!
//! Invariant: what is kept does not grow: a count for each minute of the newest [`KEPT`] days,
//! and one set of buckets for each source.

mod delays;

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use anyhow::Context;
use eventlog::ReadError;
use jiff::{SignedDuration, Zoned};
use protocol::{
    event::EventType,
    filing::Source,
    time::{Date, Timestamp, to_eastern},
};
use serde::{Deserialize, Serialize};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use self::delays::{Delays, Told};
use crate::log::{self, Reader};

/// Minutes of a day; the hour that the clock is set back lies on the one before.
const MINUTES: usize = 24 * 60;

/// Business days that are kept, with today: twenty make a usual one.
const KEPT: usize = 21;

/// How far back the log is read at the start: as many days with weekends and holidays.
const LOOK_BACK: SignedDuration = SignedDuration::from_hours(32 * 24);

/// Most records read at a time: a few milliseconds of reading JSON.
const RECORDS: usize = 256;

/// Bytes read at a time.
const PIECE: usize = 512 << 10;

/// Rest after each piece, and at the tip: a chart has time.
const REST: Duration = Duration::from_millis(5);
const REST_AT_TIP: Duration = Duration::from_millis(500);

/// What is counted.
#[derive(Debug, Default)]
pub(crate) struct Activity(Mutex<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// Business days before today, oldest first, then today.
    days: VecDeque<Day>,
    usual: Usual,
    delays: BTreeMap<Source, Delays>,
    /// When counting begins: what was accepted before it was not seen late, only first.
    since: Option<Timestamp>,
}

#[derive(Debug)]
struct Day {
    date: Date,
    /// The minute from which on it was read.
    since: usize,
    minutes: Box<[u16; MINUTES]>,
}

/// The median of the days before today, minute by minute.
#[derive(Debug, Default)]
struct Usual {
    days: usize,
    minutes: Vec<u16>,
}

/// Today beside a usual day.
#[derive(Debug, Serialize)]
pub(crate) struct Page {
    date: Date,
    /// The minute of today from which on they are counted, 0 unless the log is younger.
    since: usize,
    /// Filings seen in each minute from midnight, Eastern, to this one.
    today: Vec<u16>,
    /// Median of the business days before, of as many as `usual_days` says; empty without any.
    usual: Vec<u16>,
    usual_days: usize,
    /// From acceptance to the first sight, of today's filings, by the source that saw them first.
    delays: BTreeMap<Source, Told>,
}

/// What is read of an event.
#[derive(Deserialize)]
struct Seen {
    #[serde(rename = "type")]
    event_type: EventType,
    at: Timestamp,
    filing: Option<SeenFiling>,
}

#[derive(Deserialize)]
struct SeenFiling {
    source: Source,
    seen_at: Timestamp,
    accepted_at: Option<Timestamp>,
    #[serde(default)]
    late: bool,
}

impl Activity {
    /// What is counted up to `now`.
    pub(crate) fn page(&self, now: Timestamp) -> Page {
        self.counts().page(&to_eastern(now))
    }

    /// Counts the events of a log until `stop`.
    ///
    /// # Errors
    /// When a record is damaged or the disk fails: the program must stop.
    pub(crate) async fn follow(
        &self,
        log: Reader,
        now: Timestamp,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let first = log::first_at(&log, now - LOOK_BACK).await;
        let mut after = first.context("the event log cannot be read")?.prev();
        while !stop.is_cancelled() {
            after = match log.read_after(after, RECORDS, PIECE).await {
                Ok(records) => {
                    let frames = records.iter().map(|record| &record.frame[..]);
                    self.count(frames);
                    records.last().map_or(after, |last| last.seq)
                }
                // Retention was faster.
                Err(ReadError::Gone { oldest }) => oldest.prev(),
                Err(error) => return Err(error).context("the event log cannot be read"),
            };
            let rest = if after < log.tip() { REST } else { REST_AT_TIP };
            stop.run_until_cancelled(sleep(rest)).await;
        }
        Ok(())
    }

    fn count<'a>(&self, frames: impl Iterator<Item = &'a [u8]>) {
        let mut counts = self.counts();
        for event in frames.filter_map(|frame| serde_json::from_slice(frame).ok()) {
            counts.take(&event);
        }
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        // Every count is whole at any moment, so a panic elsewhere spoils none.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    fn take(&mut self, event: &Seen) {
        let Some(filing) = &event.filing else { return };
        // Others are found long after the fact: they say nothing of how soon or how busy.
        if filing.late || !matches!(filing.source, Source::Atom | Source::Efts) {
            return;
        }
        let since = *self.since.get_or_insert(event.at);
        let at = to_eastern(event.at);
        self.turn_to(&at);
        if filing.accepted_at.is_some_and(|accepted| accepted < since) {
            return;
        }
        if event.event_type == EventType::FilingSeen
            && let Some(today) = self.days.back_mut()
        {
            let count = &mut today.minutes[minute(&at)];
            *count = count.saturating_add(1);
        }
        if event.event_type == tells_acceptance(filing.source)
            && let Some(accepted) = filing.accepted_at
        {
            let delay = filing.seen_at.duration_since(accepted);
            self.delays.entry(filing.source).or_default().take(delay);
        }
    }

    /// Begins a new day when that of `at` is later than the last one.
    fn turn_to(&mut self, at: &Zoned) {
        let date = at.date();
        if self.days.back().is_some_and(|today| today.date >= date) {
            return;
        }
        // A weekend has a few filings that were accepted before it; no usual day is of them.
        self.days
            .retain(|day| edgar::calendar::is_business_day(day.date));
        if self.days.len() == KEPT {
            self.days.pop_front();
        }
        self.usual = Usual::of(&self.days);
        self.delays.clear();
        self.days.push_back(Day {
            date,
            // The first one of all began before it was read.
            since: if self.days.is_empty() { minute(at) } else { 0 },
            minutes: Box::new([0; MINUTES]),
        });
    }

    fn page(&self, now: &Zoned) -> Page {
        let date = now.date();
        let through = minute(now);
        let today = self.days.back().filter(|today| today.date == date);
        // Until today's first filing the last day read is one of those before it.
        let usual = match today {
            Some(_) => &self.usual,
            None => &Usual::of(&self.days),
        };
        Page {
            date,
            since: today.map_or(0, |day| day.since),
            today: today.map_or_else(
                || vec![0; through + 1],
                |day| day.minutes[..=through].to_vec(),
            ),
            usual: usual.minutes.clone(),
            usual_days: usual.days,
            delays: today.map_or_else(BTreeMap::new, |_| {
                let told = |(source, delays): (&Source, &Delays)| (*source, delays.tell());
                self.delays.iter().map(told).collect()
            }),
        }
    }
}

impl Usual {
    fn of(days: &VecDeque<Day>) -> Self {
        let whole: Vec<&Day> = days.iter().filter(|day| day.since == 0).collect();
        if whole.is_empty() {
            return Self::default();
        }
        let median = |minute: usize| {
            let mut counts: Vec<u16> = whole.iter().map(|day| day.minutes[minute]).collect();
            counts.sort_unstable();
            counts[counts.len() / 2]
        };
        Self {
            days: whole.len(),
            minutes: (0..MINUTES).map(median).collect(),
        }
    }
}

/// The event that tells when a filing of this source was accepted: EFTS itself does not.
const fn tells_acceptance(source: Source) -> EventType {
    match source {
        Source::Atom => EventType::FilingSeen,
        _ => EventType::FilingArchived,
    }
}

fn minute(at: &Zoned) -> usize {
    usize::from(at.hour().unsigned_abs()) * 60 + usize::from(at.minute().unsigned_abs())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A filing that was accepted 20 seconds before it was seen at `at`.
    fn seen(counts: &mut Counts, at: &str, event_type: EventType, source: Source) {
        let at: Timestamp = at.parse().unwrap();
        let filing = SeenFiling {
            source,
            seen_at: at,
            accepted_at: Some(at - SignedDuration::from_secs(20)),
            late: false,
        };
        counts.take(&Seen {
            event_type,
            at,
            filing: Some(filing),
        });
    }

    /// Counting has begun: what follows was accepted since.
    fn begun(at: &str) -> Counts {
        Counts {
            since: Some(at.parse().unwrap()),
            ..Counts::default()
        }
    }

    fn page(counts: &Counts, now: &str) -> Page {
        counts.page(&to_eastern(now.parse().unwrap()))
    }

    #[test]
    fn filings_are_counted_by_eastern_minute() {
        let mut counts = begun("2026-01-01T00:00:00Z");
        for _ in 0..3 {
            let at = "2026-03-03T15:04:58Z";
            seen(&mut counts, at, EventType::FilingSeen, Source::Atom);
        }

        let page = page(&counts, "2026-03-03T15:05:10Z");

        assert_eq!(page.today.len(), 10 * 60 + 6);
        assert_eq!(page.today[10 * 60 + 4..], [3, 0]);
        assert_eq!(page.since, 10 * 60 + 4);
    }

    #[test]
    fn what_was_accepted_before_counting_begins_is_not_late() {
        let mut counts = Counts::default();
        for second in [10, 29, 31] {
            let at = format!("2026-03-03T15:04:{second}Z");
            seen(&mut counts, &at, EventType::FilingSeen, Source::Atom);
        }

        let page = page(&counts, "2026-03-03T15:04:40Z");

        assert_eq!(page.today[10 * 60 + 4], 1);
        assert_eq!(page.delays[&Source::Atom].filings, 1);
    }

    #[test]
    fn a_usual_day_is_the_median_of_whole_business_days() {
        let mut counts = begun("2026-01-01T00:00:00Z");
        // Friday began before the log, Saturday is none, Monday to Wednesday are whole.
        for (day, filings) in [(27, 9), (28, 1)] {
            for _ in 0..filings {
                let at = format!("2026-02-{day}T16:00:00Z");
                seen(&mut counts, &at, EventType::FilingSeen, Source::Atom);
            }
        }
        for (day, filings) in [(2, 5), (3, 2), (4, 7), (5, 1)] {
            for _ in 0..filings {
                let at = format!("2026-03-0{day}T16:00:00Z");
                seen(&mut counts, &at, EventType::FilingSeen, Source::Atom);
            }
        }

        let page = page(&counts, "2026-03-05T16:00:30Z");

        assert_eq!((page.usual_days, page.usual[11 * 60]), (3, 5));
        assert_eq!(page.today[11 * 60], 1);
    }

    #[test]
    fn before_the_first_filing_of_a_day_the_day_before_is_a_usual_one() {
        let mut counts = begun("2026-01-01T00:00:00Z");
        for day in [2, 3] {
            let at = format!("2026-03-0{day}T16:00:00Z");
            seen(&mut counts, &at, EventType::FilingSeen, Source::Atom);
        }

        let page = page(&counts, "2026-03-04T11:00:00Z");

        assert_eq!((page.usual_days, page.usual[11 * 60]), (1, 1));
        assert!(page.delays.is_empty());
        assert!(page.today.iter().all(|count| *count == 0));
    }

    #[test]
    fn a_source_that_tells_no_acceptance_is_measured_when_the_filing_is_archived() {
        let mut counts = begun("2026-01-01T00:00:00Z");
        let at = "2026-03-03T15:04:58Z";

        seen(&mut counts, at, EventType::FilingSeen, Source::Efts);
        seen(&mut counts, at, EventType::FilingArchived, Source::Efts);
        seen(&mut counts, at, EventType::FilingArchived, Source::Atom);

        let page = page(&counts, at);
        assert_eq!(page.delays[&Source::Efts].filings, 1);
        assert!(!page.delays.contains_key(&Source::Atom));
    }

    #[test]
    fn what_is_found_long_after_the_fact_is_not_counted() {
        let mut counts = Counts::default();
        let at = "2026-03-03T15:04:58Z";

        seen(&mut counts, at, EventType::FilingSeen, Source::Backfill);
        seen(&mut counts, at, EventType::FilingSeen, Source::DailyIndex);

        assert!(counts.days.is_empty());
    }

    #[test]
    fn a_year_takes_no_more_room_than_a_month() {
        let mut counts = begun("2026-01-01T00:00:00Z");
        let mut day: Date = "2026-01-01".parse().unwrap();
        for _ in 0..365 {
            let at = format!("{day}T16:00:00Z");
            seen(&mut counts, &at, EventType::FilingSeen, Source::Atom);
            day = day.tomorrow().unwrap();
        }

        assert!(counts.days.len() <= KEPT + 1);
        assert_eq!(counts.usual.days, KEPT - 1);
    }
}
