//! The rows of an index in little memory: 24 bytes each, and each name once.
//!
//! A master index is in order of CIK, so the rows of one filer stand together, and those of
//! one filing do not. They are kept small until they are in order of accession.
//!
//! Elsewhere: what a filing takes over from its rows (`edgar::index::join`).
//!
//! Invariant: once sorted, rows of one accession stand together, in the order of the file.

use std::collections::HashMap;

use edgar::index::{self, Row};
use protocol::accession::Accession;
use protocol::cik::Cik;
use protocol::filing::Filing;
use protocol::form::Form;
use protocol::time::{Date, Timestamp};

use super::Origin;

/// All rows of an index.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rows {
    entries: Vec<Entry>,
    filers: Vec<(Cik, String)>,
    forms: Vec<Form>,
    by_form: HashMap<Form, u32>,
}

/// One row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Entry {
    accession: Accession,
    /// Its place in `filers`, which are in the order of the file.
    filer: u32,
    /// Its place in `forms`.
    form: u32,
    filed_on: Date,
}

impl Rows {
    /// Adds the next row of the file.
    pub(super) fn push(&mut self, row: Row) {
        let form = self.form(row.form);
        let filer = self.filer(row.cik, row.name);
        self.entries.push(Entry {
            accession: row.accession,
            filer,
            form,
            filed_on: row.filed_on,
        });
    }

    /// Brings the rows into order of accession.
    pub(super) fn sort(&mut self) {
        self.entries.sort_unstable();
        self.entries.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    /// The accessions, rising, once each.
    pub(super) fn accessions(&self) -> impl Iterator<Item = Accession> {
        self.filed().map(|rows| rows[0].accession)
    }

    /// The filings by accession, made as they are asked for.
    pub(super) fn filings(
        &self,
        seen_at: Timestamp,
        origin: Origin,
    ) -> impl Iterator<Item = Filing> {
        self.filed().flat_map(move |entries| {
            let rows = entries.iter().map(|entry| self.row(entry));
            let mut filings = index::join(rows, seen_at, origin.source);
            for filing in &mut filings {
                filing.late = origin.late;
            }
            filings
        })
    }

    /// The rows of each filing.
    fn filed(&self) -> impl Iterator<Item = &[Entry]> {
        let of_one = |a: &Entry, b: &Entry| a.accession == b.accession;
        self.entries.chunk_by(of_one)
    }

    fn row(&self, entry: &Entry) -> Row {
        let (cik, name) = &self.filers[entry.filer as usize];
        Row {
            cik: *cik,
            name: name.clone(),
            form: self.forms[entry.form as usize].clone(),
            filed_on: entry.filed_on,
            path: String::new(), // Follows from filer and accession.
            accession: entry.accession,
        }
    }

    fn filer(&mut self, cik: Cik, name: String) -> u32 {
        let is_same = |last: &(Cik, String)| last.0 == cik && last.1 == name;
        if !self.filers.last().is_some_and(is_same) {
            self.filers.push((cik, name));
        }
        place(self.filers.len())
    }

    fn form(&mut self, form: Form) -> u32 {
        if let Some(known) = self.by_form.get(&form) {
            return *known;
        }
        self.forms.push(form.clone());
        let place = place(self.forms.len());
        self.by_form.insert(form, place);
        place
    }
}

/// The place of the last of `count`, of which there are fewer than bytes in the largest file.
fn place(count: usize) -> u32 {
    u32::try_from(count - 1).expect("fewer rows than the largest file has bytes")
}
