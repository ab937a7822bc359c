//! Writing: batches go into the file, filings first, what they are found by behind them.
//!
//! A catalog that is far behind is made in many small transactions, for the disk is the log's:
//! each has the rows of a batch and a piece of the `index` of filings before it. At the tip
//! of the log a transaction has all of it.
//!
//! Invariant: the watermark is written in the transaction that completes what it covers. A second
//! one, `rows`, tells what the rows have; between the two, filings are read again for the index.

use std::path::Path;

use protocol::seq::{Epoch, Seq};
use rusqlite::{Connection, OptionalExtension, Statement};

use super::{
    CatalogError,
    batch::{Batch, Change, Later, Moment},
    index::Index,
    schema::{self, Marks},
    told::Packer,
};

/// How a catalog is made that is far behind, in filings.
#[derive(Debug, Clone, Copy)]
struct Pace {
    /// Of a transaction: some megabytes of the file.
    step: usize,
    /// Gathered for the index before they settle: some 100 MB of memory.
    gathered: usize,
}

const PACE: Pace = Pace {
    step: 2_000,
    gathered: 250_000,
};

/// The one who writes the file.
pub struct Filling {
    connection: Connection,
    packer: Packer,
    epoch: Epoch,
    pace: Pace,
    /// What is committed.
    marks: Marks,
    /// The same with the transaction under way, and the filings in that; none before it begins.
    open: Option<(Marks, usize)>,
    index: Index,
}

impl Filling {
    /// Opens the file of a log that ends at `tip`; one that is of no use is made anew.
    ///
    /// # Errors
    /// When the disk fails.
    pub fn open(path: &Path, epoch: &Epoch, tip: Seq) -> Result<Self, CatalogError> {
        let (connection, marks) = schema::open_to_write(path, epoch, tip)?;
        Ok(Self {
            connection,
            packer: Packer::new()?,
            epoch: epoch.clone(),
            pace: PACE,
            marks,
            open: None,
            index: Index::default(),
        })
    }

    /// One that is far behind with a few filings.
    #[cfg(test)]
    pub(super) fn in_small_steps(self) -> Self {
        let (step, gathered) = (3, 10);
        let pace = Pace { step, gathered };
        Self { pace, ..self }
    }

    /// The last event that is in the file for good.
    pub fn through(&self) -> Seq {
        self.marks.through
    }

    /// Takes the next stretch of the log. It is all visible after [`Self::commit`]; parts of it
    /// are before, when it is long.
    ///
    /// # Errors
    /// When the file is damaged or the disk fails: what was not committed is to be read again.
    pub fn take(&mut self, batch: Batch) -> Result<(), CatalogError> {
        let (mut marks, filings) = self.begin()?;
        let filings = filings + batch.changes.len();
        let mut writing = Writing::on(&self.connection, &mut self.packer, marks.rows)?;
        for change in batch.changes {
            writing.write(change, &mut self.index)?;
        }
        for name in batch.names {
            writing.name.execute([name])?;
        }
        drop(writing);
        self.index.reach(batch.through);
        marks.rows = marks.rows.max(batch.through);
        self.open = Some((marks, filings));
        if filings < self.pace.step {
            return Ok(());
        }
        if self.index.gathered() >= self.pace.gathered {
            self.index.turn();
        }
        self.end(filings)
    }

    /// Makes visible what was taken.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub fn commit(&mut self) -> Result<(), CatalogError> {
        while self.commit_some()? {}
        Ok(())
    }

    /// Makes visible a transaction's worth of what was taken; tells whether there was any.
    ///
    /// # Errors
    /// As [`Self::take`].
    pub(super) fn commit_some(&mut self) -> Result<bool, CatalogError> {
        if self.index.is_settled() {
            return Ok(false);
        }
        self.begin()?;
        self.index.turn();
        self.end(self.pace.step)?;
        Ok(true)
    }

    fn begin(&mut self) -> Result<(Marks, usize), CatalogError> {
        if let Some(open) = self.open {
            return Ok(open);
        }
        self.connection.execute_batch("BEGIN IMMEDIATE")?;
        Ok(*self.open.insert((self.marks, 0)))
    }

    /// Ends the transaction with a piece of the index: that of so many filings.
    fn end(&mut self, filings: usize) -> Result<(), CatalogError> {
        let Some((mut marks, _)) = self.open.take() else {
            return Ok(());
        };
        if let Some(through) = self.index.settle(&self.connection, filings)? {
            marks.through = through;
        }
        schema::mark(&self.connection, &self.epoch, marks)?;
        self.connection.execute_batch("COMMIT")?;
        self.marks = marks;
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
    /// What the rows have already.
    rows: Seq,
    find: Statement<'c>,
    insert: Statement<'c>,
    update: Statement<'c>,
    name: Statement<'c>,
}

impl<'c> Writing<'c> {
    fn on(
        connection: &'c Connection,
        packer: &'c mut Packer,
        rows: Seq,
    ) -> Result<Self, CatalogError> {
        Ok(Self {
            packer,
            rows,
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

    fn write(&mut self, mut change: Change, index: &mut Index) -> Result<(), CatalogError> {
        let Some(filing) = self.seq_of(&change, index)? else {
            // Its `filing.seen` is older than the log.
            return Ok(());
        };
        self.write_row(filing, &mut change)?;
        let terms = change.told.into_iter().flat_map(|told| told.terms);
        index.post(filing.cast_unsigned(), terms);
        Ok(())
    }

    /// Writes what the row does not have yet.
    fn write_row(&mut self, filing: i64, change: &mut Change) -> Result<(), CatalogError> {
        let is_new = |moment: &Moment| moment.seq > self.rows;
        let later: Vec<_> = change
            .later
            .iter()
            .filter(|(_, moment)| is_new(moment))
            .copied()
            .collect();
        let seen = change.seen.filter(is_new);
        if seen.is_none() && later.is_empty() {
            return Ok(());
        }
        let later = Later::encode(filing.cast_unsigned(), &later);
        let told = change.told.as_mut();
        let packed = told.map(|told| told.pack(self.packer)).transpose()?;
        match seen {
            Some(Moment { at, .. }) => {
                let accession = change.accession.get().cast_signed();
                let row = (filing, accession, at.as_millisecond(), later, packed);
                self.insert.execute(row)?
            }
            None => self.update.execute((filing, later, packed))?,
        };
        Ok(())
    }

    fn seq_of(&mut self, change: &Change, index: &mut Index) -> Result<Option<i64>, CatalogError> {
        let accession = change.accession.get().cast_signed();
        if let Some(seen) = change.seen {
            let seq = seen.seq.get().cast_signed();
            index.name(accession, seq);
            return Ok(Some(seq));
        }
        if let Some(seq) = index.seq_of(accession) {
            return Ok(Some(seq));
        }
        let seq = self.find.query_row([accession], |row| row.get(0));
        Ok(seq.optional()?)
    }
}
