//! The information table, row by row.
//!
//! A table has up to a quarter of a million rows and more than a hundred megabytes, so it
//! never becomes a tree. Elsewhere: what a row holds (`holding`).
//!
//! Invariant: memory does not grow with the number of rows read, and a damaged row does
//! not lose the others.

use memchr::memmem;
use quick_xml::{
    Reader,
    events::{BytesStart, Event},
};

use super::{
    holding::{Draft, Field, Holding},
    unit::{Prices, ValueUnit},
};
use crate::xml::{
    append_text,
    document::{self, Document},
    flaw::{Flaws, FormError, Wrong},
    scope::Scope,
};

/// Rows read of a table.
///
/// Source: EDGAR Form 13F XML technical specification, `infoTable`, `maxOccurs`.
pub const MAX_ROWS: u32 = 250_000;

/// Deepest nesting followed; tables have four levels.
const MAX_DEPTH: usize = 64;
/// How often reading begins anew after broken markup. Each may look at all of the rest.
const MAX_RESUMPTIONS: u32 = 16;
/// Longest prefix and colon before the name of a row that is looked for after a break.
const MAX_PREFIX: usize = 64;

pub(super) const ROOT: &str = "informationTable";
pub(super) const NAMESPACES: &[&str] =
    &["http://www.sec.gov/edgar/document/thirteenf/informationtable"];
const ROW: &str = "infoTable";

/// An information table in memory.
pub struct Table<'a> {
    document: Document<'a>,
    /// The namespaces declared on its root.
    scope: Scope,
    /// Where its rows begin in the text.
    begins: usize,
    /// Whether the root is an empty element.
    is_empty: bool,
}

impl<'a> Table<'a> {
    /// Takes the bytes of a document of type `INFORMATION TABLE`.
    ///
    /// # Errors
    /// [`FormError::NotThisForm`] when its root is not an `informationTable`, as in the
    /// text tables before 2013.
    pub fn new(bytes: &'a [u8]) -> Result<Self, FormError> {
        let document = Document::new(bytes);
        let mut scope = Scope::new(NAMESPACES);
        let mut reader = document::reader(&document.text);
        if !document::enter_root(&mut reader, &mut scope, ROOT) {
            return Err(document.not_this_form());
        }
        let begins = reader.buffer_position() as usize;
        let is_empty = document.text[..begins].ends_with("/>");
        Ok(Self {
            document,
            scope,
            begins,
            is_empty,
        })
    }

    /// Its rows from the first on. [`Rows::flaws`] tells afterwards what was wrong.
    pub fn rows(&self) -> Rows<'_> {
        Rows {
            table: self,
            reader: document::reader(&self.document.text[self.begins..]),
            base: self.begins,
            scope: self.scope.clone(),
            draft: None,
            field: None,
            text: String::new(),
            count: 0,
            resumptions: 0,
            over: self.is_empty,
            unit: None,
            flaws: Flaws::default(),
        }
    }

    /// The prices that its values imply, to decide on their unit before reading the rows.
    pub fn prices(&self) -> Prices {
        let mut prices = Prices::default();
        for holding in self.rows() {
            prices.add(&holding);
        }
        prices
    }
}

/// The rows of a [`Table`], in order.
pub struct Rows<'t> {
    table: &'t Table<'t>,
    reader: Reader<&'t [u8]>,
    /// Where the reader began in the text.
    base: usize,
    scope: Scope,
    /// The open row.
    draft: Option<Draft>,
    /// The open element of it, if it is one that has a value, and its text so far.
    field: Option<Field>,
    text: String,
    count: u32,
    resumptions: u32,
    over: bool,
    unit: Option<ValueUnit>,
    flaws: Flaws,
}

