//! What a search asks for. Unknown parameters are ignored, as the real index does.

use jiff::civil::Date;
use serde_json::{Value, json};

use crate::query::Query;
use crate::world::{Document, Filing};

/// The most hits of one answer.
const PAGE: usize = 100;

/// A search.
#[derive(Debug)]
pub(super) struct Search {
    pub(super) from: usize,
    pub(super) size: usize,
    phrase: Option<String>,
    forms: Vec<String>,
    without: Vec<String>,
    primary_only: bool,
    forms_given: bool,
    ciks: Vec<u64>,
    states: Vec<String>,
    since: Option<Date>,
    until: Option<Date>,
}

impl Search {
    /// Reads the parameters of a request.
    pub(super) fn of(query: &Query) -> Self {
        let forms = query.list("forms");
        let owned = |values: Vec<&str>| values.into_iter().map(str::to_owned).collect::<Vec<_>>();
        let date = |name| query.get(name).and_then(|text| text.parse().ok());
        let page = query.number("page").unwrap_or(1).max(1);
        Self {
            from: query
                .number("from")
                .unwrap_or((page - 1).saturating_mul(PAGE))
                .min(1_000_000),
            size: query.number("size").unwrap_or(PAGE).min(PAGE),
            phrase: query
                .get("q")
                .map(|phrase| phrase.trim_matches('"').to_lowercase()),
            without: forms
                .iter()
                .filter_map(|form| form.strip_prefix('-'))
                .filter(|form| *form != "0")
                .map(str::to_owned)
                .collect(),
            primary_only: forms.contains(&"-0"),
            forms_given: !forms.is_empty(),
            forms: owned(
                forms
                    .into_iter()
                    .filter(|form| !form.starts_with('-'))
                    .collect(),
            ),
            ciks: query
                .list("ciks")
                .iter()
                .filter_map(|cik| cik.parse().ok())
                .collect(),
            states: owned(query.list("locationCodes")),
            since: date("startdt"),
            until: date("enddt"),
        }
    }

    /// Whether nothing narrows it, which is not allowed; dates alone do not.
    pub(super) fn is_blank(&self) -> bool {
        self.phrase.is_none() && !self.forms_given && self.ciks.is_empty() && self.states.is_empty()
    }

    /// Whether documents of `filing` are hits.
    pub(super) fn wants(&self, filing: &Filing) -> bool {
        self.wants_form(filing)
            && self.wants_day(filing.filed_on)
            && self.wants_party(filing)
            && self.wants_text(filing)
    }

    /// `-0` leaves only primary documents.
    pub(super) fn wants_document(&self, document: &Document) -> bool {
        !self.primary_only || document.sequence == 1
    }

    /// The query as compiled, which the answer repeats.
    pub(super) fn echo(&self) -> Value {
        let mut filter = Vec::new();
        if !self.forms.is_empty() {
            filter.push(json!({"terms": {"root_forms": self.forms}}));
        }
        if self.primary_only {
            filter.push(json!({"term": {"sequence": {"value": 1}}}));
        }
        if let (Some(since), Some(until)) = (self.since, self.until) {
            filter.push(json!({"range": {"file_date": {"gte": since.to_string(), "lte": until.to_string()}}}));
        }
        json!({
            "_source": {"exclude": ["doc_text"]},
            "query": {"bool": {"must": [], "must_not": [], "should": [], "filter": filter}},
            "from": self.from,
            "size": self.size,
            "sort": [{"file_date": {"order": "desc"}}],
        })
    }

    /// `8-K` means the root form, so 8-K/A too; `8-K/A` means just that.
    fn wants_form(&self, filing: &Filing) -> bool {
        let is = |form: &String| filing.rule.form == form || filing.rule.root() == form;
        (self.forms.is_empty() || self.forms.iter().any(is)) && !self.without.iter().any(is)
    }

    fn wants_day(&self, day: Date) -> bool {
        self.since.is_none_or(|since| since <= day) && self.until.is_none_or(|until| day <= until)
    }

    fn wants_party(&self, filing: &Filing) -> bool {
        let filers = || filing.parties.iter().map(|party| &party.filer);
        let cik = self.ciks.is_empty() || filers().any(|filer| self.ciks.contains(&filer.cik));
        let state = self.states.is_empty()
            || filers().any(|filer| self.states.iter().any(|state| state == filer.address.state));
        cik && state
    }

    /// The text searched is short: the accession number, the names, the items.
    fn wants_text(&self, filing: &Filing) -> bool {
        let Some(phrase) = &self.phrase else {
            return true;
        };
        let in_names = filing
            .parties
            .iter()
            .any(|party| party.filer.name.to_lowercase().contains(phrase));
        let in_items = filing
            .items
            .iter()
            .any(|item| item.title.to_lowercase().contains(phrase));
        filing.accession == *phrase || in_names || in_items
    }
}
