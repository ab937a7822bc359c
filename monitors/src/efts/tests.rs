//! The search monitor against an index written by hand.
//!
//! Invariant: the index of the tests shows more than a hundred documents a page where a test
//! needs thousands; EDGAR shows a hundred.

#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::*;
use crate::fake::{Fake, Params, client, drain, sighted, verdicts};

const DAY: &str = "2026-03-03";
const AFTERNOON: &str = "2026-03-03T21:00:00Z";
const AFTER_MIDNIGHT: &str = "2026-03-04T05:05:00Z";

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// An index that tests change between polls.
#[derive(Clone)]
struct Index(Arc<Mutex<IndexState>>);

struct IndexState {
    /// Day, serial and form of each document.
    documents: Vec<(&'static str, u32, String)>,
    page: usize,
    /// Whether `-8-K` also excludes `8-K/A`.
    excludes_roots: bool,
    /// Answers given instead of what the index has, from the front.
    instead: Vec<(u16, String)>,
}

impl Index {
    /// An index with this many documents of each form, all of one day.
    fn of(forms: &[(&str, u32)]) -> Self {
        let each = forms
            .iter()
            .flat_map(|(form, count)| (0..*count).map(|_| (*form).to_owned()));
        let documents = each.zip(0..);
        let documents = documents.map(|(form, serial)| (DAY, serial, form));
        Self(Arc::new(Mutex::new(IndexState {
            documents: documents.collect(),
            page: 100,
            excludes_roots: true,
            instead: Vec::new(),
        })))
    }

    fn change(&self, change: impl FnOnce(&mut IndexState)) {
        change(&mut self.0.lock().unwrap());
    }

    fn answer(&self, params: &Params) -> (u16, String) {
        let mut state = self.0.lock().unwrap();
        if !state.instead.is_empty() {
            return state.instead.remove(0);
        }
        (200, state.answer(params).to_string())
    }
}

impl IndexState {
    fn answer(&self, params: &Params) -> Value {
        let matching: Vec<_> = self
            .documents
            .iter()
            .filter(|(day, _, form)| *day == params["startdt"] && self.is_wanted(form, params))
            .collect();
        let from: usize = params["from"].parse().unwrap();
        let total = matching.len();
        let shown = matching.iter().skip(from).take(self.page);
        let hits: Vec<Value> = shown
            .map(|(day, serial, form)| hit(day, *serial, form))
            .collect();
        let relation = if total > 10_000 { "gte" } else { "eq" };
        let (buckets, other) = buckets(matching.iter().map(|document| document.2.as_str()));
        json!({
            "hits": {"total": {"value": total.min(10_000), "relation": relation}, "hits": hits},
            "aggregations": {"form_filter": {"sum_other_doc_count": other, "buckets": buckets}},
        })
    }

    fn is_wanted(&self, form: &str, params: &Params) -> bool {
        let root = form.trim_end_matches("/A");
        let listed: Vec<&str> = params["forms"].split(',').collect();
        assert!(listed.contains(&"-0"), "primary documents only");
        let mut wanted = listed
            .iter()
            .filter(|entry| !entry.starts_with('-'))
            .peekable();
        let is_in = wanted.peek().is_none() || wanted.any(|entry| [form, root].contains(entry));
        let is_out = listed
            .iter()
            .filter_map(|entry| entry.strip_prefix('-'))
            .any(|entry| entry == form || (self.excludes_roots && entry == root));
        is_in && !is_out
    }
}

fn hit(day: &str, serial: u32, form: &str) -> Value {
    let accession = format!("0000000001-26-{serial:06}");
    json!({
        "_id": format!("{accession}:a.htm"),
        "_source": {
            "adsh": accession, "form": form, "file_date": day,
            "ciks": ["0000000007", "0000000008"],
            "display_names": ["ONE  (ONE)  (CIK 0000000007)", "TWO  (CIK 0000000008)"],
        },
    })
}

/// The thirty most frequent root forms, and how many documents the others have.
fn buckets<'a>(forms: impl Iterator<Item = &'a str>) -> (Vec<Value>, u64) {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for form in forms {
        *counts.entry(form.trim_end_matches("/A")).or_default() += 1;
    }
    let mut counts: Vec<_> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let other = counts.iter().skip(30).map(|(_, count)| count).sum();
    let bucket = |(form, count): &(&str, u64)| json!({"key": form, "doc_count": count});
    (counts.iter().take(30).map(bucket).collect(), other)
}

struct Bench {
    monitor: EftsMonitor,
    fake: Fake,
    sender: Reports,
    receiver: mpsc::Receiver<Report>,
}

