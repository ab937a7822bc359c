//! Fetching archived filings again, when somebody asks.
//!
//! One at a time, after everything else. The same bytes: nothing happens, it is counted.
//! Other bytes are parked like any submission; they are kept beside the first, and a
//! `filing.archived` of their own tells their checksum and, by its `at`, the time.
//!
//! Invariant: what was asked survives nothing; whoever asked does it again after a restart.
//! A version that is parked does survive.

use std::{fmt, time::Duration};

use protocol::filing::Filing;
use sec_client::{Priority, retry::transient_delay};
use tokio::{sync::mpsc, time::sleep};

use super::{
    Fetcher,
    attempt::{Failure, Road, fetch, park},
    backlog::Job,
    parcel::Label,
};
use crate::log::Reader;

/// Filings that may wait to be fetched again: some megabytes.
const ASKED_MAX: usize = 1024;

/// Attempts for each: a block and some bad answers are outlasted, a submission that was
/// taken away is not asked for all day.
const ATTEMPTS: u32 = 5;

/// How often the archive is asked for what it has, some ten minutes in all.
const LOOKS: u32 = 15;

/// Asks the fetcher to fetch archived filings again.
#[derive(Debug, Clone)]
pub(crate) struct Again(mpsc::Sender<Filing>);

/// What was asked.
#[derive(Debug)]
pub(crate) struct Asked(mpsc::Receiver<Filing>);

/// A way to ask, and its end in the fetcher.
pub(crate) fn again() -> (Again, Asked) {
    let (again, asked) = mpsc::channel(ASKED_MAX);
    (Again(again), Asked(asked))
}

impl Again {
    /// Asks for the filing, of which accession and filers are needed, and does not wait.
    /// Whether it was taken: not when too many wait already, or when the fetcher has ended;
    /// then it has to be asked another time.
    pub(crate) fn ask(&self, filing: Filing) -> bool {
        self.0.try_send(filing).is_ok()
    }
}

impl Asked {
    /// The next that was asked; `None` when nobody can ask any more.
    pub(super) async fn next(&mut self) -> Option<Filing> {
        self.0.recv().await
    }
}

/// How fetching again ended.
#[derive(Debug)]
pub(super) enum Refetched {
    /// The archive has these bytes.
    Same,
    /// It has not; they are parked.
    Differs(Box<Label>),
    /// EDGAR or the archive does not give what is needed.
    Failed(String),
}

impl Refetched {
    /// One of [`crate::metrics::REFETCHES`].
    fn outcome(&self) -> &'static str {
        match self {
            Self::Same => "same",
            Self::Differs(_) => "differs",
            Self::Failed(_) => "failed",
        }
    }
}

impl Fetcher {
    /// Not while the archive could not say what it has, or downloads pause.
    pub(super) fn may_refetch(&self) -> bool {
        self.refetch.is_empty() && self.pause.is_none() && self.condition.is_up()
    }

    pub(super) fn begin_refetch(&mut self, filing: Filing) {
        // Not archived yet: what comes is its only version.
        if self.backlog.holds(filing.accession) {
            return;
        }
        self.refetch
            .spawn(refetch(self.road.clone(), self.log.clone(), filing));
    }

    pub(super) fn refetched(&mut self, refetched: Refetched) {
        self.metrics.refetched(refetched.outcome());
        match refetched {
            Refetched::Same => {}
            Refetched::Differs(label) => {
                let accession = label.filing.accession;
                tracing::info!(%accession, sha256 = label.original_sha256, "EDGAR gives other bytes than before");
                self.parked(&label);
            }
            Refetched::Failed(error) => tracing::debug!(error, "not fetched again"),
        }
    }
}

async fn refetch(road: Road, log: Reader, filing: Filing) -> Refetched {
    try_refetch(&road, &log, filing)
        .await
        .unwrap_or_else(Refetched::Failed)
}

async fn try_refetch(road: &Road, log: &Reader, filing: Filing) -> Result<Refetched, String> {
    let mut job = Job::first(log.tip(), filing);
    let submission = loop {
        match fetch(road, &job, Priority::Repair).await {
            Ok(submission) => break submission,
            Err(failure) => job = later(job, failure).await?,
        }
    };
    let (accession, mut looks) = (job.filing.accession, 0);
    loop {
        match road.store.has(accession, &submission.sha256).await {
            Ok(true) => return Ok(Refetched::Same),
            Ok(false) => break,
            Err(error) if looks == LOOKS => return Err(text(error)),
            Err(_) => sleep(transient_delay(looks, accession.get())).await,
        }
        looks += 1;
    }
    let after = road.epoch.at(log.tip());
    let parked = park(road, &job.filing, submission, after, true).await;
    parked.map(Refetched::Differs).map_err(text)
}

/// Waits for the next attempt, unless this was the last.
async fn later(job: Job, failure: Failure) -> Result<Job, String> {
    let attempts = job.attempts + 1;
    if attempts == ATTEMPTS {
        return Err(text(failure));
    }
    sleep(failure.wait(&job).max(Duration::from_secs(1))).await;
    Ok(job.tried(attempts, failure.unfinished()))
}

fn text(error: impl fmt::Display) -> String {
    error.to_string()
}