impl Rows<'_> {
    /// The same with [`Holding::value_usd`] of every row.
    pub fn valued_in(mut self, unit: ValueUnit) -> Self {
        self.unit = Some(unit);
        self
    }

    /// What is wrong with the rows read so far.
    pub fn flaws(&self) -> Flaws {
        self.flaws.clone().located(&self.table.document)
    }

    fn here(&self) -> usize {
        self.base + self.reader.buffer_position() as usize
    }

    fn open(&mut self, tag: &BytesStart<'_>, position: usize) {
        self.field = None;
        let known = self.scope.enter(tag);
        if self.scope.depth() > MAX_DEPTH {
            return self.stop(position, Wrong::TooDeep);
        }
        if !known {
            return;
        }
        let name = tag.local_name();
        if name.as_ref() == ROW {
            self.open_row(position);
        } else if self.draft.is_some() {
            self.field = Field::named(name.as_ref());
            self.text.clear();
        }
    }

    fn open_row(&mut self, position: usize) {
        if self.count == MAX_ROWS {
            return self.stop(position, Wrong::TooMany(ROW));
        }
        self.count += 1;
        if let Some(unclosed) = self.draft.replace(Draft::at(position)) {
            self.flaws.add(unclosed.position, Wrong::Markup);
            self.scope.leave_to(self.table.scope.depth() + 1);
        }
    }

    /// Takes an end tag; one that closes a row completes it.
    fn close(&mut self, name: &str) -> Option<Holding> {
        self.scope.leave();
        if let (Some(field), Some(draft)) = (self.field.take(), &mut self.draft) {
            let position = draft.position;
            if field.element() == name {
                if !draft.set(field, &self.text) {
                    let wrong = Wrong::Unreadable(field.element());
                    self.flaws.add(position, wrong);
                }
                return None;
            }
            self.flaws.add(position, Wrong::Markup);
        }
        match name {
            ROW => {
                // Whatever the row left open is over with it.
                self.scope.leave_to(self.table.scope.depth());
                self.finish_row()
            }
            ROOT => {
                self.over = true;
                None
            }
            _ => None,
        }
    }

    fn finish_row(&mut self) -> Option<Holding> {
        let draft = self.draft.take()?;
        let position = draft.position;
        match draft.finish() {
            Ok(holding) => Some(Holding {
                value_usd: self.unit.and_then(|unit| unit.dollars(holding.value)),
                ..holding
            }),
            Err(missing) => {
                self.flaws.add(position, missing);
                None
            }
        }
    }

    /// Goes on with the next row after broken markup.
    fn resume(&mut self, broken: usize) {
        let row = self.draft.take().map(|row| row.position);
        self.flaws.add(row.unwrap_or(broken), Wrong::Markup);
        self.field = None;
        self.resumptions += 1;
        let text = &self.table.document.text;
        // Behind the row, or the tag, that cannot be read.
        let next = next_row(text, row.unwrap_or(broken) + 1);
        match next.filter(|_| self.resumptions <= MAX_RESUMPTIONS) {
            Some(next) => {
                self.base = next;
                self.reader = document::reader(&text[next..]);
                self.scope = self.table.scope.clone();
            }
            None => self.over = true,
        }
    }

    fn stop(&mut self, position: usize, wrong: Wrong) {
        self.flaws.add(position, wrong);
        self.over = true;
    }
}

impl Iterator for Rows<'_> {
    type Item = Holding;

    fn next(&mut self) -> Option<Holding> {
        while !self.over {
            let position = self.here();
            match self.reader.read_event() {
                Ok(Event::Start(tag)) => self.open(&tag, position),
                Ok(Event::End(tag)) => {
                    let holding = self.close(tag.local_name().as_ref());
                    if holding.is_some() {
                        return holding;
                    }
                }
                Ok(Event::Eof) => self.stop(position, Wrong::Cut),
                Ok(event) if self.field.is_some() => append_text(&mut self.text, &event),
                Ok(_) => {}
                Err(_) => self.resume(position),
            }
        }
        None
    }
}

/// Where the next start tag of a row begins, whatever its prefix.
fn next_row(text: &str, from: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let names = memmem::find_iter(bytes.get(from..)?, ROW);
    let is_name = |byte: &u8| byte.is_ascii_alphanumeric() || b":_-.".contains(byte);
    for name in names.map(|name| from + name) {
        let prefix = bytes[from..name]
            .iter()
            .rev()
            .take(MAX_PREFIX)
            .take_while(|byte| is_name(byte));
        let begins = name - prefix.count();
        if begins > from && bytes[begins - 1] == b'<' {
            return Some(begins - 1);
        }
    }
    None
}
