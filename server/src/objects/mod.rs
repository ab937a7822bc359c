//! The objects made of a submission beside its own bytes: the tar object and the XBRL facts.
//!
//! While a submission is read, [`Spool`] compresses each document into a scratch file. When it
//! is over, [`Documents`] writes the tar object from there, and reads again the one document
//! that has facts. Elsewhere: the format of the tar object (`edgar::tar`), what a fact is
//! (`edgar::xbrl`), putting objects into the archive (`fetch`).
//!
//! Invariant: a document is compressed once and never held in memory whole, but for the one
//! whose facts are being read.

mod compressor;
mod facts;
mod made;
mod spool;

pub use compressor::Compressor;
pub use facts::Unread;
pub use made::Made;
pub use spool::{Documents, Spool, Spooled};

/// zstd's own default: three quarters of the best ratio at a multiple of its speed.
const LEVEL: i32 = 3;
