//! Commands to the running server, from this machine and this user: a Unix socket in the
//! data directory.
//!
//! A connection carries one request and its answer as lines of JSON: a [`Request`], then
//! [`Reply::Progress`] as often as there is any, then [`Reply::Ended`]. Whoever closes the
//! connection stops the work; all work can be asked for again.
//!
//! Elsewhere: where the socket is and who may use it (`socket`), answering (`desk`), asking
//! (`cli::ask`).
//!
//! Invariant: a socket that can be connected to is that of the process that has the log.

mod desk;
mod socket;

use protocol::time::Date;
use serde::{Deserialize, Serialize};

pub(crate) use self::{
    desk::Desk,
    socket::{Link, Socket},
};
use crate::{
    backfill::Range,
    progress::{Ended, Progress},
};

/// What can be asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub(crate) enum Request {
    /// Reconcile a day, the newest whose index is due unless told.
    Reconcile {
        /// The day.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        date: Option<Date>,
    },
    /// Take the filings of the past.
    Backfill(Range),
    /// Say that you are well.
    Health,
}

/// A line of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Reply {
    /// It is under way.
    Progress(Progress),
    /// It has ended: the last line.
    Ended(Ended),
}
