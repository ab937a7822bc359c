//! One attempt to bring one submission onto our disk, with all that is made of it.
//!
//! Elsewhere: when it is made (`backlog`), the way from there into the archive (`putting`).
//! Invariant: whatever a reader of the SEC's bytes does, the exact bytes are kept.

use std::{io, panic::resume_unwind, path::PathBuf, sync::Arc, time::Duration};

use archive::staging::Staging;
use bytes::Bytes;
use protocol::{
    cik::Cik,
    filing::{Filer, Filing},
    seq::{Cursor, Epoch},
};
use sec_client::{Body, Priority, SecClient, SecError, retry};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, spawn_blocking},
};

use super::{
    backlog::Job,
    intake::{Intake, Submission, contained},
    parcel::{Label, Parcel},
    store::Store,
};
use crate::{
    metrics::Metrics,
    objects::{Documents, Made},
};

/// Pieces of a body on their way to the disk.
const PIECES: usize = 8;

/// What an attempt needs.
#[derive(Debug, Clone)]
pub(super) struct Road {
    pub(super) sec: SecClient,
    pub(super) www_url: String,
    pub(super) staging: Staging,
    /// The folder of the parcels.
    pub(super) parking: PathBuf,
    pub(super) store: Store,
    pub(super) epoch: Epoch,
    pub(super) metrics: Arc<Metrics>,
}

/// How an attempt ended: with the label of the parcel that now waits for the archive.
pub(super) type Outcome = Result<Box<Label>, Failure>;

/// Why a submission is not on our disk yet.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    /// EDGAR does not give it.
    #[error("EDGAR does not give it")]
    Sec(#[source] SecError),
    /// Our disk does not take it.
    #[error("our disk does not take it")]
    Disk(#[source] io::Error),
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
            Self::Disk(_) => "disk",
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
            Self::Sec(_) | Self::Disk(_) => {
                retry::transient_delay(job.attempts, job.filing.accession.get())
            }
        }
    }

    /// Whether it is about this filing; what is wrong with the network, the door or our disk
    /// is no reason to give a filing up.
    pub(super) fn is_about_the_filing(&self) -> bool {
        matches!(self.reason(), "absent" | "incomplete" | "not_a_submission")
    }

    /// Attempts of a job with this one; where the door is shut, it is none.
    pub(super) fn attempts(&self, job: &Job) -> u32 {
        job.attempts + u32::from(!matches!(self, Self::Sec(SecError::Blocked { .. })))
    }

    /// Whether the filing is given up after so many attempts.
    pub(super) fn is_final(&self, attempts: u32) -> bool {
        self.is_about_the_filing() && attempts >= retry::NOT_PUBLISHED_ATTEMPTS
    }

    /// SHA-256 of what came, if it ends too early.
    pub(super) fn unfinished(self) -> Option<String> {
        match self {
            Self::Incomplete(sha256) => Some(sha256),
            _ => None,
        }
    }

    /// Whether our own disk is the reason.
    pub(super) fn is_ours(&self) -> bool {
        matches!(self, Self::Disk(_))
    }
}

/// Tries once.
///
/// # Errors
/// Why it has to be tried again.
pub(super) async fn attempt(road: &Road, job: &Job) -> Outcome {
    let priority = if job.is_repair() {
        Priority::Repair
    } else {
        Priority::NewFiling
    };
    let submission = fetch(road, job, priority).await?;
    crashpoint::pass("fetch.downloaded");
    let after = road.epoch.at(job.seq);
    park(road, &job.filing, submission, after, false).await
}

/// Brings a submission onto our disk.
///
/// # Errors
/// Why it is not there, or not what it should be.
pub(super) async fn fetch(
    road: &Road,
    job: &Job,
    priority: Priority,
) -> Result<Submission, Failure> {
    let submission = download(road, &url_of(&road.www_url, job), priority).await?;
    if !submission.is_one() {
        return Err(Failure::NotASubmission);
    }
    let is_another = |accession| accession != job.filing.accession;
    if submission.accession().is_some_and(is_another) {
        return Err(Failure::NotASubmission);
    }
    if !submission.complete && job.unfinished_sha256.as_ref() != Some(&submission.sha256) {
        return Err(Failure::Incomplete(submission.sha256));
    }
    Ok(submission)
}

/// Makes the objects of a submission and parks all of it.
///
/// # Errors
/// When the disk does not take it.
pub(super) async fn park(
    road: &Road,
    seen: &Filing,
    submission: Submission,
    after: Cursor,
    again: bool,
) -> Outcome {
    let (road, seen) = (road.clone(), seen.clone());
    let packing = spawn_blocking(move || {
        let parcel = pack(&road, &seen, submission, after, again)?;
        parcel.park(&road.parking).map(Box::new)
    });
    finished(packing).await.map_err(Failure::Disk)
}