impl Bench {
    async fn new(index: &Index, now: &'static str) -> Self {
        let index = index.clone();
        let fake = Fake::start(move |params| index.answer(params)).await;
        let clock = Clock::new(|| at(now));
        let monitor = EftsMonitor::new(EftsConfig::default(), &fake.url, client(), [], clock);
        let (sender, receiver) = mpsc::channel(50_000);
        Self {
            monitor,
            fake,
            sender,
            receiver,
        }
    }

    async fn poll(&mut self) -> Vec<Report> {
        self.monitor.poll(&self.sender).await.unwrap();
        drain(&mut self.receiver)
    }
}

fn serials(count: u32) -> Vec<u32> {
    (0..count).collect()
}

#[tokio::test]
async fn a_poll_reads_all_pages_of_the_day() {
    let index = Index::of(&[("8-K", 250)]);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(250));
    assert_eq!(bench.fake.take("from"), ["0", "100", "200"]);
    let Some(Report::Polled {
        source,
        listed_through,
    }) = reports.last()
    else {
        panic!("the poll is vouched for after its sightings");
    };
    assert_eq!((*source, *listed_through), (Source::Efts, at(AFTERNOON)));
}

#[tokio::test]
async fn a_day_that_has_not_changed_costs_one_request() {
    let index = Index::of(&[("8-K", 150)]);
    let mut bench = Bench::new(&index, AFTERNOON).await;
    bench.poll().await;
    bench.fake.take("from");

    let reports = bench.poll().await;

    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(bench.fake.take("from"), ["0"]);
}

#[tokio::test]
async fn a_day_that_has_grown_is_read_again() {
    let index = Index::of(&[("8-K", 150)]);
    let mut bench = Bench::new(&index, AFTERNOON).await;
    bench.poll().await;
    index.change(|state| state.documents.insert(120, (DAY, 1_000, "10-K".to_owned())));

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), [1_000]);
    assert_eq!(verdicts(&reports), ["polled"]);
}

#[tokio::test]
async fn filings_carry_all_filers_without_roles() {
    let mut bench = Bench::new(&Index::of(&[("8-K/A", 1)]), AFTERNOON).await;

    let reports = bench.poll().await;

    let Report::Sighted(Sighting { filing }) = &reports[0] else {
        panic!("{reports:?}");
    };
    assert_eq!(filing.source, Source::Efts);
    assert_eq!(filing.seen_at, at(AFTERNOON));
    assert_eq!(filing.form.as_str(), "8-K/A");
    let ciks: Vec<u64> = filing.filers.iter().map(|filer| filer.cik.get()).collect();
    assert_eq!(ciks, [7, 8]);
    assert!(filing.filers.iter().all(|filer| filer.role.is_none()));
}

#[tokio::test]
async fn several_documents_of_a_filing_are_one_sighting() {
    let index = Index::of(&[("8-K", 1)]);
    let document = |serial, name: &str, cik: &str| {
        let mut hit = hit(DAY, serial, "8-K");
        hit["_id"] = json!(format!("0000000001-26-{serial:06}:{name}"));
        hit["_source"]["ciks"] = json!([cik]);
        hit["_source"]["display_names"] = json!([]);
        hit
    };
    let hits = [
        document(5, "a.htm", "0000000007"),
        document(5, "b.htm", "0000000009"),
    ];
    let answer = json!({"hits": {"total": {"value": 2, "relation": "eq"}, "hits": hits}});
    index.change(|state| state.instead = vec![(200, answer.to_string())]);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), [5]);
    let Report::Sighted(Sighting { filing }) = &reports[0] else {
        panic!("{reports:?}");
    };
    let ciks: Vec<u64> = filing.filers.iter().map(|filer| filer.cik.get()).collect();
    assert_eq!(ciks, [7, 9]);
}

#[tokio::test]
async fn errors_that_pass_are_met_within_the_poll() {
    let index = Index::of(&[("8-K", 150)]);
    index.change(|state| state.instead = vec![(500, "{}".to_owned()); 2]);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(150));
    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(bench.fake.take("from"), ["0", "0", "0", "100"]);
}

#[tokio::test]
async fn an_error_that_stays_fails_the_poll() {
    let index = Index::of(&[("8-K", 150)]);
    index.change(|state| state.instead = vec![(500, "{}".to_owned()); 4]);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let failed = bench.poll().await;
    let healed = bench.poll().await;

    assert_eq!(verdicts(&failed), ["failed"]);
    assert_eq!(sighted(&healed), serials(150));
    assert_eq!(verdicts(&healed), ["polled"]);
}

