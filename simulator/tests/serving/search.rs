//! The search index: its filters, its window, its refusals.

use std::collections::BTreeSet;

use serde_json::Value;
use simulator::{Config, Simulator, Wish};

use crate::http::get;
use crate::{quiet, start};

async fn search(simulator: &Simulator, query: &str) -> Value {
    get(
        simulator.address(),
        &format!("/LATEST/search-index?{query}"),
    )
    .await
    .json()
}

fn accessions(answer: &Value) -> BTreeSet<String> {
    let hits = answer["hits"]["hits"].as_array().unwrap();
    hits.iter()
        .map(|hit| hit["_source"]["adsh"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_day_of_primary_documents_is_the_ledger_of_that_day() {
    let simulator = start(Config {
        history: 250,
        atom_miss_share: 0.1,
        ..quiet()
    })
    .await;
    let mut found = BTreeSet::new();
    let mut hits = 0;

    for from in [0, 100, 200] {
        let page = search(
            &simulator,
            &format!(
                "forms=-0&startdt=2026-03-03&enddt=2026-03-03&dateRange=custom&from={from}&size=100"
            ),
        )
        .await;
        assert_eq!(page["hits"]["total"]["relation"], "eq");
        hits += page["hits"]["hits"].as_array().unwrap().len();
        found.extend(accessions(&page));
    }

    let truth: BTreeSet<String> = simulator
        .ledger()
        .filings()
        .into_iter()
        .filter(|filing| filing.filed_on.day() == 3)
        .map(|filing| filing.accession)
        .collect();
    assert_eq!(hits, truth.len());
    assert_eq!(found, truth);
}

#[tokio::test]
async fn totals_saturate_at_ten_thousand_and_the_window_ends_there() {
    let simulator = start(Config {
        history: 10_300,
        max_submission_bytes: 4_000,
        ..quiet()
    })
    .await;

    let first = search(&simulator, "forms=-0&size=1").await;
    let last = search(&simulator, "forms=-0&from=9900&size=100").await;
    let beyond = search(&simulator, "forms=-0&from=9990&size=100").await;

    assert_eq!(
        first["hits"]["total"],
        serde_json::json!({"value": 10_000, "relation": "gte"})
    );
    assert_eq!(last["hits"]["hits"].as_array().unwrap().len(), 100);
    assert!(beyond["hits"].get("total").is_none());
    let forms = &first["aggregations"]["form_filter"];
    let counted: u64 = forms["buckets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|bucket| bucket["doc_count"].as_u64().unwrap())
        .sum();
    assert_eq!(
        counted + forms["sum_other_doc_count"].as_u64().unwrap(),
        10_300
    );
}

#[tokio::test]
async fn forms_match_roots_and_a_minus_excludes() {
    let simulator = start(quiet()).await;
    for form in ["8-K", "8-K/A", "4", "10-Q"] {
        simulator
            .publish(&Wish {
                form: Some(form.to_owned()),
                ..Wish::default()
            })
            .unwrap();
    }
    let forms = async |list: &str| {
        let answer = search(&simulator, &format!("forms={list}")).await;
        let hits = answer["hits"]["hits"].as_array().unwrap().clone();
        hits.iter()
            .map(|hit| hit["_source"]["form"].as_str().unwrap().to_owned())
            .collect::<BTreeSet<_>>()
    };
    let set = |names: &[&str]| {
        names
            .iter()
            .map(|name| (*name).to_owned())
            .collect::<BTreeSet<_>>()
    };

    assert_eq!(forms("8-K,-0").await, set(&["8-K", "8-K/A"]));
    assert_eq!(forms("8-K%2FA").await, set(&["8-K/A"]));
    assert_eq!(forms("8-K,-8-K%2FA").await, set(&["8-K"]));
    assert_eq!(forms("-0,-4,-8-K").await, set(&["10-Q"]));
}

#[tokio::test]
async fn exhibits_are_hits_of_their_own() {
    let simulator = start(quiet()).await;
    simulator
        .publish(&Wish {
            form: Some("10-Q".to_owned()),
            ..Wish::default()
        })
        .unwrap();

    let all = search(&simulator, "forms=10-Q").await;
    let primary = search(&simulator, "forms=10-Q,-0").await;

    assert!(all["hits"]["total"]["value"].as_u64().unwrap() >= 4);
    assert_eq!(primary["hits"]["total"]["value"], 1);
    assert_eq!(primary["hits"]["hits"][0]["_source"]["sequence"], 1);
}

#[tokio::test]
async fn a_blank_search_is_an_error_with_status_200() {
    let simulator = start(quiet()).await;

    let reply = get(
        simulator.address(),
        "/LATEST/search-index?startdt=2026-03-03",
    )
    .await;

    assert_eq!(reply.status, 200);
    assert!(
        reply.json()["error"]
            .as_str()
            .unwrap()
            .starts_with("Blank search not valid.")
    );
    assert_eq!(reply.json()["hits"], serde_json::json!({"hits": []}));
}

#[tokio::test]
async fn a_hit_has_the_fields_of_the_real_index() {
    let simulator = start(quiet()).await;
    let accession = simulator
        .publish(&Wish {
            form: Some("4".to_owned()),
            ..Wish::default()
        })
        .unwrap();
    let filing = simulator.ledger().filing(&accession).unwrap();

    let answer = search(&simulator, &format!("q=%22{accession}%22")).await;

    let hit = &answer["hits"]["hits"][0];
    let source = &hit["_source"];
    assert!(
        hit["_id"]
            .as_str()
            .unwrap()
            .starts_with(&format!("{accession}:wk-form4_"))
    );
    assert_eq!(source["xsl"], "xslF345X05");
    assert_eq!(source["file_date"], "2026-03-03");
    assert_eq!(hit["sort"][0], 1_772_496_000_000_u64);
    let ciks: Vec<String> = filing
        .filers
        .iter()
        .map(|filer| format!("{:010}", filer.cik))
        .collect();
    assert_eq!(source["ciks"], serde_json::json!(ciks));
    for (name, cik) in source["display_names"]
        .as_array()
        .unwrap()
        .iter()
        .zip(&ciks)
    {
        assert!(name.as_str().unwrap().ends_with(&format!("  (CIK {cik})")));
    }
}
