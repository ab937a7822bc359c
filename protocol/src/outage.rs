//! An outage: a span in which a part of ours did not do its work.

use serde::{Deserialize, Serialize};

use crate::{filing::Source, named::named, time::Timestamp};

/// What `source.down` and `source.up` say of an outage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outage {
    /// What failed.
    #[serde(rename = "source")]
    pub part: Part,
    /// The last moment at which it is known to have worked: the span that was blind begins
    /// here.
    pub since: Timestamp,
    /// When it worked again; known in `source.up`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// What went wrong, for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

named! {
    /// A part whose outages are told.
    Part {
        /// The Atom feed of latest filings.
        Atom = "atom",
        /// The full-text search index.
        Efts = "efts",
        /// The daily index.
        DailyIndex = "daily_index",
        /// The archive: submissions wait on the disk.
        Archive = "archive",
    }
}

impl Part {
    /// The part that watches a source; `None` for a source that is only read on request.
    pub const fn watching(source: Source) -> Option<Self> {
        match source {
            Source::Atom => Some(Self::Atom),
            Source::Efts => Some(Self::Efts),
            Source::DailyIndex => Some(Self::DailyIndex),
            Source::Backfill => None,
        }
    }
}
