//! The one spelling of header keys and values, and the header as JSON.
//!
//! Names and shapes are those of the datamule project's `metadata.json`, as its reader
//! `secsgml` makes it: every value a string, repeated keys an array, single ones not,
//! unknown keys in lower case with `-` for blanks. A flag (`<PRIVATE-TO-PUBLIC>`) is
//! an empty string. Otherwise an empty value is omitted, where `secsgml` writes one
//! for a tag and none for an indented key; what else differs are its mistakes, and
//! `privacy-enhanced-message`, which is no part of the header.
//!
//! Elsewhere: the tree itself (`tree`), the typed fields (`header`).

use std::collections::HashMap;

use serde::ser::{Serialize, SerializeMap, Serializer};

use super::{text, tree::Node};

/// Keys of the indented style that have another name as a tag.
const RENAMED: [(&str, &str); 14] = [
    ("business-phone", "phone"),
    ("central-index-key", "cik"),
    ("company-conformed-name", "conformed-name"),
    ("conformed-period-of-report", "period"),
    ("conformed-submission-type", "type"),
    ("date-as-of-change", "date-of-filing-date-change"),
    ("date-of-name-change", "date-changed"),
    ("filed-as-of-date", "filing-date"),
    ("sec-act", "act"),
    ("sec-file-number", "file-number"),
    ("standard-industrial-classification", "assigned-sic"),
    ("street-1", "street1"),
    ("street-2", "street2"),
    ("public-document_count", "public-document-count"),
];

/// Keys that say something by being there.
const FLAGS: [&str; 10] = [
    "confirming-copy",
    "correction",
    "deletion",
    "ma-i-individual",
    "no-annual-activity",
    "no-initial-period-activity",
    "no-quarterly-activity",
    "paper",
    "private-to-public",
    "timestamp",
];

/// The standard spelling of a key of either style.
pub(super) fn key(written: &[u8]) -> String {
    let text = text::decode(written);
    let mut key = String::with_capacity(text.len());
    for word in text.split_ascii_whitespace() {
        if !key.is_empty() {
            key.push('-');
        }
        key.push_str(word);
    }
    key.make_ascii_lowercase();
    match RENAMED.iter().find(|(tab, _)| *tab == key) {
        Some((_, standard)) => (*standard).to_owned(),
        None => key,
    }
}

/// The four digits of an SIC value: `7372`, or in brackets after its title.
pub(super) fn sic(value: &str) -> Option<&str> {
    let code = sic_code(value);
    (code.len() == 4 && code.bytes().all(|byte| byte.is_ascii_digit())).then_some(code)
}

/// What an SIC value has in brackets, or all of it.
fn sic_code(value: &str) -> &str {
    let code = match value.rsplit_once('[') {
        Some((_, bracketed)) => bracketed.split(']').next().unwrap_or(""),
        None => value,
    };
    code.trim()
}

/// The act as tags write it: `34` for `1934 Act`.
pub(super) fn act(value: &str) -> &str {
    match value.strip_suffix("Act").map(str::trim_end) {
        Some(year) if year.len() == 4 && year.is_ascii() => &year[2..],
        _ => value,
    }
}

fn value(node: &Node) -> &str {
    match node.key.as_str() {
        "assigned-sic" => sic_code(&node.value),
        "act" => act(&node.value),
        _ => &node.value,
    }
}

/// What a node is in JSON.
enum Shape<'a> {
    Text(&'a str),
    Section,
    Absent,
}

fn shape(node: &Node) -> Shape<'_> {
    if !node.children.is_empty() {
        return Shape::Section;
    }
    let value = value(node);
    if value.is_empty() && !FLAGS.contains(&node.key.as_str()) {
        Shape::Absent
    } else {
        Shape::Text(value)
    }
}

/// A section as an object; what has neither value nor children is omitted.
impl Serialize for Node {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let groups = grouped(&self.children);
        let mut map = serializer.serialize_map(Some(groups.len()))?;
        for (key, nodes) in &groups {
            match nodes.as_slice() {
                [node] => map.serialize_entry(key, node)?,
                nodes => map.serialize_entry(key, nodes)?,
            }
        }
        map.end()
    }
}

struct Value<'a>(&'a Node);

impl Serialize for Value<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match shape(self.0) {
            Shape::Text(text) => serializer.serialize_str(text),
            Shape::Section => self.0.serialize(serializer),
            Shape::Absent => serializer.serialize_unit(),
        }
    }
}

/// Children that are not absent, by key, in the order of first appearance.
fn grouped(children: &[Node]) -> Vec<(&str, Vec<Value<'_>>)> {
    let mut places = HashMap::new();
    let mut groups: Vec<(&str, Vec<Value<'_>>)> = Vec::new();
    for node in children {
        if matches!(shape(node), Shape::Absent) {
            continue;
        }
        let place = *places.entry(node.key.as_str()).or_insert_with(|| {
            groups.push((node.key.as_str(), Vec::new()));
            groups.len() - 1
        });
        groups[place].1.push(Value(node));
    }
    groups
}
