//! The catalog: a view of the log in SQLite, which answers which filings there are.
//!
//! One more reader of the log (`follow`) makes it: `batch` turns a stretch of the log into
//! changes, `fill` writes them, and `index` what they are found by. A filing is found by its
//! `terms`, whose `postings` are walked (`walk`) newest first; `query` makes a page of what the
//! filter wants, `ahead` reads rows for it that are not in memory, `pool` lends connections to
//! those who ask. `sightings` keeps beside it when each source saw a filing, which the log does
//! not tell.
//!
//! Elsewhere: the HTTP doors (`http/filings`), what a filter is (`protocol::filter`).
//!
//! Invariant: the log is the only truth. The file holds nothing that is not in the log, up to
//! its watermark; it may be deleted at any time and is made again.

mod ahead;
pub mod batch;
pub mod fill;
mod follow;
pub mod handover;
mod index;
mod numbers;
mod pool;
mod postings;
pub mod query;
mod schema;
mod sightings;
mod terms;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod testing;
#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests;
mod told;
mod walk;

use std::io;

use eventlog::ReadError;

pub(crate) use follow::Follower;
pub(crate) use pool::Catalog;
pub use query::Dates;
pub(crate) use query::{Asked, Found, Page};
pub(crate) use sightings::{Sighted, Sightings};

/// The catalog's file in the data directory.
const FILE: &str = "catalog.db";

/// Why the catalog cannot be made or read.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// SQLite or the disk says no.
    #[error("the catalog's file cannot be used")]
    Sqlite(#[from] rusqlite::Error),
    /// The disk says no.
    #[error("the catalog's disk cannot be used")]
    Io(#[from] io::Error),
    /// What is there is not what was written.
    #[error("{0} holds what nobody wrote")]
    Damaged(&'static str),
    /// The log cannot be read.
    #[error("the event log cannot be read")]
    Log(#[from] ReadError),
    /// As many ask as may.
    #[error("too many ask at a time")]
    Busy,
}
