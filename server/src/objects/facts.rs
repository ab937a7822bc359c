//! The XBRL facts of a submission, read from the documents that have them.
//!
//! Elsewhere: which documents those are, and what a fact is (`edgar::xbrl`).
//! Invariant: what is told is no more than [`MAX_TOLD`] for one report, though a few bytes may
//! be the context of a million facts.

use std::{
    fmt,
    io::{self, Read},
};

use edgar::xbrl::{self, Candidate, Fact, Flaws, Period, Report, Summary, XbrlError};

use super::Documents;

/// Bytes of one report that are read, for it is in memory whole. The longest recorded page
/// has 16 MB.
const MAX_REPORT: u64 = 64 * 1024 * 1024;

/// Bytes told of one report, eight times those that are read.
const MAX_TOLD: u64 = 512 * 1024 * 1024;

/// Why the facts of a report were not read, or not all of them, or not well.
#[derive(Debug)]
pub struct Unread {
    /// The file name of the report's first document.
    pub filename: String,
    why: Why,
}

#[derive(Debug)]
enum Why {
    TooLong(u64),
    TooMuch,
    Flawed(Box<Flaws>),
    Xbrl(XbrlError),
}

impl Unread {
    /// Whether facts are lacking, and not only told as they were found.
    pub fn is_lacking(&self) -> bool {
        !matches!(self.why, Why::Flawed(_))
    }
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
            let (mut failure, mut told_bytes) = (None, 0);
            let tell = |fact: &Fact<'_>| {
                told_bytes += length(fact);
                if failure.is_none() && told_bytes <= MAX_TOLD {
                    failure = each(fact).err();
                }
            };
            let (places, told) = self.tell(&report, tell)?;
            if let Some(failure) = failure {
                return Err(failure);
            }
            let why = match told {
                _ if told_bytes > MAX_TOLD => Some(Why::TooMuch),
                Ok(summary) if summary.flaws.is_empty() => None,
                Ok(summary) => Some(Why::Flawed(Box::new(summary.flaws))),
                Err(why) => Some(why),
            };
            if let Some(why) = why {
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

/// Bytes of what is told of a fact.
fn length(fact: &Fact<'_>) -> u64 {
    let dimensions = fact.dimensions.iter();
    let dimensions: usize = dimensions
        .map(|(axis, member)| axis.len() + member.len())
        .sum();
    let period = match fact.period {
        Some(Period::Instant(day)) => day.len(),
        Some(Period::Duration { start, end }) => start.len() + end.len(),
        Some(Period::Forever) | None => 0,
    };
    let texts = [fact.value, fact.unit, fact.decimals];
    let texts: usize = texts.into_iter().flatten().map(str::len).sum();
    (fact.taxonomy.len() + fact.concept.len() + period + texts + dimensions) as u64
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "facts of {}: ", self.filename)?;
        match &self.why {
            Why::TooLong(bytes) => {
                write!(f, "{bytes} bytes, more than the {MAX_REPORT} that are read")
            }
            Why::TooMuch => write!(
                f,
                "more than {MAX_TOLD} bytes of facts; the rest is left out"
            ),
            Why::Flawed(flaws) => {
                let all = flaws.iter().map(|(flaw, met)| {
                    format!("{flaw} ({} times, first at byte {})", met.times, met.offset)
                });
                f.write_str(&all.collect::<Vec<_>>().join(", "))
            }
            Why::Xbrl(error) => error.fmt(f),
        }
    }
}
