//! Writing: batches go into the file, a transaction for as many as came together.
//!
//! Filings are written as they come; their accessions and postings are gathered and written
//! in the order of the file at the end of the transaction, which is why a catalog that is far
//! behind is made in large ones.
//!
//! Invariant: the watermark is written in the transaction of what it covers.

use std::{collections::HashMap, path::Path};

use protocol::seq::{Epoch, Seq};
use rusqlite::{Connection, OptionalExtension, Statement};

use super::{
    CatalogError,
    batch::{Batch, Change, Later, Moment},
    postings, schema,
    terms::Term,
    told::Packer,
};

/// Filings after which a transaction ends that could go on: some 100 MB of the file.
const MOST_FILINGS: usize = 250_000;

/// The one who writes the file.
pub struct Filling {
    connection: Connection,
    packer: Packer,
    epoch: Epoch,
    /// What is committed.
    through: Seq,
    open: Option<Open>,
}

/// A transaction under way.
#[derive(Default)]
struct Open {
    through: Seq,
    filings: usize,
    /// Of filings that are new, with their seqs.
    accessions: HashMap<i64, i64>,
    postings: Vec<(Term, u64)>,
}

impl Filling {
    /// Opens the file of a log that ends at `tip`; one that is of no use is made anew.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(path: &Path, epoch: &Epoch, tip: Seq) -> Result<Self, CatalogError> {
        let (connection, through) = schema::open_to_write(path, epoch, tip)?;
        Ok(Self {
            connection,
            packer: Packer::new()?,
            epoch: epoch.clone(),
            through,
            open: None,
        })
    }

    /// The last event that is in the file for good.
    pub fn through(&self) -> Seq {
        self.through
    }

    /// Takes the next stretch of the log. It is visible after [`Self::commit`], which is done
    /// here when a transaction has become large.
    ///
    /// # Errors
    /// When the file is damaged or the disk fails: what was not committed is to be read again.
    pub fn take(&mut self, batch: Batch) -> Result<(), CatalogError> {
        if self.open.is_none() {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        let open = self.open.get_or_insert_default();
        open.through = batch.through;
        open.filings += batch.changes.len();
        let mut writing = Writing::on(&self.connection, &mut self.packer)?;
        for change in batch.changes {
            writing.write(change, open)?;
        }
        for name in batch.names {
            writing.name.execute([name])?;
        }
        drop(writing);
        match open.filings >= MOST_FILINGS {
            true => self.commit(),
            false => Ok(()),
        }
    }

    /// Makes visible what was taken.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn commit(&mut self) -> Result<(), CatalogError> {
        let Some(open) = self.open.take() else {
            return Ok(());
        };
        self.write_accessions(open.accessions)?;
        self.write_postings(open.postings)?;
        let through = open.through.get().cast_signed();
        let mark = (self.epoch.as_str(), through);
        self.connection
            .prepare_cached("UPDATE watermark SET epoch = ?1, through = ?2")?
            .execute(mark)?;
        self.connection.execute_batch("COMMIT")?;
        self.through = open.through;
        Ok(())
    }

    fn write_accessions(&self, accessions: HashMap<i64, i64>) -> Result<(), CatalogError> {
        let mut insert = self
            .connection
            .prepare_cached("INSERT OR IGNORE INTO accessions (accession, seq) VALUES (?1, ?2)")?;
        let mut accessions: Vec<_> = accessions.into_iter().collect();
        accessions.sort_unstable();
        for accession in accessions {
            insert.execute(accession)?;
        }
        Ok(())
    }

    fn write_postings(&self, mut postings: Vec<(Term, u64)>) -> Result<(), CatalogError> {
        postings.sort_unstable();
        postings.dedup();
        let mut seqs = Vec::new();
        for of_one in postings.chunk_by(|(one, _), (other, _)| one == other) {
            seqs.clear();
            seqs.extend(of_one.iter().map(|(_, seq)| *seq));
            postings::add(&self.connection, of_one[0].0, &seqs)?;
        }
        Ok(())
    }

    /// Removes filings whose `filing.seen` the log no longer keeps. Their postings find
    /// nothing from then on.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn forget_before(&mut self, oldest: Seq) -> Result<usize, CatalogError> {
        let bound = [oldest.get().cast_signed()];
        let transaction = self.connection.transaction()?;
        transaction.execute(
            "DELETE FROM accessions
             WHERE accession IN (SELECT accession FROM filings WHERE seq < ?1)",
            bound,
        )?;
        let forgotten = transaction.execute("DELETE FROM filings WHERE seq < ?1", bound)?;
        transaction.commit()?;
        Ok(forgotten)
    }
}

/// The statements of a batch.
struct Writing<'c> {
    packer: &'c mut Packer,
    find: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    name: Statement<'c>,
}

impl<'c> Writing<'c> {
    fn on(connection: &'c Connection, packer: &'c mut Packer) -> Result<Self, CatalogError> {
        Ok(Self {
            packer,
            find: connection.prepare("SELECT seq FROM accessions WHERE accession = ?1")?,
            insert: connection.prepare(
                "INSERT OR IGNORE INTO filings (seq, accession, seen_at, later, told)
                 VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            update: connection.prepare(
                "UPDATE filings SET later = CAST(later || ?2 AS BLOB), told = ifnull(?3, told)
                 WHERE seq = ?1",
            )?,
            name: connection.prepare("INSERT OR IGNORE INTO names (name) VALUES (?1)")?,
        })
    }

    fn write(&mut self, change: Change, open: &mut Open) -> Result<(), CatalogError> {
        let Some(filing) = self.seq_of(&change, open)? else {
            // Its `filing.seen` is older than the log.
            return Ok(());
        };
        let later = Later::encode(filing.cast_unsigned(), &change.later);
        let told = change.told.as_ref();
        let packed = told.map(|told| self.packer.pack(&told.frame)).transpose()?;
        match change.seen {
            Some(Moment { at, .. }) => {
                let accession = change.accession.get().cast_signed();
                let row = (filing, accession, at.as_millisecond(), later, packed);
                self.insert.execute(row)?
            }
            None => self.update.execute((filing, later, packed))?,
        };
        let terms = change.told.into_iter().flat_map(|told| told.terms);
        let filing = filing.cast_unsigned();
        open.postings.extend(terms.map(|term| (term, filing)));
        Ok(())
    }

    fn seq_of(&mut self, change: &Change, open: &mut Open) -> Result<Option<i64>, CatalogError> {
        let accession = change.accession.get().cast_signed();
        if let Some(seen) = change.seen {
            let seq = seen.seq.get().cast_signed();
            open.accessions.insert(accession, seq);
            return Ok(Some(seq));
        }
        if let Some(seq) = open.accessions.get(&accession) {
            return Ok(Some(*seq));
        }
        let seq = self.find.query_row([accession], |row| row.get(0));
        Ok(seq.optional()?)
    }
}
