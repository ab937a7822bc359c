//! The index of the filings that are written: their accessions and their postings, on their way
//! into the file.
//!
//! Gathered from very many filings and written in the order of the file, a page of it changes
//! once for all of them. What was gathered settles while the next is gathered, a piece with each
//! transaction: no transaction is large, and the disk is never given much at a time.
//!
//! Elsewhere: the rows of filings, and the transactions (`fill`).
//!
//! Invariant: a piece may be written twice. How far the index goes is told only when all up to
//! there is written.

use std::collections::HashMap;

use protocol::seq::Seq;
use rusqlite::Connection;

use super::{CatalogError, postings, terms::Term};

/// What is on its way into the file.
#[derive(Default)]
pub(super) struct Index {
    gathered: Gathered,
    settling: Option<Settling>,
}

#[derive(Default)]
struct Gathered {
    through: Seq,
    filings: usize,
    accessions: HashMap<i64, i64>,
    postings: Vec<(Term, u64)>,
}

/// In the order of the file; what is settled of it is at the beginning.
struct Settling {
    through: Seq,
    filings: usize,
    accessions: Vec<(i64, i64)>,
    accessions_settled: usize,
    postings: Vec<(Term, u64)>,
    postings_settled: usize,
}

impl Index {
    /// Takes the name of a new filing.
    pub(super) fn name(&mut self, accession: i64, seq: i64) {
        self.gathered.accessions.insert(accession, seq);
    }

    /// Takes what a filing is found by.
    pub(super) fn post(&mut self, seq: u64, terms: impl IntoIterator<Item = Term>) {
        let postings = terms.into_iter().map(|term| (term, seq));
        self.gathered.postings.extend(postings);
        self.gathered.filings += 1;
    }

    /// What was taken is all up to there.
    pub(super) fn reach(&mut self, through: Seq) {
        self.gathered.through = through;
    }

    /// A filing whose name is not in the file yet.
    pub(super) fn seq_of(&self, accession: i64) -> Option<i64> {
        let gathered = self.gathered.accessions.get(&accession).copied();
        gathered.or_else(|| self.settling.as_ref()?.seq_of(accession))
    }

    /// Whether all is in the file.
    pub(super) fn is_settled(&self) -> bool {
        self.settling.is_none() && self.gathered.through == Seq::ZERO
    }

    /// Filings that are gathered and do not settle yet.
    pub(super) fn gathered(&self) -> usize {
        self.gathered.filings
    }

    /// Begins to settle what is gathered, when nothing else does.
    pub(super) fn turn(&mut self) {
        if self.settling.is_none() {
            self.settling = Some(Settling::of(std::mem::take(&mut self.gathered)));
        }
    }

    /// Writes the part of what settles that so many filings are of it. Gives how far the index
    /// goes, where that has changed.
    ///
    /// # Errors
    /// When the file is damaged or the disk fails.
    pub(super) fn settle(
        &mut self,
        connection: &Connection,
        filings: usize,
    ) -> Result<Option<Seq>, CatalogError> {
        let Some(settling) = &mut self.settling else {
            return Ok(None);
        };
        settling.write(connection, filings)?;
        let is_over = settling.is_over();
        Ok(self.settling.take_if(|_| is_over).map(|it| it.through))
    }
}

impl Settling {
    fn of(gathered: Gathered) -> Self {
        let mut accessions: Vec<_> = gathered.accessions.into_iter().collect();
        accessions.sort_unstable();
        let mut postings = gathered.postings;
        postings.sort_unstable();
        postings.dedup();
        Self {
            through: gathered.through,
            filings: gathered.filings,
            accessions,
            accessions_settled: 0,
            postings,
            postings_settled: 0,
        }
    }

    fn seq_of(&self, accession: i64) -> Option<i64> {
        let place = self.accessions.binary_search_by_key(&accession, |it| it.0);
        place.ok().map(|place| self.accessions[place].1)
    }

    fn is_over(&self) -> bool {
        self.accessions_settled == self.accessions.len()
            && self.postings_settled == self.postings.len()
    }

    fn write(&mut self, connection: &Connection, filings: usize) -> Result<(), CatalogError> {
        let part = |of: usize| (of * filings).div_ceil(self.filings.max(1)).max(1);
        let (accessions, postings) = (part(self.accessions.len()), part(self.postings.len()));
        let accessions = next(&self.accessions, &mut self.accessions_settled, accessions);
        let mut insert = connection
            .prepare_cached("INSERT OR IGNORE INTO accessions (accession, seq) VALUES (?1, ?2)")?;
        for accession in accessions {
            insert.execute(*accession)?;
        }
        let postings = next(&self.postings, &mut self.postings_settled, postings);
        let mut seqs = Vec::new();
        for of_one in postings.chunk_by(|(one, _), (other, _)| one == other) {
            seqs.clear();
            seqs.extend(of_one.iter().map(|(_, seq)| *seq));
            postings::add(connection, of_one[0].0, &seqs)?;
        }
        Ok(())
    }
}

/// The next `most` behind those that are settled, which are settled then.
fn next<'a, T>(all: &'a [T], settled: &mut usize, most: usize) -> &'a [T] {
    let begin = *settled;
    *settled = all.len().min(begin.saturating_add(most));
    &all[begin..*settled]
}
