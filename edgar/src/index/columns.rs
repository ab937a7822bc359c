//! The columns of an index file: bars, or fixed positions that are not quite fixed.
//!
//! In a fixed-width row the file, the date and the CIK hold no blanks and are taken from
//! the right. Form and name remain; EDGAR lets long forms spill over their column, so
//! its position is only believed where a blank stands before it.

use memchr::memmem;

use super::Kind;

/// Where the columns are.
#[derive(Debug)]
pub(super) enum Columns {
    /// `CIK|Company Name|Form Type|Date Filed|File Name`.
    Bars,
    /// Form first; the name begins at this byte.
    FormFirst(usize),
    /// Name first; the form begins at this byte.
    NameFirst(usize, Kind),
}

/// The columns of one row, as bytes.
pub(super) struct Fields<'a> {
    pub(super) cik: &'a [u8],
    pub(super) name: &'a [u8],
    pub(super) form: &'a [u8],
    pub(super) date: &'a [u8],
    pub(super) path: &'a [u8],
}

const FORM: &[u8] = b"Form Type";
const NAME: &[u8] = b"Company Name";

impl Columns {
    /// Reads the heading, the last of `lines`; daily files break it over two.
    pub(super) fn of_heading(lines: &[&[u8]]) -> Option<Self> {
        let is_heading = |line: &&&[u8]| memmem::find(line, FORM).is_some();
        let (heading, last) = (lines.iter().rev().take(2).find(is_heading)?, lines.last()?);
        let form = memmem::find(heading, FORM)?;
        let name = memmem::find(heading, NAME)?;
        if heading.contains(&b'|') {
            return Some(Self::Bars);
        }
        if form < name {
            return Some(Self::FormFirst(name));
        }
        let kind = if last.trim_ascii_end().ends_with(b"URL") {
            Kind::Crawler
        } else {
            Kind::Company
        };
        Some(Self::NameFirst(form, kind))
    }

    /// The kind of file that has such columns.
    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Bars => Kind::Master,
            Self::FormFirst(_) => Kind::Form,
            Self::NameFirst(_, kind) => *kind,
        }
    }

    /// The fields of a row without blanks at its end; `None` if it has fewer.
    pub(super) fn split<'a>(&self, line: &'a [u8]) -> Option<Fields<'a>> {
        match *self {
            Self::Bars => split_at_bars(line),
            Self::FormFirst(at) => split_from_right(line, |rest| halves(rest, at, first_gap(rest))),
            Self::NameFirst(at, _) => split_from_right(line, |rest| {
                let (name, form) = halves(rest, at, last_gap(rest))?;
                Some((form, name))
            }),
        }
    }
}

/// A name may hold a bar, so the columns behind it are taken from the right.
fn split_at_bars(line: &[u8]) -> Option<Fields<'_>> {
    let mut from_right = line.rsplitn(4, |byte| *byte == b'|');
    let (path, date, form) = (from_right.next()?, from_right.next()?, from_right.next()?);
    let rest = from_right.next()?;
    let bar = memchr::memchr(b'|', rest)?;
    Some(Fields {
        cik: &rest[..bar],
        name: &rest[bar + 1..],
        form,
        date,
        path,
    })
}

fn split_from_right<'a>(
    line: &'a [u8],
    form_and_name: impl FnOnce(&'a [u8]) -> Option<(&'a [u8], &'a [u8])>,
) -> Option<Fields<'a>> {
    let (rest, path) = last_word(line)?;
    let (rest, date) = last_word(rest)?;
    let (rest, cik) = last_word(rest)?;
    let (form, name) = form_and_name(rest)?;
    Some(Fields {
        cik,
        name,
        form,
        date,
        path,
    })
}

/// Splits off the last word; the rest ends without blanks.
fn last_word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let blank = memchr::memrchr(b' ', text)?;
    Some((text[..blank].trim_ascii_end(), &text[blank + 1..]))
}

/// Splits at the byte the heading tells if a column ends there, else at the gap.
fn halves(rest: &[u8], at: usize, gap: Option<usize>) -> Option<(&[u8], &[u8])> {
    let starts_column = |at: usize| {
        at > 0 && rest.get(at - 1) == Some(&b' ') && rest.get(at).is_some_and(|b| *b != b' ')
    };
    let at = if starts_column(at) { at } else { gap? };
    Some(rest.split_at(at))
}

fn first_gap(rest: &[u8]) -> Option<usize> {
    memmem::find(rest, b"  ")
}

fn last_gap(rest: &[u8]) -> Option<usize> {
    memmem::rfind(rest, b"  ")
}
