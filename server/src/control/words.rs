//! What is asked and answered on the control socket. Elsewhere: as lines (`line`).

use protocol::time::Date;
use serde::{Deserialize, Serialize};

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
