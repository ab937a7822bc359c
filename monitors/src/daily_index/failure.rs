//! Why an index could not be read, by what the caller can do.
//!
//! Elsewhere: that there is none yet is an answer and no failure (`daily_index`).

use std::time::Duration;

use edgar::error::IndexError;
use protocol::time::Date;
use sec_client::SecError;

/// Why an index could not be read.
#[derive(Debug, thiserror::Error)]
pub enum IndexFailure {
    /// sec.gov serves us nothing for a while.
    #[error("sec.gov has blocked us; the index can be read in {} s", retry_in.as_secs())]
    Blocked {
        /// Time until the door may open again.
        retry_in: Duration,
    },
    /// No usable answer, also when asked again: later there may be one.
    #[error("no answer to {path}")]
    Unreachable {
        /// What was asked for.
        path: String,
        /// What happened last.
        #[source]
        cause: SecError,
    },
    /// What came is not the whole index: later it may be.
    #[error("{path} is damaged")]
    Damaged {
        /// What was asked for.
        path: String,
        /// How.
        #[source]
        damage: Damage,
    },
    /// Asking again is no use: the address or EDGAR's layout has changed.
    #[error("{path} cannot be read")]
    Refused {
        /// What was asked for.
        path: String,
        /// What came.
        #[source]
        cause: SecError,
    },
}

/// What is wrong with a file.
#[derive(Debug, thiserror::Error)]
pub enum Damage {
    /// Not a master index, or one of which nothing can be believed.
    #[error(transparent)]
    Format(IndexError),
    /// The last line has no end, or the last row is cut.
    #[error("it is cut short")]
    Cut,
    /// Compressed bytes that do not decompress to what was compressed.
    #[error("it cannot be decompressed")]
    Compressed(#[source] std::io::Error),
    /// Under its name is the index of another time.
    #[error("it says it was made on {}", found.map_or("no day".to_owned(), |day| day.to_string()))]
    OtherTime {
        /// What its header says.
        found: Option<Date>,
    },
    /// More bad rows than EDGAR has ever had.
    #[error("{bad} of {rows} rows make no sense")]
    BadRows {
        /// Rows that make no sense.
        bad: usize,
        /// All rows.
        rows: usize,
    },
    /// It has bad rows, and reading it again shows something else.
    #[error("it has bad rows, and others when read again")]
    Unsteady,
}

impl IndexFailure {
    /// Whether the same may succeed later without anyone changing anything.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        !matches!(self, Self::Refused { .. })
    }

    /// How long nothing can be asked.
    #[must_use]
    pub fn retry_in(&self) -> Duration {
        match self {
            Self::Blocked { retry_in } => *retry_in,
            _ => Duration::ZERO,
        }
    }

    pub(super) fn damaged(path: &str, damage: Damage) -> Self {
        let path = path.to_owned();
        Self::Damaged { path, damage }
    }

    pub(super) fn of(path: &str, cause: SecError) -> Self {
        let path = path.to_owned();
        match cause {
            SecError::Blocked { retry_in } => Self::Blocked { retry_in },
            cause if cause.is_transient() => Self::Unreachable { path, cause },
            cause => Self::Refused { path, cause },
        }
    }

    /// Whether there is no such file.
    pub(super) fn is_absent(&self) -> bool {
        matches!(
            self,
            Self::Refused {
                cause: SecError::Absent { .. },
                ..
            }
        )
    }

    /// Whether it is worth asking again within seconds.
    pub(super) fn may_pass_soon(&self) -> bool {
        self.is_transient() && !matches!(self, Self::Blocked { .. })
    }
}
