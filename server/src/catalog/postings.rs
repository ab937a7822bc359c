//! Postings: for each term the seqs of the filings that it finds, in chunks of a few hundred.
//!
//! A chunk is a row: its first seq, and the differences to the ones after it (`numbers`). Ten
//! to twenty times as small as a row for each, so a catalog of all filings is made in minutes,
//! and a seek over hundreds costs as much as one row. Its place is one number, of the term and of
//! the first seq: what is above the rows in the file then holds no rows, and is in memory.
//!
//! Elsewhere: what a term is (`terms`), walking postings (`walk`).
//!
//! Invariant: the chunks of a term do not overlap, and each is sorted without repetition.
//! Postings may name a filing that the term no longer finds, never the other way round.

use rusqlite::{Connection, OptionalExtension};

use super::{CatalogError, numbers, terms::Term};

/// Most bytes of a chunk: what still lies in SQLite's page itself.
const CHUNK_BYTES: usize = 800;

/// Bits of a place that are a seq: centuries of events.
const SEQ_BITS: u32 = 63 - Term::BITS;
const LAST: u64 = (1 << SEQ_BITS) - 1;

/// Where a chunk of this term is that begins with this seq.
fn place(term: Term, first: u64) -> i64 {
    ((u64::from(term.0) << SEQ_BITS) | first.min(LAST)).cast_signed()
}

/// Some seqs of a term, rising.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Chunk {
    pub(super) seqs: Vec<u64>,
}

/// Puts seqs, rising and without repetition, into the postings of a term.
///
/// # Errors
/// When the file is damaged or the disk fails.
pub(super) fn add(
    connection: &Connection,
    term: Term,
    mut seqs: &[u64],
) -> Result<(), CatalogError> {
    if seqs.last() > Some(&LAST) {
        return Err(CatalogError::Damaged("the log"));
    }
    while let Some(last) = seqs.last() {
        let Some(chunk) = Chunk::at(connection, term, *last)? else {
            let lowest = Chunk::take_lowest(connection, term)?;
            return lowest.unwrap_or_default().merge(connection, term, seqs);
        };
        // All that is not before the chunk belongs into it: the next one begins behind `last`.
        let before = seqs.partition_point(|seq| *seq < chunk.first());
        let (rest, into) = seqs.split_at(before);
        chunk.merge(connection, term, into)?;
        seqs = rest;
    }
    Ok(())
}

impl Chunk {
    /// The last chunk of a term that does not begin behind `seq`.
    ///
    /// # Errors
    /// When the file is damaged or the disk fails.
    pub(super) fn at(
        connection: &Connection,
        term: Term,
        seq: u64,
    ) -> Result<Option<Self>, CatalogError> {
        let mut statement = connection.prepare_cached(
            "SELECT place, seqs FROM postings WHERE place BETWEEN ?1 AND ?2
             ORDER BY place DESC LIMIT 1",
        )?;
        let found = statement
            .query_row((place(term, 0), place(term, seq)), |row| {
                let place: i64 = row.get(0)?;
                let first = place.cast_unsigned() & LAST;
                Ok(Self::decode(first, row.get_ref(1)?.as_blob()?))
            })
            .optional()?;
        match found {
            None => Ok(None),
            Some(Some(chunk)) => Ok(Some(chunk)),
            Some(None) => Err(CatalogError::Damaged("postings")),
        }
    }

    pub(super) fn first(&self) -> u64 {
        self.seqs.first().copied().unwrap_or_default()
    }

    /// The first chunk of a term, which is no longer there then.
    fn take_lowest(connection: &Connection, term: Term) -> Result<Option<Self>, CatalogError> {
        let mut statement = connection
            .prepare_cached("SELECT min(place) FROM postings WHERE place BETWEEN ?1 AND ?2")?;
        let all = (place(term, 0), place(term, LAST));
        let lowest: Option<i64> = statement.query_row(all, |row| row.get(0))?;
        let Some(lowest) = lowest else {
            return Ok(None);
        };
        let chunk = Self::at(connection, term, lowest.cast_unsigned() & LAST)?;
        let mut statement = connection.prepare_cached("DELETE FROM postings WHERE place = ?1")?;
        statement.execute([lowest])?;
        Ok(chunk)
    }

