//! When the snapshot is written.
//!
//! The updater looks here after every commit. When enough events have come since the last
//! snapshot, a thread writes the next one from a clone of what is known: the updater waits for
//! the clone alone, which copies the list of blocks.
//!
//! Invariant: one is written at a time, of what is durable only; without it nothing is lost,
//! so a failure is a warning and the next attempt comes with the next look that is due.

use std::{io, thread::JoinHandle};

use protocol::seq::Seq;

use super::{Known, Snapshot, SnapshotFile, Tally, recall::NEWEST};

/// Events between two snapshots: so many a start reads anyhow.
const EVERY: u64 = NEWEST;

/// Writes the snapshot from time to time.
#[derive(Debug)]
pub(crate) struct Saving {
    file: SnapshotFile,
    every: u64,
    /// What the last one that was begun covers.
    covers: Seq,
    running: Option<JoinHandle<io::Result<u64>>>,
}

impl Saving {
    /// Writes to `file`, which covers the log up to `covers`.
    pub(crate) fn new(file: SnapshotFile, covers: Seq) -> Self {
        Self::every(EVERY, file, covers)
    }

    /// The same with so many events between two snapshots.
    pub(crate) fn every(every: u64, file: SnapshotFile, covers: Seq) -> Self {
        Self {
            file,
            every,
            covers,
            running: None,
        }
    }

    /// Begins the next snapshot when it is due; all events up to `tip` are durable and known.
    pub(crate) fn look(&mut self, known: &Known, tally: Tally, tip: Seq) {
        if self.covers.behind(tip) < self.every || self.is_running() {
            return;
        }
        self.finish();
        self.covers = tip;
        let snapshot = Snapshot {
            covers: tip,
            known: known.clone(),
            tally,
        };
        let file = self.file.clone();
        let write = move || file.write(&snapshot);
        match std::thread::Builder::new()
            .name("snapshot".to_owned())
            .spawn(write)
        {
            Ok(running) => self.running = Some(running),
            Err(error) => failed(&error),
        }
    }

    /// Waits for the one that is being written.
    pub(crate) fn finish(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let panicked = |_| Err(io::Error::other("its thread panicked"));
        match running.join().unwrap_or_else(panicked) {
            Ok(bytes) => tracing::debug!(covers = %self.covers, bytes, "snapshot written"),
            Err(error) => failed(&error),
        }
    }

    fn is_running(&self) -> bool {
        self.running
            .as_ref()
            .is_some_and(|running| !running.is_finished())
    }
}

fn failed(error: &io::Error) {
    tracing::warn!(%error, "no snapshot of what is known: the next start reads more of the log");
}
