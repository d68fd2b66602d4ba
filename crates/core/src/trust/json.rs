//! The strict reader of the JSON documents that are signed, or that contain signatures.

use std::collections::HashSet;
use std::fmt;

use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

/// The characters of a message that are kept. The messages of the parser can quote a whole document.
const MESSAGE_CHARACTERS: usize = 160;

/// The reason why a document is not the expected JSON.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct JsonError(String);

impl From<serde_json::Error> for JsonError {
    fn from(error: serde_json::Error) -> Self {
        let text = error.to_string();
        match text.char_indices().nth(MESSAGE_CHARACTERS) {
            Some((end, _)) => Self(format!("{}…", &text[..end])),
            None => Self(text),
        }
    }
}

/// Reads a JSON document. Unknown members are ignored, but a member that occurs twice in an object anywhere in the
/// document is an error: readers differ on which one counts.
pub fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, JsonError> {
    let mut document = serde_json::Deserializer::from_slice(bytes);
    Distinct.deserialize(&mut document)?;
    document.end()?;
    Ok(serde_json::from_slice(bytes)?)
}

/// Reads a value of any type, and fails if an object has two members with the same name.
struct Distinct;

impl<'de> DeserializeSeed<'de> for Distinct {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, value: D) -> Result<(), D::Error> {
        value.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Distinct {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while items.next_element_seed(Distinct)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let mut names = HashSet::new();
        while let Some(name) = members.next_key::<String>()? {
            if names.contains(&name) {
                return Err(de::Error::custom(format_args!("the member `{name}` occurs twice in an object")));
            }
            names.insert(name);
            members.next_value_seed(Distinct)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    #[test]
    fn a_duplicate_member_is_refused_at_any_depth() {
        for text in [r#"{"a":1,"a":1}"#, r#"[{"a":{"b":[{"c":1,"d":2,"c":3}]}}]"#, r#"{"a":1,"\u0061":2}"#] {
            let error = read_json::<Value>(text.as_bytes()).unwrap_err();
            assert!(error.to_string().contains("occurs twice"), "{error}");
        }
    }

    #[test]
    fn values_of_every_type_keep_their_order_and_their_numbers() {
        let text = r#"{"b":[1,-2,3.50,1e+400,"x",null,true],"a":{"b":1}}"#;
        assert_eq!(read_json::<Value>(text.as_bytes()).unwrap().to_string(), text);
        assert_eq!(read_json::<Value>(b"[]").unwrap(), json!([]));
    }

    #[test]
    fn text_that_is_not_one_document_is_refused() {
        let deep = "[".repeat(100_000);
        for text in ["", "{}{}", "{", "{} x", "\u{feff}{}", &deep] {
            read_json::<Value>(text.as_bytes()).unwrap_err();
        }
        read_json::<Value>(b"\"\xff\"").unwrap_err();
        let long = format!("\"{}\"", "x".repeat(100_000));
        assert!(read_json::<u8>(long.as_bytes()).unwrap_err().to_string().len() < 300);
    }
}
