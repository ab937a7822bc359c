//! What of JSON Schema the program's own documents use: enough to hold every frame and answer
//! against its schema, and stricter than the standard in one point: a field that the schema
//! does not name is a mistake, because then it is not documented.

use std::sync::OnceLock;

use serde_json::{Map, Value};

/// The AsyncAPI document of the program under test, once a server has served it.
static ASYNCAPI: OnceLock<Value> = OnceLock::new();

/// Keywords that say nothing about what is valid.
const WORDS: [&str; 5] = ["description", "examples", "format", "default", "pattern"];

/// Fetches the description of the stream, the first time.
pub fn learn(asyncapi: &str) {
    ASYNCAPI.get_or_init(|| serde_json::from_str(asyncapi).unwrap());
}

/// Whether it was fetched.
pub fn is_learnt() -> bool {
    ASYNCAPI.get().is_some()
}

/// Panics unless the frame is as the description of the stream says; says nothing before a
/// server was started.
pub fn check_frame(text: &str) {
    let Some(document) = ASYNCAPI.get() else {
        return;
    };
    let frame: Value = serde_json::from_str(text).unwrap();
    let kind = frame["type"].as_str().unwrap();
    let is_lite = frame["filing"].is_object() && frame["filing"]["seen_at"].is_null();
    let name = if is_lite {
        format!("{kind}.lite")
    } else {
        kind.to_owned()
    };
    let payload = &document["components"]["messages"][&name]["payload"];
    assert!(payload.is_object(), "a frame that is not described: {text}");
    if let Err(mistake) = check(document, payload, &frame) {
        panic!("{mistake} in {text}");
    }
}

/// What is wrong with a value, and where.
pub fn check(document: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    let rules = schema.as_object().unwrap();
    for (rule, wanted) in rules {
        let holds = match rule.as_str() {
            "$ref" => {
                let place = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                check(document, document.pointer(place).unwrap(), value)?;
                true
            }
            "type" => is_of(wanted.as_str().unwrap(), value),
            "const" => value == wanted,
            "enum" => wanted.as_array().unwrap().contains(value),
            "minimum" => value.as_f64() >= wanted.as_f64(),
            "maximum" => value.as_f64() <= wanted.as_f64(),
            "minItems" => value
                .as_array()
                .is_none_or(|v| v.len() as u64 >= wanted.as_u64().unwrap()),
            "minLength" => value
                .as_str()
                .is_none_or(|v| v.len() as u64 >= wanted.as_u64().unwrap()),
            "maxLength" => value
                .as_str()
                .is_none_or(|v| v.len() as u64 <= wanted.as_u64().unwrap()),
            "required" => {
                let mut names = wanted.as_array().unwrap().iter();
                names.all(|name| value.get(name.as_str().unwrap()).is_some())
            }
            "anyOf" => {
                let mut schemas = wanted.as_array().unwrap().iter();
                schemas.any(|schema| check(document, schema, value).is_ok())
            }
            "items" => {
                let mut values = value.as_array().into_iter().flatten();
                values.try_for_each(|value| check(document, wanted, value))?;
                true
            }
            "properties" | "additionalProperties" => {
                fields(document, rules, value)?;
                true
            }
            word if WORDS.contains(&word) => true,
            word => panic!("`{word}` is not understood"),
        };
        if !holds {
            return Err(format!("not {rule} {wanted}: {value}"));
        }
    }
    Ok(())
}

fn fields(document: &Value, rules: &Map<String, Value>, value: &Value) -> Result<(), String> {
    let named = rules.get("properties").and_then(Value::as_object);
    for (name, value) in value.as_object().into_iter().flatten() {
        let schema = named.and_then(|named| named.get(name));
        match schema.or(rules.get("additionalProperties")) {
            Some(schema) if schema.is_object() => {
                check(document, schema, value).map_err(|mistake| format!("{name}: {mistake}"))?
            }
            _ => return Err(format!("`{name}` is not described")),
        }
    }
    Ok(())
}

fn is_of(kind: &str, value: &Value) -> bool {
    match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "integer" => value.is_u64() || value.is_i64(),
        other => panic!("type `{other}` is not understood"),
    }
}

#[test]
fn a_value_is_held_against_every_rule_of_its_schema() {
    use serde_json::json;
    let document = json!({"n": {"type": "integer", "minimum": 1}});
    let schema = json!({
        "type": "object",
        "required": ["n"],
        "properties": {
            "n": {"$ref": "#/n"},
            "names": {"type": "array", "minItems": 1, "items": {"enum": ["a", "b"]}},
            "either": {"anyOf": [{"const": 1}, {"type": "string"}]},
        },
    });
    let good = json!({"n": 1, "names": ["a", "b"], "either": "x"});
    assert_eq!(check(&document, &schema, &good), Ok(()));
    for bad in [
        json!([]),
        json!({}),
        json!({"n": 0}),
        json!({"n": "1"}),
        json!({"n": 1, "names": []}),
        json!({"n": 1, "names": ["c"]}),
        json!({"n": 1, "either": 2}),
        json!({"n": 1, "more": 1}),
    ] {
        assert!(check(&document, &schema, &bad).is_err(), "{bad}");
    }
}
