//! JSON for bills of materials: indented by one space, without empty members.

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{PrettyFormatter, Serializer};

/// Encodes a document without the members that are null, an empty list or an empty object.
pub(super) fn encode(document: Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = Serializer::with_formatter(&mut bytes, PrettyFormatter::with_indent(b" "));
    without_empty(document).serialize(&mut serializer).expect("a value has only string keys");
    bytes.push(b'\n');
    bytes
}

fn without_empty(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(key, value)| (key, without_empty(value)));
            Value::Object(members.filter(|(_, value)| !is_empty(value)).collect())
        }
        Value::Array(elements) => {
            Value::Array(elements.into_iter().map(without_empty).filter(|value| !is_empty(value)).collect())
        }
        scalar => scalar,
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(elements) => elements.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    }
}

/// The text as a value; null if it is empty.
pub(super) fn text(text: &str) -> Value {
    if text.is_empty() { Value::Null } else { text.into() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn empty_members_are_left_out_and_empty_texts_are_not() {
        let document = json!({ "a": null, "b": [], "c": { "d": {}, "e": [null, {}] }, "f": "", "g": [0] });
        assert_eq!(String::from_utf8(encode(document)).unwrap(), "{\n \"f\": \"\",\n \"g\": [\n  0\n ]\n}\n");
    }
}
