//! The fetcher: brings the submission of every filing into the archive.
//!
//! It reads `filing.seen` and `filing.archived` from the log, like any other reader, and
//! keeps the difference as its `backlog`; each `attempt` downloads one submission,
//! which `intake` reads and compresses as it comes, and leaves a `parcel` in the `parking`
//! place on our disk. From there `putting` takes it to the archive, when its `condition`
//! allows; while there is nothing to put, `looking` finds out about that. What is archived goes to the updater and comes back through the log: only then is
//! it done. A filing that is archived is fetched `again` when somebody asks.
//!
//! Invariant: a filing that waits delays no other; after a restart nothing is forgotten,
//! because the watermark never passes an unfinished filing, and nothing that was downloaded
//! is downloaded again, because its parcel is still there.

mod again;
mod attempt;
mod backlog;
mod condition;
mod intake;
mod load;
mod looking;
mod parcel;
mod parking;
mod putting;
mod store;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;

use std::{
    io, mem,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use archive::{bucket::Bucket, key::Layout, staging::Staging};
use eventlog::Watermark;
use monitors::clock::Clock;
use protocol::{
    event::{Body, Event},
    outage::Part,
    seq::Seq,
};
use sec_client::SecClient;
use tokio::{
    sync::{mpsc, watch},
    task::{JoinSet, block_in_place},
    time::sleep_until,
};
use tokio_util::sync::CancellationToken;

pub(crate) use self::again::{Again, Asked, again};
use self::{
    again::Refetched,
    attempt::{Failure, Outcome, Road, attempt},
    backlog::{Backlog, Job},
    condition::Condition,
    load::Load,
    looking::Seen,
    parking::Parking,
    putting::Put,
    store::Store,
};
use crate::{
    disk::{Shortage, megabytes},
    log::Reader,
    metrics::Metrics,
    status::{FetchState, Parked, Pause, Status},
    telemetry::with_causes,
    updater::{Archived, Order},
};

/// Between writes of the watermark: what a crash makes us look at again.
const WATERMARK_INTERVAL: Duration = Duration::from_secs(1);

/// After a pause for want of room in the parking place, this share of it has to be free.
const ROOM_SHARE: u64 = 8;

/// What the fetcher is built from.
pub(crate) struct Parts {
    pub(crate) log: Reader,
    pub(crate) watermark: Watermark,
    pub(crate) sec: SecClient,
    pub(crate) www_url: String,
    pub(crate) staging: Staging,
    /// Where parcels are parked: on the file system of the staging folder.
    pub(crate) parking: PathBuf,
    /// Bytes of parcels at which downloads pause.
    pub(crate) backlog_max_bytes: u64,
    pub(crate) bucket: Arc<dyn Bucket>,
    /// Why the bucket could not be reached when it was opened.
    pub(crate) unreached: Option<String>,
    pub(crate) layout: Layout,
    pub(crate) shortage: watch::Receiver<Option<Shortage>>,
    pub(crate) asked: Asked,
    pub(crate) clock: Clock,
    pub(crate) status: Arc<Status>,
    pub(crate) metrics: Arc<Metrics>,
}

/// Where the fetcher's results go; both lead to the updater.
#[derive(Debug, Clone)]
pub(crate) struct Outlet {
    pub(crate) archived: mpsc::Sender<Archived>,
    pub(crate) orders: mpsc::Sender<Order>,
}

/// The reader of the log that fills the archive.
pub(crate) struct Fetcher {
    log: Reader,
    cursor: Seq,
    watermark: Watermark,
    watermark_due: Instant,
    road: Road,
    backlog: Backlog,
    downloads: JoinSet<(Job, Outcome)>,
    load: Load,
    parking: Parking,
    backlog_max_bytes: u64,
    condition: Condition,
    puts: JoinSet<Put>,
    looks: JoinSet<Seen>,
    asked: Asked,
    refetch: JoinSet<Refetched>,
    /// Where the log stood when the refetch under way began.
    refetching: Option<Seq>,
    shortage: watch::Receiver<Option<Shortage>>,
    pause: Option<Pause>,
    /// Whether our own disk did not take what came when it was last tried.
    is_stuck: bool,
    clock: Clock,
    status: Arc<Status>,
    metrics: Arc<Metrics>,
}

/// The updater is gone, and with it the reason to go on.
struct UpdaterGone;

impl Fetcher {
    /// A fetcher that goes on from where its watermark and its parcels are.
    ///
    /// # Errors
    /// When the parking place cannot be read.
    pub(crate) fn new(parts: Parts) -> io::Result<Self> {
        let cursor = parts.watermark.get().max(parts.log.oldest().prev());
        let epoch = parts.log.epoch().clone();
        let parking = Parking::open(parts.parking, &epoch)?;
        let store = Store {
            bucket: parts.bucket,
            layout: parts.layout,
        };
        let road = Road {
            sec: parts.sec,
            www_url: parts.www_url,
            staging: parts.staging,
            parking: parking.folder().to_owned(),
            store,
            epoch,
            metrics: parts.metrics.clone(),
        };
        let told = parts.status.outages().down.of(Part::Archive).cloned();
        let fetcher = Self {
            log: parts.log,
            cursor,
            watermark: parts.watermark,
            watermark_due: Instant::now(),
            road,
            backlog: Backlog::after(cursor),
            downloads: JoinSet::new(),
            load: Load::default(),
            parking,
            backlog_max_bytes: parts.backlog_max_bytes,
            condition: Condition::new(parts.clock.now(), parts.unreached, told),
            puts: JoinSet::new(),
            looks: JoinSet::new(),
            asked: parts.asked,
            refetch: JoinSet::new(),
            refetching: None,
            shortage: parts.shortage,
            pause: None,
            is_stuck: false,
            clock: parts.clock,
            status: parts.status,
            metrics: parts.metrics,
        };
        // What is down is told to be before anybody asks.
        fetcher.tell();
        Ok(fetcher)
    }

    /// Works until `stop` fires or the updater is gone.
    pub(crate) async fn run(
        mut self,
        outlet: Outlet,
        stop: CancellationToken,
    ) -> anyhow::Result<()> {
        let (tip, watermark) = (self.log.tip(), self.watermark.get());
        ensure!(
            watermark <= tip,
            "the fetcher had handled event {watermark}, but the log ends at {tip}: events are lost; \
            restore the newer log; if this one was restored on purpose, remove `fetch.watermark`; \
            docs/operating.md tells what subscribers need then"
        );
        self.read_log().await?;
        self.sort_parcels(watermark)?;
        let mut moved = self.log.tip_changes();
        loop {
            moved.borrow_and_update();
            self.read_log().await?;
            self.look_for_room();
            self.start_puts();
            self.start_look();
            self.start_downloads();
            self.start_refetch();
            self.tell();
            let wakes_at = self.wakes_at();
            let went_on = tokio::select! {
                () = stop.cancelled() => break,
                changed = moved.changed() => changed.map_err(|_| UpdaterGone),
                Some(ended) = self.downloads.join_next() => {
                    let (job, outcome) = ended.context("a download panicked")?;
                    self.downloaded(job, outcome);
                    Ok(())
                }
                Some(ended) = self.puts.join_next() => {
                    let put = ended.context("a put panicked")?;
                    self.put_ended(put, &outlet).await?
                }
                Some(ended) = self.looks.join_next() => {
                    let seen = ended.context("a look panicked")?;
                    self.looked(seen, &outlet).await
                }
                Some(ended) = self.refetch.join_next() => {
                    let refetched = ended.context("a refetch panicked")?;
                    self.refetched(refetched).context(CANNOT_FORGET)?;
                    Ok(())
                }
                () = self.asked.more() => Ok(()),
                Ok(()) = self.shortage.changed() => Ok(()),
                () = sleep_until(wakes_at.into()) => Ok(()),
            };
            if went_on.is_err() {
                break;
            }
        }
        self.downloads.shutdown().await;
        self.refetch.shutdown().await;
        self.puts.shutdown().await;
        self.looks.shutdown().await;
        self.store_watermark()
    }

    /// The parcels whose submissions the log tells to be archived are over.
    fn sort_parcels(&mut self, watermark: Seq) -> anyhow::Result<()> {
        let backlog = &self.backlog;
        self.parking
            .sort_out(watermark, |accession, seq| {
                backlog.is_waiting_for(accession, seq)
            })
            .with_context(|| cannot_use(self.parking.folder()))
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
                self.read(record.seq, event.body)?;
            }
        }
        if self.watermark_due <= Instant::now() && self.reached() > self.watermark.get() {
            self.store_watermark()?;
        }
        Ok(())
    }

    fn read(&mut self, seq: Seq, body: Body) -> anyhow::Result<()> {
        match body {
            Body::FilingSeen(filing) if self.parking.holds(filing.accession, seq) => {
                self.backlog.parked(seq, filing.accession);
            }
            Body::FilingSeen(filing) => self.backlog.seen(seq, filing),
            Body::FilingArchived(filing) => {
                block_in_place(|| self.parking.archived(&filing))
                    .with_context(|| cannot_use(self.parking.folder()))?;
                self.backlog.archived(seq, filing.accession);
            }
            Body::FilingWithdrawn(filing) => {
                self.asked.done(filing.accession).context(CANNOT_FORGET)?;
                self.backlog.passed(seq);
            }
            body => {
                self.condition.read(&body);
                self.backlog.passed(seq);
            }
        }
        Ok(())
    }

    /// Everything up to here is finished.
    fn reached(&self) -> Seq {
        let held_back = [self.parking.holds_back(), self.refetching];
        let held_back = held_back.into_iter().flatten();
        held_back.fold(self.backlog.watermark(), Seq::min)
    }

    fn store_watermark(&mut self) -> anyhow::Result<()> {
        self.watermark_due = Instant::now() + WATERMARK_INTERVAL;
        let reached = self.reached();
        block_in_place(|| self.watermark.store(reached))
            .context("the fetcher's watermark cannot be stored")
    }

    /// Sees whether downloads have to pause, and says when that changes.
    fn look_for_room(&mut self) {
        let parked = self.parking.bytes();
        let shortage = self.shortage.borrow_and_update().clone();
        let pause = match &shortage {
            Some(_) => Some(Pause::DiskNearlyFull),
            None => {
                is_full(self.pause, parked, self.backlog_max_bytes).then_some(Pause::BacklogFull)
            }
        };
        if mem::replace(&mut self.pause, pause) == pause {
            return;
        }
        match (pause, shortage) {
            (Some(Pause::DiskNearlyFull), Some(Shortage { place, free_bytes })) => tracing::warn!(
                place = %place.display(), free = megabytes(free_bytes),
                "the disk is nearly full: submissions wait, the stream goes on; free space there"
            ),
            (Some(_), _) => tracing::warn!(
                parked = megabytes(parked),
                "the backlog of the archive is full: submissions wait, the stream goes on"
            ),
            (None, _) => tracing::info!("submissions are downloaded again"),
        }
    }

    fn start_downloads(&mut self) {
        self.backlog.wake(Instant::now());
        while self.pause.is_none() && self.load.has_place() {
            let Some(job) = self.backlog.take(|job| self.load.suits(job)) else {
                break;
            };
            self.load.begin(&job);
            let road = self.road.clone();
            self.downloads.spawn(async move {
                let outcome = attempt(&road, &job).await;
                (job, outcome)
            });
        }
    }

    fn downloaded(&mut self, job: Job, outcome: Outcome) {
        self.load.end(&job);
        match outcome {
            Ok(label) => {
                if mem::take(&mut self.is_stuck) {
                    tracing::info!("the disk takes submissions again");
                }
                self.parked(&label);
            }
            Err(failure) => self.failed(job, failure),
        }
    }

    fn failed(&mut self, job: Job, failure: Failure) {
        let accession = job.filing.accession;
        self.metrics.archive_failed(failure.reason());
        tracing::debug!(%accession, error = with_causes(&failure), "not archived yet");
        if failure.is_ours() && !mem::replace(&mut self.is_stuck, true) {
            tracing::warn!(
                error = with_causes(&failure),
                "submissions cannot be written to the disk; they wait"
            );
        }
        let wait = failure.wait(&job);
        let attempts = failure.attempts(&job);
        if failure.is_final(attempts) {
            tracing::warn!(%accession, reason = failure.reason(), "no submission after a day: given up");
            self.backlog.finish(job.seq, accession);
            return;
        }
        let job = job.tried(attempts, failure.unfinished());
        self.backlog.wait(job, Instant::now() + wait);
    }

    fn wakes_at(&self) -> Instant {
        let idle = Instant::now() + Duration::from_secs(60);
        let stores = (self.reached() > self.watermark.get()).then_some(self.watermark_due);
        let downloads = self.backlog.wakes_at().filter(|_| self.pause.is_none());
        [downloads, self.puts_wake_at(), self.looks_at(), stores]
            .into_iter()
            .flatten()
            .fold(idle, Instant::min)
    }

    fn tell(&self) {
        let outage = self.condition.outage();
        self.status.set_fetch(FetchState {
            watermark: self.reached().get(),
            backlog: self.backlog.len() as u64,
            running: self.load.len() as u64,
            up: self.condition.seems_up(),
            down_since: outage.map(|outage| outage.since),
            error: self.condition.error().map(str::to_owned),
            parked: Parked {
                filings: self.parking.len() as u64,
                bytes: self.parking.bytes(),
                max_bytes: self.backlog_max_bytes,
            },
            paused: self.pause,
        });
    }
}

const CANNOT_FORGET: &str = "cannot keep in `fetch.again` what is to be fetched again; check the disk of the data directory";

fn cannot_use(folder: &Path) -> String {
    format!(
        "cannot use the folder `{}`; check its permissions and its disk",
        folder.display()
    )
}

/// Whether so many parked bytes are enough; after a pause some room has to be free again.
fn is_full(pause: Option<Pause>, parked: u64, most: u64) -> bool {
    match pause {
        Some(Pause::BacklogFull) => parked >= most - most / ROOM_SHARE,
        _ => parked >= most,
    }
}
