//! Answers of the full-text search index, EFTS.
//!
//! [`parse`] reads one answer, of the schema of 2020 or of today; [`join`] makes filings
//! of its hits. A hit is a document, not a filing. Elsewhere: the query (`paths`), and
//! paging through a day (`monitors`).
//!
//! Invariant: an answer without a total is an error, never an empty answer. Any other
//! value may be null, missing or of another type without harm.

mod names;

use std::collections::{BTreeMap, HashSet};

use protocol::{
    accession::Accession,
    cik::Cik,
    filing::{Filer, Filing, Source},
    form::Form,
    time::{Date, Timestamp},
};
use serde_json::Value;

use crate::{
    error::EftsError,
    join::{Joined, add_items},
    text::{excerpt, excerpt_of_bytes},
};

/// One answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// How many documents match.
    pub total: Total,
    /// Those of this page.
    pub hits: Vec<Hit>,
    /// What stands between them and makes no sense.
    pub rejected: Vec<Rejected>,
    /// Documents of each root form, the most frequent first, at most thirty.
    pub form_buckets: Vec<(String, u64)>,
    /// Documents of the forms beyond those thirty.
    pub other_forms: u64,
}

/// How many documents match.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number, at most 10,000.
    pub value: u64,
    /// Whether there are more than that.
    pub saturated: bool,
}

/// One document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hit {
    /// Its filing.
    pub accession: Accession,
    /// The form of its filing.
    pub form: Form,
    /// Whose filing it is; roles are not told.
    pub filers: Vec<Filer>,
    /// The official filing date.
    pub filed_on: Option<Date>,
    /// Item codes.
    pub items: Vec<String>,
    /// Its document type, such as `EX-99.1`.
    pub file_type: Option<String>,
    /// Its place in the submission.
    pub sequence: Option<u32>,
    /// Its file name.
    pub filename: Option<String>,
    /// The date the filing is about.
    pub period: Option<Date>,
}

/// A hit that could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// Its `_id`, cut.
    pub id: String,
    /// What is wrong with it.
    pub reason: RejectReason,
}

/// Why a hit could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// No accession number in `adsh` or `_id`.
    NoAccession,
    /// No form.
    NoForm,
}

/// More than any answer has: a hundred hits are about 200 kB.
const MAX_BYTES: usize = 16 << 20;

impl RejectReason {
    /// As a label of metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoAccession => "no_accession",
            Self::NoForm => "no_form",
        }
    }
}

impl Answer {
    /// How many documents match, also where the total stops at 10,000.
    ///
    /// The counts by form are approximate on EDGAR's side when there are many.
    pub fn true_total(&self) -> u64 {
        if !self.total.saturated {
            return self.total.value;
        }
        let buckets = self.form_buckets.iter().map(|(_, count)| *count);
        let counted = buckets.fold(self.other_forms, u64::saturating_add);
        counted.max(self.total.value)
    }
}

/// Reads one answer.
///
/// # Errors
/// [`EftsError`] when `bytes` are no answer, tell of an error or lack the total. A single
/// odd hit is in [`Answer::rejected`] instead.
pub fn parse(bytes: &[u8]) -> Result<Answer, EftsError> {
    if bytes.len() > MAX_BYTES {
        let bytes = bytes.len();
        return Err(EftsError::TooLarge { bytes });
    }
    let answer: Value = serde_json::from_slice(bytes).map_err(|cause| EftsError::NotAnAnswer {
        begins: excerpt_of_bytes(bytes),
        cause,
    })?;
    if let Some(error) = answer.get("error").filter(|error| !error.is_null()) {
        let message = error
            .as_str()
            .map_or_else(|| error.to_string(), str::to_owned);
        let message = excerpt(&message);
        return Err(EftsError::Refused { message });
    }
    let total = total(&answer["hits"]["total"]).ok_or(EftsError::NoTotal)?;
    Ok(read_answer(&answer, total))
}

/// Joins the hits of each accession to one filing, in order of first appearance.
pub fn join(hits: impl IntoIterator<Item = Hit>, seen_at: Timestamp) -> Vec<Filing> {
    let mut joined = Joined::default();
    for hit in hits {
        let accession = hit.accession;
        let filing = joined.filing(accession, || {
            Filing::new(accession, hit.form, Source::Efts, seen_at)
        });
        filing.filed_on = filing.filed_on.or(hit.filed_on);
        filing.period = filing.period.or(hit.period);
        add_items(&mut filing.items, hit.items);
        for filer in hit.filers {
            joined.add_filer(accession, filer);
        }
    }
    joined.finish()
}

