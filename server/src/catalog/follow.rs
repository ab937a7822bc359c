//! Following the log: the catalog's own threads.
//!
//! One reads, one writes; a batch waits between them at most (`handover`). They have less weight
//! than any other thread, so that catching up takes what is left. A file that cannot be
//! written costs the catalog and nothing else: it is tried again.
//!
//! Invariant: nobody waits for the catalog but those who ask it.

use std::{
    path::PathBuf,
    sync::{Arc, mpsc::Receiver},
    thread,
    time::Duration,
};

use eventlog::ReadError;
use protocol::seq::Seq;
use tokio::{
    runtime::Handle,
    time::{sleep, timeout},
};
use tokio_util::sync::CancellationToken;

use super::{
    Catalog, CatalogError,
    batch::Batch,
    fill::Filling,
    handover::{Giver, Stretch, handover},
};
use crate::{log, threads};

/// Events of a batch, and bytes of their frames. What is under way is finished when the program
/// stops, so a batch is a moment's work on a slow machine too.
const BATCH_EVENTS: usize = 4096;
const BATCH_BYTES: usize = 4 << 20;

/// Rest at the tip, unless somebody asks: what comes meanwhile is one transaction, and no
/// event wakes this thread.
const REST: Duration = Duration::from_secs(1);

/// Rest after a failure, or while the disk is short of room.
const RETRY: Duration = Duration::from_secs(10);

/// Keeps the catalog.
#[derive(Debug)]
pub(crate) struct Follower {
    path: PathBuf,
    catalog: Arc<Catalog>,
    log: log::Reader,
    runtime: Handle,
    stop: CancellationToken,
}

impl Follower {
    pub(crate) fn new(catalog: Arc<Catalog>, log: log::Reader, stop: CancellationToken) -> Self {
        Self {
            path: catalog.path().to_owned(),
            catalog,
            log,
            runtime: Handle::current(),
            stop,
        }
    }

    /// Follows the log until `stop` fires. Blocks its thread.
    ///
    /// # Errors
    /// When no thread can be had.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        // A thread of its own, for its weight stays with it.
        let name = thread::Builder::new().name("catalog".to_owned());
        let running = name.spawn(move || self.keep())?;
        match running.join() {
            Ok(()) => Ok(()),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    fn keep(self) {
        threads::weigh_as_catalog();
        while let Err(error) = self.follow() {
            let error = format!("{:#}", anyhow::Error::from(error));
            tracing::warn!(error, "the catalog stays behind; it is tried again");
            self.wait(&self.stop, async { sleep(RETRY).await });
            if self.stop.is_cancelled() {
                return;
            }
        }
    }

    /// Follows until stopped.
    fn follow(&self) -> Result<(), CatalogError> {
        let filling = Filling::open(&self.path, self.log.epoch(), self.log.tip())?;
        self.catalog.begin(filling.through());
        let (giver, taken) = handover()?;
        let (after, stop) = (filling.through(), self.stop.child_token());
        thread::scope(|scope| {
            let reading = scope.spawn(|| self.read(after, giver, &stop));
            let written = self.write(filling, taken);
            stop.cancel();
            let read = reading
                .join()
                .unwrap_or_else(|p| std::panic::resume_unwind(p));
            written.and(read)
        })
    }

    /// Reads until stopped.
    fn read(
        &self,
        mut after: Seq,
        mut giver: Giver,
        stop: &CancellationToken,
    ) -> Result<(), CatalogError> {
        while !stop.is_cancelled() {
            if !self.catalog.has_room() {
                self.wait(stop, async { sleep(RETRY).await });
                continue;
            }
            let records = match self
                .log
                .read_after_blocking(after, BATCH_EVENTS, BATCH_BYTES)
            {
                Err(ReadError::Gone { oldest }) => {
                    after = oldest.prev();
                    continue;
                }
                records => records?,
            };
            let Some(last) = records.last() else {
                self.rest(stop);
                continue;
            };
            after = last.seq;
            let frames = records
                .iter()
                .map(|record| (record.seq, record.frame.clone()));
            let is_last = after >= self.log.tip();
            let batch = Batch::of(frames)?;
            if !giver.give(Stretch { batch, is_last })? {
                break;
            }
            if is_last {
                self.rest(stop);
            }
        }
        Ok(())
    }

    /// Packs and writes until stopped, or until nobody is left who reads. What is not committed
    /// then is read again.
    fn write(
        &self,
        mut filling: Filling,
        stretches: Receiver<Stretch>,
    ) -> Result<(), CatalogError> {
        let mut oldest = Seq::ZERO;
        for Stretch { batch, is_last } in stretches {
            if self.stop.is_cancelled() {
                break;
            }
            filling.take(batch)?;
            while is_last && !self.stop.is_cancelled() && filling.commit_some()? {}
            self.catalog.reached(filling.through());
            if is_last && self.log.oldest() > oldest && !self.stop.is_cancelled() {
                oldest = self.log.oldest();
                filling.forget_before(oldest)?;
            }
        }
        Ok(())
    }

    /// Lets events gather until it is time, or somebody asks for them.
    fn rest(&self, stop: &CancellationToken) {
        let rest = async { drop(timeout(REST, self.catalog.wanted()).await) };
        self.wait(stop, rest);
    }

    /// Waits for something, or until it is time to stop.
    fn wait(&self, stop: &CancellationToken, what: impl Future<Output = ()>) {
        self.runtime.block_on(stop.run_until_cancelled(what));
    }
}
