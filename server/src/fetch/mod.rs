//! The fetcher: brings the submission of every filing into the archive.
//!
//! It reads `filing.seen` and `filing.archived` from the log, like any other reader, and
//! keeps the difference as its `backlog`; each `attempt` downloads one submission,
//! which `intake` reads and compresses as it comes. What is archived goes to the
//! updater and comes back through the log: only then is it done.
//!
//! Invariant: a filing that waits delays no other, and after a restart nothing is
//! forgotten: the watermark never passes an unfinished filing.

mod attempt;
mod backlog;
mod intake;
mod store;

use std::{
    mem,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use archive::{bucket::Bucket, key::Layout, staging::Staging};
use eventlog::Watermark;
use protocol::{
    event::{Body, Event},
    seq::Seq,
};
use sec_client::{SecClient, retry::NOT_PUBLISHED_ATTEMPTS};
use tokio::{
    sync::mpsc,
    task::{JoinSet, block_in_place},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;

use self::{
    attempt::{Failure, Outcome, Road, attempt},
    backlog::{Backlog, Job},
};
use crate::{
    log::Reader,
    metrics::Metrics,
    status::{FetchState, Status},
    updater::Archived,
};

/// Most downloads at a time: more only wait for the request budget.
const DOWNLOADS_MAX: usize = 8;

/// Downloads of old ground at a time: the others are kept for new filings.
const REPAIRS_MAX: usize = DOWNLOADS_MAX / 2;

/// Bytes of downloads at a time; a larger one counts as a quarter of it.
const BYTES_MAX: u64 = 64 << 20;

/// Downloads up to this size never wait for larger ones.
const SMALL_BYTES: u64 = 1 << 20;

/// Between writes of the watermark: what a crash makes us look at again.
const WATERMARK_INTERVAL: Duration = Duration::from_secs(1);

/// What the fetcher is built from.
pub(crate) struct Parts {
    pub(crate) log: Reader,
    pub(crate) watermark: Watermark,
    pub(crate) sec: SecClient,
    pub(crate) www_url: String,
    pub(crate) staging: Staging,
    pub(crate) bucket: Arc<dyn Bucket>,
    pub(crate) layout: Layout,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
}

/// The reader of the log that fills the archive.
pub(crate) struct Fetcher {
    log: Reader,
    cursor: Seq,
    watermark: Watermark,
    watermark_due: Instant,
    road: Road,
    backlog: Backlog,
    running: JoinSet<(Job, Outcome)>,
    running_bytes: u64,
    running_repairs: usize,
    /// Whether our own side could not store when it was last tried.
    is_stuck: bool,
    status: Arc<Status>,
    metrics: Arc<Metrics>,
}

impl Fetcher {
    pub(crate) fn new(parts: Parts) -> Self {
        let cursor = parts.watermark.get().max(parts.log.oldest().prev());
        Self {
            log: parts.log,
            cursor,
            watermark: parts.watermark,
            watermark_due: Instant::now(),
            road: Road {
                sec: parts.sec,
                www_url: parts.www_url,
                staging: parts.staging,
                bucket: parts.bucket,
                layout: parts.layout,
            },
            backlog: Backlog::after(cursor),
            running: JoinSet::new(),
            running_bytes: 0,
            running_repairs: 0,
            is_stuck: false,
            status: parts.status,
            metrics: parts.metrics,
        }
    }

    /// Works until `stop` fires or the updater is gone.
    pub(crate) async fn run(
        mut self,
        archived: mpsc::Sender<Archived>,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let (tip, watermark) = (self.log.tip(), self.watermark.get());
        ensure!(
            watermark <= tip,
            "the fetcher had handled event {watermark}, but the log ends at {tip}: events are lost; \
            restore the log, or move the data directory away to begin a new one"
        );
        let mut moved = self.log.tip_changes();
        loop {
            moved.borrow_and_update();
            self.read_log().await?;
            self.start_downloads();
            self.tell();
            let wakes_at = self.wakes_at();
            tokio::select! {
                () = stop.cancelled() => break,
                changed = moved.changed() => if changed.is_err() { break },
                Some(ended) = self.running.join_next() => {
                    let (job, outcome) = ended.context("a download panicked")?;
                    if self.ended(job, outcome, &archived).await.is_err() {
                        break;
                    }
                }
                () = sleep_until(wakes_at.into()) => {}
            }
        }
        self.running.shutdown().await;
        self.store_watermark()
    }

    /// Takes everything up to the tip into the backlog before anything is started, so
    /// that what is archived already is not fetched again.
    async fn read_log(&mut self) -> anyhow::Result<()> {
        loop {
            let records = self
                .log
                .read_after(self.cursor, 512, 1 << 20)
                .await
                .context("the event log cannot be read")?;
            let Some(last) = records.last() else { break };
            self.cursor = last.seq;
            for record in &records {
                let event = Event::from_frame(&record.frame).with_context(|| {
                    format!("event {} of the log is not one of ours", record.seq)
                })?;
                match event.body {
                    Body::FilingSeen(filing) => self.backlog.seen(record.seq, filing),
                    Body::FilingArchived(filing) => {
                        self.backlog.archived(record.seq, filing.accession)
                    }
                    _ => self.backlog.passed(record.seq),
                }
            }
        }
        if self.watermark_due <= Instant::now() && self.backlog.watermark() > self.watermark.get() {
            self.store_watermark()?;
        }
        Ok(())
    }

    fn store_watermark(&mut self) -> anyhow::Result<()> {
        self.watermark_due = Instant::now() + WATERMARK_INTERVAL;
        let reached = self.backlog.watermark();
        block_in_place(|| self.watermark.store(reached))
            .context("the fetcher's watermark cannot be stored")
    }

    fn start_downloads(&mut self) {
        self.backlog.wake(Instant::now());
        while self.running.len() < DOWNLOADS_MAX {
            let room = BYTES_MAX.saturating_sub(self.running_bytes);
            let repairs_allowed = self.running_repairs < REPAIRS_MAX;
            let suits = |job: &Job| {
                (repairs_allowed || !job.is_repair())
                    && (job.bytes() <= SMALL_BYTES || weight(job) <= room)
            };
            let Some(job) = self.backlog.take(suits) else {
                break;
            };
            self.running_bytes += weight(&job);
            self.running_repairs += usize::from(job.is_repair());
            let road = self.road.clone();
            self.running.spawn(async move {
                let outcome = attempt(&road, &job).await;
                (job, outcome)
            });
        }
    }

    /// A download ended. An error means that the updater is gone.
    async fn ended(
        &mut self,
        job: Job,
        outcome: Outcome,
        archived: &mpsc::Sender<Archived>,
    ) -> Result<(), ()> {
        self.running_bytes -= weight(&job);
        self.running_repairs -= usize::from(job.is_repair());
        match outcome {
            Ok(filing) => {
                tracing::debug!(accession = %filing.accession, bytes = filing.size_bytes, "submission archived");
                self.metrics.archived.inc();
                if mem::take(&mut self.is_stuck) {
                    tracing::info!("the archive takes submissions again");
                }
                archived.send(filing).await.map_err(|_| ())
            }
            Err(failure) => {
                self.failed(job, failure);
                Ok(())
            }
        }
    }

    fn failed(&mut self, job: Job, failure: Failure) {
        let accession = job.filing.accession;
        self.metrics.archive_failed(failure.reason());
        tracing::debug!(%accession, error = describe(&failure), "not archived yet");
        if failure.is_ours() && !mem::replace(&mut self.is_stuck, true) {
            tracing::warn!(
                error = describe(&failure),
                "submissions cannot be stored; they wait"
            );
        }
        let wait = failure.wait(&job);
        let attempts = job.attempts + u32::from(!matches!(failure.reason(), "blocked"));
        if failure.is_about_the_filing() && attempts >= NOT_PUBLISHED_ATTEMPTS {
            tracing::warn!(%accession, reason = failure.reason(), "no submission after a day: given up");
            self.backlog.finish(job.seq, accession);
            return;
        }
        let unfinished_sha256 = match failure {
            Failure::Incomplete(sha256) => Some(sha256),
            _ => job.unfinished_sha256.clone(),
        };
        self.backlog.wait(
            Job {
                attempts,
                unfinished_sha256,
                ..job
            },
            Instant::now() + wait,
        );
    }

    fn wakes_at(&self) -> Instant {
        let idle = Instant::now() + Duration::from_secs(60);
        let stores =
            (self.backlog.watermark() > self.watermark.get()).then_some(self.watermark_due);
        [self.backlog.wakes_at(), stores]
            .into_iter()
            .flatten()
            .fold(idle, Instant::min)
    }

    fn tell(&self) {
        self.status.set_fetch(FetchState {
            watermark: self.backlog.watermark().get(),
            backlog: self.backlog.len() as u64,
            running: self.running.len() as u64,
        });
    }
}

fn weight(job: &Job) -> u64 {
    job.bytes().min(BYTES_MAX / 4)
}

fn describe(error: &Failure) -> String {
    anyhow::Chain::new(error)
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}
