//! The full-text search index, `/LATEST/search-index`: one hit per document.
//!
//! Elsewhere: what is asked for (`efts::search`), when a filing is found (`shelf`).
//!
//! Invariant: only the first 10,000 hits can be reached, and the total says so.
//! Source: recorded answers of efts.sec.gov.

mod search;

use std::collections::HashMap;
use std::sync::Arc;

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::query::Query;
use crate::random::digest;
use crate::shelf::{Filings, Published};
use crate::world::{Document, Filer, Filing, Primary};
use search::Search;

/// Hits beyond this are counted but cannot be reached.
const WINDOW: usize = 10_000;
/// Buckets per aggregation.
const BUCKETS: usize = 30;

/// Answers a search at `now`.
pub(crate) fn answer(filings: &Filings, now: Timestamp, seed: u64, query: &Query) -> Answer {
    let search = Search::of(query);
    if search.is_blank() {
        let error =
            "Blank search not valid. Please provide a search term, company, form or location.";
        return json_answer(&json!({"error": error, "hits": {"hits": []}}));
    }
    if search.from + search.size > WINDOW {
        return json_answer(
            &json!({"took": 3, "timed_out": false, "_shards": shards(), "hits": {"max_score": null, "hits": []}}),
        );
    }
    let mut matches = matches(filings, now, &search);
    arrange(&mut matches, seed);
    let page = matches
        .iter()
        .skip(search.from)
        .take(search.size)
        .map(|(filing, document)| hit(filing, document));
    let total = json!({"value": matches.len().min(WINDOW), "relation": if matches.len() > WINDOW { "gte" } else { "eq" }});
    json_answer(&json!({
        "took": 20 + matches.len() % 60,
        "timed_out": false,
        "_shards": shards(),
        "hits": {"total": total, "max_score": null, "hits": page.collect::<Vec<_>>()},
        "aggregations": aggregations(&matches),
        "query": search.echo(),
    }))
}

type Match<'a> = (&'a Filing, &'a Document);

/// Every searchable document that matches.
fn matches<'a>(filings: &'a [Arc<Published>], now: Timestamp, search: &Search) -> Vec<Match<'a>> {
    let mut matches = Vec::new();
    let is_searchable = |published: &&Arc<Published>| {
        let searchable = published.stages.searchable.is_some_and(|at| at <= now);
        searchable && !published.is_withdrawn(now)
    };
    for published in filings.iter().filter(is_searchable) {
        let filing = &published.filing;
        if !search.wants(filing) {
            continue;
        }
        let documents = filing
            .documents
            .iter()
            .filter(|document| search.wants_document(document));
        matches.extend(documents.map(|document| (filing, document)));
    }
    matches
}

/// Newest filing date first; within a day in no order anyone can rely on.
fn arrange(matches: &mut [Match<'_>], seed: u64) {
    matches.sort_by_cached_key(|(filing, document)| {
        let shuffled = digest(&filing.accession)
            .wrapping_mul(seed | 1)
            .rotate_left(document.sequence);
        (std::cmp::Reverse(filing.filed_on), shuffled)
    });
}

fn hit(filing: &Filing, document: &Document) -> Value {
    let midnight = filing
        .filed_on
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map(|day| day.timestamp().as_millisecond());
    let mut source = source(filing, document);
    if let (1, Primary::Xml { xsl }) = (document.sequence, filing.rule.primary) {
        source["xsl"] = json!(xsl);
        source["schema_version"] = json!("X0508");
    }
    json!({
        "_index": "edgar_file",
        "_id": format!("{}:{}", filing.accession, document.filename),
        "_score": null,
        "_source": source,
        "sort": [midnight.unwrap_or_default()],
    })
}

fn source(filing: &Filing, document: &Document) -> Value {
    let filers = filers(filing);
    let of =
        |field: fn(&Filer) -> String| filers.iter().map(|filer| field(filer)).collect::<Vec<_>>();
    let numbered = || {
        filing
            .parties
            .iter()
            .filter(|party| !party.file_number.is_empty())
    };
    let year = filing.filed_on.year() % 100;
    let industries = filers.iter().filter_map(|filer| filer.industry);
    json!({
        "ciks": of(|filer| format!("{:010}", filer.cik)),
        "period_ending": filing.period.map(|period| period.to_string()),
        "file_num": numbered().map(|party| party.file_number.as_str()).collect::<Vec<_>>(),
        "display_names": of(display_name),
        "xsl": null,
        "sequence": document.sequence,
        "root_forms": [filing.rule.root()],
        "file_date": filing.filed_on.to_string(),
        "biz_states": of(|filer| filer.address.state.to_owned()),
        "sics": industries.map(|industry| industry.code).collect::<Vec<_>>(),
        "form": filing.rule.form,
        "adsh": filing.accession,
        "film_num": numbered().map(|party| format!("{year:02}{}", party.film_number)).collect::<Vec<_>>(),
        "biz_locations": of(|filer| format!("{}, {}", capitalised(filer.address.city), filer.address.state)),
        "file_type": document.kind,
        "file_description": document.description,
        "inc_states": of(|filer| filer.state_of_incorporation.to_owned()),
        "items": filing.items.iter().map(|item| item.code).collect::<Vec<_>>(),
    })
}

/// The filers of a filing, each once.
fn filers(filing: &Filing) -> Vec<&Filer> {
    let mut filers: Vec<&Filer> = Vec::new();
    for party in &filing.parties {
        if filers.iter().all(|other| other.cik != party.filer.cik) {
            filers.push(&party.filer);
        }
    }
    filers
}

/// Two spaces before each parenthesis.
fn display_name(filer: &Filer) -> String {
    match filer.tickers.as_slice() {
        [] => format!("{}  (CIK {:010})", filer.name, filer.cik),
        tickers => format!(
            "{}  ({})  (CIK {:010})",
            filer.name,
            tickers.join(", "),
            filer.cik
        ),
    }
}

/// `NEW YORK` as `New York`.
fn capitalised(city: &str) -> String {
    let word = |word: &str| word[..1].to_owned() + &word[1..].to_lowercase();
    city.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

fn aggregations(matches: &[Match<'_>]) -> Value {
    let filers = || matches.iter().flat_map(|(filing, _)| filers(filing));
    let industries = filers().filter_map(|filer| filer.industry);
    json!({
        "entity_filter": buckets(filers().map(display_name)),
        "sic_filter": buckets(industries.map(|industry| industry.code.to_owned())),
        "biz_states_filter": buckets(filers().map(|filer| filer.address.state.to_owned())),
        "form_filter": buckets(matches.iter().map(|(filing, _)| filing.rule.root().to_owned())),
    })
}

/// The most frequent keys; the rest is only counted.
fn buckets(keys: impl Iterator<Item = String>) -> Value {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for key in keys {
        *counts.entry(key).or_default() += 1;
    }
    let mut counts: Vec<(String, usize)> = counts.into_iter().collect();
    counts.sort_by(|(a, m), (b, n)| n.cmp(m).then(a.cmp(b)));
    let other: usize = counts.iter().skip(BUCKETS).map(|(_, count)| count).sum();
    let buckets: Vec<Value> = counts
        .iter()
        .take(BUCKETS)
        .map(|(key, count)| json!({"key": key, "doc_count": count}))
        .collect();
    json!({"doc_count_error_upper_bound": 0, "sum_other_doc_count": other, "buckets": buckets})
}

fn shards() -> Value {
    json!({"total": 50, "successful": 50, "skipped": 0, "failed": 0})
}

fn json_answer(value: &Value) -> Answer {
    Answer::new(StatusCode::OK, "application/json", value.to_string())
}
