//! Those who ask the catalog: a few at a time, each with a connection and a bound of time.
//!
//! Invariant: asking never holds up who writes the file, nor more than [`READERS`] threads.

use std::{
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::{Duration, Instant},
};

use protocol::{accession::Accession, seq::Seq};
use tokio::{
    sync::{Notify, Semaphore, watch},
    task::spawn_blocking,
    time::timeout,
};

use super::{
    CatalogError, FILE,
    query::{Asked, Found, Page, Reading},
    sightings::{Ledger, Sighted},
};
use crate::disk::Shortage;

/// Requests that are answered at a time.
pub(super) const READERS: usize = 4;

/// How long a request waits for its turn.
const TURN: Duration = Duration::from_secs(2);

/// How long a request looks for filings before it gives what it has.
const LOOK: Duration = Duration::from_millis(500);

/// How long a request waits for the newest events to be written, and for how many.
const NEWEST: Duration = Duration::from_millis(500);
const NEWEST_MAX: u64 = 10_000;

/// The catalog, for those who ask it.
#[derive(Debug)]
pub(crate) struct Catalog {
    path: PathBuf,
    ledger: Ledger,
    turns: Semaphore,
    idle: Mutex<Idle>,
    through: watch::Sender<Seq>,
    /// Somebody asks, so that events gather no longer.
    wanted: Notify,
    shortage: OnceLock<watch::Receiver<Option<Shortage>>>,
}

/// Connections that nobody uses, all of the same file.
#[derive(Debug, Default)]
struct Idle {
    /// Counts up when the file is another.
    file: u64,
    connections: Vec<Reading>,
}

impl Catalog {
    /// The catalog below the data directory, whoever makes it.
    pub(crate) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE),
            ledger: Ledger::new(data_dir),
            turns: Semaphore::new(READERS),
            idle: Mutex::default(),
            through: watch::Sender::new(Seq::ZERO),
            wanted: Notify::new(),
            shortage: OnceLock::new(),
        }
    }

    /// Where its file lies.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Where the other file lies, that of sightings.
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Stands back from then on while the disk is short of room, which is the log's.
    pub(crate) fn spare(&self, shortage: watch::Receiver<Option<Shortage>>) {
        // Told once, at the start.
        let _ = self.shortage.set(shortage);
    }

    /// Whether the file may grow.
    pub(super) fn has_room(&self) -> bool {
        let shortage = self.shortage.get();
        shortage.is_none_or(|shortage| shortage.borrow().is_none())
    }

    /// The file is there, perhaps another than before, and has read so far.
    pub(super) fn begin(&self, through: Seq) {
        let mut idle = self.idle();
        idle.file += 1;
        idle.connections.clear();
        drop(idle);
        self.reached(through);
    }

    /// The file has read so far.
    pub(super) fn reached(&self, through: Seq) {
        self.through.send_replace(through);
    }

    /// How far it has read.
    pub(crate) fn through(&self) -> Seq {
        *self.through.borrow()
    }

    /// Until somebody asks for the newest.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Waits until the file has all up to `tip`, which takes a moment, unless it is far behind
    /// or stands back.
    pub(crate) async fn catch_up(&self, tip: Seq) {
        let lag = self.through().behind(tip);
        if (1..=NEWEST_MAX).contains(&lag) && self.has_room() {
            self.wanted.notify_one();
            let mut through = self.through.subscribe();
            let has_read = through.wait_for(|through| *through >= tip);
            // Late, the answer tells how far it goes.
            let _ = timeout(NEWEST, has_read).await;
        }
    }

    /// A page of filings.
    ///
    /// # Errors
    /// [`CatalogError::Busy`] when too many ask, others when the file cannot be read.
    pub(crate) async fn page(self: &Arc<Self>, asked: Asked) -> Result<Page, CatalogError> {
        self.ask(move |reading, _| reading.page(&asked, Instant::now() + LOOK))
            .await
    }

    /// What is known of a filing, when each source saw it, and how far the catalog has read.
    ///
    /// # Errors
    /// As [`Self::page`].
    pub(crate) async fn find(
        self: &Arc<Self>,
        accession: Accession,
    ) -> Result<(Option<Found>, Vec<Sighted>, Seq), CatalogError> {
        self.ask(move |reading, ledger| {
            let (found, through) = reading.find(accession, Instant::now() + LOOK)?;
            Ok((found, ledger.of(accession), through))
        })
        .await
    }

    async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&mut Reading, &Ledger) -> Result<T, CatalogError> + Send + 'static,
    ) -> Result<T, CatalogError> {
        let turn = timeout(TURN, self.turns.acquire()).await;
        let _turn = turn
            .map_err(|_| CatalogError::Busy)?
            .map_err(|_| CatalogError::Busy)?;
        let this = self.clone();
        let asking = spawn_blocking(move || {
            let (file, reading) = this.take();
            let mut reading = match reading {
                Some(reading) => reading,
                None => Reading::open(&this.path)?,
            };
            let answer = question(&mut reading, &this.ledger)?;
            this.give_back(file, reading);
            Ok(answer)
        });
        match asking.await {
            Ok(answer) => answer,
            Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
            Err(_) => Err(CatalogError::Busy),
        }
    }

    fn take(&self) -> (u64, Option<Reading>) {
        let mut idle = self.idle();
        (idle.file, idle.connections.pop())
    }

    /// One that failed is not given back, nor one of a file that is no longer there.
    fn give_back(&self, file: u64, reading: Reading) {
        let mut idle = self.idle();
        if idle.file == file {
            idle.connections.push(reading);
        }
    }

    /// Its value is whole at any moment, so a panic elsewhere spoils nothing.
    fn idle(&self) -> MutexGuard<'_, Idle> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
