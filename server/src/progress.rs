//! A long piece of work that somebody asked for: how far it is, how it ended.
//!
//! Whoever works tells; status and the control socket watch. Only the newest telling
//! counts, so a slow watcher holds nobody up.

use serde::{Deserialize, Serialize};
use tokio::sync::watch;

/// How far a piece of work is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Progress {
    /// What is being done: `reading the index of 2026-03-03`.
    pub(crate) doing: String,
    /// How many filings of it are done.
    pub(crate) done: u64,
    /// How many there are, as far as can be told; 0 while it cannot.
    pub(crate) of: u64,
}

/// How a piece of work ended, in words for the one who asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Ended {
    /// Done, or there was nothing to do.
    Done(String),
    /// Asked wrongly: nothing was done.
    Refused(String),
    /// Not done, or not all of it; the same can be asked again.
    Failed(String),
}

/// The worker's end.
#[derive(Debug, Clone)]
pub(crate) struct Teller(watch::Sender<Progress>);

impl Teller {
    /// A teller whom nobody watches yet.
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Progress::default()))
    }

    /// Says what is begun now, and how many filings there are; 0 while that is unknown.
    pub(crate) fn begin(&self, doing: impl Into<String>, of: usize) {
        self.tell(doing, 0, of as u64);
    }

    /// Says what is being done and how far it is.
    pub(crate) fn tell(&self, doing: impl Into<String>, done: u64, of: u64) {
        let doing = doing.into();
        self.0.send_replace(Progress { doing, done, of });
    }

    /// Says how much is done.
    pub(crate) fn done(&self, done: usize) {
        self.0.send_modify(|progress| progress.done = done as u64);
    }

    /// A watcher's end.
    pub(crate) fn watch(&self) -> watch::Receiver<Progress> {
        self.0.subscribe()
    }

    /// What was told last.
    pub(crate) fn now(&self) -> Progress {
        self.0.borrow().clone()
    }
}