fn read_answer(answer: &Value, total: Total) -> Answer {
    let forms = &answer["aggregations"]["form_filter"];
    let mut read = Answer {
        total,
        hits: Vec::new(),
        rejected: Vec::new(),
        form_buckets: elements(&forms["buckets"]).filter_map(bucket).collect(),
        other_forms: forms["sum_other_doc_count"].as_u64().unwrap_or(0),
    };
    for hit in elements(&answer["hits"]["hits"]) {
        match read_hit(hit) {
            Ok(hit) => read.hits.push(hit),
            Err(reason) => read.rejected.push(Rejected {
                id: excerpt(text(hit, "_id").unwrap_or_default()),
                reason,
            }),
        }
    }
    read
}

/// An object of value and relation; a bare number in the oldest answers.
fn total(total: &Value) -> Option<Total> {
    let value = total.as_u64().or_else(|| total.get("value")?.as_u64())?;
    let saturated = text(total, "relation") == Some("gte");
    Some(Total { value, saturated })
}

fn bucket(bucket: &Value) -> Option<(String, u64)> {
    let form = text(bucket, "key")?.to_owned();
    Some((form, bucket["doc_count"].as_u64()?))
}

fn read_hit(hit: &Value) -> Result<Hit, RejectReason> {
    let source = &hit["_source"];
    let (of_id, filename) = split_id(text(hit, "_id").unwrap_or_default());
    let adsh = text(source, "adsh").and_then(|adsh| adsh.parse().ok());
    Ok(Hit {
        accession: adsh.or(of_id).ok_or(RejectReason::NoAccession)?,
        form: form(source).ok_or(RejectReason::NoForm)?,
        filers: filers(source),
        filed_on: date(source, "file_date"),
        items: texts(source, "items").map(str::to_owned).collect(),
        file_type: text(source, "file_type").map(str::to_owned),
        sequence: sequence(&source["sequence"]),
        filename,
        period: date(source, "period_ending"),
    })
}

/// Splits `0001999999-26-000042:quay-20260303.htm`.
fn split_id(id: &str) -> (Option<Accession>, Option<String>) {
    let (accession, filename) = id.split_once(':').unwrap_or((id, ""));
    let filename = (!filename.is_empty()).then(|| filename.to_owned());
    (accession.parse().ok(), filename)
}

/// The form of the submission; the root form where an old answer has no other.
fn form(source: &Value) -> Option<Form> {
    let candidates = ["form", "root_forms", "root_form"];
    let mut forms = candidates.iter().flat_map(|key| texts(source, key));
    forms.find_map(|form| form.parse().ok())
}

/// `ciks` decide who it is; `display_names`, in the same order, tell names and tickers.
fn filers(source: &Value) -> Vec<Filer> {
    let mut named: BTreeMap<Cik, Filer> = BTreeMap::new();
    for filer in texts(source, "display_names").filter_map(names::filer) {
        named.entry(filer.cik).or_insert(filer);
    }
    let mut listed: HashSet<Cik> = HashSet::new();
    let mut filers = Vec::new();
    for cik in texts(source, "ciks").filter_map(|cik| cik.parse().ok()) {
        if listed.insert(cik) {
            let filer = named.remove(&cik);
            filers.push(filer.unwrap_or_else(|| Filer::new(cik, "", None)));
        }
    }
    filers.extend(named.into_values());
    filers
}

fn sequence(sequence: &Value) -> Option<u32> {
    let number = sequence.as_u64().and_then(|number| number.try_into().ok());
    number.or_else(|| sequence.as_str()?.trim().parse().ok())
}

fn date(source: &Value, key: &str) -> Option<Date> {
    text(source, key)?.parse().ok()
}

fn text<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    texts(object, key).next()
}

/// The texts under `key`, of one or of a list, without empty ones.
fn texts<'a>(object: &'a Value, key: &str) -> impl Iterator<Item = &'a str> {
    let value = &object[key];
    let texts = value.as_str().into_iter();
    let texts = texts.chain(elements(value).filter_map(Value::as_str));
    texts.map(str::trim).filter(|text| !text.is_empty())
}

fn elements(list: &Value) -> impl Iterator<Item = &Value> {
    list.as_array().into_iter().flatten()
}

#[cfg(test)]
mod tests;
