//! What can go wrong, named by what the caller can do about it.
//!
//! Invariant: every message says which file, and what to do next.

use std::{
    fmt, io,
    path::{Path, PathBuf},
};

use protocol::seq::{Epoch, Seq};

/// Damage to records that had been durable. Nothing was changed on disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Corruption {
    /// The damaged segment.
    pub file: PathBuf,
    /// Where in it the damaged line begins, in bytes.
    pub offset: u64,
    /// The seq that belongs there, where it is known.
    pub seq: Option<Seq>,
    /// What is wrong.
    pub what: String,
}

impl fmt::Display for Corruption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the log file {} is damaged at byte {}",
            self.file.display(),
            self.offset
        )?;
        if let Some(seq) = self.seq {
            write!(f, " (seq {seq})")?;
        }
        write!(
            f,
            ": {}. Nothing was changed. Restore this file from a copy; without one, move the \
             whole log directory away to start a new epoch",
            self.what
        )
    }
}

impl std::error::Error for Corruption {}

/// Why the log could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another writer has it.
    #[error("another process writes the log in {}; stop it first, or use another directory", .0.display())]
    Locked(PathBuf),
    /// Durable records are damaged.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// A newer program wrote it.
    #[error("the log file {} has a format this program does not know; use the program that wrote it", .0.display())]
    Version(PathBuf),
    /// The disk is full.
    #[error("no space left for the log at {}; free space or raise the quota, then start again", .0.display())]
    NoSpace(PathBuf),
    /// The file system said no.
    #[error("cannot use {}; check that the directory exists, is writable and its disk is healthy", .path.display())]
    Io {
        /// What could not be used.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

impl OpenError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match is_no_space(&source) {
            true => Self::NoSpace(path.to_owned()),
            false => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }
}

/// Why a frame was not taken. The log is as before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// A frame is one line.
    #[error("a frame must not contain a line end")]
    LineEnd,
    /// A frame is text.
    #[error("a frame must be UTF-8")]
    NotUtf8,
    /// A frame has a largest size, [`crate::segment::FRAME_MAX_BYTES`].
    #[error("a frame of {bytes} bytes is over the limit of {max} bytes")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        max: usize,
    },
    /// An earlier write failed.
    #[error("the log takes no more frames since a write failed; restart to recover")]
    Poisoned,
}

/// Why a group did not become durable. The tip is where it was.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// The disk is full.
    #[error("no space left for the log at {}; free space or raise the quota, then restart", .0.display())]
    NoSpace(PathBuf),
    /// The file system said no.
    #[error("cannot write {}; check the disk, then restart to recover", .path.display())]
    Io {
        /// What could not be written.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An earlier write failed.
    #[error("the log takes no more frames since a write failed; restart to recover")]
    Poisoned,
}

impl WriteError {
    pub(crate) fn io(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        move |source| match is_no_space(&source) {
            true => Self::NoSpace(path.to_owned()),
            false => Self::Io {
                path: path.to_owned(),
                source,
            },
        }
    }
}

/// Why records could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// The records asked for are no longer kept.
    #[error("the log no longer holds these records; its oldest is {oldest}")]
    Gone {
        /// The first seq still kept.
        oldest: Seq,
    },
    /// Durable records are damaged.
    #[error(transparent)]
    Corrupt(#[from] Corruption),
    /// The file system said no.
    #[error("cannot read {}; check the disk", .path.display())]
    Io {
        /// What could not be read.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// Why a watermark could not be used.
#[derive(Debug, thiserror::Error)]
pub enum WatermarkError {
    /// It counts in the numbers of another log.
    #[error(
        "the watermark {} is of epoch {found}, the log is of epoch {expected}; remove the file to \
         read this log from its beginning", .path.display()
    )]
    OtherEpoch {
        /// The watermark's file.
        path: PathBuf,
        /// The epoch in it.
        found: Epoch,
        /// The epoch of the log.
        expected: Epoch,
    },
    /// It does not read as a watermark.
    #[error(
        "the watermark {} is damaged; remove the file to read the log from its beginning", .0.display()
    )]
    Damaged(PathBuf),
    /// The file system said no.
    #[error("cannot use the watermark {}; check the disk", .path.display())]
    Io {
        /// What could not be used.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

fn is_no_space(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded
    )
}
