//! Index files: what was disseminated on a day or in a quarter, one row per filer.
//!
//! Elsewhere: what is listed (`shelf::listing`), how it is laid out (`layout`).
//!
//! Invariant: a (CIK, accession number) pair has one row, whatever the Atom feed showed.
//! Source: recorded files of sec.gov.

mod layout;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::clock::eastern;
use crate::shelf::{Listing, Quarter, Shelf};
use crate::text::latin1;
pub(crate) use layout::Layout;

/// The name of an index file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) layout: Layout,
    pub(crate) period: Period,
    /// Ends in `.gz`.
    pub(crate) is_packed: bool,
}

/// What an index covers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Period {
    /// `daily-index/2026/QTR1/master.20260303.idx`.
    Day(Date),
    /// `full-index/2026/QTR1/master.idx`.
    Quarter(Quarter),
    /// `full-index/master.idx`.
    CurrentQuarter,
}

/// One row.
#[derive(Debug, PartialEq, Eq)]
struct Row<'a> {
    cik: u64,
    accession: &'a str,
    name: &'a str,
    form: &'static str,
    filed_on: Date,
}

impl Name {
    /// Reads the path below `/Archives/edgar/`; year and quarter must fit the day.
    pub(crate) fn parse(path: &str) -> Option<Self> {
        let parts: Vec<&str> = path.split('/').collect();
        match parts[..] {
            ["daily-index", year, folder, file] => {
                let (layout, day) = file.strip_suffix(".idx")?.split_once('.')?;
                let day = Date::strptime("%Y%m%d", day).ok()?;
                let fits = quarter(year, folder)? == Quarter::of(day);
                fits.then_some(Self::new(layout, Period::Day(day), false)?)
            }
            ["full-index", year, folder, file] => {
                Self::of_quarter(file, Period::Quarter(quarter(year, folder)?))
            }
            ["full-index", file] => Self::of_quarter(file, Period::CurrentQuarter),
            _ => None,
        }
    }

    fn of_quarter(file: &str, period: Period) -> Option<Self> {
        let (layout, ending) = file.split_once('.')?;
        let is_known = matches!(ending, "idx" | "gz");
        is_known.then_some(Self::new(layout, period, ending == "gz")?)
    }

    fn new(layout: &str, period: Period, is_packed: bool) -> Option<Self> {
        Some(Self {
            layout: Layout::parse(layout)?,
            period,
            is_packed,
        })
    }

    /// Whether it is the index of a day.
    pub(crate) fn is_daily(&self) -> bool {
        matches!(self.period, Period::Day(_))
    }

    /// What it lists; nothing while there is no such file.
    pub(crate) fn listing(&self, shelf: &Shelf, now: Timestamp) -> Option<Listing> {
        match self.period {
            Period::Day(day) => shelf.day_index(day),
            Period::Quarter(quarter) => shelf.quarter_index(quarter),
            Period::CurrentQuarter => shelf.quarter_index(Quarter::of(eastern(now).date())),
        }
    }
}

/// The text of the index `name`.
pub(crate) fn render(name: &Name, listing: &Listing) -> Vec<u8> {
    let mut rows = rows(listing);
    layout::sort(&mut rows, name.layout);
    let mut text = layout::head(name, listing.through);
    for row in &rows {
        text.push_str(&layout::line(name, row));
    }
    latin1(&text)
}

/// Changes the year in the header of an index.
pub(crate) fn make_of_another_day(text: &mut [u8]) {
    const FIELD: &[u8] = b"Last Data Received:";
    let field = text.windows(FIELD.len()).position(|bytes| bytes == FIELD);
    let line = text[field.unwrap_or(0)..]
        .split_mut(|byte| *byte == b'\n')
        .next();
    if let Some(digit) = line.and_then(|line| line.last_mut()) {
        *digit = if *digit == b'9' { b'0' } else { *digit + 1 };
    }
}

/// Takes the columns away in the middle of an index.
pub(crate) fn fill_with_rubbish(text: &mut [u8]) {
    let below_dashes = text.len() - text.len() / 3;
    for byte in &mut text[below_dashes..] {
        if matches!(byte, b'|' | b'/' | b' ') {
            *byte = 0;
        }
    }
}

/// Bytes of an index up to its rows, which follow a line of dashes.
pub(crate) fn length_of_head(text: &[u8]) -> usize {
    const DASHES: &[u8] = b"-----\n";
    let dashes = text.windows(DASHES.len()).position(|bytes| bytes == DASHES);
    dashes.map_or(text.len(), |dashes| dashes + DASHES.len())
}

fn quarter(year: &str, folder: &str) -> Option<Quarter> {
    let number = match folder {
        "QTR1" => 1,
        "QTR2" => 2,
        "QTR3" => 3,
        "QTR4" => 4,
        _ => return None,
    };
    let year = year.parse().ok().filter(|_| year.len() == 4)?;
    Some(Quarter { year, number })
}

fn rows(listing: &Listing) -> Vec<Row<'_>> {
    let filings = listing.filings.iter().map(|published| &published.filing);
    let rows = filings.flat_map(|filing| {
        filing.parties.iter().map(|party| Row {
            cik: party.filer.cik,
            accession: &filing.accession,
            name: &party.filer.name,
            form: filing.rule.form,
            filed_on: filing.filed_on,
        })
    });
    let mut rows: Vec<Row<'_>> = rows.collect();
    layout::sort(&mut rows, Layout::Master);
    rows.dedup();
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_must_lie_in_the_quarter_of_its_day() {
        let day = jiff::civil::date(2026, 3, 3);
        let name = |path: &str| Name::parse(&format!("daily-index/{path}"));

        assert_eq!(
            name("2026/QTR1/master.20260303.idx"),
            Some(Name {
                layout: Layout::Master,
                period: Period::Day(day),
                is_packed: false,
            })
        );
        assert_eq!(name("2026/QTR2/master.20260303.idx"), None);
        assert_eq!(name("2026/QTR1/crawler.20260303.idx"), None);
        assert_eq!(name("2026/QTR1/master.20260230.idx"), None);
        assert_eq!(name("2026/QTR1/master.20260303.gz"), None);
    }

    #[test]
    fn a_quarter_is_named_by_its_folder_or_is_the_current_one() {
        let packed = Name::parse("full-index/2026/QTR4/form.gz");
        let current = Name::parse("full-index/master.idx");

        let number = 4;
        let quarter = Quarter { year: 2026, number };
        assert!(
            packed.is_some_and(|name| name.period == Period::Quarter(quarter) && name.is_packed)
        );
        assert!(current.is_some_and(|name| name.period == Period::CurrentQuarter));
        for path in [
            "full-index/2026/QTR5/master.idx",
            "full-index/26/QTR1/master.idx",
            "full-index/master.Z",
        ] {
            assert_eq!(Name::parse(path), None, "{path}");
        }
    }
}
