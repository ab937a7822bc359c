//! The night: every day proven complete against EDGAR's own index.
//!
//! Reconciliation is the slowest monitor: what an index lists and the log does not have
//! travels the road of every filing. When all of a day is in the log, the day is sealed.
//!
//! | module | owns |
//! |---|---|
//! | `schedule` | which day when |
//! | `day` | one day's steps, from its index to its seal |
//! | `seal` | what a seal vouches for, `days/D.txt` |
//! | `events_file` | the day's events in the bucket |
//! | `again` | the five days before and the quarter, read again |
//! | `withdrawn` | what EDGAR took away |
//! | `kept` | what needs no second look |
//! | `answer` | what is said to who asked for a day |
//!
//! Elsewhere: the index files (`monitors::daily_index`), the one who appends (`updater`),
//! what is archived and what is missing (`inventories`).
//!
//! Invariant: one run at a time, whoever asks for it; each step can be made again, so a
//! run may end anywhere.

mod again;
mod answer;
mod day;
mod events_file;
mod kept;
pub(crate) mod schedule;
mod seal;
mod withdrawn;

pub(crate) use events_file::filed_through;

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use anyhow::Context;
use archive::key::Layout;
use edgar::calendar;
use monitors::{
    clock::Clock,
    daily_index::{IndexFailure, IndexReader},
};
use protocol::{
    day::Day,
    event::Event,
    time::{Date, eastern_day},
};
use sec_client::{SecClient, SecError};
use tokio::{sync::Mutex, time::interval};
use tokio_util::sync::CancellationToken;

use self::{
    day::Gathering,
    events_file::EventFiles,
    kept::Kept,
    schedule::{Job, Past},
    seal::Days,
};
use crate::{
    buckets::Store,
    config,
    fetch::Again,
    inventories,
    log::Reader,
    metrics::Metrics,
    orders::{Orders, Stopping},
    progress::{Ended, Teller},
    status::Status,
    telemetry::with_causes,
};

/// How often the clock is looked at: it may run faster than ours, or be set.
const LOOK: Duration = Duration::from_millis(250);

/// The first day of EDGAR's indexes.
pub(crate) const EDGAR_BEGAN: Date = jiff::civil::date(1993, 1, 1);

/// Failures in a row after which a missing index is told as a warning, and one that lists
/// nothing may be that of a day on which EDGAR was closed: more than an hour.
const LATE_INDEX: u32 = 4;

/// What the reconciler is built from.
pub(crate) struct Needs {
    pub(crate) log: Reader,
    pub(crate) orders: Orders,
    pub(crate) index: IndexReader,
    pub(crate) sec: SecClient,
    pub(crate) www_url: String,
    pub(crate) clock: Clock,
    /// The bucket of inventories and of each day's events.
    pub(crate) store: Store,
    pub(crate) layout: Layout,
    pub(crate) again: Again,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
    /// The sealed days in the log.
    pub(crate) sealed: BTreeSet<Date>,
}

/// What the steps work with.
#[derive(Debug)]
struct Parts {
    log: Reader,
    orders: Orders,
    index: IndexReader,
    sec: SecClient,
    www_url: String,
    clock: Clock,
    days: Days,
    events: EventFiles,
    inventories: daily::Store,
    again: Again,
    metrics: Arc<Metrics>,
    archive_wait: Duration,
}

