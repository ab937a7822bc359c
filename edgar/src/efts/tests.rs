//! Whole answers: what they give, and what is no answer.
#![allow(clippy::unwrap_used, reason = "tests")]

use proptest::prelude::*;
use serde_json::json;

use super::*;

const FIRST: &str = "0001999999-26-000042";

fn source() -> Value {
    json!({
        "ciks": ["0001999991", "0001999992"],
        "period_ending": "2026-02-28",
        "display_names": [
            "QUAYSIDE ROBOTICS (HOLDINGS) INC  (QUAY, QUAYW)  (CIK 0001999991)",
            "DOE JANE  (CIK 0001999992)",
        ],
        "xsl": null, "sequence": 1, "root_forms": ["8-K"], "file_date": "2026-03-03",
        "form": "8-K/A", "adsh": FIRST, "file_type": "EX-99.1", "file_description": null,
        "items": ["2.02", "", "9.01"],
    })
}

fn hit(source: &Value) -> Value {
    json!({"_index": "edgar_file", "_id": format!("{FIRST}:quay.htm"), "_source": source})
}

fn answer(hits: &[Value]) -> Vec<u8> {
    let total = json!({"value": hits.len(), "relation": "eq"});
    json!({"hits": {"total": total, "hits": hits}})
        .to_string()
        .into_bytes()
}

fn parsed(hits: &[Value]) -> Answer {
    parse(&answer(hits)).unwrap()
}

/// The source with one value changed, or removed if `value` is undefined.
fn changed(key: &str, value: Option<Value>) -> Value {
    let mut source = source();
    match value {
        Some(value) => source[key] = value,
        None => drop(source.as_object_mut().unwrap().remove(key)),
    }
    source
}

fn seen_at() -> Timestamp {
    "2026-03-03T21:04:58.151Z".parse().unwrap()
}

#[test]
fn a_hit_gives_all_it_tells() {
    let answer = parsed(&[hit(&source())]);

    let hit = &answer.hits[0];
    assert_eq!(hit.accession.to_string(), FIRST);
    assert_eq!(hit.form.as_str(), "8-K/A");
    assert_eq!(hit.filers[0].name, "QUAYSIDE ROBOTICS (HOLDINGS) INC");
    assert_eq!(hit.filers[0].tickers, ["QUAY", "QUAYW"]);
    assert_eq!(hit.filers[1].cik, Cik::new(1_999_992));
    assert_eq!(hit.filed_on, Some("2026-03-03".parse().unwrap()));
    assert_eq!(hit.period, Some("2026-02-28".parse().unwrap()));
    assert_eq!(hit.items, ["2.02", "9.01"]);
    assert_eq!(hit.file_type.as_deref(), Some("EX-99.1"));
    assert_eq!(hit.filename.as_deref(), Some("quay.htm"));
    assert_eq!(hit.sequence, Some(1));
}

#[test]
fn documents_of_one_filing_are_joined() {
    let other = changed("items", Some(json!(["2.02", "8.01"])));
    let hits = parsed(&[hit(&source()), hit(&other)]).hits;

    let filings = join(hits, seen_at());

    assert_eq!(filings.len(), 1);
    assert_eq!(filings[0].source, Source::Efts);
    assert_eq!(filings[0].items, ["2.02", "9.01", "8.01"]);
    assert_eq!(filings[0].filers.len(), 2);
    assert!(filings[0].amendment);
    assert!(filings[0].urls.index.is_some());
}

#[test]
fn the_schema_of_2020_is_read_too() {
    let mut source = changed("root_forms", None);
    source["root_form"] = json!("8-K");
    source["sequence"] = json!("2");
    source["form"] = Value::Null;

    let answer = parsed(&[hit(&source)]);

    assert_eq!(answer.hits[0].form.as_str(), "8-K");
    assert_eq!(answer.hits[0].sequence, Some(2));
}

#[test]
fn any_value_but_form_may_be_null_or_odd() {
    for key in [
        "ciks",
        "display_names",
        "file_date",
        "period_ending",
        "sequence",
        "items",
        "file_type",
        "adsh",
        "root_forms",
    ] {
        for odd in [
            None,
            Some(Value::Null),
            Some(json!({})),
            Some(json!([null, 7])),
            Some(json!(-1)),
            Some(json!("?")),
        ] {
            let answer = parsed(&[hit(&changed(key, odd.clone()))]);
            assert_eq!(answer.hits.len(), 1, "{key} {odd:?}");
            assert_eq!(answer.hits[0].accession.to_string(), FIRST);
        }
    }
}

