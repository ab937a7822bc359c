//! Walking postings from the newest filing to the oldest.
//!
//! A [`Walk`] answers one question: which is the newest filing not after a bound? A term
//! looks into its chunk, a group asks the alternatives, a query lets its groups overtake each
//! other until they agree. So a rare value leads, whichever it is, and a common one is only
//! looked at where the rare one is.
//!
//! Invariant: the work of a walk is bounded, and where it ends early it says from where to go
//! on: nothing newer was left out.

use std::{
    cell::Cell,
    cmp::Ordering,
    collections::{BinaryHeap, binary_heap::PeekMut},
    time::Instant,
};

use protocol::accession::Accession;
use rusqlite::{Connection, OptionalExtension};

use super::{
    CatalogError,
    postings::Chunk,
    terms::{Group, Term},
};

/// Chunks looked at in one request: 20 million postings.
const MOST_CHUNKS: u32 = 40_000;

/// Terms that a beginning may stand for. With more the filter decides alone.
const MOST_TERMS: usize = 2_000;

/// Seqs that are all postings.
const NEWEST: u64 = i64::MAX.cast_unsigned();

/// What a request may still do.
#[derive(Debug)]
pub(super) struct Effort {
    chunks: Cell<u32>,
    until: Instant,
}

impl Effort {
    pub(super) fn until(until: Instant) -> Self {
        Self {
            chunks: Cell::new(MOST_CHUNKS),
            until,
        }
    }

    /// Whether all is used up.
    pub(super) fn is_spent(&self) -> bool {
        self.chunks.get() == 0 || Instant::now() >= self.until
    }

    fn spend(&self) {
        self.chunks.set(self.chunks.get().saturating_sub(1));
    }
}

/// Filings that a query may want, newest first.
pub(super) struct Walk<'c> {
    connection: &'c Connection,
    effort: &'c Effort,
    groups: Vec<Any<'c>>,
}

/// Where a walk is.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A filing that may be wanted.
    Found(u64),
    /// There are no more.
    End,
    /// There may be more, not after this one, but the effort is spent.
    Spent(u64),
}

impl<'c> Walk<'c> {
    /// # Errors
    /// When the file is damaged or the disk fails.
    pub(super) fn new(
        connection: &'c Connection,
        effort: &'c Effort,
        groups: Vec<Group>,
    ) -> Result<Self, CatalogError> {
        let mut walk = Self {
            connection,
            effort,
            groups: Vec::new(),
        };
        for group in groups {
            walk.groups.extend(Any::of(connection, effort, group)?);
        }
        Ok(walk)
    }

    /// The newest filing that may be wanted and is not after `bound`.
    ///
    /// # Errors
    /// When the file is damaged or the disk fails.
    pub(super) fn at_most(&mut self, bound: u64) -> Result<Step, CatalogError> {
        let mut reached = bound.min(NEWEST);
        if self.groups.is_empty() {
            return self.any_filing(reached);
        }
        loop {
            let before = reached;
            for group in &mut self.groups {
                match group.at_most(reached)? {
                    Some(seq) => reached = seq,
                    None => return Ok(Step::End),
                }
            }
            if reached == before {
                return Ok(Step::Found(reached));
            }
            if self.effort.is_spent() {
                return Ok(Step::Spent(reached));
            }
        }
    }

    fn any_filing(&self, bound: u64) -> Result<Step, CatalogError> {
        let mut statement = self
            .connection
            .prepare_cached("SELECT seq FROM filings WHERE seq <= ?1 ORDER BY seq DESC LIMIT 1")?;
        let found = statement.query_row([bound.cast_signed()], |row| row.get(0));
        let found: Option<i64> = found.optional()?;
        Ok(found.map_or(Step::End, |seq| Step::Found(seq.cast_unsigned())))
    }
}

/// The alternatives of a group, the one with the newest filing on top.
struct Any<'c> {
    heap: BinaryHeap<Head<'c>>,
}

/// An alternative, and a filing that its newest one left is not after.
struct Head<'c> {
    seq: u64,
    list: List<'c>,
}

impl Ord for Head<'_> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.seq.cmp(&other.seq)
    }
}

impl PartialOrd for Head<'_> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Head<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.seq == other.seq
    }
}

impl Eq for Head<'_> {}

