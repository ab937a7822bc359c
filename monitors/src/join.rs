//! Joining the entries of a walk into filings.
//!
//! The feed lists a filing once per filer and role. The entries of one filing stand together
//! or nearly so, but they may straddle two pages, and a page that is read after new filings
//! came in repeats entries of the page before. A filing is given out as soon as no further
//! entry of it can follow, so the top of the first page does not wait for the second.
//!
//! Elsewhere: reading pages and deciding how many (`atom`), what a filing takes over from its
//! entries (`edgar::atom::join`).
//!
//! Invariant: every filing is given out once, with each pair of filer and role once.

use std::collections::HashSet;

use edgar::atom::{self, Entry};
use protocol::accession::Accession;
use protocol::cik::Cik;
use protocol::filing::{FilerRole, Filing, Source};
use protocol::time::Timestamp;

/// Entries of other filings, as old or older, after which no further entry of a filing follows.
///
/// Source: a recorded day of 5,100 entries, in which those of a filing had at most five
/// others between them.
const QUIET_ENTRIES: usize = 6;

/// The filings of one walk that may still grow.
#[derive(Debug, Default)]
pub(crate) struct Joiner {
    open: Vec<Open>,
    seen: HashSet<(Accession, Cik, Option<FilerRole>)>,
}

/// A filing that may still grow.
#[derive(Debug)]
struct Open {
    accession: Accession,
    accepted_at: Option<Timestamp>,
    seen_at: Timestamp,
    entries: Vec<Entry>,
    quiet: usize,
}

impl Joiner {
    /// Takes the next entry of the walk. `wanted` is false for filings that were given out
    /// before; their entries still tell that the filings above them are complete.
    pub(crate) fn add(&mut self, entry: Entry, seen_at: Timestamp, wanted: bool) {
        let accession = entry.accession;
        if !self
            .seen
            .insert((accession, entry.filer.cik, entry.filer.role))
        {
            return; // Says nothing about what follows: the page has shifted.
        }
        for open in &mut self.open {
            open.count(&entry);
        }
        let same = |open: &&mut Open| open.accession == accession;
        match self.open.iter_mut().find(same) {
            Some(open) => open.join(entry),
            None if wanted => self.open.push(Open::new(entry, seen_at)),
            None => {}
        }
    }

    /// Takes out the filings of which no further entry can follow, the oldest first.
    pub(crate) fn take_complete(&mut self) -> Vec<Filing> {
        let complete = self
            .open
            .extract_if(.., |open| open.quiet >= QUIET_ENTRIES)
            .collect();
        into_filings(complete)
    }

    /// Takes out the rest: the walk is over.
    pub(crate) fn take_rest(&mut self) -> Vec<Filing> {
        into_filings(std::mem::take(&mut self.open))
    }
}

impl Open {
    fn new(entry: Entry, seen_at: Timestamp) -> Self {
        Self {
            accession: entry.accession,
            accepted_at: entry.accepted_at,
            seen_at,
            entries: vec![entry],
            quiet: 0,
        }
    }

    fn count(&mut self, entry: &Entry) {
        if entry.accession != self.accession && entry.accepted_at <= self.accepted_at {
            self.quiet += 1;
        }
    }

    fn join(&mut self, entry: Entry) {
        self.entries.push(entry);
        self.quiet = 0;
    }
}

/// The feed begins with the latest; filings go out in the order of their acceptance.
fn into_filings(open: Vec<Open>) -> Vec<Filing> {
    open.into_iter()
        .rev()
        .flat_map(|open| atom::join(open.entries, open.seen_at, Source::Atom))
        .collect()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use protocol::filing::Filer;

    /// An entry of filing `serial`, accepted at `second`, of the filer `cik`.
    fn entry(serial: u32, second: i64, cik: u64) -> Entry {
        Entry {
            accession: Accession::new(Cik::new(1), 26, serial).unwrap(),
            form: "8-K".parse().unwrap(),
            filer: Filer::new(Cik::new(cik), "", Some(FilerRole::Filer)),
            filed_on: None,
            accepted_at: Some(Timestamp::from_second(second).unwrap()),
            size_bytes: None,
            items: Vec::new(),
            film: None,
            link: String::new(),
        }
    }

    /// A joiner that has taken entries as `(serial, second, cik, wanted)`.
    fn joiner(entries: &[(u32, i64, u64, bool)]) -> Joiner {
        let mut joiner = Joiner::default();
        for &(serial, second, cik, wanted) in entries {
            joiner.add(entry(serial, second, cik), Timestamp::UNIX_EPOCH, wanted);
        }
        joiner
    }

    fn serials(filings: &[Filing]) -> Vec<u32> {
        filings.iter().map(|at| at.accession.serial()).collect()
    }

    fn ciks(filing: &Filing) -> Vec<u64> {
        filing.filers.iter().map(|at| at.cik.get()).collect()
    }

    #[test]
    fn entries_of_one_filing_become_one_filing_with_all_filers() {
        let mut joiner = joiner(&[(1, 100, 7, true), (1, 100, 8, true), (1, 100, 7, true)]);

        let rest = joiner.take_rest();

        assert_eq!(serials(&rest), [1]);
        assert_eq!(ciks(&rest[0]), [7, 8]);
    }

    #[test]
    fn interleaved_entries_are_joined() {
        let others = (2..7).map(|serial| (serial, 100, 7, true));
        let entries: Vec<_> = std::iter::once((1, 100, 7, true)).chain(others).collect();
        let mut joiner = joiner(&entries);
        assert!(joiner.take_complete().is_empty());

        joiner.add(entry(1, 100, 8), Timestamp::UNIX_EPOCH, true);

        let rest = joiner.take_rest();
        assert_eq!(serials(&rest), [6, 5, 4, 3, 2, 1]);
        assert_eq!(ciks(&rest[5]), [7, 8]);
    }

    #[test]
    fn a_filing_is_complete_after_six_entries_of_others() {
        let entries: Vec<_> = (1..=7).map(|serial| (serial, 100, 7, true)).collect();

        let mut joiner = joiner(&entries);

        assert_eq!(serials(&joiner.take_complete()), [1]);
        assert_eq!(serials(&joiner.take_rest()), [7, 6, 5, 4, 3, 2]);
    }

    #[test]
    fn entries_of_known_filings_complete_those_above_them() {
        let known = (2..=7).map(|serial| (serial, 99, 7, false));
        let entries: Vec<_> = std::iter::once((1, 100, 7, true)).chain(known).collect();

        let mut joiner = joiner(&entries);

        assert_eq!(serials(&joiner.take_complete()), [1]);
        assert!(joiner.take_rest().is_empty());
    }

    #[test]
    fn entries_that_are_newer_or_repeated_complete_nothing() {
        let newer = (2..=7).map(|serial| (serial, 101, 7, false));
        let repeated = [(8, 100, 7, false); 6];
        let entries: Vec<_> = std::iter::once((1, 100, 7, true))
            .chain(newer)
            .chain(repeated)
            .collect();

        let mut joiner = joiner(&entries);

        assert!(joiner.take_complete().is_empty());
    }

    #[test]
    fn a_filing_that_straddles_a_shifted_page_keeps_all_filers() {
        let tail = [(1, 100, 7, true), (2, 100, 7, true), (2, 100, 8, true)];
        let entries = [&tail[..], &tail[..], &[(2, 100, 9, true)]].concat();

        let mut joiner = joiner(&entries);

        let rest = joiner.take_rest();
        assert_eq!(serials(&rest), [2, 1]);
        assert_eq!(ciks(&rest[0]), [7, 8, 9]);
    }
}
