//! What went through the door, as numbers for metrics.
//!
//! Elsewhere: metric names and labels belong to the program.
//!
//! Invariant: numbers only grow.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use crate::error::SecError;
use crate::pace::Priority;

/// A reading of the counters since the client was built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counts {
    /// Requests that went to the network, per priority, the most urgent first.
    pub requests: [(Priority, u64); 5],
    /// How requests ended, per [`Outcome`], in the order of [`Outcome::ALL`].
    pub outcomes: [(Outcome, u64); 6],
    /// Block pages met.
    pub blocks: u64,
    /// Calls that failed at once because the door was shut.
    pub held_back: u64,
}

/// How a request that went to the network ended, up to the first bytes of its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Outcome {
    /// A document.
    Served,
    /// Nothing under this URL.
    Absent,
    /// HTTP 5xx.
    Unavailable,
    /// Something that was not asked for.
    Unexpected,
    /// No answer: connection or time limit.
    NoAnswer,
    /// A block page.
    Blocked,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 6] = [
        Self::Served,
        Self::Absent,
        Self::Unavailable,
        Self::Unexpected,
        Self::NoAnswer,
        Self::Blocked,
    ];

    /// The name used in metrics.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Absent => "absent",
            Self::Unavailable => "unavailable",
            Self::Unexpected => "unexpected",
            Self::NoAnswer => "no_answer",
            Self::Blocked => "blocked",
        }
    }

    pub(crate) fn of<T>(result: &Result<T, SecError>) -> Self {
        match result {
            Ok(_) => Self::Served,
            Err(SecError::Absent { .. }) => Self::Absent,
            Err(SecError::Unavailable { .. }) => Self::Unavailable,
            Err(SecError::Blocked { .. }) => Self::Blocked,
            Err(SecError::Network(_) | SecError::TimedOut { .. }) => Self::NoAnswer,
            Err(_) => Self::Unexpected,
        }
    }
}

/// The counters themselves.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: [AtomicU64; 5],
    outcomes: [AtomicU64; 6],
    held_back: AtomicU64,
}

impl Counters {
    pub(crate) fn sent(&self, priority: Priority) {
        self.requests[priority as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn ended(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].fetch_add(1, Relaxed);
    }

    pub(crate) fn held_back(&self) {
        self.held_back.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Counts {
        let outcome = |at: Outcome| self.outcomes[at as usize].load(Relaxed);
        Counts {
            requests: Priority::ALL.map(|at| (at, self.requests[at as usize].load(Relaxed))),
            outcomes: Outcome::ALL.map(|at| (at, outcome(at))),
            blocks: outcome(Outcome::Blocked),
            held_back: self.held_back.load(Relaxed),
        }
    }
}
