//! The header as JSON beside the datamule project's own `metadata.json` of real
//! filings: their text is turned back into a header and must come out again, byte by
//! byte, whichever style the header is written in.

use std::io;

use serde::{
    Deserialize, Serialize,
    de::{Deserializer, MapAccess, SeqAccess, Visitor},
};

use super::super::*;
use crate::recorded::recorded;

/// Where theirs is wrong or older: accession number, their text, ours.
const DIFFERENCES: [(&str, &str, &str); 3] = [
    // An empty tag is a value there, an empty indented key is none.
    ("0000891020-96-000072", r#", "assigned-sic": """#, ""),
    // Their reader of that time took everything before a colon for a key.
    (
        "0001655167-16-000005",
        r#""<sec-document>0001655167-16-000005.txt": "20160701""#,
        r#""sec-document": "0001655167-16-000005.txt : 20160701""#,
    ),
    (
        "0001655167-16-000005",
        r#""<sec-header>0001655167-16-000005.hdr.sgml": "20160701""#,
        r#""sec-header": "0001655167-16-000005.hdr.sgml : 20160701""#,
    ),
];

/// Standard keys and what the indented style calls them, where blanks for hyphens
/// are not enough.
const INDENTED: [(&str, &str); 14] = [
    ("act", "SEC ACT"),
    ("assigned-sic", "STANDARD INDUSTRIAL CLASSIFICATION"),
    ("cik", "CENTRAL INDEX KEY"),
    ("conformed-name", "COMPANY CONFORMED NAME"),
    ("date-changed", "DATE OF NAME CHANGE"),
    ("date-of-filing-date-change", "DATE AS OF CHANGE"),
    ("file-number", "SEC FILE NUMBER"),
    ("filing-date", "FILED AS OF DATE"),
    ("period", "CONFORMED PERIOD OF REPORT"),
    ("phone", "BUSINESS PHONE"),
    ("reporting-owner", "REPORTING-OWNER"),
    ("street1", "STREET 1"),
    ("street2", "STREET 2"),
    ("type", "CONFORMED SUBMISSION TYPE"),
];

/// JSON in the order of its text.
enum Json {
    Text(String),
    Number,
    List(Vec<Json>),
    Object(Vec<(String, Json)>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Json;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("metadata")
            }

            fn visit_str<E>(self, text: &str) -> Result<Json, E> {
                Ok(Json::Text(text.to_owned()))
            }

            fn visit_u64<E>(self, _: u64) -> Result<Json, E> {
                Ok(Json::Number)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Json, A::Error> {
                let mut list = Vec::new();
                while let Some(value) = seq.next_element()? {
                    list.push(value);
                }
                Ok(Json::List(list))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
                let mut object = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    object.push(entry);
                }
                Ok(Json::Object(object))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

/// Writes `value` as EDGAR's indented style.
fn indented(key: &str, value: &Json, depth: usize, out: &mut String) {
    let name = INDENTED.iter().find(|(standard, _)| *standard == key);
    let name = name.map_or_else(
        || key.to_ascii_uppercase().replace('-', " "),
        |(_, name)| (*name).to_owned(),
    );
    let blanks = "\t".repeat(depth);
    match value {
        Json::Number => {}
        Json::List(values) => values
            .iter()
            .for_each(|value| indented(key, value, depth, out)),
        Json::Object(children) => {
            out.push_str(&format!("\n{blanks}{name}:\t\n"));
            for (key, value) in children {
                indented(key, value, depth + 1, out);
            }
        }
        Json::Text(text) => out.push_str(&match key {
            "sec-document" | "sec-header" | "acceptance-datetime" => tag(key, text),
            "act" => format!("{blanks}{name}:\t\t19{text} Act\n"),
            "assigned-sic" => format!("{blanks}{name}:\tSOME TRADE [{text}]\n"),
            _ => format!("{blanks}{name}:\t\t\t{text}\n"),
        }),
    }
}

/// Writes `value` as tags.
fn tagged(key: &str, value: &Json, out: &mut String) {
    let upper = key.to_ascii_uppercase();
    match value {
        Json::Number => {}
        Json::List(values) => values.iter().for_each(|value| tagged(key, value, out)),
        Json::Object(children) => {
            out.push_str(&format!("<{upper}>\n"));
            for (key, value) in children {
                tagged(key, value, out);
            }
            out.push_str(&format!("</{upper}>\n"));
        }
        Json::Text(text) => out.push_str(&tag(key, text)),
    }
}

fn tag(key: &str, text: &str) -> String {
    format!("<{}>{text}\n", key.to_ascii_uppercase())
}

/// Blanks after commas and colons, as Python writes them.
struct Spaced;

impl serde_json::ser::Formatter for Spaced {
    fn begin_array_value<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        to.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_key<W: ?Sized + io::Write>(
        &mut self,
        to: &mut W,
        first: bool,
    ) -> io::Result<()> {
        to.write_all(if first { b"" } else { b", " })
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, to: &mut W) -> io::Result<()> {
        to.write_all(b": ")
    }
}

fn standard_tree(header: &str) -> String {
    let mut json = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut json, Spaced);
    let tree = Header::parse(header.as_bytes()).tree;
    tree.serialize(&mut writer).unwrap();
    String::from_utf8(json).unwrap()
}

/// Accession number and text of every recorded `metadata.json`, alone and in tars.
fn metadata() -> Vec<(String, String)> {
    recorded(&["datamule-tar", "datamule-metadata"])
        .into_iter()
        .map(|file| {
            let bytes = match &*file.kind {
                "datamule-tar" => first_member(&file.bytes),
                _ => &file.bytes,
            };
            (file.accession, String::from_utf8(bytes.to_vec()).unwrap())
        })
        .collect()
}

fn first_member(tar: &[u8]) -> &[u8] {
    assert!(tar.starts_with(b"metadata.json\0"));
    let size = std::str::from_utf8(&tar[124..135]).unwrap();
    &tar[512..512 + usize::from_str_radix(size, 8).unwrap()]
}

#[test]
fn the_standard_tree_equals_datamules_but_for_known_differences() {
    let metadata = metadata();
    assert!(metadata.is_empty() || metadata.len() == 20);
    for (accession, theirs) in metadata {
        let mut expected = theirs
            .split(r#", "documents": "#)
            .next()
            .unwrap()
            .to_owned();
        for (_, wrong, right) in DIFFERENCES.iter().filter(|(of, _, _)| *of == accession) {
            assert!(expected.contains(wrong));
            expected = expected.replace(wrong, right);
        }
        expected.push('}');
        let Json::Object(header) = serde_json::from_str(&expected).unwrap() else {
            panic!("{expected}")
        };

        let (mut tabs, mut tags) = (String::new(), String::new());
        for (key, value) in &header {
            indented(key, value, 0, &mut tabs);
            tagged(key, value, &mut tags);
        }

        assert_eq!(standard_tree(&tabs), expected);
        assert_eq!(standard_tree(&tags), expected);
    }
}
