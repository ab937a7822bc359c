//! The shapes of what is sent, as JSON Schema 2020-12.
//!
//! `schemas.json` has them by name. Where it says `"enum": "ErrorCode"`, the names are those of
//! the enum, and `"more_than": "Filing"` takes all fields of that, so that none is written twice.

use protocol::{
    event::EventType,
    filing::{FilerRole, Source},
    filter::Amendments,
    frame::{ErrorCode, View},
    outage::Part,
};
use serde_json::{Value, json};

use super::{super::problem::status, parse};
use crate::keys::Scope;

/// All schemas by name.
pub(super) fn schemas() -> Value {
    let mut schemas = parse(include_str!("schemas.json"));
    fill(&mut schemas);
    extend(&mut schemas);
    schemas
}

/// All parameters by name.
pub(super) fn parameters() -> Value {
    let mut parameters = parse(include_str!("parameters.json"));
    fill(&mut parameters);
    parameters
}

/// Every error code: its status over HTTP, its close code on the stream.
pub(super) fn error_codes() -> Value {
    let row = |code: &ErrorCode| {
        json!({
            "code": code,
            "status": status(*code).as_u16(),
            "close": code.close().number(),
            "retryable": code.is_retryable(),
        })
    };
    ErrorCode::ALL.iter().map(row).collect()
}

/// Puts the names of enums where they are asked for.
fn fill(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(name)) = fields.get("enum") {
                let names = names(name);
                fields.insert("enum".to_owned(), names.into());
            }
            fields.values_mut().for_each(fill);
        }
        Value::Array(values) => values.iter_mut().for_each(fill),
        _ => {}
    }
}

/// Puts the fields of another schema where they are asked for; that one stands before.
fn extend(schemas: &mut Value) {
    let all = schemas.as_object_mut().expect("schemas have names");
    let names: Vec<String> = all.keys().cloned().collect();
    for name in names {
        let fields = all[&name].as_object_mut().expect("a schema is an object");
        let Some(Value::String(base)) = fields.remove("more_than") else {
            continue;
        };
        let base = all[&base].clone();
        let more = &mut all[&name];
        for (field, schema) in base["properties"].as_object().into_iter().flatten() {
            more["properties"][field] = schema.clone();
        }
        let required = more["required"].as_array_mut().expect("some are required");
        required.extend(base["required"].as_array().into_iter().flatten().cloned());
    }
}

fn names(of: &str) -> Vec<&'static str> {
    match of {
        "ErrorCode" => ErrorCode::ALL.iter().map(|name| name.as_str()).collect(),
        "EventType" => EventType::ALL.iter().map(|name| name.as_str()).collect(),
        "Source" => Source::ALL.iter().map(|name| name.as_str()).collect(),
        "Part" => Part::ALL.iter().map(|name| name.as_str()).collect(),
        "FilerRole" => FilerRole::ALL.iter().map(|name| name.as_str()).collect(),
        "View" => View::ALL.iter().map(|name| name.as_str()).collect(),
        "Amendments" => Amendments::ALL.iter().map(|name| name.as_str()).collect(),
        "Scope" => Scope::ALL.iter().map(|name| name.as_str()).collect(),
        other => unreachable!("`{other}` stands in our own file and is no enum"),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
pub(super) mod tests {
    use std::collections::BTreeSet;

    use protocol::{filter::Filter, frame::Subscription};

    use super::*;

    /// Every `$ref` in a document.
    pub(in super::super) fn refs(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(name)) = fields.get("$ref") {
                    found.insert(name.clone());
                }
                fields.values().for_each(|value| refs(value, found));
            }
            Value::Array(values) => values.iter().for_each(|value| refs(value, found)),
            _ => {}
        }
    }

    /// Checks that every `$ref` of a document leads somewhere in it.
    pub(in super::super) fn check_refs(document: &Value) {
        let mut found = BTreeSet::new();
        refs(document, &mut found);
        assert!(!found.is_empty());
        for name in found {
            let target = document.pointer(name.strip_prefix('#').unwrap());
            assert!(target.is_some(), "{name} leads nowhere");
        }
    }

    #[test]
    fn every_error_code_is_in_the_schemas_and_in_the_table() {
        let schemas = schemas();
        let table = error_codes();

        let listed = schemas["ErrorCode"]["enum"].as_array().unwrap();
        assert_eq!(listed.len(), ErrorCode::ALL.len());
        assert_eq!(table.as_array().unwrap().len(), ErrorCode::ALL.len());
        let gone = &table.as_array().unwrap()[12];
        assert_eq!(
            *gone,
            json!({"code": "cursor_gone", "status": 422, "close": 4410, "retryable": false})
        );
    }

    #[test]
    fn a_filter_has_the_fields_that_the_program_reads() {
        let schemas = schemas();
        for shape in ["Filter", "FilterUnderstood"] {
            let fields = schemas[shape]["properties"].as_object().unwrap();
            let fields: BTreeSet<&str> = fields.keys().map(String::as_str).collect();
            let read: BTreeSet<&str> = Filter::fields().iter().copied().collect();
            assert_eq!(fields, read, "{shape}");
        }
        let subscribe = schemas["Subscribe"]["properties"].as_object().unwrap();
        for parameter in Subscription::PARAMETERS {
            assert!(subscribe.contains_key(parameter), "{parameter}");
        }
        let parameters = parameters();
        for field in Filter::fields().iter().chain(&Subscription::PARAMETERS) {
            assert_eq!(parameters[*field]["name"], *field);
        }
    }
}
