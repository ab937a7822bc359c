//! One attempt to bring one submission into the archive.

use std::{
    io::{self, Write},
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
use jiff::SignedDuration;
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

/// Seen this soon after its acceptance, a filing is new.
const RECENT: SignedDuration = SignedDuration::from_mins(15);

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

/// How an attempt ended.
#[derive(Debug)]
pub(super) enum Outcome {
    /// The submission is in the archive; this is the filing as its header tells it.
    Archived(Box<Filing>),
    /// Not yet; try again after a while.
    Later {
        /// One of [`crate::metrics::ARCHIVE_FAILURES`].
        reason: &'static str,
        /// What happened, for people.
        detail: String,
        /// How long to wait.
        wait: Duration,
        /// Whether it counts as an attempt; being blocked does not.
        counts: bool,
        /// SHA-256 of an answer that did not end as a submission should.
        unfinished_sha256: Option<String>,
    },
}

/// Tries once.
pub(super) async fn attempt(road: &Road, job: &Job) -> Outcome {
    let url = submission_url(road, job);
    let submission = match download(road, &url, priority(job)).await {
        Ok(submission) => submission,
        Err(failure) => return later(job, failure),
    };
    let Some(contents) = &submission.contents else {
        return later(job, Failure::NotASubmission);
    };
    if contents
        .header
        .accession
        .is_some_and(|accession| accession != job.filing.accession)
    {
        return later(job, Failure::NotASubmission);
    }
    // What ends early is still being uploaded, unless the same bytes come again.
    if !submission.complete && job.unfinished_sha256.as_ref() != Some(&submission.sha256) {
        return later(job, Failure::Incomplete(submission.sha256));
    }
    match store(road, job, &submission).await {
        Ok(sgml) => Outcome::Archived(Box::new(describe(&job.filing, &submission, contents, sgml))),
        Err(error) => later(job, Failure::Bucket(error)),
    }
}

#[derive(Debug)]
enum Failure {
    Sec(SecError),
    Disk(io::Error),
    Bucket(BucketError),
    Incomplete(String),
    NotASubmission,
}

fn later(job: &Job, failure: Failure) -> Outcome {
    let attempt = job.attempts;
    let transient = || retry::transient_delay(attempt, job.filing.accession.get());
    let not_yet = || retry::not_published_delay(attempt);
    let (reason, detail, wait) = match &failure {
        Failure::Sec(SecError::Absent { status, .. }) => {
            ("absent", format!("status {status}"), not_yet())
        }
        Failure::Sec(SecError::Blocked { retry_in }) => ("blocked", String::new(), *retry_in),
        Failure::Sec(error) => ("network", describe_error(error), transient()),
        Failure::Disk(error) => ("bucket", error.to_string(), transient()),
        Failure::Bucket(error) => ("bucket", describe_error(error), transient()),
        Failure::Incomplete(_) => ("incomplete", String::new(), not_yet()),
        Failure::NotASubmission => ("not_a_submission", String::new(), not_yet()),
    };
    let counts = !matches!(failure, Failure::Sec(SecError::Blocked { .. }));
    let unfinished_sha256 = match failure {
        Failure::Incomplete(sha256) => Some(sha256),
        _ => job.unfinished_sha256.clone(),
    };
    Outcome::Later {
        reason,
        detail,
        wait,
        counts,
        unfinished_sha256,
    }
}

fn describe_error(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
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

/// What EDGAR accepted a while ago, as in the walk of a first start, must not keep the
/// search index from being read.
fn priority(job: &Job) -> Priority {
    let filing = &job.filing;
    let is_new = filing
        .accepted_at
        .is_none_or(|at| filing.seen_at.duration_since(at) < RECENT);
    if is_new {
        Priority::NewFiling
    } else {
        Priority::Repair
    }
}

async fn download(road: &Road, url: &str, priority: Priority) -> Result<Submission, Failure> {
    let body = road.sec.open(url, priority).await.map_err(Failure::Sec)?;
    let (pieces, intake_end) = mpsc::channel(PIECES);
    let staging = road.staging.clone();
    let intake = spawn_blocking(move || take_in(&staging, intake_end));
    let passed = pass_on(body, pieces).await;
    let taken = intake
        .await
        .unwrap_or_else(|panic| Err(io::Error::other(panic)));
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
