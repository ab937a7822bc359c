//! One attempt to bring one submission into the archive.

use std::{io, panic::resume_unwind, sync::Arc, time::Duration};

use archive::{bucket::Bucket, error::BucketError, key::Layout, staging::Staging};
use bytes::Bytes;
use protocol::{
    cik::Cik,
    filing::{Filer, Filing, Objects},
};
use sec_client::{Body, Priority, SecClient, SecError, retry};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use super::{
    backlog::Job,
    intake::{Intake, Submission},
    store::store,
};
use crate::objects::Documents;

/// Pieces of a body on their way to the disk.
const PIECES: usize = 8;

/// What an attempt needs.
#[derive(Debug, Clone)]
pub(super) struct Road {
    pub(super) sec: SecClient,
    pub(super) www_url: String,
    pub(super) staging: Staging,
    pub(super) bucket: Arc<dyn Bucket>,
    pub(super) layout: Layout,
}

/// How an attempt ended: with the filing as its header tells it, once the submission is in
/// the archive.
pub(super) type Outcome = Result<Box<Filing>, Failure>;

/// Why a submission is not in the archive yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// EDGAR does not give it.
    #[error("EDGAR does not give it")]
    Sec(#[source] SecError),
    /// Our disk does not take it.
    #[error("the staging folder does not take it")]
    Disk(#[source] io::Error),
    /// The archive does not take it.
    #[error("the archive does not take it")]
    Bucket(#[source] BucketError),
    /// It does not end as a submission should; this is the SHA-256 of what came.
    #[error("it is cut short")]
    Incomplete(String),
    /// What came is something else.
    #[error("what came is not this submission")]
    NotASubmission,
}

/// The same cut bytes after this long are all there is; before, an upload may have stalled.
const STALLED: Duration = Duration::from_secs(60);

impl Failure {
    /// One of [`crate::metrics::ARCHIVE_FAILURES`].
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Sec(SecError::Absent { .. }) => "absent",
            Self::Sec(SecError::Blocked { .. }) => "blocked",
            Self::Sec(_) => "network",
            Self::Disk(_) | Self::Bucket(_) => "bucket",
            Self::Incomplete(_) => "incomplete",
            Self::NotASubmission => "not_a_submission",
        }
    }

    /// How long to wait before the next attempt.
    pub(super) fn wait(&self, job: &Job) -> Duration {
        let not_yet = || retry::not_published_delay(job.attempts);
        match self {
            Self::Sec(SecError::Absent { .. }) | Self::NotASubmission => not_yet(),
            Self::Sec(SecError::Blocked { retry_in }) => *retry_in,
            Self::Incomplete(_) => not_yet().max(STALLED),
            Self::Sec(_) | Self::Disk(_) | Self::Bucket(_) => {
                retry::transient_delay(job.attempts, job.filing.accession.get())
            }
        }
    }

    /// Whether it is about this filing; what is wrong with the network, the door or our disk
    /// is no reason to give a filing up.
    pub(super) fn is_about_the_filing(&self) -> bool {
        matches!(self.reason(), "absent" | "incomplete" | "not_a_submission")
    }

    /// Whether our own side cannot store.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::Disk(_) | Self::Bucket(_))
    }
}

/// Tries once.
///
/// # Errors
/// Why it has to be tried again.
pub(super) async fn attempt(road: &Road, job: &Job) -> Outcome {
    let url = submission_url(road, job);
    let priority = if job.is_repair() {
        Priority::Repair
    } else {
        Priority::NewFiling
    };
    let mut submission = download(road, &url, priority).await?;
    crashpoint::pass("fetch.downloaded");
    let mut documents = submission.documents.take().ok_or(Failure::NotASubmission)?;
    let is_another = |accession| accession != job.filing.accession;
    if documents.header.accession.is_some_and(is_another) {
        return Err(Failure::NotASubmission);
    }
    if !submission.complete && job.unfinished_sha256.as_ref() != Some(&submission.sha256) {
        return Err(Failure::Incomplete(submission.sha256));
    }
    let staging = road.staging.clone();
    let making = spawn_blocking(move || Ok((documents.make(&staging)?, documents)));
    let (made, documents) = finished(making).await.map_err(Failure::Disk)?;
    crashpoint::pass("fetch.made");
    let objects = store(road, job.filing.accession, &submission, &made)
        .await
        .map_err(Failure::Bucket)?;
    Ok(Box::new(describe(
        &job.filing,
        &submission,
        &documents,
        objects,
    )))
}

/// The submission lies under each filer's CIK; another attempt tries another filer's.
fn submission_url(road: &Road, job: &Job) -> String {
    let filers = &job.filing.filers;
    let cik = match filers.len() {
        0 => job.filing.accession.submitter(),
        many => filers[job.attempts as usize % many].cik,
    };
    edgar::paths::url(
        &road.www_url,
        &edgar::paths::submission(cik, job.filing.accession),
    )
}

async fn download(road: &Road, url: &str, priority: Priority) -> Result<Submission, Failure> {
    let body = road.sec.open(url, priority).await.map_err(Failure::Sec)?;
    let (pieces, intake_end) = mpsc::channel(PIECES);
    let staging = road.staging.clone();
    let intake = spawn_blocking(move || take_in(&staging, intake_end));
    let passed = pass_on(body, pieces).await;
    let taken = finished(intake).await;
    // A disk that fails is the cause of a body that is not passed on.
    let submission = taken.map_err(Failure::Disk)?;
    passed.map_err(Failure::Sec)?;
    Ok(submission)
}

/// What a blocking task gives; its panic is ours.
async fn finished<T>(task: JoinHandle<io::Result<T>>) -> io::Result<T> {
    match task.await {
        Ok(given) => given,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(stopped) => Err(io::Error::other(stopped)),
    }
}

fn take_in(staging: &Staging, mut pieces: mpsc::Receiver<Bytes>) -> io::Result<Submission> {
    let mut intake = Intake::new(staging)?;
    while let Some(piece) = pieces.blocking_recv() {
        intake.push(&piece)?;
    }
    intake.finish()
}

async fn pass_on(mut body: Body, pieces: mpsc::Sender<Bytes>) -> Result<(), SecError> {
    while let Some(piece) = body.chunk().await? {
        if pieces.send(piece).await.is_err() {
            return Ok(());
        }
    }
    Ok(())
}

/// The filing as its header tells it; what only the source knew is kept.
fn describe(
    seen: &Filing,
    submission: &Submission,
    documents: &Documents,
    objects: Objects,
) -> Filing {
    let header = &documents.header;
    let filers = header.filers();
    let form = header.form.clone().unwrap_or_else(|| seen.form.clone());
    Filing {
        amendment: form.is_amendment(),
        form,
        filed_on: header.filed_on.or(seen.filed_on),
        accepted_at: header.accepted_at.or(seen.accepted_at),
        period: header.period.or(seen.period),
        size_bytes: Some(submission.bytes),
        items: if header.items.is_empty() {
            seen.items.clone()
        } else {
            header.items.clone()
        },
        filers: if filers.is_empty() {
            seen.filers.clone()
        } else {
            with_tickers(filers, seen)
        },
        documents: documents.list(),
        objects,
        ..seen.clone()
    }
}

fn with_tickers(mut filers: Vec<Filer>, seen: &Filing) -> Vec<Filer> {
    let tickers = |cik: Cik| {
        seen.filers
            .iter()
            .find(|filer| filer.cik == cik)
            .map(|f| f.tickers.clone())
    };
    for filer in &mut filers {
        filer.tickers = tickers(filer.cik).unwrap_or_default();
    }
    filers
}
