//! The XBRL facts of a submission, read from the documents that have them.
//!
//! Elsewhere: which documents those are, and what a fact is (`edgar::xbrl`).
//! Invariant: in the whole process one report is read at a time, because it is in memory.

use std::{
    fmt,
    io::{self, Read},
    sync::{Mutex, PoisonError},
};

use edgar::xbrl::{self, Candidate, Fact, Report, Summary, XbrlError};

use super::Documents;

/// Bytes of one report that are read. The longest known is 45 MB; a report is in memory whole.
const MAX_REPORT: u64 = 64 * 1024 * 1024;

/// One report at a time.
static READING: Mutex<()> = Mutex::new(());

/// Why the facts of a report were not read, or not all of them.
#[derive(Debug)]
pub struct Unread {
    /// The file name of the report's first document.
    pub filename: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    TooLong(u64),
    Xbrl(XbrlError),
}

impl Documents {
    /// Whether a document has facts, as far as its beginning tells.
    pub fn have_facts(&self) -> bool {
        !self.reports().is_empty()
    }

    /// Tells every fact, one report after the other; gives what could not be read.
    ///
    /// # Errors
    /// Those of the scratch file and of `each`, after which nothing more is told.
    pub fn facts(
        &mut self,
        mut each: impl FnMut(&Fact<'_>) -> io::Result<()>,
    ) -> io::Result<Vec<Unread>> {
        let mut unread = Vec::new();
        for report in self.reports() {
            let mut failure = None;
            let tell = |fact: &Fact<'_>| {
                if failure.is_none() {
                    failure = each(fact).err();
                }
            };
            let (places, told) = self.tell(&report, tell)?;
            if let Some(failure) = failure {
                return Err(failure);
            }
            if let Err(why) = told {
                let filename = self.documents[places[0]].head.filename.clone();
                unread.push(Unread { filename, why });
            }
        }
        Ok(unread)
    }

    fn reports(&self) -> Vec<Report> {
        let documents = self.documents.iter().map(|document| Candidate {
            document_type: &document.head.document_type,
            filename: &document.head.filename,
            inline: document.inline,
        });
        xbrl::choose(&documents.collect::<Vec<_>>())
    }

    /// Tells the facts of one report, and in which documents it is.
    fn tell(
        &mut self,
        report: &Report,
        each: impl FnMut(&Fact<'_>),
    ) -> io::Result<(Vec<usize>, Result<Summary, Why>)> {
        let places = match report {
            Report::Instance(place) => vec![*place],
            Report::Inline(places) => places.clone(),
        };
        let lengths = places.iter().map(|place| self.documents[*place].size_bytes);
        let length: u64 = lengths.sum();
        if length > MAX_REPORT {
            return Ok((places, Err(Why::TooLong(length))));
        }
        let _one_at_a_time = READING.lock().unwrap_or_else(PoisonError::into_inner);
        let mut pages = Vec::with_capacity(places.len());
        for place in &places {
            let mut page = Vec::new();
            self.read(*place)?.read_to_end(&mut page)?;
            pages.push(page);
        }
        let pages: Vec<&[u8]> = pages.iter().map(Vec::as_slice).collect();
        let told = match report {
            Report::Instance(_) => xbrl::read_instance(pages[0], each),
            Report::Inline(_) => xbrl::read_inline(&pages, each),
        };
        Ok((places, told.map_err(Why::Xbrl)))
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "facts of {}: ", self.filename)?;
        match &self.why {
            Why::TooLong(bytes) => {
                write!(f, "{bytes} bytes, more than the {MAX_REPORT} that are read")
            }
            Why::Xbrl(error) => error.fmt(f),
        }
    }
}