/// Why a run was not made to its end; it can be made again.
#[derive(Debug, thiserror::Error)]
enum NightError {
    /// EDGAR gave no usable index.
    #[error(transparent)]
    Index(#[from] IndexFailure),
    /// More than EDGAR has ever published.
    #[error("the index of {day} lists {filings} filings, more than {most}: not believed")]
    Implausible {
        /// The day.
        day: Date,
        /// What is listed.
        filings: usize,
        /// What is believed.
        most: usize,
    },
    /// As if it were cut behind its header.
    #[error(
        "the index of {day} lists no filing: not believed, for EDGAR has some of every business day; if EDGAR was \
         closed by order, the index of a later day ends this; if it was not, look at the file yourself"
    )]
    Empty {
        /// The day.
        day: Date,
    },
    /// EDGAR did not say whether it still gives a submission.
    #[error("EDGAR does not say whether a filing is gone")]
    Silent(#[source] SecError),
    /// The program ends.
    #[error(transparent)]
    Stopping(#[from] Stopping),
    /// Our own side: the log or the disk.
    #[error(transparent)]
    Ours(#[from] anyhow::Error),
}

/// One run: who watches it, and what breaks it off.
#[derive(Clone, Copy)]
struct Run<'a> {
    tell: &'a Teller,
    stop: &'a CancellationToken,
}

impl Run<'_> {
    /// All of `work`, unless it is broken off.
    async fn whole<T>(
        self,
        work: impl Future<Output = Result<T, NightError>>,
    ) -> Result<T, NightError> {
        let done = self.stop.run_until_cancelled(work).await;
        done.unwrap_or(Err(NightError::Stopping(Stopping)))
    }
}

/// What came of a day.
#[derive(Debug, PartialEq, Eq)]
enum Sealing {
    /// It is sealed, by this run.
    Sealed(Day),
    /// It was sealed before.
    Already,
    /// EDGAR has not written its index yet.
    NotOut,
    /// EDGAR was closed: there is nothing to seal.
    NoIndex,
}

/// Reconciles by schedule and on request.
#[derive(Debug)]
pub(crate) struct Reconciler {
    parts: Parts,
    config: config::Reconcile,
    status: Arc<Status>,
    /// Where it is kept what needs no second time.
    kept: PathBuf,
    /// Held during a run.
    past: Mutex<Past>,
}

impl Reconciler {
    /// Takes up what earlier processes did.
    ///
    /// # Errors
    /// When the log or the data directory cannot be used.
    pub(crate) fn new(
        needs: Needs,
        config: config::Reconcile,
        data_dir: &Path,
    ) -> anyhow::Result<Self> {
        let days = Days::open(data_dir).context("cannot use the folder `days`")?;
        days.settle(&needs.sealed)
            .context("cannot finish the file of a sealed day")?;
        if let Some(day) = needs.sealed.last() {
            needs.metrics.night.set_last_sealed(*day);
        }
        let kept_in = data_dir.join("reconcile.json");
        let kept = Kept::read(&kept_in);
        let past = Past {
            since: first_day(&needs.log, &needs.clock)?,
            sealed: needs.sealed,
            closed: BTreeSet::new(),
            files: true,
            again: kept.again,
            quarter: kept.quarter,
            failed: BTreeMap::new(),
        };
        let Store {
            bucket, staging, ..
        } = needs.store;
        let inventories = daily::Store {
            bucket,
            staging,
            layout: needs.layout,
        };
        let events = EventFiles::new(needs.log.clone(), &inventories, data_dir);
        let parts = Parts {
            log: needs.log,
            orders: needs.orders,
            index: needs.index,
            sec: needs.sec,
            www_url: needs.www_url,
            clock: needs.clock,
            days,
            events,
            inventories,
            again: needs.again,
            metrics: needs.metrics,
            archive_wait: config.archive_wait,
        };
        let this = Self {
            parts,
            config,
            status: needs.status,
            kept: kept_in,
            past: Mutex::new(past),
        };
        Ok(this)
    }