impl<'c> Any<'c> {
    /// `None` when a group stands for too many terms to be of use.
    fn of(
        connection: &'c Connection,
        effort: &'c Effort,
        group: Group,
    ) -> Result<Option<Self>, CatalogError> {
        let lists: Vec<List<'c>> = match group {
            Group::Accessions(ranges) => {
                vec![List::of_seqs(by_accession(connection, &ranges)?)]
            }
            Group::Terms { exact, beginnings } => {
                let mut terms = exact;
                let most = terms.len() + MOST_TERMS;
                for beginning in beginnings {
                    add_terms(connection, &beginning, most, &mut terms)?;
                }
                if terms.len() >= most {
                    return Ok(None);
                }
                terms.sort_unstable();
                terms.dedup();
                let list = |term| List::of_term(connection, effort, term);
                terms.into_iter().map(list).collect()
            }
        };
        let unasked = |list| Head {
            seq: u64::MAX,
            list,
        };
        Ok(Some(Self {
            heap: lists.into_iter().map(unasked).collect(),
        }))
    }

    fn at_most(&mut self, bound: u64) -> Result<Option<u64>, CatalogError> {
        while let Some(mut top) = self.heap.peek_mut() {
            if top.seq <= bound {
                return Ok(Some(top.seq));
            }
            match top.list.at_most(bound)? {
                Some(seq) => top.seq = seq,
                None => drop(PeekMut::pop(top)),
            }
        }
        Ok(None)
    }
}

/// The filings of one term, or a list of them.
struct List<'c> {
    /// Where the next chunk is from; none for a list that is all there.
    source: Option<(&'c Connection, &'c Effort, Term)>,
    chunk: Option<Chunk>,
}

impl<'c> List<'c> {
    fn of_term(connection: &'c Connection, effort: &'c Effort, term: Term) -> Self {
        Self {
            source: Some((connection, effort, term)),
            chunk: None,
        }
    }

    fn of_seqs(seqs: Vec<u64>) -> Self {
        Self {
            source: None,
            chunk: Some(Chunk { seqs }),
        }
    }

    fn at_most(&mut self, bound: u64) -> Result<Option<u64>, CatalogError> {
        let has_it = |chunk: &&Chunk| !chunk.seqs.is_empty() && chunk.first() <= bound;
        if self.chunk.as_ref().filter(has_it).is_none()
            && let Some((connection, effort, term)) = &self.source
        {
            effort.spend();
            self.chunk = Chunk::at(connection, *term, bound)?;
        }
        let seqs = self.chunk.as_ref().map_or(&[][..], |chunk| &chunk.seqs);
        let upto = seqs.partition_point(|seq| *seq <= bound);
        Ok(upto.checked_sub(1).map(|last| seqs[last]))
    }
}

/// The filings with an accession number in one of these ranges.
fn by_accession(
    connection: &Connection,
    ranges: &[(Accession, Accession)],
) -> Result<Vec<u64>, CatalogError> {
    let mut statement = connection
        .prepare_cached("SELECT seq FROM accessions WHERE accession BETWEEN ?1 AND ?2")?;
    let mut seqs = Vec::new();
    for (first, last) in ranges {
        let range = (first.get().cast_signed(), last.get().cast_signed());
        for seq in statement.query_map(range, |row| row.get::<_, i64>(0))? {
            seqs.push(seq?.cast_unsigned());
        }
    }
    seqs.sort_unstable();
    seqs.dedup();
    Ok(seqs)
}

/// All terms that begin so, until there are `most`.
fn add_terms(
    connection: &Connection,
    beginning: &str,
    most: usize,
    terms: &mut Vec<Term>,
) -> Result<(), CatalogError> {
    let mut statement =
        connection.prepare_cached("SELECT name FROM names WHERE name >= ?1 AND name < ?2")?;
    let mut rows = statement.query((beginning, after_all(beginning)))?;
    while terms.len() < most
        && let Some(row) = rows.next()?
    {
        terms.push(Term::new(
            row.get_ref(0)?.as_str().map_err(rusqlite::Error::from)?,
        ));
    }
    Ok(())
}

/// The least text after all that begin so. A beginning ends in printable ASCII.
fn after_all(beginning: &str) -> String {
    let mut bytes = beginning.as_bytes().to_vec();
    if let Some(last) = bytes.last_mut() {
        *last += 1;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
