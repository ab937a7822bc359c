//! Rows of one accession become one filing.
//!
//! The feed and the index repeat a filing once for each filer, the search once for
//! each document. Invariant: filings stand in order of first appearance and a filer
//! is listed once in each role.

use std::collections::{HashMap, HashSet};

use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Filer, FilerRole, Filing},
};

use crate::paths;

/// Filings under construction.
#[derive(Default)]
pub(crate) struct Joined {
    filings: Vec<Filing>,
    places: HashMap<Accession, usize>,
    parties: HashSet<(Accession, Cik, Option<FilerRole>)>,
}

impl Joined {
    /// The filing of this accession, begun with `new` when it is the first row.
    pub(crate) fn filing(
        &mut self,
        accession: Accession,
        new: impl FnOnce() -> Filing,
    ) -> &mut Filing {
        let end = self.filings.len();
        let place = *self.places.entry(accession).or_insert(end);
        if place == end {
            self.filings.push(new());
        }
        &mut self.filings[place]
    }

    /// Adds a filer unless the filing already has it in this role.
    pub(crate) fn add_filer(&mut self, accession: Accession, filer: Filer) {
        let Some(&place) = self.places.get(&accession) else {
            return;
        };
        if !self.parties.insert((accession, filer.cik, filer.role)) {
            return;
        }
        let filing = &mut self.filings[place];
        if filing.filers.is_empty() {
            filing.urls = paths::urls(filer.cik, accession);
        }
        filing.filers.push(filer);
    }

    /// The filings, in order of first appearance.
    pub(crate) fn finish(self) -> Vec<Filing> {
        self.filings
    }
}

/// More items than any filing has; what exceeds it is noise.
const MAX_ITEMS: usize = 64;

/// Adds the item codes that `items` does not have yet.
pub(crate) fn add_items(items: &mut Vec<String>, more: Vec<String>) {
    for item in more {
        if items.len() < MAX_ITEMS && !items.contains(&item) {
            items.push(item);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_are_listed_once_and_are_not_without_end() {
        let mut items = vec!["0".to_owned()];
        let more = || (0..1000).map(|code| code.to_string()).collect();

        add_items(&mut items, more());
        add_items(&mut items, more());

        assert_eq!(items.len(), MAX_ITEMS);
        assert_eq!(items[..2], ["0", "1"]);
    }

    #[test]
    fn a_filer_of_no_filing_is_ignored() {
        let accession = "0001999999-26-000042".parse().expect("it has the shape");
        let mut joined = Joined::default();

        joined.add_filer(accession, Filer::new(Cik::new(7), "", None));

        assert!(joined.finish().is_empty());
    }
}
