//! What the simulator writes against what sec.gov wrote, value for value left out.
//!
//! The recorded files lie beside the repository. Where they must be (`CI` is set) and
//! are not, these tests fail; elsewhere they say that they did not run.

use std::collections::BTreeSet;
use std::path::PathBuf;

use simulator::{Config, Wish};

use crate::http::get;
use crate::{quiet, start};

fn fixtures() -> Option<PathBuf> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../shared/edgar-fixtures");
    if folder.is_dir() {
        return Some(folder);
    }
    assert!(
        std::env::var_os("CI").is_none(),
        "{} is missing",
        folder.display()
    );
    eprintln!("NOT RUN: {} is missing", folder.display());
    None
}

fn latin1(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| char::from(*byte)).collect()
}

/// A line of the feed with everything particular to a filing left out.
fn skeleton(line: &str) -> String {
    for (start, end) in [
        ("<title>", "</title>"),
        ("<updated>", "</updated>"),
        ("&lt;br&gt;Item ", ""),
    ] {
        if line.starts_with(start) && line.ends_with(end) {
            return format!("{start}…{end}");
        }
    }
    let line = match line.split_once("term=\"") {
        Some((before, _)) => format!("{before}term=\"…\"/>"),
        None => line.to_owned(),
    };
    let mut skeleton = String::new();
    for letter in line.chars() {
        match letter {
            '0'..='9' if skeleton.ends_with('9') => {}
            '0'..='9' => skeleton.push('9'),
            letter => skeleton.push(letter),
        }
    }
    skeleton
}

#[tokio::test]
async fn every_line_of_the_feed_has_the_shape_of_a_recorded_line() {
    let Some(fixtures) = fixtures() else { return };
    let walk = std::fs::read_dir(fixtures.join("atom-getcurrent/2025-12-12T180331")).unwrap();
    let pages = walk.map(|file| latin1(&std::fs::read(file.unwrap().path()).unwrap()));
    let recorded: BTreeSet<String> = pages
        .flat_map(|page| page.lines().map(skeleton).collect::<Vec<_>>())
        .collect();
    let simulator = start(Config {
        history: 90,
        ..quiet()
    })
    .await;
    for form in ["8-K", "D", "1/A"] {
        simulator
            .publish(&Wish {
                form: Some(form.to_owned()),
                ..Wish::default()
            })
            .unwrap();
    }

    let page = get(
        simulator.address(),
        "/cgi-bin/browse-edgar?action=getcurrent&output=atom&count=100",
    )
    .await
    .text();

    let strange: BTreeSet<String> = page
        .lines()
        .map(skeleton)
        .filter(|line| !recorded.contains(line))
        .collect();
    assert_eq!(strange, BTreeSet::new());
}

/// The keys of a tab-indented header, with the tabs before their values.
fn header_keys(text: &str) -> BTreeSet<String> {
    let header = text.split("</SEC-HEADER>").next().unwrap();
    let key = |line: &str| {
        let colon = line.find(':').filter(|_| !line.starts_with('<'))?;
        let value = line[colon + 1..].find(|letter: char| !letter.is_whitespace());
        Some(line[..value.map_or(line.len(), |value| colon + 1 + value)].to_owned())
    };
    header.lines().filter_map(key).collect()
}

#[tokio::test]
async fn every_header_line_is_indented_as_in_recorded_submissions() {
    let Some(fixtures) = fixtures() else { return };
    let mut recorded = BTreeSet::new();
    for folder in [
        "4",
        "4-A",
        "8-K",
        "D",
        "SCHEDULE-13G",
        "SC-13G-A",
        "13F-HR",
        "N-CEN",
        "497K",
    ] {
        for file in std::fs::read_dir(fixtures.join("full-submission").join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "txt") {
                recorded.extend(header_keys(&latin1(&std::fs::read(path).unwrap())));
            }
        }
    }
    recorded.extend(["\t\tEIN:\t\t\t\t".to_owned(), "PAPER:".to_owned()]); // Only in compressed fixtures, or in none.
    let simulator = start(quiet()).await;

    for form in [
        "4",
        "8-K",
        "D",
        "SCHEDULE 13G",
        "13F-HR",
        "144",
        "424B2",
        "1/A",
        "6-K",
        "EFFECT",
    ] {
        let accession = simulator
            .publish(&Wish {
                form: Some(form.to_owned()),
                ..Wish::default()
            })
            .unwrap();
        let cik = simulator.ledger().filing(&accession).unwrap().filers[0].cik;
        let text = get(
            simulator.address(),
            &format!("/Archives/edgar/data/{cik}/{accession}.txt"),
        )
        .await
        .text();
        let strange: BTreeSet<String> = header_keys(&text).difference(&recorded).cloned().collect();
        assert_eq!(strange, BTreeSet::new(), "{form}");
    }
}

#[tokio::test]
async fn a_hit_has_the_keys_and_types_of_a_recorded_hit() {
    let Some(fixtures) = fixtures() else { return };
    let recorded = std::fs::read(fixtures.join("efts/openbb-2024-11-06-forms10K.json")).unwrap();
    let recorded: serde_json::Value = serde_json::from_slice(&recorded).unwrap();
    let simulator = start(quiet()).await;
    simulator
        .publish(&Wish {
            form: Some("10-Q".to_owned()),
            ..Wish::default()
        })
        .unwrap();

    let answer = get(simulator.address(), "/LATEST/search-index?forms=10-Q,-0")
        .await
        .json();

    assert_eq!(types(&answer, 1), types(&recorded, 1));
    assert_eq!(types(&answer["hits"], 2), types(&recorded["hits"], 2));
    assert_eq!(
        types(&answer["hits"]["hits"][0], 2),
        types(&recorded["hits"]["hits"][0], 2)
    );
}

/// The keys of `value` down to `depth` with the types of their values.
fn types(value: &serde_json::Value, depth: usize) -> BTreeSet<String> {
    use serde_json::Value;
    let kind = |value: &Value| match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    let Some(object) = value.as_object().filter(|_| depth > 0) else {
        return BTreeSet::new();
    };
    let inner = |key: &String, value| {
        types(value, depth - 1)
            .into_iter()
            .map(move |line| format!("{key}.{line}"))
            .collect::<Vec<_>>()
    };
    let own = object
        .iter()
        .map(|(key, value)| format!("{key}: {}", kind(value)));
    own.chain(
        object
            .iter()
            .flat_map(|(key, value)| inner(key, value).into_iter()),
    )
    .collect()
}

#[tokio::test]
async fn the_form_index_has_the_head_and_the_columns_of_a_recorded_one() {
    let Some(fixtures) = fixtures() else { return };
    let recorded = zstd::decode_all(
        std::fs::File::open(fixtures.join("index/form.20200318.idx.zst")).unwrap(),
    )
    .unwrap();
    let recorded = latin1(&recorded);
    let simulator = start(Config {
        history: 20,
        ..quiet()
    })
    .await;
    simulator.publish_daily_index("2026-03-03".parse().unwrap());

    let ours = get(
        simulator.address(),
        "/Archives/edgar/daily-index/2026/QTR1/form.20260303.idx",
    )
    .await
    .text();

    let head = |text: &str| {
        text.lines()
            .take(10)
            .enumerate()
            .filter(|(line, _)| *line != 1)
            .map(|(_, line)| line.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(head(&ours), head(&recorded));
    let column = |text: &str| text.lines().nth(10).unwrap().find("edgar/data/");
    assert_eq!(column(&ours), column(&recorded));
    let width = |text: &str| text.lines().nth(10).unwrap().chars().count();
    assert_eq!(width(&ours), width(&recorded));
}