    /// Writes it with these seqs in it. One that has become too large is cut where it is full
    /// when they are its newest, else into halves, so that there is room in both.
    fn merge(
        mut self,
        connection: &Connection,
        term: Term,
        more: &[u64],
    ) -> Result<(), CatalogError> {
        if more.iter().all(|seq| self.seqs.binary_search(seq).is_ok()) {
            // A filing is told again, mostly with the same terms.
            return Ok(());
        }
        let goes_on = self.seqs.last() < more.first();
        self.seqs.extend_from_slice(more);
        if !goes_on {
            self.seqs.sort_unstable();
            self.seqs.dedup();
        }
        let most = match encode(&self.seqs, CHUNK_BYTES) {
            (_, taken) if taken < self.seqs.len() && !goes_on => CHUNK_BYTES / 2,
            _ => CHUNK_BYTES,
        };
        let mut statement = connection.prepare_cached(
            "INSERT INTO postings (place, seqs) VALUES (?1, ?2)
             ON CONFLICT (place) DO UPDATE SET seqs = excluded.seqs",
        )?;
        let mut left = &self.seqs[..];
        while let Some(first) = left.first() {
            let (bytes, taken) = encode(left, most);
            statement.execute((place(term, *first), bytes))?;
            left = &left[taken..];
        }
        Ok(())
    }

    /// `None` for bytes that nobody wrote.
    fn decode(first: u64, mut steps: &[u8]) -> Option<Self> {
        let mut seqs = Vec::with_capacity(1 + steps.len());
        let mut last = first;
        seqs.push(first);
        while !steps.is_empty() {
            let step = numbers::take(&mut steps).filter(|step| *step > 0)?;
            last = last.checked_add(step)?;
            seqs.push(last);
        }
        Some(Self { seqs })
    }
}

/// As many of `seqs` as fit into a chunk of that size behind the first, and how many these
/// are with it.
fn encode(seqs: &[u64], most: usize) -> (Vec<u8>, usize) {
    let mut bytes = Vec::with_capacity(seqs.len().min(most));
    for (index, pair) in seqs.windows(2).enumerate() {
        if bytes.len() >= most {
            return (bytes, index + 1);
        }
        numbers::push(&mut bytes, pair[1] - pair[0]);
    }
    (bytes, seqs.len())
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::catalog::testing;

    fn all(connection: &Connection, term: &str) -> Vec<u64> {
        let (mut found, mut bound) = (Vec::new(), u64::MAX >> 1);
        while let Some(chunk) = Chunk::at(connection, Term::new(term), bound).unwrap() {
            bound = chunk.first() - 1;
            found.extend(chunk.seqs.iter().rev());
        }
        found.reverse();
        found
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn what_is_added_in_any_order_is_there_once(
            batches in prop::collection::vec(prop::collection::btree_set(1_u64..5_000, 0..900), 0..6),
        ) {
            let connection = testing::in_memory();
            let mut expected = BTreeSet::new();
            for batch in batches {
                let seqs: Vec<u64> = batch.iter().copied().collect();
                add(&connection, Term::new("form:4"), &seqs).unwrap();
                add(&connection, Term::new("form:5"), &[1, 2]).unwrap();
                expected.extend(batch);
            }

            prop_assert_eq!(all(&connection, "form:4"), expected.into_iter().collect::<Vec<_>>());
        }
    }

    #[test]
    fn a_log_of_more_events_than_a_place_can_tell_is_refused() {
        let connection = testing::in_memory();
        add(&connection, Term::new("cik:7"), &[1, LAST]).unwrap();

        assert!(add(&connection, Term::new("cik:7"), &[LAST + 1]).is_err());
        assert_eq!(all(&connection, "cik:7"), [1, LAST]);
    }

    #[test]
    fn a_chunk_grows_to_its_size_and_no_further() {
        let connection = testing::in_memory();
        for seq in (1..2_000).map(|n| n * 1_000) {
            add(&connection, Term::new("cik:7"), &[seq]).unwrap();
        }

        let most: usize = connection
            .query_row("SELECT max(length(seqs)) FROM postings", [], |row| {
                row.get::<_, i64>(0)
            })
            .unwrap() as usize;

        assert!(most <= CHUNK_BYTES + 10, "{most}");
        assert_eq!(all(&connection, "cik:7").len(), 1_999);
    }

    #[test]
    fn what_comes_newest_first_fills_chunks_too() {
        let connection = testing::in_memory();
        for seq in (1..4_000_u64).rev() {
            add(&connection, Term::new("sic:7372"), &[seq]).unwrap();
        }

        let chunks: i64 = connection
            .query_row("SELECT count(*) FROM postings", [], |row| row.get(0))
            .unwrap();

        assert!(chunks < 20, "{chunks}");
        assert_eq!(all(&connection, "sic:7372").len(), 3_999);
    }

    #[test]
    fn bytes_that_nobody_wrote_are_damage() {
        for bytes in [&[0x80][..], &[0], &[0xff; 12], &[1, 0]] {
            assert_eq!(Chunk::decode(5, bytes), None, "{bytes:?}");
        }
        assert_eq!(Chunk::decode(5, &[1, 0x80, 1]).unwrap().seqs, [5, 6, 134]);
    }
}
