//! What a bucket lists beside what the log says is archived.
//!
//! A bucket gives its keys in any order. [`Listed`] keeps eight bytes of each, sorts them when
//! all are there, and goes through both sides at once.

use std::{cmp::Ordering, iter::Peekable, vec};

use archive::key::Key;
use protocol::accession::Accession;

/// The objects of one folder, as a bucket lists them.
#[derive(Debug, Default)]
pub struct Listed {
    folder: String,
    numbers: Vec<u64>,
    strangers: u64,
    stranger: Option<Key>,
}

/// A filing of which bucket and log say different things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Difference {
    /// The log says that it is archived, the bucket has no object of it.
    Absent(Accession),
    /// The bucket has an object of it, the log does not say so.
    Unclaimed(Accession),
}

impl Listed {
    /// Nothing yet of this folder, such as `sgml-archive`.
    pub fn new(folder: &str) -> Self {
        Self {
            folder: format!("{folder}/"),
            ..Self::default()
        }
    }

    /// Takes a key. Versions of a filing that lie beside each other count once.
    pub fn take(&mut self, key: &Key) {
        match self.accession(key) {
            Some(accession) => self.numbers.push(accession.get()),
            None => {
                self.strangers += 1;
                self.stranger.get_or_insert_with(|| key.clone());
            }
        }
    }

    /// How many keys are of no filing, and the first of them.
    pub fn strangers(&self) -> (u64, Option<&Key>) {
        (self.strangers, self.stranger.as_ref())
    }

    /// Where the bucket and `archived` differ, in the order of accessions, in which
    /// `archived` must be too.
    pub fn compare<I: Iterator<Item = Accession>>(mut self, archived: I) -> Differences<I> {
        self.numbers.sort_unstable();
        self.numbers.dedup();
        Differences {
            listed: self.numbers.into_iter().peekable(),
            archived: archived.peekable(),
        }
    }

    fn accession(&self, key: &Key) -> Option<Accession> {
        let file = key.as_str().strip_prefix(&self.folder)?;
        let (digits, _) = file.split_once('.')?;
        (digits.len() == 18).then(|| digits.parse().ok())?
    }
}

/// Where a bucket and the log differ.
#[derive(Debug)]
pub struct Differences<I: Iterator<Item = Accession>> {
    listed: Peekable<vec::IntoIter<u64>>,
    archived: Peekable<I>,
}

impl<I: Iterator<Item = Accession>> Iterator for Differences<I> {
    type Item = Difference;

    fn next(&mut self) -> Option<Difference> {
        loop {
            let order = match (self.listed.peek(), self.archived.peek()) {
                (Some(listed), Some(archived)) => listed.cmp(&archived.get()),
                (Some(_), None) => Ordering::Less,
                (None, Some(_)) => Ordering::Greater,
                (None, None) => return None,
            };
            match order {
                Ordering::Less => {
                    let number = self.listed.next()?;
                    return Accession::from_number(number).map(Difference::Unclaimed);
                }
                Ordering::Greater => return self.archived.next().map(Difference::Absent),
                Ordering::Equal => {
                    self.listed.next();
                    self.archived.next();
                }
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::testing::accessions;

    fn listed(names: &[&str]) -> Listed {
        let mut listed = Listed::new("sgml-archive");
        for name in names {
            listed.take(&Key::parse(name).unwrap());
        }
        listed
    }

    #[test]
    fn an_object_is_absent_or_unclaimed_or_as_it_should_be() {
        let listed = listed(&[
            "sgml-archive/000000000000000007.sgml",
            "sgml-archive/000000000000000005.sgml",
            "sgml-archive/000000000000000005.0a1b2c3d4e5f.sgml",
            "sgml-archive/000000000000000003.sgml",
        ]);

        let differences: Vec<_> = listed.compare(accessions(&[3, 4, 5])).collect();

        let [four, seven] = [4, 7].map(|number| Accession::from_number(number).unwrap());
        assert_eq!(
            differences,
            [Difference::Absent(four), Difference::Unclaimed(seven)]
        );
    }

    #[test]
    fn a_key_that_is_of_no_filing_is_counted_and_named() {
        let listed = listed(&["sgml-archive/notes.txt", "sgml-archive/1234567890.sgml"]);

        let (count, first) = listed.strangers();

        assert_eq!(
            (count, first.unwrap().as_str()),
            (2, "sgml-archive/notes.txt")
        );
        assert_eq!(listed.compare(accessions(&[])).next(), None);
    }

    proptest! {
        #[test]
        fn differences_are_those_of_sets(
            listing in prop::collection::vec(0..40_u64, 0..40),
            archived in prop::collection::btree_set(0..40_u64, 0..40),
        ) {
            let keys: Vec<String> = listing.iter().map(|n| format!("sgml-archive/{n:018}.sgml")).collect();
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let told: Vec<u64> = archived.iter().copied().collect();

            let (mut absent, mut unclaimed) = (BTreeSet::new(), BTreeSet::new());
            for difference in listed(&keys).compare(accessions(&told)) {
                match difference {
                    Difference::Absent(accession) => absent.insert(accession.get()),
                    Difference::Unclaimed(accession) => unclaimed.insert(accession.get()),
                };
            }

            let listing: BTreeSet<u64> = listing.into_iter().collect();
            prop_assert_eq!(absent, archived.difference(&listing).copied().collect());
            prop_assert_eq!(unclaimed, listing.difference(&archived).copied().collect());
        }
    }
}
