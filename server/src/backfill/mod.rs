//! Filings of the past, from EDGAR's index files through the door of the live ones.
//!
//! Each file's filings go to the updater in batches, with source `backfill`; their
//! submissions follow by the fetcher, behind everything live. While many wait for their
//! submission the backfill waits too, so memory and the request budget stay bounded,
//! and its rate is that of the whole road.
//!
//! Elsewhere: which files (`plan`), the files themselves (`monitors::daily_index`).
//!
//! Invariant: one backfill at a time; a file counts as read when all its filings are
//! durable, so a run that is broken off goes on from there.

mod plan;
mod range;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::Context;
use monitors::{
    clock::Clock,
    daily_index::{IndexReader, Listing, Origin, QuarterListing, Wanted},
};
use protocol::{
    filing::{Filing, Source},
    pattern::{Pattern, Patterns},
    time::eastern_day,
};
use tokio::{sync::Mutex, task::block_in_place, time::sleep};
use tokio_util::sync::CancellationToken;

use self::plan::{Done, Unit, plan};
pub(crate) use self::range::Range;
use crate::{
    metrics::Metrics,
    orders::Orders,
    progress::{Ended, Teller},
    reconcile::{EDGAR_BEGAN, schedule},
    status::Status,
};

/// Filings given to the updater at a time: live ones never wait for more than these.
const BATCH: usize = 500;

/// Filings without submission above which no more are taken.
const BACKLOG_MAX: u64 = 10_000;

/// How often it is looked whether there is room again.
const LOOK: Duration = Duration::from_millis(250);

const CANNOT_KEEP: &str = "cannot keep how far it is in `backfill.json`";

/// How the filings of a backfill are found. They are not `late`: nobody was watching.
const ORIGIN: Origin = Origin {
    source: Source::Backfill,
    late: false,
};

/// Backfills on request.
#[derive(Debug)]
pub(crate) struct Backfill {
    pub(crate) orders: Orders,
    pub(crate) index: IndexReader,
    pub(crate) clock: Clock,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) data_dir: PathBuf,
    /// Held while one runs.
    pub(crate) running: Mutex<()>,
}

/// One run.
struct Run<'a> {
    backfill: &'a Backfill,
    wanted: Wanted,
    done: Done,
    tell: &'a Teller,
    meter: Meter,
}

/// How much there is and how much is done. What unread files list is guessed from those
/// that were read, by business days.
#[derive(Debug, Clone, Copy, Default)]
struct Meter {
    listed: u64,
    listed_days: u64,
    days: u64,
    done: u64,
}

impl Meter {
    fn of(self) -> u64 {
        match self.listed_days {
            0 => 0,
            days => self.listed + self.listed * (self.days - days) / days,
        }
    }
}

impl Backfill {
    /// Takes what EDGAR lists in `range`. `stop` breaks it off.
    pub(crate) async fn run(&self, range: Range, tell: &Teller, stop: &CancellationToken) -> Ended {
        let wanted = match self.check(&range) {
            Ok(wanted) => wanted,
            Err(refused) => return Ended::Refused(refused),
        };
        let Ok(_alone) = self.running.try_lock() else {
            return Ended::Failed(
                "another backfill is under way; wait for its end, or stop it".to_owned(),
            );
        };
        let _running = self.status.backfill_runs(tell.clone());
        let run = Run {
            backfill: self,
            wanted,
            done: Done::open(&self.data_dir, &range),
            tell,
            meter: Meter::default(),
        };
        match stop.run_until_cancelled(run.through()).await {
            None => Ended::Failed("broken off".to_owned()),
            Some(Ok(ended)) => ended,
            Some(Err(error)) => Ended::Failed(format!(
                "the backfill is not done: {error:#}; what was found is kept, run it again to go on"
            )),
        }
    }

    /// What is wanted, up to the newest day whose index is due.
    fn check(&self, range: &Range) -> Result<Wanted, String> {
        let Range { from, to, forms } = range;
        let now = self.clock.now();
        let today = eastern_day(now);
        if *from < EDGAR_BEGAN {
            return Err(format!(
                "--from {from} is before EDGAR, whose indexes begin with {EDGAR_BEGAN}"
            ));
        }
        if from > to {
            return Err(format!("--from {from} is after --to {to}; exchange them"));
        }
        if *to > today {
            return Err(format!(
                "--to {to} is in the future; it is {today} in New York"
            ));
        }
        let mut patterns = Patterns::default();
        for form in forms {
            let pattern: Pattern = form.parse().map_err(|error| format!("--forms: {error}"))?;
            patterns.extend([pattern]);
        }
        Ok(Wanted {
            from: *from,
            to: schedule::newest_due(now, schedule::INDEX_OUT).min(*to),
            forms: Some(patterns).filter(|_| !forms.is_empty()),
        })
    }
}

