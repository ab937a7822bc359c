//! One walk through the feed: what its pages tell about each other.
//!
//! Elsewhere: asking for the pages and reporting (`atom`).
//!
//! Invariant: a walk that is not sound vouches for nothing, but what it saw is still a sighting.

use std::ops::ControlFlow;

use edgar::atom::{Entry, Page};
use edgar::error::AtomError;
use edgar::paths;
use protocol::time::Timestamp;
use sec_client::SecError;

use crate::join::Joiner;
use crate::known::Known;
use crate::sighting::Gone;

/// Entries of a page.
pub(super) const PAGE: u8 = paths::FEED_PAGE_MAX;

/// Offset of the last page.
///
/// Source: recorded walks; an offset of 5,100 is answered with 503.
pub(super) const LAST_START: u32 = 5_000;

/// Offset that a deep walk reaches in any case.
///
/// Source: of what is published at six in the morning, 0.2 % is listed below 500 entries.
const DEEP_START: u32 = 500;

/// Oldest entries of a page that must be old ground for a walk to end there.
const OVERLAP: usize = 20;

/// How far a walk goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Depth {
    /// To old ground.
    Top,
    /// To old ground, and at least to [`DEEP_START`].
    Deep,
    /// Through the whole feed.
    End,
}

/// A walk under way.
#[derive(Debug)]
pub(super) struct Walk {
    pub(super) depth: Depth,
    pub(super) joiner: Joiner,
    /// EDGAR's time of the first page.
    pub(super) listed: Option<Timestamp>,
    /// Whether the pages fit together so far.
    pub(super) sound: bool,
    /// Whether a page ended on old ground.
    pub(super) met_old_ground: bool,
    /// EDGAR's time of the page before.
    before: Option<Timestamp>,
}

/// Why a walk ended before its time.
#[derive(Debug, thiserror::Error)]
pub(super) enum WalkError {
    #[error("cannot read the feed from entry {start}")]
    Fetch {
        start: u32,
        #[source]
        cause: SecError,
    },
    #[error("cannot understand the feed from entry {start}")]
    Format {
        start: u32,
        #[source]
        cause: AtomError,
    },
    #[error("none of the {count} entries from entry {start} can be understood")]
    Unreadable { start: u32, count: usize },
    #[error("nobody takes the sightings")]
    Gone,
}

impl From<Gone> for WalkError {
    fn from(_: Gone) -> Self {
        Self::Gone
    }
}

impl Walk {
    /// A walk that is not sound if its first page is older than `newest_page`.
    pub(super) fn new(depth: Depth, newest_page: Option<Timestamp>) -> Self {
        Self {
            depth,
            joiner: Joiner::default(),
            listed: None,
            sound: true,
            met_old_ground: false,
            before: newest_page,
        }
    }

    /// Takes the page at offset `start`; breaks if the walk need not go on.
    ///
    /// # Errors
    /// [`WalkError::Unreadable`] if the page has entries and none makes sense.
    pub(super) fn take(
        &mut self,
        start: u32,
        page: Page,
        seen_at: Timestamp,
        known: &Known,
    ) -> Result<ControlFlow<()>, WalkError> {
        let count = page.entries.len() + page.rejected.len();
        if page.entries.is_empty() && count > 0 {
            return Err(WalkError::Unreadable { start, count });
        }
        self.fit(start, &page);
        let old_ground = is_old_ground(&page.entries, known);
        self.met_old_ground |= old_ground;
        for entry in page.entries {
            let wanted = !known.contains(entry.accession);
            self.joiner.add(entry, seen_at, wanted);
        }
        let short = count < usize::from(PAGE);
        let enough = old_ground && self.is_deep_enough(start);
        Ok(if short || enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    }

    /// Checks that the page is not older than the one before: servers behind one name may be
    /// seconds apart, and going to an older page skips what came in between.
    ///
    /// In a walk through the whole feed this happens too often to begin again.
    fn fit(&mut self, start: u32, page: &Page) {
        let older = page.updated < self.before;
        if start == 0 {
            self.listed = page.updated;
        }
        if page.entries.is_empty() && start == 0 {
            self.sound = false; // The feed is never empty; this is no list of anything.
        }
        if older && (start == 0 || self.depth != Depth::End) {
            self.sound = false;
        }
        self.before = page.updated;
    }

    fn is_deep_enough(&self, start: u32) -> bool {
        match self.depth {
            Depth::Top => true,
            Depth::Deep => start >= DEEP_START,
            Depth::End => false,
        }
    }
}

fn is_old_ground(entries: &[Entry], known: &Known) -> bool {
    let oldest = &entries[entries.len().saturating_sub(OVERLAP)..];
    !oldest.is_empty() && oldest.iter().all(|entry| known.is_settled(entry.accession))
}