    /// Works by schedule until `stop` fires or the updater is gone.
    ///
    /// # Errors
    /// None: what fails is logged and tried again.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut ticks = interval(LOOK);
        while self.config.enabled && stop.run_until_cancelled(ticks.tick()).await.is_some() {
            let Some(mut past) = stop.run_until_cancelled(self.past.lock()).await else {
                break;
            };
            self.show(&past);
            let due = past.next(self.parts.clock.now(), self.config.at);
            if let Some(job) = due {
                self.by_schedule(&mut past, job, &stop).await;
            }
        }
        stop.cancelled().await;
        Ok(())
    }

    /// Reconciles `date`, or the newest day whose index is due, now. `stop` breaks it off.
    pub(crate) async fn reconcile(
        &self,
        date: Option<Date>,
        tell: &Teller,
        stop: &CancellationToken,
    ) -> Ended {
        let now = self.parts.clock.now();
        let date = date.unwrap_or_else(|| schedule::newest_due(now, schedule::INDEX_OUT));
        if let Some(ended) = without_run(date, eastern_day(now)) {
            return ended;
        }
        tell.begin("waiting for the run under way", 0);
        let Some(mut past) = stop.run_until_cancelled(self.past.lock()).await else {
            return Ended::Failed("broken off".to_owned());
        };
        let _running = self.status.night_runs(tell.clone());
        let ended = self.on_request(&mut past, date, Run { tell, stop }).await;
        self.show(&past);
        ended
    }

    async fn on_request(&self, past: &mut Past, date: Date, run: Run<'_>) -> Ended {
        let sealing = if past.sealed.contains(&date) {
            self.write_files(past, run).await;
            Ok(Sealing::Already)
        } else {
            self.seal(past, date, run).await
        };
        match sealing {
            Ok(sealing) => answer::ended(date, sealing, past.files, self.parts.clock.now()),
            Err(error) => Ended::Failed(format!(
                "{date} is not sealed: {:#}; what was found is kept, run it again",
                anyhow::Error::from(error)
            )),
        }
    }

    /// Does one job and remembers what came of it.
    async fn by_schedule(&self, past: &mut Past, job: Job, stop: &CancellationToken) {
        let tell = &Teller::new();
        let _running = self.status.night_runs(tell.clone());
        let run = Run { tell, stop };
        let parts = &self.parts;
        let done = match job {
            Job::Day(day) => match self.seal(past, day, run).await {
                Ok(Sealing::NotOut) => return self.not_out(past, job),
                Ok(Sealing::NoIndex) => return,
                sealing => sealing.map(drop),
            },
            Job::Files => return self.write_files(past, run).await,
            Job::Again(day) => run.whole(again::days(parts, past, day, tell)).await,
            Job::Quarter(saturday) => {
                run.whole(again::quarters(parts, past, saturday, tell))
                    .await
            }
        };
        match done {
            Ok(()) => {
                past.finish(job);
                self.keep(past);
            }
            Err(NightError::Stopping(_)) => {}
            Err(error) => self.failed(past, job, &error),
        }
    }

    /// Seals a day. It can be broken off up to the seal, which is then appended whole.
    async fn seal(&self, past: &mut Past, day: Date, run: Run<'_>) -> Result<Sealing, NightError> {
        let gathered = match run.whole(day::gather(&self.parts, day, run.tell)).await? {
            Gathering::Gathered(gathered) => gathered,
            Gathering::NotOut => return Ok(Sealing::NotOut),
            Gathering::NoIndex => return Ok(closed(past, day)),
            Gathering::Empty => return self.empty(past, day, run).await,
        };
        let sealing = day::append(&self.parts, &gathered).await?;
        past.finish(Job::Day(day));
        if sealing == Sealing::Already {
            return Ok(sealing);
        }
        let sealed = gathered.day;
        self.parts.metrics.night.sealed(&sealed);
        tracing::info!(
            %day,
            listed = sealed.listed,
            recovered = sealed.recovered.len(),
            unarchived = sealed.unarchived.len(),
            sha256 = sealed.sha256,
            "day sealed"
        );
        past.files = true;
        self.write_files(past, run).await;
        Ok(Sealing::Sealed(sealed))
    }

    /// An index that lists nothing is doubted for more than an hour, and longer while
    /// anything says that EDGAR was open.
    async fn empty(&self, past: &mut Past, day: Date, run: Run<'_>) -> Result<Sealing, NightError> {
        let is_steady = past.times(Job::Day(day)) >= LATE_INDEX || past.closed.contains(&day);
        if is_steady && run.whole(day::was_closed(&self.parts, day)).await? {
            return Ok(closed(past, day));
        }
        self.parts.metrics.night.doubted.inc();
        Err(NightError::Empty { day })
    }

    /// Writes what follows from seals. What cannot be written now is tried again.
    async fn write_files(&self, past: &mut Past, run: Run<'_>) {
        run.tell.begin("writing the files of the day", 0);
        let any = !past.sealed.is_empty();
        let Parts {
            events,
            inventories,
            orders,
            log,
            ..
        } = &self.parts;
        let written = async {
            events.bring_up_to_date(any).await?;
            let known = orders.known().await?;
            inventories::write(&known, log, inventories).await?;
            Ok(())
        };
        match run.whole(written).await {
            Ok(()) => past.finish(Job::Files),
            Err(NightError::Stopping(_)) => {}
            Err(error) => {
                past.files = true;
                self.failed(past, Job::Files, &error);
            }
        }
    }

    fn not_out(&self, past: &mut Past, job: Job) {
        let times = past.fail(job, self.parts.clock.now());
        if times == LATE_INDEX {
            tracing::warn!(
                ?job,
                "EDGAR has not written this index; it is due at about 22:07 Eastern"
            );
        } else {
            tracing::info!(?job, times, "the index is not out yet");
        }
    }

    fn failed(&self, past: &mut Past, job: Job, error: &NightError) {
        let times = past.fail(job, self.parts.clock.now());
        self.parts.metrics.night.failed.inc();
        let error = with_causes(error);
        tracing::warn!(?job, times, error, "not done; it is tried again");
    }

    fn show(&self, past: &Past) {
        let next = past.next_run(self.parts.clock.now(), self.config.at);
        let next = Some(next).filter(|_| self.config.enabled);
        self.status.set_night(past.sealed.last().copied(), next);
    }

    fn keep(&self, past: &Past) {
        let kept = Kept {
            again: past.again,
            quarter: past.quarter,
        };
        kept.write(&self.kept);
    }
}