#[test]
fn a_hit_that_names_no_filing_is_reported() {
    let mut lost = hit(&changed("adsh", None));
    lost["_id"] = json!("undefined:f68556a2scto-ta.txt");
    let formless = json!({"_id": format!("{FIRST}:a.htm"), "_source": {}});

    let answer = parsed(&[lost, formless, json!(null), hit(&source())]);

    let reasons: Vec<_> = answer
        .rejected
        .iter()
        .map(|rejected| rejected.reason)
        .collect();
    assert_eq!(
        reasons,
        [
            RejectReason::NoAccession,
            RejectReason::NoForm,
            RejectReason::NoAccession
        ]
    );
    assert_eq!(answer.rejected[0].id, "undefined:f68556a2scto-ta.txt");
    assert_eq!(answer.hits.len(), 1);
}

#[test]
fn a_cik_without_name_and_a_name_without_cik_are_both_kept() {
    let source = changed("ciks", Some(json!(["0000000007", "0001999992", "7"])));

    let answer = parsed(&[hit(&source)]);

    let ciks: Vec<u64> = answer.hits[0]
        .filers
        .iter()
        .map(|filer| filer.cik.get())
        .collect();
    assert_eq!(ciks, [7, 1_999_992, 1_999_991]);
}

#[test]
fn the_true_total_of_a_saturated_answer_comes_from_the_forms() {
    let saturated = json!({
        "hits": {"total": {"value": 10000, "relation": "gte"}, "hits": []},
        "aggregations": {"form_filter": {
            "sum_other_doc_count": 50,
            "buckets": [{"key": "4", "doc_count": 9000}, {"key": "8-K", "doc_count": 2000}],
        }},
    });

    let answer = parse(saturated.to_string().as_bytes()).unwrap();

    assert!(answer.total.saturated);
    assert_eq!(answer.form_buckets[1], ("8-K".to_owned(), 2000));
    assert_eq!(answer.true_total(), 11_050);
}

#[test]
fn the_total_stands_where_it_is_exact_or_nothing_else_is_known() {
    for (relation, total) in [("eq", 12), ("gte", 10_000)] {
        let answer = json!({"hits": {"total": {"value": total, "relation": relation}, "hits": []}});
        let answer = parse(answer.to_string().as_bytes()).unwrap();

        assert_eq!(answer.true_total(), total);
    }
}

#[test]
fn an_answer_without_total_is_an_error() {
    for text in [
        r#"{"hits":{"hits":[]}}"#,
        "{}",
        "[]",
        "null",
        r#"{"message":"Forbidden"}"#,
    ] {
        assert!(
            matches!(parse(text.as_bytes()), Err(EftsError::NoTotal)),
            "{text}"
        );
    }
}

#[test]
fn a_refused_query_tells_why() {
    let text = r#"{"error":"Blank search not valid.","hits":{"hits":[],"total":{"value":0}}}"#;

    let error = parse(text.as_bytes()).unwrap_err();

    assert!(
        matches!(error, EftsError::Refused { message } if message == "Blank search not valid.")
    );
}

#[test]
fn an_answer_cut_anywhere_is_an_error() {
    let answer = answer(&[hit(&source())]);

    for end in 0..answer.len() {
        assert!(parse(&answer[..end]).is_err(), "cut at {end}");
    }
}

#[test]
fn a_web_page_is_no_answer() {
    let error =
        parse(b"<html><title>SEC.gov | Request Rate Threshold Exceeded</title>").unwrap_err();

    assert!(matches!(error, EftsError::NotAnAnswer { begins, .. } if begins.starts_with("<html>")));
}

#[test]
fn nesting_without_end_is_refused() {
    assert!(parse("[".repeat(1 << 20).as_bytes()).is_err());
}

proptest! {
    #[test]
    fn no_mutated_answer_panics(at in 0..500usize, cut in 0..30usize, text in "[\"\\[\\]{}:,a0-]{0,6}") {
        let mut bytes = answer(&[hit(&source())]);
        let at = at.min(bytes.len());
        let end = (at + cut).min(bytes.len());
        bytes.splice(at..end, text.bytes());
        if let Ok(answer) = parse(&bytes) {
            join(answer.hits, seen_at());
        }
    }
}
