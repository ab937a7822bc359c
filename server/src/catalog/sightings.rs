//! The timing ledger: when each source saw a filing after the first one had.
//!
//! The log tells of the first sighting only, so this is kept beside it, in a file of its own
//! that survives the deletion of the catalog. Best effort: the updater never waits, what finds
//! the channel full is lost and counted, and a file that cannot be written is no failure.
//!
//! Invariant: a source has one line for a filing, that of its first sighting.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use protocol::{accession::Accession, filing::Source, time::Timestamp};
use rusqlite::{Connection, OpenFlags};
use tokio::sync::mpsc;

use super::CatalogError;
use crate::metrics::Metrics;

/// The file in the data directory.
const FILE: &str = "sightings.db";

/// Sightings that may wait: a night's index comes as some thousands at once.
const WAITING_MAX: usize = 16_384;

/// Sightings of one transaction.
const GROUP_MAX: usize = 4_096;

const TABLES: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
CREATE TABLE IF NOT EXISTS sightings (
    accession INTEGER NOT NULL,
    source    TEXT    NOT NULL,
    seen_at   INTEGER NOT NULL,
    PRIMARY KEY (accession, source)
) WITHOUT ROWID;
";

/// A source's first sighting of a filing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sighted {
    pub(crate) source: Source,
    pub(crate) seen_at: Timestamp,
}

/// The updater's end.
#[derive(Debug)]
pub(crate) struct Sightings {
    told: mpsc::Sender<(Accession, Sighted)>,
    metrics: Arc<Metrics>,
}

/// The file.
#[derive(Debug, Clone)]
pub(crate) struct Ledger {
    path: PathBuf,
}

/// What is told, on its way into the file.
#[derive(Debug)]
pub(crate) struct Keeping {
    ledger: Ledger,
    told: mpsc::Receiver<(Accession, Sighted)>,
}

impl Sightings {
    /// An end that nobody listens to.
    pub(crate) fn unheard(metrics: Arc<Metrics>) -> Self {
        Self {
            told: mpsc::channel(1).0,
            metrics,
        }
    }

    /// Tells that a source lists a filing that was known already. A backfill reads the index
    /// of the past, which is no sighting.
    pub(crate) fn tell(&self, accession: Accession, source: Source, seen_at: Timestamp) {
        if source == Source::Backfill {
            return;
        }
        let told = self.told.try_send((accession, Sighted { source, seen_at }));
        if let Err(mpsc::error::TrySendError::Full(_)) = told {
            self.metrics.sightings_lost.inc();
        }
    }
}

impl Ledger {
    pub(super) fn new(data_dir: &Path) -> Self {
        Self {
            path: data_dir.join(FILE),
        }
    }

    /// Both ends of the way into the file.
    pub(crate) fn open(&self, metrics: Arc<Metrics>) -> (Sightings, Keeping) {
        let (told, heard) = mpsc::channel(WAITING_MAX);
        let keeping = Keeping {
            ledger: self.clone(),
            told: heard,
        };
        (Sightings { told, metrics }, keeping)
    }

    /// What is kept of a filing, earliest first; nothing where nothing can be read.
    pub(super) fn of(&self, accession: Accession) -> Vec<Sighted> {
        self.read(accession).unwrap_or_default()
    }

    fn read(&self, accession: Accession) -> Result<Vec<Sighted>, CatalogError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(&self.path, flags)?;
        connection.busy_timeout(Duration::from_millis(100))?;
        let mut statement = connection.prepare(
            "SELECT source, seen_at FROM sightings WHERE accession = ?1 ORDER BY seen_at",
        )?;
        let number = [accession.get().cast_signed()];
        let rows = statement.query_map(number, |row| {
            Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
        })?;
        let mut kept = Vec::new();
        for row in rows {
            let (source, seen_at) = row?;
            // A source that this version does not know is left out.
            if let (Ok(source), Ok(seen_at)) =
                (source.parse(), Timestamp::from_millisecond(seen_at))
            {
                kept.push(Sighted { source, seen_at });
            }
        }
        Ok(kept)
    }
}

impl Keeping {
    /// Writes what is told until nobody is left to tell. Blocks its thread.
    pub(crate) fn run(mut self) {
        let mut connection = None;
        let mut group = Vec::new();
        while self.told.blocking_recv_many(&mut group, GROUP_MAX) > 0 {
            if let Err(error) = self.ledger.write(&mut connection, &group) {
                connection = None;
                let error = format!("{:#}", anyhow::Error::from(error));
                tracing::info!(error, lost = group.len(), "sightings are not kept");
            }
            group.clear();
        }
    }
}

impl Ledger {
    fn write(
        &self,
        connection: &mut Option<Connection>,
        group: &[(Accession, Sighted)],
    ) -> Result<(), CatalogError> {
        let connection = match connection {
            Some(connection) => connection,
            none => {
                let opened = Connection::open(&self.path)?;
                opened.busy_timeout(Duration::from_secs(5))?;
                opened.execute_batch(TABLES)?;
                none.insert(opened)
            }
        };
        let transaction = connection.transaction()?;
        let mut insert = transaction.prepare_cached(
            "INSERT OR IGNORE INTO sightings (accession, source, seen_at) VALUES (?1, ?2, ?3)",
        )?;
        for (accession, Sighted { source, seen_at }) in group {
            let number = accession.get().cast_signed();
            insert.execute((number, source.as_str(), seen_at.as_millisecond()))?;
        }
        drop(insert);
        transaction.commit()?;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;
    use crate::catalog::testing::accession;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn a_source_has_one_line_for_a_filing_and_it_outlives_the_program() {
        let dir = tempfile::tempdir().unwrap();
        let (early, late) = (at("2026-03-03T21:04:58Z"), at("2026-03-03T21:05:40Z"));
        for _ in 0..2 {
            let (sightings, keeping) = Ledger::new(dir.path()).open(Arc::new(Metrics::new()));
            sightings.tell(accession(1), Source::Efts, early);
            sightings.tell(accession(1), Source::DailyIndex, late);
            sightings.tell(accession(1), Source::Efts, late);
            sightings.tell(accession(1), Source::Backfill, late);
            drop(sightings);
            keeping.run();
        }

        let kept = Ledger::new(dir.path()).of(accession(1));

        let kept: Vec<_> = kept.iter().map(|s| (s.source, s.seen_at)).collect();
        assert_eq!(kept, [(Source::Efts, early), (Source::DailyIndex, late)]);
        assert!(Ledger::new(dir.path()).of(accession(2)).is_empty());
    }

    #[test]
    fn the_updater_never_waits_and_what_is_lost_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let metrics = Arc::new(Metrics::new());
        let (sightings, keeping) = Ledger::new(dir.path()).open(metrics.clone());
        for serial in 0..WAITING_MAX as u32 + 5 {
            sightings.tell(accession(serial), Source::Efts, at("2026-03-03T21:04:58Z"));
        }

        assert_eq!(metrics.sightings_lost.get(), 5);
        drop((sightings, keeping));
    }

    #[test]
    fn a_file_that_cannot_be_written_fails_nobody() {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join(FILE)).unwrap();
        let (sightings, keeping) = Ledger::new(dir.path()).open(Arc::new(Metrics::new()));
        sightings.tell(accession(1), Source::Efts, at("2026-03-03T21:04:58Z"));
        drop(sightings);

        keeping.run();

        assert!(Ledger::new(dir.path()).of(accession(1)).is_empty());
    }
}
