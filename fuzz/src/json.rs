//! What holds of everything that is shown as JSON.

use serde::Serialize;
use serde_json::Value;

/// Deeper nesting is read by few: many JSON readers stop at a hundred.
const MAX_DEPTH: usize = 100;

/// The JSON of `shown`, read back; absent values are omitted in it, never null.
pub fn checked(shown: &impl Serialize) -> Value {
    let json = serde_json::to_string(shown).expect("it is JSON");
    let value = serde_json::from_str(&json).expect("and is read back");
    check(&value, 0);
    value
}

fn check(value: &Value, depth: usize) {
    assert!(depth <= MAX_DEPTH, "nested too deep");
    match value {
        Value::Null => panic!("absent values are omitted, never null"),
        Value::Object(fields) => fields.values().for_each(|value| check(value, depth + 1)),
        Value::Array(values) => values.iter().for_each(|value| check(value, depth + 1)),
        _ => {}
    }
}
