//! The servers that are compared, each a role of this program.
//!
//! [`ours`] is filingwire, [`bare`] and [`sweep`] are what sending costs when nothing else
//! is done, [`axum`] is what one would write in an afternoon. [`door`] is what the two
//! limits share.
//!
//! Invariant: all make an event of the same size from the same line.

mod axum;
mod bare;
mod door;
mod ours;
mod sweep;

use clap::ValueEnum;

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// filingwire
    Ours,
    /// One `send` per event and socket, prepared bytes, one thread
    Bare,
    /// One log, each socket an offset, everything up to the tip in one write
    Sweep,
    /// A broadcast channel and a task per socket
    Axum,
}

impl Role {
    /// Serves until stdin ends.
    ///
    /// # Errors
    /// When it cannot listen.
    pub(crate) fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Ours => ours::run(),
            Self::Bare => bare::run(),
            Self::Sweep => sweep::run(),
            Self::Axum => axum::run(),
        }
    }
}
