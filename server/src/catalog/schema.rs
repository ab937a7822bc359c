//! The catalog's file: its tables, how it is opened, when it is made anew.
//!
//! Invariant: a file that is opened for writing is of this version, of this log, and not
//! ahead of it; any other is removed and begun again, because the log has all of it.

use std::{fs, io, path::Path, time::Duration};

use protocol::seq::{Epoch, Seq};
use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, config::DbConfig};

use super::CatalogError;

/// Counts up with every change of the tables, the terms, or the dictionary of `told`.
pub(super) const VERSION: i64 = 3;

/// All events up to `through` are in the file, up to `rows` in the table `filings` only (`fill`).
/// `seq` is that of `filing.seen`, so the greatest is the newest. `seen_at` is in milliseconds
/// since 1970, `later` what came after it (`batch`), `told` the frame that says most (`told`).
/// A term is what a filing is found by, such as `form:8-K`, as a number (`terms`); its postings
/// are the seqs of the filings (`postings`). `names` has the texts of terms whose beginning may be
/// asked for.
const TABLES: &str = "
CREATE TABLE watermark (
    epoch   TEXT    NOT NULL,
    through INTEGER NOT NULL,
    rows    INTEGER NOT NULL
);
CREATE TABLE filings (
    seq       INTEGER PRIMARY KEY,
    accession INTEGER NOT NULL,
    seen_at   INTEGER NOT NULL,
    later     BLOB    NOT NULL,
    told      BLOB    NOT NULL
);
CREATE TABLE accessions (
    accession INTEGER PRIMARY KEY,
    seq       INTEGER NOT NULL
);
CREATE TABLE postings (
    place INTEGER PRIMARY KEY,
    seqs  BLOB    NOT NULL
);
CREATE TABLE names (
    name TEXT PRIMARY KEY
) WITHOUT ROWID;
";

/// A view: a power cut may take the newest of it, which is then read again, but never its
/// consistency. 64 MB of pages are kept in memory, and 64 MB of the write-ahead log. What is in
/// that goes into the file, and both to the disk, after 16 MB each time: less would wait more
/// often, and more would hold up the log of events, which is on the same disk.
const WRITER: &str = "
PRAGMA journal_mode = WAL;
PRAGMA synchronous = NORMAL;
PRAGMA cache_size = -65536;
PRAGMA journal_size_limit = 67108864;
PRAGMA wal_autocheckpoint = 4096;
PRAGMA temp_store = MEMORY;
";

const READER: &str = "
PRAGMA query_only = ON;
PRAGMA cache_size = -16384;
PRAGMA temp_store = MEMORY;
";

/// For rows that are looked at by another: what is common to them is all that is worth keeping.
const TOUCHER: &str = "
PRAGMA query_only = ON;
PRAGMA cache_size = -512;
";

/// How long a connection waits for another: for readers of a WAL a moment at most.
const BUSY: Duration = Duration::from_secs(5);

/// How far the file has read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// All up to here is in it.
    pub(super) through: Seq,
    /// Up to here, rows of filings are; never less.
    pub(super) rows: Seq,
}

/// Opens the file for the one who writes it, making it anew where it is of no use; gives
/// how far it has read.
///
/// # Errors
/// When the disk fails.
pub(super) fn open_to_write(
    path: &Path,
    epoch: &Epoch,
    tip: Seq,
) -> Result<(Connection, Marks), CatalogError> {
    match open_as_it_is(path, epoch, tip) {
        Ok(Some(opened)) => return Ok(opened),
        Ok(None) => tracing::info!(file = %path.display(), "the catalog is made anew of the log"),
        Err(error) if error.is_damage() => {
            tracing::warn!(file = %path.display(), %error, "the catalog is damaged; it is made anew of the log");
        }
        Err(error) => return Err(error),
    }
    remove(path)?;
    let connection = connect(path)?;
    connection.execute_batch(TABLES)?;
    connection.execute(
        "INSERT INTO watermark (epoch, through, rows) VALUES (?1, 0, 0)",
        [epoch.as_str()],
    )?;
    connection.pragma_update(None, "user_version", VERSION)?;
    Ok((connection, Marks::default()))
}

/// Opens the file for one who reads it.
///
/// # Errors
/// When there is none, or the disk fails.
pub(super) fn open_to_read(path: &Path) -> Result<Connection, CatalogError> {
    open_as_it_stands(path, READER)
}

/// Opens the file for one who brings parts of it into memory.
///
/// # Errors
/// As [`open_to_read`].
pub(super) fn open_to_touch(path: &Path) -> Result<Connection, CatalogError> {
    open_as_it_stands(path, TOUCHER)
}

fn open_as_it_stands(path: &Path, pragmas: &str) -> Result<Connection, CatalogError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    set_up(Connection::open_with_flags(path, flags)?, pragmas)
}

/// Writes how far the file has read.
///
/// # Errors
/// When the disk fails.
pub(super) fn mark(
    connection: &Connection,
    epoch: &Epoch,
    Marks { through, rows }: Marks,
) -> Result<(), CatalogError> {
    let [through, rows] = [through, rows].map(|seq| seq.get().cast_signed());
    connection
        .prepare_cached("UPDATE watermark SET epoch = ?1, through = ?2, rows = ?3")?
        .execute((epoch.as_str(), through, rows))?;
    Ok(())
}

/// How far the file has read.
pub(super) fn through(connection: &Connection) -> Result<Seq, CatalogError> {
    let mut statement = connection.prepare_cached("SELECT through FROM watermark")?;
    let through: i64 = statement.query_row([], |row| row.get(0))?;
    Ok(Seq::new(through.cast_unsigned()))
}

fn connect(path: &Path) -> Result<Connection, CatalogError> {
    set_up(Connection::open(path)?, WRITER)
}

fn set_up(connection: Connection, pragmas: &str) -> Result<Connection, CatalogError> {
    connection.busy_timeout(BUSY)?;
    connection.execute_batch(pragmas)?;
    connection.set_prepared_statement_cache_capacity(32);
    // Else a statement is planned anew for each value that is bound to it.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    Ok(connection)
}

/// `None` for a file that is of another version or log, or ahead of its log.
fn open_as_it_is(
    path: &Path,
    epoch: &Epoch,
    tip: Seq,
) -> Result<Option<(Connection, Marks)>, CatalogError> {
    if !path.exists() {
        return Ok(None);
    }
    let connection = connect(path)?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version != VERSION {
        return Ok(None);
    }
    let found = connection
        .query_row("SELECT epoch, through, rows FROM watermark", [], |row| {
            let seq = |place| row.get(place).map(|seq: i64| Seq::new(seq.cast_unsigned()));
            let (through, rows) = (seq(1)?, seq(2)?);
            Ok((row.get::<_, String>(0)?, Marks { through, rows }))
        })
        .optional()?;
    let of_log = found.filter(|(found, marks)| found == epoch.as_str() && marks.rows <= tip);
    Ok(of_log.map(|(_, marks)| (connection, marks)))
}

fn remove(path: &Path) -> io::Result<()> {
    for suffix in ["", "-wal", "-shm"] {
        let mut name = path.as_os_str().to_owned();
        name.push(suffix);
        match fs::remove_file(&name) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

impl CatalogError {
    /// Whether the file itself is of no use.
    pub(super) fn is_damage(&self) -> bool {
        let code = match self {
            Self::Sqlite(error) => error.sqlite_error_code(),
            Self::Damaged(_) => return true,
            _ => None,
        };
        matches!(
            code,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        )
    }
}
