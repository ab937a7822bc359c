//! The filings a monitor has met, bounded.
//!
//! Two questions are answered: has this filing been sent (then it is not sent again), and was
//! it covered by a walk that went well (then it proves that a walk has reached old ground).
//! A filing sent in a walk that failed later is known, but proves nothing: what lies between
//! it and the old ground has not been read.
//!
//! Elsewhere: the dedupe that decides is the updater's; losing memory here costs a repetition.
//!
//! Invariant: at most [`CAPACITY`] filings are remembered, the latest.

use std::collections::{HashMap, VecDeque};

use protocol::accession::Accession;

/// Filings remembered: more than ten busy days, while the feed holds about one.
pub(crate) const CAPACITY: usize = 100_000;

/// Filings met, in order of first meeting.
#[derive(Debug, Default)]
pub(crate) struct Known {
    /// The walk in which a filing was met.
    met: HashMap<Accession, u64>,
    order: VecDeque<Accession>,
    /// The walk under way; filings of earlier ones up to `settled` are old ground.
    walk: u64,
    settled: u64,
}

impl Known {
    /// Starts with what an earlier life of the program has seen, oldest first.
    pub(crate) fn new(filings: impl IntoIterator<Item = Accession>) -> Self {
        let mut known = Self::default();
        for accession in filings {
            known.insert(accession);
        }
        known.begin_walk();
        known
    }

    pub(crate) fn contains(&self, accession: Accession) -> bool {
        self.met.contains_key(&accession)
    }

    /// Whether a walk that went well has covered the filing.
    pub(crate) fn is_settled(&self, accession: Accession) -> bool {
        self.met
            .get(&accession)
            .is_some_and(|walk| *walk <= self.settled && *walk < self.walk)
    }

    /// Remembers a filing; false if it was known.
    pub(crate) fn insert(&mut self, accession: Accession) -> bool {
        if self.contains(accession) {
            return false;
        }
        if self.order.len() == CAPACITY
            && let Some(oldest) = self.order.pop_front()
        {
            self.met.remove(&oldest);
        }
        self.met.insert(accession, self.walk);
        self.order.push_back(accession);
        true
    }

    /// Filings met from now on belong to a new walk.
    pub(crate) fn begin_walk(&mut self) {
        self.walk += 1;
    }

    /// The walk under way reached old ground or the end: all it met is old ground now.
    pub(crate) fn settle(&mut self) {
        self.settled = self.walk;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use protocol::cik::Cik;

    fn accession(number: usize) -> Accession {
        let serial = u32::try_from(number % 1_000_000).unwrap_or_default();
        Accession::new(Cik::new(1), 26, serial).unwrap_or_else(|| panic!("six digits"))
    }

    #[test]
    fn what_an_earlier_life_saw_is_old_ground() {
        let known = Known::new([accession(1)]);

        assert!(known.contains(accession(1)));
        assert!(known.is_settled(accession(1)));
        assert!(!known.contains(accession(2)));
    }

    #[test]
    fn filings_of_a_failed_walk_are_known_but_no_old_ground() {
        let mut known = Known::new([]);

        known.insert(accession(1));
        known.begin_walk();

        assert!(!known.insert(accession(1)));
        assert!(!known.is_settled(accession(1)));
    }

    #[test]
    fn a_good_walk_settles_what_failed_ones_met_before() {
        let mut known = Known::new([]);
        known.insert(accession(1));
        known.begin_walk();
        known.insert(accession(2));
        assert!(!known.is_settled(accession(2)));

        known.settle();
        known.begin_walk();

        assert!(known.is_settled(accession(1)));
        assert!(known.is_settled(accession(2)));
    }

    #[test]
    fn memory_is_bounded_and_forgets_the_oldest() {
        let mut known = Known::new((0..CAPACITY).map(accession));

        known.insert(accession(CAPACITY));

        assert!(!known.contains(accession(0)));
        assert!(known.contains(accession(1)));
        assert!(known.contains(accession(CAPACITY)));
        assert_eq!(known.order.len(), known.met.len());
    }
}
