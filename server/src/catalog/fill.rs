//! Writing: batches go into the file, a transaction for as many as came together.
//!
//! Filings are written as they come, postings are gathered and written term by term at the
//! end of the transaction, which is why a catalog that is far behind is made in large ones.
//!
//! Invariant: the watermark is written in the transaction of what it covers.

use std::{collections::HashMap, path::Path};

use protocol::seq::{Epoch, Seq};
use rusqlite::{Connection, OptionalExtension, Statement};

use super::{
    CatalogError,
    batch::{Batch, Change, Moment, Told},
    postings, schema,
};

/// Filings after which a transaction ends that could go on: some 100 MB of the file.
const MOST_FILINGS: usize = 250_000;

/// The one who writes the file.
pub struct Filling {
    connection: Connection,
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
    postings: HashMap<String, Vec<u64>>,
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
        let mut writing = Writing::on(&self.connection)?;
        for change in batch.changes {
            writing.write(change, &mut open.postings)?;
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
        let mut gathered: Vec<_> = open.postings.into_iter().collect();
        // In the order of the file: each page is visited once.
        gathered.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        for (term, mut seqs) in gathered {
            seqs.sort_unstable();
            seqs.dedup();
            postings::add(&self.connection, &term, &seqs)?;
        }
        let through = open.through.get().cast_signed();
        let mark = (self.epoch.as_str(), through);
        self.connection
            .prepare_cached("UPDATE watermark SET epoch = ?1, through = ?2")?
            .execute(mark)?;
        self.connection.execute_batch("COMMIT")?;
        self.through = open.through;
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
        let forgotten = transaction.execute("DELETE FROM filings WHERE seq < ?1", bound)?;
        transaction.execute("DELETE FROM events WHERE filing < ?1", bound)?;
        transaction.commit()?;
        Ok(forgotten)
    }
}

/// The statements of a batch.
struct Writing<'c> {
    find: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    event: Statement<'c>,
}

impl<'c> Writing<'c> {
    fn on(connection: &'c Connection) -> Result<Self, CatalogError> {
        Ok(Self {
            find: connection.prepare("SELECT seq FROM filings WHERE accession = ?1")?,
            insert: connection.prepare(
                "INSERT OR IGNORE INTO filings (seq, accession, seen_at, told)
                 VALUES (?1, ?2, ?3, ?4)",
            )?,
            update: connection.prepare("UPDATE filings SET told = ?2 WHERE seq = ?1")?,
            event: connection.prepare(
                "INSERT OR IGNORE INTO events (filing, seq, at, type) VALUES (?1, ?2, ?3, ?4)",
            )?,
        })
    }

    fn write(
        &mut self,
        change: Change,
        postings: &mut HashMap<String, Vec<u64>>,
    ) -> Result<(), CatalogError> {
        let Some(filing) = self.write_filing(&change)? else {
            // Its `filing.seen` is older than the log.
            return Ok(());
        };
        for (what, Moment { seq, at }) in change.later {
            let (seq, at) = (seq.get().cast_signed(), at.as_millisecond());
            self.event.execute((filing, seq, at, what as i64))?;
        }
        for term in change.told.into_iter().flat_map(|told| told.terms) {
            postings
                .entry(term)
                .or_default()
                .push(filing.cast_unsigned());
        }
        Ok(())
    }

    /// Gives the filing's seq.
    fn write_filing(&mut self, change: &Change) -> Result<Option<i64>, CatalogError> {
        let accession = change.accession.get().cast_signed();
        if let (Some(Moment { seq, at }), Some(Told { packed, .. })) = (change.seen, &change.told) {
            let seq = seq.get().cast_signed();
            let row = (seq, accession, at.as_millisecond(), packed);
            self.insert.execute(row)?;
            return Ok(Some(seq));
        }
        let seq = self.find.query_row([accession], |row| row.get(0));
        let seq: Option<i64> = seq.optional()?;
        if let (Some(seq), Some(Told { packed, .. })) = (seq, &change.told) {
            self.update.execute((seq, packed))?;
        }
        Ok(seq)
    }
}
