//! Rows read ahead: where the file is not in memory, a page would wait for the disk a hundred
//! times, for one row after the other.
//!
//! Some connections touch the rows at the same time, each a part of them. Whoever reads the
//! rows then finds them in the system's memory.
//!
//! Invariant: nothing is decided here. What is read afterwards is read as if this had not been.

use std::{
    path::{Path, PathBuf},
    thread,
};

use rusqlite::Connection;

use super::{CatalogError, schema};

/// Reads that the disk is given at a time: an SSD answers so many nearly as fast as one.
const HANDS: usize = 8;

/// Who reads ahead.
pub(super) struct Ahead {
    path: PathBuf,
    connections: Vec<Connection>,
}

impl Ahead {
    /// Nothing is opened before it is needed.
    pub(super) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connections: Vec::new(),
        }
    }

    #[cfg(test)]
    pub(super) fn has_read(&self) -> bool {
        !self.connections.is_empty()
    }

    /// Brings rows of filings into memory, as far as the disk gives them.
    ///
    /// # Errors
    /// When the file cannot be opened.
    pub(super) fn read(&mut self, seqs: &[u64]) -> Result<(), CatalogError> {
        while self.connections.len() < HANDS {
            self.connections.push(schema::open_to_touch(&self.path)?);
        }
        let part = seqs.len().div_ceil(HANDS).max(1);
        thread::scope(|scope| {
            for (connection, seqs) in self.connections.iter_mut().zip(seqs.chunks(part)) {
                // What goes wrong is told to whoever reads the row.
                scope.spawn(|| drop(touch(connection, seqs)));
            }
        });
        Ok(())
    }
}

fn touch(connection: &mut Connection, seqs: &[u64]) -> rusqlite::Result<()> {
    let rows = connection.transaction()?;
    let mut row = rows.prepare_cached("SELECT seen_at FROM filings WHERE seq = ?1")?;
    for seq in seqs {
        row.exists([seq.cast_signed()])?;
    }
    Ok(())
}
