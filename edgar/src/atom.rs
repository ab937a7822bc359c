//! The feed of latest filings, an Atom page with EDGAR's own grammar in its texts.
//!
//! [`parse`] reads a page into entries, one for each filer of a filing, and [`join`]
//! makes filings of them. The envelope is in `envelope`, the grammar of titles and
//! summaries in `title` and `summary`. Elsewhere: asking for pages, and how many
//! (`monitors`).
//!
//! Invariant: what is not a whole feed is an error, never an empty page. An entry is
//! either read or reported as rejected.

mod envelope;
mod summary;
mod title;

use feed_rs::model;
use protocol::{
    accession::Accession,
    filing::{Filer, Filing, Source},
    form::Form,
    time::{Date, Timestamp},
};

use crate::{
    error::AtomError,
    join::{Joined, add_items},
    paths,
    text::excerpt,
};

/// One page of the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// When EDGAR made the page.
    pub updated: Option<Timestamp>,
    /// Its entries as they stand: the latest acceptance first, as a rule.
    pub entries: Vec<Entry>,
    /// What stands between them and makes no sense.
    pub rejected: Vec<Rejected>,
}

/// One filer of one filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The filing.
    pub accession: Accession,
    /// Its form.
    pub form: Form,
    /// Number, name and role of the filer; no role if EDGAR names one we do not know.
    pub filer: Filer,
    /// The official filing date, which may be weeks away from the acceptance.
    pub filed_on: Option<Date>,
    /// When EDGAR accepted it: not when it became public. The feed is in this order.
    pub accepted_at: Option<Timestamp>,
    /// About the bytes of the submission; EDGAR rounds to KB and MB.
    pub size_bytes: Option<u64>,
    /// Item codes, such as `5.02` or `3C.7`, without their titles.
    pub items: Vec<String>,
    /// Film number, given for filings on paper.
    pub film: Option<String>,
    /// Address of the index page, as the feed has it; may be empty.
    pub link: String,
}

/// An entry that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The id and title, cut.
    pub what: String,
    /// What is wrong with it.
    pub reason: RejectReason,
}

/// Why an entry could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Not XML.
    Malformed,
    /// No accession number in id, summary or link.
    NoAccession,
    /// No form in category or title.
    NoForm,
    /// No CIK in title or link.
    NoCik,
}

impl RejectReason {
    /// As a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NoAccession => "no_accession",
            Self::NoForm => "no_form",
            Self::NoCik => "no_cik",
        }
    }
}

/// Reads one page of the feed.
///
/// # Errors
/// [`AtomError`] when `bytes` are not one whole Atom feed. A single broken entry is
/// in [`Page::rejected`] instead.
pub fn parse(bytes: &[u8]) -> Result<Page, AtomError> {
    let envelope = envelope::read(bytes)?;
    let mut page = Page {
        updated: envelope.updated,
        entries: Vec::with_capacity(envelope.entries.len()),
        rejected: envelope.malformed.into_iter().map(malformed).collect(),
    };
    for entry in envelope.entries {
        match read_entry(&entry) {
            Ok(read) => page.entries.push(read),
            Err(reason) => page.rejected.push(reject(&entry, reason)),
        }
    }
    Ok(page)
}

/// Joins the entries of each accession to one filing, in order of first appearance.
///
/// Entries may come from several pages: a filing can straddle two of them. The feed
/// lists a fund once for each of its file numbers; a filer is kept once in each role.
pub fn join(
    entries: impl IntoIterator<Item = Entry>,
    seen_at: Timestamp,
    source: Source,
) -> Vec<Filing> {
    let mut joined = Joined::default();
    for entry in entries {
        let accession = entry.accession;
        let filing = joined.filing(accession, || {
            Filing::new(accession, entry.form, source, seen_at)
        });
        filing.filed_on = filing.filed_on.or(entry.filed_on);
        filing.accepted_at = filing.accepted_at.or(entry.accepted_at);
        filing.size_bytes = filing.size_bytes.or(entry.size_bytes);
        add_items(&mut filing.items, entry.items);
        joined.add_filer(accession, entry.filer);
    }
    joined.finish()
}

fn read_entry(entry: &model::Entry) -> Result<Entry, RejectReason> {
    let term = entry.categories.first().map_or("", |c| c.term.as_str());
    let link = entry.links.first().map_or("", |link| link.href.as_str());
    let title = title::read(text(&entry.title), term);
    let summary = summary::read(text(&entry.summary));

    let accession = accession_of_id(&entry.id)
        .or(summary.accession)
        .or_else(|| paths::accession_in(link))
        .ok_or(RejectReason::NoAccession)?;
    let form = title.form.parse().map_err(|_| RejectReason::NoForm)?;
    let cik = title.cik.or_else(|| paths::cik_in(link));
    let cik = cik.ok_or(RejectReason::NoCik)?;

    Ok(Entry {
        accession,
        form,
        filer: Filer::new(cik, title.name, title.role),
        filed_on: summary.filed_on,
        accepted_at: entry
            .updated
            .and_then(|time| envelope::timestamp(time.timestamp())),
        size_bytes: summary.size_bytes,
        items: summary.items,
        film: summary.film,
        link: link.to_owned(),
    })
}

/// The accession in `urn:tag:sec.gov,2008:accession-number=…`.
fn accession_of_id(id: &str) -> Option<Accession> {
    let (_, accession) = id.rsplit_once("accession-number=")?;
    accession.trim().parse().ok()
}

fn text(text: &Option<model::Text>) -> &str {
    text.as_ref().map_or("", |text| text.content.as_str())
}

fn malformed(entry: String) -> Rejected {
    Rejected {
        what: entry,
        reason: RejectReason::Malformed,
    }
}

fn reject(entry: &model::Entry, reason: RejectReason) -> Rejected {
    Rejected {
        what: excerpt(&format!("{} {}", entry.id, text(&entry.title))),
        reason,
    }
}

#[cfg(test)]
mod tests;
