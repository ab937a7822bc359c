//! The servers that are compared, each a role of this program.
//!
//! [`ours`] is filingwire, [`bare`] and [`sweep`] are what sending costs when nothing else
//! is done, or when only the disk is asked before, [`axum`] is what one would write in an afternoon. [`door`] is what the two
//! limits share.
//!
//! Invariant: all make an event of the same size from the same line.

mod axum;
mod bare;
mod door;
mod ours;
mod sweep;

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Which server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Role {
    /// filingwire
    Ours,
    /// One `send` per event and socket, prepared bytes, one thread
    Bare,
    /// One log, each socket an offset, everything up to the tip in one write
    Sweep,
    /// As `bare`, but each event is written to a file and synced before it is sent
    SyncedBare,
    /// As `sweep`, but events are written to a file and synced before they are sent
    SyncedSweep,
    /// A broadcast channel and a task per socket
    Axum,
}

/// Where and how filingwire serves.
#[derive(Debug, Args)]
pub(crate) struct Place {
    /// Data directory of filingwire; a temporary one unless given
    #[arg(long)]
    folder: Option<PathBuf>,
    /// Without a catalog
    #[arg(long)]
    no_catalog: bool,
}

impl Role {
    /// Serves until stdin ends.
    ///
    /// # Errors
    /// When it cannot listen.
    pub(crate) fn run(self, place: Place) -> anyhow::Result<()> {
        match self {
            Self::Ours => ours::run(place),
            Self::Bare => bare::run(None),
            Self::Sweep => sweep::run(None),
            Self::SyncedBare => bare::run(Some(tempfile::tempfile()?)),
            Self::SyncedSweep => sweep::run(Some(tempfile::tempfile()?)),
            Self::Axum => axum::run(),
        }
    }
}