impl Run<'_> {
    async fn through(mut self) -> anyhow::Result<Ended> {
        let units = plan(self.wanted.from, self.wanted.to);
        let (read, open): (Vec<Unit>, Vec<Unit>) =
            units.into_iter().partition(|unit| self.done.has(*unit));
        self.go_on_after(&read, &open);
        let mut missing = Vec::new();
        for unit in open {
            match self.read(unit).await? {
                None => missing.push(unit.to_string()),
                Some(listed) => {
                    block_in_place(|| self.done.add(unit, listed)).context(CANNOT_KEEP)?;
                }
            }
        }
        let what = self.summary();
        if !missing.is_empty() {
            let missing = missing.join(", ");
            return Ok(Ended::Failed(format!(
                "{what}; EDGAR has no index of {missing} yet, or an empty one: run it again later"
            )));
        }
        block_in_place(|| self.done.finish()).context("cannot remove `backfill.json`")?;
        Ok(Ended::Done(what))
    }

    fn go_on_after(&mut self, read: &[Unit], open: &[Unit]) {
        let (listed, _) = self.done.counts();
        let days = |units: &[Unit]| units.iter().map(|unit| unit.days() as u64).sum::<u64>();
        self.meter = Meter {
            listed,
            listed_days: days(read),
            days: days(read) + days(open),
            done: listed,
        };
    }

    fn summary(&self) -> String {
        let (listed, new) = self.done.counts();
        let Wanted { from, to, .. } = self.wanted;
        let of = if self.wanted.forms.is_some() {
            " of these forms"
        } else {
            ""
        };
        if listed == 0 {
            return format!("EDGAR lists no filing{of} from {from} to {to}");
        }
        format!(
            "{from} to {to}: {listed} filings{of}, {new} of them new; submissions follow while `filingwire serve` runs"
        )
    }

    /// Takes what one file lists; how many that is, or `None` while there is no such file.
    async fn read(&mut self, unit: Unit) -> anyhow::Result<Option<u64>> {
        let doing = format!("reading the index of {unit}");
        self.tell.tell(doing, self.meter.done, self.meter.of());
        let index = self.backfill.index.clone();
        match unit {
            Unit::Day(day) => match index.day(day, ORIGIN).await? {
                Listing::NotOut => Ok(None),
                Listing::NoIndex => Ok(Some(0)),
                // Cut behind its header: no business day is without filings.
                Listing::Out(index) if index.filings.is_empty() => Ok(None),
                Listing::Out(index) => {
                    let wanted = |filing: &Filing| self.wants(filing);
                    let filings: Vec<Filing> = index.filings.into_iter().filter(wanted).collect();
                    self.take(unit, filings.len(), filings.into_iter()).await
                }
            },
            Unit::Quarter(quarter, _) => match index.quarter(quarter).await? {
                QuarterListing::NotOut => Ok(None),
                QuarterListing::Out(index) => {
                    let wanted = self.wanted.clone();
                    let listed = block_in_place(|| index.filings(&wanted, ORIGIN).count());
                    self.take(unit, listed, index.filings(&wanted, ORIGIN))
                        .await
                }
            },
        }
    }

    fn wants(&self, filing: &Filing) -> bool {
        let forms = self.wanted.forms.as_ref();
        forms.is_none_or(|forms| forms.match_name(filing.form.as_str()))
    }

    async fn take(
        &mut self,
        unit: Unit,
        listed: usize,
        mut filings: impl Iterator<Item = Filing>,
    ) -> anyhow::Result<Option<u64>> {
        self.meter.listed += listed as u64;
        self.meter.listed_days += unit.days() as u64;
        loop {
            let batch: Vec<Filing> = filings.by_ref().take(BATCH).collect();
            if batch.is_empty() {
                return Ok(Some(listed as u64));
            }
            self.wait_for_room().await;
            let doing = format!("taking the filings of {unit}");
            self.tell.tell(doing, self.meter.done, self.meter.of());
            self.meter.done += batch.len() as u64;
            let before = self.backfill.metrics.seen(Source::Backfill);
            self.backfill.orders.take(batch).await?;
            let new = self.backfill.metrics.seen(Source::Backfill) - before;
            block_in_place(|| self.done.found(new)).context(CANNOT_KEEP)?;
        }
    }

    async fn wait_for_room(&self) {
        while self.backfill.status.fetch().backlog > BACKLOG_MAX {
            let doing = "waiting for submissions";
            self.tell.tell(doing, self.meter.done, self.meter.of());
            sleep(LOOK).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_unread_files_list_is_guessed_from_those_that_were_read() {
        let meter = Meter {
            listed: 9_000,
            listed_days: 3,
            days: 10,
            done: 4_000,
        };

        assert_eq!(meter.of(), 30_000);
        assert_eq!(Meter::default().of(), 0, "nothing is guessed from nothing");
    }
}
