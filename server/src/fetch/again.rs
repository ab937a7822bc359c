//! Fetching archived filings again, when somebody asks.
//!
//! One at a time, after everything else, and not before the filing is archived. The same
//! bytes: nothing happens, it is counted. Other bytes are parked like any submission; they
//! are kept beside the first, and a `filing.archived` of their own tells their checksum and,
//! by its `at`, the time. What EDGAR has taken away is not fetched again.
//!
//! Elsewhere: who asks (`reconcile`). Invariant: what was asked is on the disk until the
//! archive has the bytes that EDGAR gives, or their parcel is there, or EDGAR gives none.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use protocol::{accession::Accession, filing::Filing, seq::Cursor};
use sec_client::{Priority, retry::transient_delay};
use tokio::{sync::Notify, task::block_in_place, time::sleep};

use super::{
    Fetcher,
    attempt::{Failure, Road, fetch, park},
    backlog::Job,
    parcel::{self, Label, name_of},
};
use crate::durable;

/// Filings that may wait to be fetched again: some megabytes.
const ASKED_MAX: usize = 4096;

/// Attempts for each that EDGAR does not give: a submission that was taken away is not asked
/// for all day.
const ATTEMPTS: u32 = 5;

/// Asks the fetcher to fetch archived filings again.
#[derive(Debug, Clone)]
pub(crate) struct Again(Arc<Requests>);

/// What was asked.
#[derive(Debug)]
pub(crate) struct Asked(Arc<Requests>);

/// The filings to be fetched again, in memory and on the disk.
#[derive(Debug)]
struct Requests {
    file: PathBuf,
    filings: Mutex<BTreeMap<Accession, Filing>>,
    bell: Notify,
}

/// A way to ask, and its end in the fetcher; what earlier processes were asked is kept in
/// `file`.
///
/// # Errors
/// When the file cannot be read.
pub(crate) fn again(file: PathBuf) -> io::Result<(Again, Asked)> {
    let requests = Arc::new(Requests {
        filings: Mutex::new(read(&file)?),
        file,
        bell: Notify::new(),
    });
    Ok((Again(requests.clone()), Asked(requests)))
}

fn read(file: &Path) -> io::Result<BTreeMap<Accession, Filing>> {
    let bytes = match fs::read(file) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        bytes => bytes?,
    };
    let filings: Vec<Filing> = serde_json::from_slice(&bytes)?;
    Ok(filings.into_iter().map(|f| (f.accession, f)).collect())
}

impl Again {
    /// Asks for the filings, of which accession and filers are needed; once this returns it
    /// is not forgotten. Gives how many were not taken because too many wait already.
    ///
    /// # Errors
    /// When the disk does not take it: nothing is asked then.
    pub(crate) fn ask(&self, filings: Vec<Filing>) -> io::Result<usize> {
        let mut refused = 0;
        self.0.change(|requests| {
            for filing in filings {
                if requests.len() < ASKED_MAX {
                    requests.insert(filing.accession, filing);
                } else if !requests.contains_key(&filing.accession) {
                    refused += 1;
                }
            }
        })?;
        self.0.bell.notify_one();
        Ok(refused)
    }
}

impl Asked {
    /// Waits until something is asked.
    pub(super) async fn more(&self) {
        self.0.bell.notified().await;
    }

    /// The first that may be fetched.
    pub(super) fn first(&self, may: impl Fn(Accession) -> bool) -> Option<Filing> {
        let filings = self.0.filings();
        filings
            .values()
            .find(|filing| may(filing.accession))
            .cloned()
    }

    /// It is done with; one that nobody asked for is.
    pub(super) fn done(&self, accession: Accession) -> io::Result<()> {
        if !self.0.filings().contains_key(&accession) {
            return Ok(());
        }
        self.0.change(|requests| {
            requests.remove(&accession);
        })
    }
}

impl Requests {
    /// Changes the requests, on the disk before in memory.
    fn change(&self, change: impl FnOnce(&mut BTreeMap<Accession, Filing>)) -> io::Result<()> {
        block_in_place(|| {
            let mut filings = self.filings();
            let mut changed = filings.clone();
            change(&mut changed);
            let all: Vec<&Filing> = changed.values().collect();
            durable::replace(&self.file, &serde_json::to_vec(&all)?)?;
            *filings = changed;
            Ok(())
        })
    }

    fn filings(&self) -> MutexGuard<'_, BTreeMap<Accession, Filing>> {
        self.filings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A filing that was fetched again, and how that ended.
#[derive(Debug)]
pub(super) struct Refetched {
    accession: Accession,
    outcome: Result<Found, Failure>,
}

/// What came.
#[derive(Debug)]
enum Found {
    /// The archive has these bytes, or their parcel waits for it.
    Same,
    /// It has not; they are parked.
    Differs(Box<Label>),
}

impl Refetched {
    /// One of [`crate::metrics::REFETCHES`].
    fn outcome(&self) -> &'static str {
        match self.outcome {
            Ok(Found::Same) => "same",
            Ok(Found::Differs(_)) => "differs",
            Err(_) => "failed",
        }
    }
}

