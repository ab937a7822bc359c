//! One attempt to bring one submission into the archive.

use std::{
    io::{self, Write},
    panic::resume_unwind,
    sync::Arc,
    time::Duration,
};

use archive::{
    bucket::Bucket,
    error::BucketError,
    key::{Key, Layout},
    staging::Staging,
};
use bytes::Bytes;
use protocol::{
    cik::Cik,
    filing::{Filer, Filing, Objects, StoredObject},
};
use sec_client::{Body, Priority, SecClient, SecError, retry};
use sha2::{Digest, Sha256};
use tokio::{io::AsyncReadExt, sync::mpsc, task::spawn_blocking};

use super::{
    backlog::Job,
    intake::{Contents, Intake, Submission},
};

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
    let submission = download(road, &url, priority).await?;
    let contents = submission
        .contents
        .as_ref()
        .ok_or(Failure::NotASubmission)?;
    let is_another = |accession| accession != job.filing.accession;
    if contents.header.accession.is_some_and(is_another) {
        return Err(Failure::NotASubmission);
    }
    if !submission.complete && job.unfinished_sha256.as_ref() != Some(&submission.sha256) {
        return Err(Failure::Incomplete(submission.sha256));
    }
    let sgml = store(road, job, &submission)
        .await
        .map_err(Failure::Bucket)?;
    Ok(Box::new(describe(&job.filing, &submission, contents, sgml)))
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
    let taken = match intake.await {
        Ok(taken) => taken,
        Err(error) if error.is_panic() => resume_unwind(error.into_panic()),
        Err(stopped) => Err(io::Error::other(stopped)),
    };
    // A disk that fails is the cause of a body that is not passed on.
    let submission = taken.map_err(Failure::Disk)?;
    passed.map_err(Failure::Sec)?;
    Ok(submission)
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

async fn store(
    road: &Road,
    job: &Job,
    submission: &Submission,
) -> Result<StoredObject, BucketError> {
    let accession = job.filing.accession;
    let key = road
        .layout
        .sgml(accession)
        .expect("the configured folder is checked at the start");
    match road.bucket.put(&key, &submission.staged).await {
        Ok(()) => Ok(stored(&key, submission)),
        Err(BucketError::AlreadyExists(_)) => {
            // Put by an earlier attempt whose event did not reach the log, or another version.
            let existing = read_existing(&*road.bucket, &key).await?;
            if existing.original_sha256.as_deref() == Some(&submission.sha256) {
                return Ok(existing);
            }
            put_beside(road, &key, submission).await
        }
        Err(error) => Err(error),
    }
}

/// A refetched submission that differs is kept beside the first.
async fn put_beside(
    road: &Road,
    key: &Key,
    submission: &Submission,
) -> Result<StoredObject, BucketError> {
    let beside = key
        .beside(&submission.sha256[..12])
        .expect("hexadecimal digits are a key");
    match road.bucket.put(&beside, &submission.staged).await {
        Ok(()) => Ok(stored(&beside, submission)),
        Err(BucketError::AlreadyExists(_)) => read_existing(&*road.bucket, &beside).await,
        Err(error) => Err(error),
    }
}

fn stored(key: &Key, submission: &Submission) -> StoredObject {
    StoredObject {
        key: key.to_string(),
        bytes: submission.staged.bytes(),
        sha256: submission.staged.sha256().to_owned(),
        original_sha256: Some(submission.sha256.clone()),
    }
}

async fn read_existing(bucket: &dyn Bucket, key: &Key) -> Result<StoredObject, BucketError> {
    let unreadable = |source| BucketError::Unavailable {
        key: key.clone(),
        source,
    };
    let mut object = bucket.open(key).await?;
    let mut compressed = Sha256::new();
    let mut original =
        zstd::stream::write::Decoder::new(Hashed(Sha256::new())).map_err(unreadable)?;
    let mut piece = vec![0; 64 * 1024];
    loop {
        let length = object.body.read(&mut piece).await.map_err(unreadable)?;
        if length == 0 {
            break;
        }
        compressed.update(&piece[..length]);
        original.write_all(&piece[..length]).map_err(unreadable)?;
    }
    original.flush().map_err(unreadable)?;
    Ok(StoredObject {
        key: key.to_string(),
        bytes: object.bytes,
        sha256: hex::encode(compressed.finalize()),
        original_sha256: Some(hex::encode(original.into_inner().0.finalize())),
    })
}

/// Keeps nothing of what is written but its hash.
struct Hashed(Sha256);

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The filing as its header tells it; what only the source knew is kept.
fn describe(
    seen: &Filing,
    submission: &Submission,
    contents: &Contents,
    sgml: StoredObject,
) -> Filing {
    let header = &contents.header;
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
        documents: contents.documents.clone(),
        objects: Objects {
            sgml: Some(sgml),
            ..Objects::default()
        },
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
