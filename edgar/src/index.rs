//! Index files: what EDGAR says was filed on a day or in a quarter.
//!
//! [`parse`] reads the four kinds, [`Reader`] does so piece by piece, and [`join`] makes
//! filings of the rows, of which there is one for each filer. Splitting a row is in `columns`. Elsewhere: where the files are
//! (`paths`), and when a day's is due (`monitors`).
//!
//! Invariant: what is not an index file is an error, never an index without rows. Every
//! line below the dashes is a row, a reported bad row, or blank.
//!
//! Source: sec.gov, "Accessing EDGAR Data", section "Using the EDGAR index files".

mod columns;
mod reader;

use std::fmt;

use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Filer, Filing, Source},
    form::Form,
    time::{Date, Timestamp},
};

use crate::{error::IndexError, join::Joined, paths, text::latin1};
use columns::{Columns, Fields};
pub use reader::{Reader, Summary};

/// How an index is sorted and laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// By CIK, with bars between the columns: the one to prefer.
    Master,
    /// By form, in fixed columns.
    Form,
    /// By company, in fixed columns.
    Company,
    /// By company, with the URL of the index page instead of the submission's path.
    Crawler,
}

impl Kind {
    /// As in the file's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Master => "master",
            Self::Form => "form",
            Self::Company => "company",
            Self::Crawler => "crawler",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// One index file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    /// Its kind.
    pub kind: Kind,
    /// The day up to which it is complete; absent in an excerpt without header.
    pub last_data_received: Option<Date>,
    /// Its rows as they stand.
    pub rows: Vec<Row>,
    /// Lines that make no sense.
    pub rejected: Vec<Rejected>,
}

/// One filer of one filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// The filer.
    pub cik: Cik,
    /// Its name.
    pub name: String,
    /// The form of the filing.
    pub form: Form,
    /// The official filing date: in a daily index not always the day of the index.
    pub filed_on: Date,
    /// The file as listed: a path without a leading slash, or a URL in a crawler index.
    pub path: String,
    /// The filing.
    pub accession: Accession,
}

/// A line that could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rejected {
    /// Its number in the file, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: RejectReason,
}

/// Why a line could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Not the number of columns.
    Columns,
    /// No CIK.
    Cik,
    /// No form.
    Form,
    /// No date.
    Date,
    /// No file of a filing: the line may be cut.
    Path,
}

impl RejectReason {
    /// As a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Columns => "columns",
            Self::Cik => "cik",
            Self::Form => "form",
            Self::Date => "date",
            Self::Path => "path",
        }
    }
}

/// Reads an index file of any kind, daily or quarterly.
///
/// # Errors
/// [`IndexError`] when `bytes` are not an index file or mostly damaged. A few bad rows
/// are in [`Index::rejected`] instead.
pub fn parse(bytes: &[u8]) -> Result<Index, IndexError> {
    let mut rows = Vec::new();
    let mut reader = Reader::new();
    reader.push(bytes, &mut |row| rows.push(row))?;
    let summary = reader.finish(&mut |row| rows.push(row))?;
    Ok(Index {
        kind: summary.kind,
        last_data_received: summary.last_data_received,
        rows,
        rejected: summary.rejected,
    })
}

/// Reads a master index.
///
/// # Errors
/// As [`parse`], and [`IndexError::NotMaster`] for an index of another kind.
pub fn parse_master(bytes: &[u8]) -> Result<Index, IndexError> {
    let index = parse(bytes)?;
    match index.kind {
        Kind::Master => Ok(index),
        other => Err(IndexError::NotMaster(other)),
    }
}

/// Joins the rows of each accession to one filing, in order of first appearance.
///
/// A quarter's index can have several rows with other forms for one accession; the
/// first one's form is kept.
pub fn join(
    rows: impl IntoIterator<Item = Row>,
    seen_at: Timestamp,
    source: Source,
) -> Vec<Filing> {
    let mut joined = Joined::default();
    for row in rows {
        let filing = joined.filing(row.accession, || {
            Filing::new(row.accession, row.form, source, seen_at)
        });
        filing.filed_on = filing.filed_on.or(Some(row.filed_on));
        joined.add_filer(row.accession, Filer::new(row.cik, row.name, None));
    }
    joined.finish()
}

fn read_row(columns: &Columns, line: &[u8]) -> Result<Row, RejectReason> {
    let fields: Fields<'_> = columns.split(line).ok_or(RejectReason::Columns)?;
    let path = text(fields.path);
    Ok(Row {
        cik: text(fields.cik).parse().map_err(|_| RejectReason::Cik)?,
        name: text(fields.name),
        form: text(fields.form).parse().map_err(|_| RejectReason::Form)?,
        filed_on: date(fields.date).ok_or(RejectReason::Date)?,
        accession: accession(&path).ok_or(RejectReason::Path)?,
        path,
    })
}

/// The accession of `…/0001999999-26-000042.txt` or `…-index.htm`. A cut path has none.
fn accession(path: &str) -> Option<Accession> {
    const ENDS: [&str; 3] = [".txt", "-index.htm", "-index.html"];
    let is_whole = ENDS.iter().any(|end| path.ends_with(end));
    is_whole.then(|| paths::accession_in(path))?
}

/// `20260303` or `2026-03-03`.
fn date(field: &[u8]) -> Option<Date> {
    let text = text(field);
    match text.len() {
        8 if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        10 => text.parse().ok(),
        _ => None,
    }
}

/// `Last Data Received:    March 31, 2021`, or with the month cut to three letters.
fn last_data_received(line: &[u8]) -> Option<Date> {
    let day = text(line.strip_prefix(b"Last Data Received:")?);
    let words: Vec<&str> = day.split([' ', ',']).filter(|w| !w.is_empty()).collect();
    let [month, day, year] = words.as_slice() else {
        return None;
    };
    let month = month.get(..3)?;
    Date::strptime("%b %d %Y", format!("{month} {day} {year}")).ok()
}

fn is_dashes(line: &[u8]) -> bool {
    const SHORTEST: usize = 20;
    line.len() >= SHORTEST && line.iter().all(|byte| *byte == b'-')
}

fn text(field: &[u8]) -> String {
    latin1(field.trim_ascii())
}

#[cfg(test)]
mod tests;