impl Fetcher {
    /// Begins with the next that was asked. Not while the archive could not say what it has,
    /// or downloads pause.
    pub(super) fn start_refetch(&mut self) {
        let may = self.refetch.is_empty() && self.pause.is_none() && self.condition.is_up();
        if !may {
            return;
        }
        let next = self.asked.first(|accession| !self.backlog.holds(accession));
        if let Some(filing) = next {
            // The event of what comes is read from here on, also by the next process.
            let after = self.cursor;
            self.refetching = Some(after);
            let road = self.road.clone();
            let after = road.epoch.at(after);
            self.refetch.spawn(refetch(road, filing, after));
        }
    }

    pub(super) fn refetched(&mut self, refetched: Refetched) -> io::Result<()> {
        self.refetching = None;
        self.metrics.refetched(refetched.outcome());
        let Refetched { accession, outcome } = refetched;
        match outcome {
            Ok(Found::Same) => {}
            Ok(Found::Differs(label)) => {
                tracing::info!(%accession, sha256 = label.original_sha256, "EDGAR gives other bytes than before");
                self.parked(&label);
            }
            Err(failure) => tracing::debug!(%accession, %failure, "not fetched again"),
        }
        self.asked.done(accession)
    }
}

async fn refetch(road: Road, filing: Filing, after: Cursor) -> Refetched {
    let accession = filing.accession;
    let outcome = try_refetch(&road, filing, after).await;
    Refetched { accession, outcome }
}

async fn try_refetch(road: &Road, filing: Filing, after: Cursor) -> Result<Found, Failure> {
    let mut job = Job::first(after.seq, filing);
    let mut not_given = 0;
    loop {
        let failure = match once(road, &job, &after).await {
            Ok(found) => return Ok(found),
            Err(failure) => failure,
        };
        if is_final(&failure, &mut not_given) {
            return Err(failure);
        }
        sleep(failure.wait(&job).max(Duration::from_secs(1))).await;
        let attempts = failure.attempts(&job);
        job = job.tried(attempts, failure.unfinished());
    }
}

/// Whether EDGAR has not given it for the last time.
fn is_final(failure: &Failure, not_given: &mut u32) -> bool {
    *not_given += u32::from(failure.is_about_the_filing());
    *not_given == ATTEMPTS
}

async fn once(road: &Road, job: &Job, after: &Cursor) -> Result<Found, Failure> {
    let submission = fetch(road, job, Priority::Repair).await?;
    let accession = job.filing.accession;
    // In this order: a parcel goes only when the archive has what was in it.
    let parcel = name_of(accession, Some(&submission.sha256));
    if road.parking.join(&*parcel).exists() || has(road, accession, &submission.sha256).await {
        return Ok(Found::Same);
    }
    let label = park(road, &job.filing, submission, after.clone(), true).await?;
    // What was asked is forgotten next: the parcel has to last by itself.
    let durable = block_in_place(|| parcel::make_durable_or_remove(&road.parking, &label.name()));
    durable.map_err(Failure::Disk)?;
    Ok(Found::Differs(label))
}

/// Whether the archive has these bytes; it is asked until it answers.
async fn has(road: &Road, accession: Accession, sha256: &str) -> bool {
    let mut failures = 0;
    loop {
        match road.store.has(accession, sha256).await {
            Ok(has) => return has,
            Err(error) => {
                tracing::debug!(%accession, %error, "the archive does not say what it has")
            }
        }
        sleep(transient_delay(failures, accession.get())).await;
        failures += 1;
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::filing::Source;

    use super::*;

    fn filings(serials: std::ops::Range<usize>) -> Vec<Filing> {
        let filing = |serial| {
            let accession = format!("0001999999-26-{serial:06}").parse().unwrap();
            let seen_at = "2026-03-03T21:00:00Z".parse().unwrap();
            Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at)
        };
        serials.map(filing).collect()
    }

    #[test]
    fn more_than_may_wait_are_refused_and_those_that_wait_already_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let (again, asked) = again(dir.path().join("fetch.again")).unwrap();

        assert_eq!(again.ask(filings(0..ASKED_MAX - 1)).unwrap(), 0);
        assert_eq!(again.ask(filings(0..ASKED_MAX + 2)).unwrap(), 2);
        assert_eq!(again.ask(filings(0..3)).unwrap(), 0);

        assert_eq!(asked.0.filings().len(), ASKED_MAX);
    }

    #[test]
    fn what_was_asked_reads_back_and_a_file_that_does_not_read_is_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("fetch.again");
        let (first, _) = again(file.clone()).unwrap();
        first.ask(filings(1..3)).unwrap();

        let (_, asked) = again(file.clone()).unwrap();
        let second = filings(2..3).remove(0).accession;
        assert_eq!(
            asked
                .first(|accession| accession == second)
                .unwrap()
                .accession,
            second
        );
        asked.done(second).unwrap();
        assert_eq!(asked.first(|accession| accession == second), None);

        fs::remove_file(&file).unwrap();
        fs::create_dir(&file).unwrap();
        assert!(again(file).is_err());
    }

    #[test]
    fn what_edgar_does_not_give_five_times_is_given_up_whatever_else_fails() {
        let mut not_given = 0;
        let disk = || Failure::Disk(io::ErrorKind::StorageFull.into());

        for _ in 0..4 {
            assert!(!is_final(&Failure::NotASubmission, &mut not_given));
            assert!(!is_final(&disk(), &mut not_given));
        }

        assert!(is_final(&Failure::NotASubmission, &mut not_given));
    }
}