fn pack(
    road: &Road,
    seen: &Filing,
    mut submission: Submission,
    after: Cursor,
    again: bool,
) -> io::Result<Parcel> {
    let mut documents = submission.documents.take();
    let mut filing = describe(seen, &submission, documents.as_ref());
    let made = documents
        .as_mut()
        .and_then(|read| contained(|| read.make(&road.staging)));
    if made.is_none() {
        // Our fault, and one that must not keep this filing or those after it from the archive.
        tracing::error!(
            accession = %seen.accession, sha256 = submission.sha256,
            "a reader failed: only the exact bytes of this submission are archived; please report it"
        );
        road.metrics.readers_failed.inc();
    }
    let Made { tar, xbrl } = made.transpose()?.unwrap_or_default();
    crashpoint::pass("fetch.made");
    let Submission { sgml, sha256, .. } = submission;
    let staged = [Some(&sgml), tar.as_ref(), xbrl.as_ref()];
    filing.objects = road.store.planned(seen.accession, &sha256, staged);
    let label = Label {
        after,
        again,
        original_sha256: sha256,
        filing,
    };
    Ok(Parcel {
        label,
        sgml,
        tar,
        xbrl,
    })
}

/// The submission lies under each filer's CIK; another attempt tries another filer's.
fn url_of(www_url: &str, job: &Job) -> String {
    let filers = &job.filing.filers;
    let cik = match filers.len() {
        0 => job.filing.accession.submitter(),
        many => filers[job.attempts as usize % many].cik,
    };
    let path = edgar::paths::submission(cik, job.filing.accession);
    edgar::paths::url(www_url, &path)
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
fn describe(seen: &Filing, submission: &Submission, documents: Option<&Documents>) -> Filing {
    let seen = Filing {
        size_bytes: Some(submission.bytes),
        ..seen.clone()
    };
    let Some(documents) = documents else {
        return seen;
    };
    let header = &documents.header;
    let filers = header.filers();
    let form = header.form.clone().unwrap_or_else(|| seen.form.clone());
    Filing {
        amendment: form.is_amendment(),
        form,
        filed_on: header.filed_on.or(seen.filed_on),
        accepted_at: header.accepted_at.or(seen.accepted_at),
        period: header.period.or(seen.period),
        items: if header.items.is_empty() {
            seen.items.clone()
        } else {
            header.items.clone()
        },
        filers: if filers.is_empty() {
            seen.filers.clone()
        } else {
            with_tickers(filers, &seen)
        },
        documents: documents.list(),
        ..seen
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

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use protocol::{filing::Source, seq::Seq};
    use sec_client::retry::NOT_PUBLISHED_ATTEMPTS;

    use super::*;

    const DOOR: Duration = Duration::from_secs(600);

    fn job(attempts: u32) -> Job {
        let accession = "0001999999-26-000001".parse().unwrap();
        let seen_at = "2026-03-03T21:00:00Z".parse().unwrap();
        let filing = Filing::new(accession, "8-K".parse().unwrap(), Source::Atom, seen_at);
        Job {
            attempts,
            ..Job::first(Seq::new(1), filing)
        }
    }

    fn blocked() -> Failure {
        Failure::Sec(SecError::Blocked { retry_in: DOOR })
    }

    fn disk() -> Failure {
        Failure::Disk(io::ErrorKind::StorageFull.into())
    }

    fn cut() -> Failure {
        Failure::Incomplete("5".repeat(64))
    }

    #[test]
    fn an_attempt_counts_unless_the_door_was_shut() {
        assert_eq!(cut().attempts(&job(3)), 4);
        assert_eq!(disk().attempts(&job(3)), 4);
        assert_eq!(blocked().attempts(&job(3)), 3);
    }

    #[test]
    fn only_what_is_about_the_filing_gives_it_up_and_that_after_a_day() {
        for failure in [cut(), Failure::NotASubmission] {
            assert!(failure.is_final(NOT_PUBLISHED_ATTEMPTS), "{failure}");
            assert!(!failure.is_final(NOT_PUBLISHED_ATTEMPTS - 1), "{failure}");
        }
        for failure in [blocked(), disk()] {
            assert!(!failure.is_final(NOT_PUBLISHED_ATTEMPTS + 1), "{failure}");
        }
    }

    #[test]
    fn the_wait_is_that_of_what_went_wrong() {
        let early = Failure::NotASubmission.wait(&job(0));

        assert_eq!(early, retry::not_published_delay(0));
        assert_eq!(cut().wait(&job(0)), STALLED);
        assert_eq!(cut().wait(&job(20)), retry::not_published_delay(20));
        assert_eq!(blocked().wait(&job(0)), DOOR);
        assert!(disk().wait(&job(0)) <= Duration::from_secs(1));
    }

    #[tokio::test]
    async fn a_panic_goes_on_and_what_was_stopped_is_an_error() {
        let broken = tokio::spawn(async { panic!("a fault of ours") });
        let stopped = tokio::spawn(std::future::pending::<io::Result<()>>());
        stopped.abort();

        let broken = tokio::spawn(finished::<()>(broken)).await;

        assert!(broken.unwrap_err().is_panic());
        assert!(finished(stopped).await.is_err());
    }

    #[test]
    fn every_failure_has_a_reason_that_is_counted() {
        let failures = [blocked(), disk(), cut(), Failure::NotASubmission];

        let reasons = failures.map(|failure| failure.reason());

        assert_eq!(
            reasons,
            ["blocked", "disk", "incomplete", "not_a_submission"]
        );
        let counted = crate::metrics::ARCHIVE_FAILURES;
        assert!(reasons.iter().all(|reason| counted.contains(reason)));
    }

    #[test]
    fn only_our_disk_is_ours_and_only_cut_bytes_are_remembered() {
        assert!(disk().is_ours() && !blocked().is_ours());
        assert_eq!(cut().unfinished(), Some("5".repeat(64)));
        assert_eq!(disk().unfinished(), None);
    }

    const HEADER: &str = "<SEC-DOCUMENT>0001999999-26-000001.txt : 20260303\n\
        <SEC-HEADER>0001999999-26-000001.hdr.sgml : 20260303\n<ACCEPTANCE-DATETIME>20260303160001\n\
        ACCESSION NUMBER:\t\t0001999999-26-000001\nCONFORMED SUBMISSION TYPE:\t8-K/A\n\
        PUBLIC DOCUMENT COUNT:\t\t1\nCONFORMED PERIOD OF REPORT:\t20260227\n\
        ITEM INFORMATION:\t\tResults of Operations and Financial Condition\n\
        FILED AS OF DATE:\t\t20260303\n\nFILER:\n\n\tCOMPANY DATA:\t\n\
        \t\tCOMPANY CONFORMED NAME:\t\t\tACME\n\t\tCENTRAL INDEX KEY:\t\t\t0000000011\n\n</SEC-HEADER>\n";
    const DOCUMENT: &str = "<DOCUMENT>\n<TYPE>8-K/A\n<SEQUENCE>1\n<FILENAME>a.htm\n<TEXT>\nhello\n</TEXT>\n\
        </DOCUMENT>\n</SEC-DOCUMENT>\n";

    fn described(text: &str, seen: &Filing) -> Filing {
        let (_dir, submission) = crate::fetch::intake::tests::take(text.as_bytes(), 64);
        describe(seen, &submission, submission.documents.as_ref())
    }

    #[test]
    fn a_filing_is_told_as_its_header_tells_it() {
        let filer = |cik, ticker: &str| {
            let mut filer = Filer::new(Cik::new(cik), "Acme Inc.", None);
            filer.tickers = vec![ticker.to_owned()];
            filer
        };
        let seen = Filing {
            filers: vec![filer(22, "NOT"), filer(11, "ACME")],
            ..job(0).filing
        };

        let told = described(&format!("{HEADER}{DOCUMENT}"), &seen);

        assert_eq!((told.form.as_str(), told.amendment), ("8-K/A", true));
        assert_eq!(
            told.size_bytes,
            Some((HEADER.len() + DOCUMENT.len()) as u64)
        );
        assert_eq!(told.filed_on, "2026-03-03".parse().ok());
        assert_eq!(told.period, "2026-02-27".parse().ok());
        assert_eq!(told.accepted_at, "2026-03-03T21:00:01Z".parse().ok());
        assert_eq!(told.items, ["2.02"]);
        assert_eq!((told.filers.len(), told.filers[0].cik), (1, Cik::new(11)));
        assert_eq!(told.filers[0].tickers, ["ACME"]);
        assert_eq!(told.documents[0].filename, "a.htm");
    }

    #[test]
    fn what_only_the_source_knew_is_kept() {
        let seen = Filing {
            filed_on: "2026-03-03".parse().ok(),
            accepted_at: "2026-03-03T21:00:01Z".parse().ok(),
            period: "2026-02-27".parse().ok(),
            items: vec!["2.02".to_owned()],
            filers: vec![Filer::new(Cik::new(11), "Acme Inc.", None)],
            ..job(0).filing
        };
        let bare = "<SEC-DOCUMENT>\n<SEC-HEADER>\n</SEC-HEADER>\n";

        let told = described(&format!("{bare}{DOCUMENT}"), &seen);
        let page = described("<!DOCTYPE html>", &seen);

        let size_bytes = |text_len: usize| Some(text_len as u64);
        let expected = Filing {
            size_bytes: size_bytes(bare.len() + DOCUMENT.len()),
            documents: told.documents.clone(),
            ..seen.clone()
        };
        assert_eq!((told.documents.len(), &told), (1, &expected));
        assert_eq!(page.size_bytes, size_bytes(15));
        assert_eq!(page.documents, seen.documents);
    }

    #[test]
    fn a_submission_is_asked_for_under_each_filer_in_turn() {
        let mut job = job(0);
        let of = |job: &Job| url_of("https://edgar.example", job);
        assert!(of(&job).contains("/data/1999999/"), "{}", of(&job));

        let filer = |cik| Filer::new(Cik::new(cik), "F", None);
        job.filing.filers = vec![filer(11), filer(22)];

        for (attempts, cik) in [(0, 11), (1, 22), (2, 11)] {
            job.attempts = attempts;
            let url = of(&job);
            assert!(url.contains(&format!("/data/{cik}/")), "{url}");
        }
    }
}
