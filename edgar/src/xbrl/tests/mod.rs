//! Reports read as a whole: recorded ones, both syntaxes beside each other, hostile bytes.

#![allow(clippy::unwrap_used, reason = "tests")]

mod hostile;
mod inline;
mod instance;
mod recorded;
mod twins;

use super::*;

/// The facts of an instance as JSON lines, and what is wrong with it.
fn instance(document: &str) -> (Vec<String>, Summary) {
    let mut lines = Vec::new();
    let summary = read_instance(document.as_bytes(), |fact| lines.push(line(fact)));
    (lines, summary.unwrap())
}

/// The facts of inline documents as JSON lines, and what is wrong with them.
fn inline(documents: &[&str]) -> (Vec<String>, Summary) {
    let documents: Vec<_> = documents.iter().map(|text| text.as_bytes()).collect();
    let mut lines = Vec::new();
    let summary = read_inline(&documents, |fact| lines.push(line(fact)));
    (lines, summary.unwrap())
}

fn line(fact: &Fact<'_>) -> String {
    serde_json::to_string(fact).unwrap()
}

fn flaws(summary: &Summary) -> Vec<(Flaw, u64)> {
    let met = summary.flaws.iter();
    met.map(|(flaw, met)| (flaw, met.times)).collect()
}
