//! Walks through a JSON document without keeping it: a file may be as large as the memory that a scan may use.

use std::io::{self, Read};

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::lenient::Lenient;

/// Receives the parts of a document, in their order. Members with the same name are all visited: readers differ on
/// which of them counts.
///
/// Numbers do not matter: they are visited as `null`, or as an object with one member if the program keeps their text.
pub(in crate::scan) trait Receiver {
    /// Receives the beginning of an object or of an array.
    fn open(&mut self);

    /// Receives the name of a member. Its value follows if this returns true, and is skipped otherwise.
    fn key(&mut self, key: &str) -> bool;

    /// Receives a string.
    fn text(&mut self, text: &str);

    /// Receives `true`, `false` or, as `None`, `null`.
    fn literal(&mut self, literal: Option<bool>);

    /// Receives the end of an object or of an array.
    fn close(&mut self);
}

/// Reads a document, and returns false if it is not JSON; the receiver got what precedes the mistake. Accepts `NaN` and
/// `Infinity` outside of strings, and a byte order mark, as the readers of some tools do.
pub(in crate::scan) fn walk(reader: impl Read, receiver: &mut impl Receiver) -> io::Result<bool> {
    let mut parser = serde_json::Deserializer::from_reader(io::BufReader::new(Lenient::new(reader)?));
    let walked = Walk(receiver).deserialize(&mut parser).and_then(|()| parser.end());
    match walked {
        Err(error) if error.is_io() => Err(error.into()),
        walked => Ok(walked.is_ok()),
    }
}

struct Walk<'a, R>(&'a mut R);

impl<'de, R: Receiver> DeserializeSeed<'de> for Walk<'_, R> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, R: Receiver> Visitor<'de> for Walk<'_, R> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        self.0.text(text);
        Ok(())
    }

    fn visit_bool<E: Error>(self, literal: bool) -> Result<(), E> {
        self.0.literal(Some(literal));
        Ok(())
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        self.0.literal(None);
        Ok(())
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<(), E> {
        self.visit_unit()
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        self.0.open();
        while items.next_element_seed(Walk(&mut *self.0))?.is_some() {}
        self.0.close();
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        self.0.open();
        while let Some(is_wanted) = members.next_key_seed(Key(&mut *self.0))? {
            if is_wanted {
                members.next_value_seed(Walk(&mut *self.0))?;
            } else {
                members.next_value::<serde::de::IgnoredAny>()?;
            }
        }
        self.0.close();
        Ok(())
    }
}

/// Reads the name of a member.
struct Key<'a, R>(&'a mut R);

impl<'de, R: Receiver> DeserializeSeed<'de> for Key<'_, R> {
    type Value = bool;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<R: Receiver> Visitor<'_> for Key<'_, R> {
    type Value = bool;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a member")
    }

    fn visit_str<E: Error>(self, key: &str) -> Result<bool, E> {
        Ok(self.0.key(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct Log(String);

    impl Receiver for Log {
        fn open(&mut self) {
            self.0.push('(');
        }

        fn key(&mut self, key: &str) -> bool {
            if !key.starts_with('$') {
                self.0.extend([key, ":"]);
            }
            key != "skipped"
        }

        fn text(&mut self, text: &str) {
            self.0.extend([text, " "]);
        }

        fn literal(&mut self, literal: Option<bool>) {
            self.0.extend([format!("{literal:?}").as_str(), " "]);
        }

        fn close(&mut self) {
            self.0.push(')');
        }
    }

    #[test]
    fn documents_are_walked_up_to_their_first_mistake() {
        for (text, expected, is_json) in [
            (r#"{"a": ["x", {"a": true, "a": null}], "skipped": {"b": ["c"]}}"#, "(a:(x (a:Some(true) a:)))", true),
            (r#"{"a": NaN, "b": [-Infinity, 1, -2, 1.5, "NaN \" NaN"]}"#, "(a:b:(NaN \" NaN ))", true),
            ("\u{feff}[\"a\"]", "(a )", true),
            (r#"{"a": "x", "b" oops"#, "(a:x b:", false),
            (r#"["a"] trailing"#, "(a )", false),
            ("", "", false),
        ] {
            let mut log = Log::default();
            let found = walk(text.as_bytes(), &mut log).unwrap();
            // `null`, and numbers in both forms.
            let log = ["None ", "(0 )", "(-0 )", "(1 )", "(-2 )", "(1.5 )"]
                .iter()
                .fold(log.0, |log, number| log.replace(number, ""));
            let log = log.replace("skipped:", "");
            assert_eq!((log.as_str(), found), (expected, is_json), "{text}");
        }
    }

    #[test]
    fn an_unreadable_file_is_an_error() {
        struct Failing;
        impl Read for Failing {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("gone"))
            }
        }
        assert!(walk(Failing, &mut Log::default()).is_err());
        assert!(walk(b"[1".chain(Failing), &mut Log::default()).is_err());
    }
}
