//! What monitors report.
//!
//! All monitors send on one bounded channel. The order of reports of one monitor matters:
//! [`Report::Polled`] vouches for what was sent before it.
//!
//! Elsewhere: the receiving end is the updater (`server`).
//!
//! Invariant: a [`Sighting`] carries its source and the moment it was seen.

use std::error::Error;

use protocol::filing::{Filing, Source};
use protocol::time::Timestamp;
use tokio::sync::mpsc;

/// A report of a monitor.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::large_enum_variant,
    reason = "nearly all reports are sightings; a box would be an allocation for each"
)]
pub enum Report {
    /// A source lists a filing.
    Sighted(Sighting),
    /// A poll succeeded: all that the source listed up to `listed_through` has been sent.
    Polled {
        /// Where it was looked.
        source: Source,
        /// The instant up to which the source's list is covered.
        listed_through: Timestamp,
    },
    /// A poll failed; sent once per failed poll.
    Failed {
        /// Where it was looked.
        source: Source,
        /// When it failed.
        at: Timestamp,
        /// What went wrong, for people.
        error: String,
    },
}

/// One source's claim that a filing exists.
#[derive(Debug, Clone, PartialEq)]
pub struct Sighting {
    /// What the source says of it; `source` and `seen_at` are set.
    pub filing: Filing,
}

/// The receiver of reports is gone, and with it the reason to poll.
#[derive(Debug)]
pub(crate) struct Gone;

/// The monitors' end of the channel.
pub(crate) type Reports = mpsc::Sender<Report>;

/// Sends one report, waiting for room.
pub(crate) async fn send(reports: &Reports, report: Report) -> Result<(), Gone> {
    reports.send(report).await.map_err(|_| Gone)
}

/// An error and its causes in one line.
pub(crate) fn describe(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