/// What can be answered at once.
fn without_run(date: Date, today: Date) -> Option<Ended> {
    if date > today {
        return Some(Ended::Refused(format!(
            "--date {date} is in the future; it is {today} in New York"
        )));
    }
    if date < EDGAR_BEGAN {
        return Some(Ended::Refused(format!(
            "--date {date} is before EDGAR, whose indexes begin with {EDGAR_BEGAN}"
        )));
    }
    let why = if calendar::is_business_day(date) {
        return None;
    } else if calendar::is_federal_holiday(date) {
        "a federal holiday".to_owned()
    } else {
        match date.weekday() {
            jiff::civil::Weekday::Saturday => "a Saturday".to_owned(),
            jiff::civil::Weekday::Sunday => "a Sunday".to_owned(),
            _ => "a day on which EDGAR was closed by order".to_owned(),
        }
    };
    Some(Ended::Done(format!(
        "{date} is {why}: EDGAR publishes no index, there is nothing to reconcile"
    )))
}

/// EDGAR has published nothing on that day.
fn closed(past: &mut Past, day: Date) -> Sealing {
    past.close(day);
    tracing::info!(%day, "EDGAR lists filings of later days and none of this one: it was closed");
    Sealing::NoIndex
}

/// The Eastern day of the log's first event; today while there is none.
fn first_day(log: &Reader, clock: &Clock) -> anyhow::Result<Date> {
    let first = log.read_after_blocking(log.oldest().prev(), 1, 1);
    let first = first.context("the event log cannot be read")?;
    match first.first() {
        None => Ok(eastern_day(clock.now())),
        Some(record) => {
            let event = Event::from_frame(&record.frame);
            let event = event.context("the first event of the log is not one of ours")?;
            Ok(eastern_day(event.at))
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn a_day_that_is_to_come_or_was_before_edgar_is_refused() {
        let today = date(2026, 3, 3);
        let refused = |date| matches!(without_run(date, today), Some(Ended::Refused(_)));

        assert!(refused(date(2026, 3, 4)) && !refused(today));
        assert!(refused(date(1992, 12, 31)) && !refused(EDGAR_BEGAN));
        assert!(without_run(today, today).is_none());
    }

    #[test]
    fn a_day_without_business_is_answered_with_its_reason() {
        let days = [
            (date(2026, 2, 28), "a Saturday"),
            (date(2026, 3, 1), "a Sunday"),
            (date(2026, 2, 16), "a federal holiday"),
            (date(2025, 12, 24), "closed by order"),
        ];
        for (day, why) in days {
            let Some(Ended::Done(said)) = without_run(day, date(2026, 3, 3)) else {
                panic!("{day} has business");
            };
            assert!(said.contains(why), "{said}");
        }
    }
}