#[tokio::test]
async fn an_answer_that_is_no_list_fails_the_poll() {
    for answer in [
        r#"{"error":"Blank search not valid.","hits":{"hits":[]}}"#,
        r#"{"hits":{"hits":[]}}"#,
        "{\"hits\":{\"total\":{\"val",
    ] {
        let index = Index::of(&[("8-K", 1)]);
        index.change(|state| state.instead = vec![(200, answer.to_owned())]);
        let mut bench = Bench::new(&index, AFTERNOON).await;

        let reports = bench.poll().await;

        assert_eq!(verdicts(&reports), ["failed"], "{answer}");
    }
}

#[tokio::test]
async fn an_empty_page_in_the_middle_of_a_day_fails_the_poll() {
    let index = Index::of(&[("8-K", 150)]);
    let first = index.answer(&params("0")).1;
    let empty = r#"{"hits":{"total":{"value":150,"relation":"eq"},"hits":[]}}"#;
    index.change(|state| state.instead = vec![(200, first), (200, empty.to_owned())]);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(100));
    assert_eq!(verdicts(&reports), ["failed"]);
}

fn params(from: &str) -> Params {
    let pairs = [("startdt", DAY), ("forms", "-0"), ("from", from)];
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}

#[tokio::test]
async fn an_empty_day_is_not_vouched_for() {
    let mut bench = Bench::new(&Index::of(&[]), AFTERNOON).await;

    let reports = bench.poll().await;

    assert!(reports.is_empty());
}

#[tokio::test]
async fn both_days_are_read_after_midnight() {
    let index = Index::of(&[("8-K", 2)]);
    index.change(|state| state.documents.push(("2026-03-04", 9, "4".to_owned())));
    let mut bench = Bench::new(&index, AFTER_MIDNIGHT).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), [0, 1, 9]);
    assert_eq!(bench.fake.take("enddt"), [DAY, "2026-03-04"]);
}

/// A day of 12,200 documents of 43 forms, of which the answer names thirty.
fn great_day() -> Index {
    let rare: Vec<String> = (1..=40).map(|number| format!("RARE{number}")).collect();
    let mut forms = vec![("4", 6_000), ("8-K", 2_500), ("8-K/A", 500), ("D", 3_000)];
    forms.extend(rare.iter().map(|form| (form.as_str(), 5)));
    let index = Index::of(&forms);
    index.change(|state| state.page = 4_000);
    index
}

#[tokio::test]
async fn a_day_beyond_ten_thousand_documents_is_read_form_by_form() {
    for excludes_roots in [true, false] {
        let index = great_day();
        index.change(|state| state.excludes_roots = excludes_roots);
        let mut bench = Bench::new(&index, AFTERNOON).await;

        let reports = bench.poll().await;

        assert_eq!(sighted(&reports), serials(12_200));
        assert_eq!(verdicts(&reports), ["polled"]);
        let forms = bench.fake.take("forms");
        assert_eq!(forms[..2], ["-0", "-0,4,4/A,8-K,8-K/A"]);
        assert!(
            forms
                .last()
                .unwrap()
                .starts_with("-0,-4,-4/A,-8-K,-8-K/A,-D,")
        );
    }
}

#[tokio::test]
async fn a_great_day_that_has_not_changed_costs_one_request() {
    let mut bench = Bench::new(&great_day(), AFTERNOON).await;
    bench.poll().await;
    bench.fake.take("forms");

    let reports = bench.poll().await;

    assert_eq!(verdicts(&reports), ["polled"]);
    assert_eq!(bench.fake.take("forms"), ["-0"]);
}

#[tokio::test]
async fn a_form_beyond_ten_thousand_documents_is_read_without_its_amendments_and_then_they() {
    let index = Index::of(&[("4", 9_500), ("4/A", 700), ("D", 300)]);
    index.change(|state| state.page = 4_000);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(sighted(&reports), serials(10_500));
    assert_eq!(verdicts(&reports), ["polled"]);
}

#[tokio::test]
async fn a_day_that_cannot_be_divided_fails_the_poll() {
    let index = Index::of(&[("4", 10_500)]);
    index.change(|state| state.page = 4_000);
    let mut bench = Bench::new(&index, AFTERNOON).await;

    let reports = bench.poll().await;

    assert_eq!(verdicts(&reports), ["failed"]);
}

#[tokio::test]
async fn the_monitor_polls_until_it_is_stopped() {
    let Bench {
        monitor,
        sender,
        mut receiver,
        ..
    } = Bench::new(&Index::of(&[("4", 1)]), AFTERNOON).await;
    let stop = CancellationToken::new();
    let task = tokio::spawn(monitor.run(sender, stop.clone()));
    assert!(matches!(receiver.recv().await, Some(Report::Sighted(_))));

    stop.cancel();

    task.await.unwrap();
}
