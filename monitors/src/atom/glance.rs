//! Glances below the top: single pages further down, one after the other.
//!
//! The feed is ordered by acceptance, and EDGAR lists some filings minutes after it has
//! accepted them: in a busy hour they come in below the first page, where a walk that ends
//! on old ground does not look. A glance costs one request now and then and needs no walk.
//!
//! Elsewhere: the walks (`walk`), the joining of rows (`edgar::atom`).
//!
//! Invariant: what a glance shows is whole; a filing whose rows may go on beyond the page is
//! left to the neighbouring glance, which overlaps.

use std::collections::HashSet;
use std::time::Duration;

use edgar::atom::{self, Page};
use protocol::accession::Accession;
use protocol::filing::{Filing, Source};
use protocol::time::Timestamp;
use tokio::time::Instant;

use crate::known::Known;

/// Between two glances; all pages have been looked at twice a minute.
const INTERVAL: Duration = Duration::from_secs(5);

/// Entries from one glance to the next; less than a page, so that they overlap.
const STEP: u32 = 85;

/// Pages that are looked at in turn.
///
/// Source: outside the early morning one filing in two hundred is listed below the first
/// page, and nearly none below the sixth.
const PAGES: u32 = 6;

/// Entries at either end of a page whose filings may go on beyond it: rows of one filing are
/// at most this far apart.
const EDGE: usize = 6;

/// Where to look next, and when.
#[derive(Debug)]
pub(super) struct Glances {
    page: u32,
    due: Instant,
}

impl Glances {
    pub(super) fn new() -> Self {
        Self {
            page: 0,
            due: Instant::now() + INTERVAL,
        }
    }

    /// The offset to look at, if it is time to.
    pub(super) fn next(&mut self) -> Option<u32> {
        let now = Instant::now();
        if now < self.due {
            return None;
        }
        self.due = now + INTERVAL;
        self.page = self.page % PAGES + 1;
        Some(self.page * STEP)
    }

    /// Begins again below the first page.
    pub(super) fn restart(&mut self) {
        self.page = 0;
    }
}

/// The filings of a page that are whole and not known yet.
pub(super) fn unknown(page: Page, seen_at: Timestamp, known: &Known) -> Vec<Filing> {
    let count = page.entries.len();
    let numbered = page.entries.iter().enumerate();
    let at_edge = numbered.filter(|(row, _)| *row < EDGE || row + EDGE >= count);
    let cut: HashSet<Accession> = at_edge.map(|(_, entry)| entry.accession).collect();
    let wanted = |accession: Accession| !cut.contains(&accession) && !known.contains(accession);
    let entries = page
        .entries
        .into_iter()
        .filter(|entry| wanted(entry.accession));
    atom::join(entries, seen_at, Source::Atom)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use edgar::atom::Entry;
    use protocol::cik::Cik;
    use protocol::filing::Filer;

    fn accession(serial: u32) -> Accession {
        Accession::new(Cik::new(1), 26, serial).unwrap()
    }

    fn page(serials: impl IntoIterator<Item = u32>) -> Page {
        let entry = |serial| Entry {
            accession: accession(serial),
            form: "4".parse().unwrap(),
            filer: Filer::new(Cik::new(u64::from(serial)), "A", None),
            filed_on: None,
            accepted_at: None,
            size_bytes: None,
            items: Vec::new(),
            film: None,
            link: String::new(),
        };
        Page {
            updated: None,
            entries: serials.into_iter().map(entry).collect(),
            rejected: Vec::new(),
        }
    }

    fn now() -> Timestamp {
        "2026-03-03T21:00:00Z".parse().unwrap()
    }

    #[test]
    fn only_whole_and_unknown_filings_are_shown() {
        let known = Known::new([accession(10)]);

        let shown = unknown(page((0..20).chain([3])), now(), &known);

        let serials: Vec<u32> = shown
            .iter()
            .map(|filing| filing.accession.serial())
            .collect();
        assert_eq!(serials, [6, 7, 8, 9, 11, 12, 13, 14]);
    }

    #[tokio::test(start_paused = true)]
    async fn every_page_below_the_top_has_its_turn_and_neighbours_overlap() {
        let mut glances = Glances::new();
        assert_eq!(glances.next(), None);
        let mut offsets = Vec::new();

        for _ in 0..8 {
            tokio::time::advance(INTERVAL).await;
            offsets.extend(glances.next());
        }

        assert_eq!(offsets, [85, 170, 255, 340, 425, 510, 85, 170]);
        assert!(100 - STEP as usize > 2 * EDGE);
    }
}
