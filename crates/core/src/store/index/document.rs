//! The JSON of an index: entries that did not change are written as they were read, byte for byte.
//!
//! A store of 20,000 ModelKits has an index of 21 MB, and a command changes a few of its entries.

use std::ops::Range;

use super::entry::Entry;
use crate::oci::{Descriptor, Index};

/// An index, as bytes and as entries.
#[derive(Debug, Clone)]
pub struct IndexDocument {
    json: Vec<u8>,
    /// The position of the elements of `manifests` in `json`, without the brackets.
    list: Range<usize>,
    /// The position of each element of `manifests` in `json`.
    elements: Vec<Range<usize>>,
    entries: Vec<Entry>,
}

/// An index after a change.
pub(super) struct Changed<T> {
    pub(super) document: IndexDocument,
    /// True if the change left all entries as they were.
    pub(super) is_same: bool,
    /// The result of the change.
    pub(super) result: T,
}

impl IndexDocument {
    /// The entries, in their order.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// The size of the JSON in bytes.
    pub(super) fn bytes(&self) -> u64 {
        self.json.len() as u64
    }

    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }

    /// Parses the `json` of an index. All of it is checked, but members that `kit` does not know are not interpreted.
    pub(super) fn parse(json: Vec<u8>) -> serde_json::Result<Self> {
        let Some((list, elements)) = Scanner::new(&json).manifests() else {
            // No list, `null`, an unusual spelling of the key, or not an index at all: the general parser decides.
            return Ok(Self::of(serde_json::from_slice(&json)?));
        };
        let mut frame = json[..list.start].to_vec();
        frame.extend_from_slice(&json[list.end..]);
        serde_json::from_slice::<Index>(&frame)?;
        let mut entries = Vec::with_capacity(elements.len());
        for (place, element) in elements.iter().enumerate() {
            entries.push(Entry::read(serde_json::from_slice(&json[element.clone()])?, place));
        }
        Ok(Self { json, list, elements, entries })
    }

    /// An index without entries.
    pub(super) fn empty() -> Self {
        Self::of(Index::default())
    }

    fn of(mut index: Index) -> Self {
        let entries = std::mem::take(&mut index.manifests).into_iter().map(Entry::new).collect();
        let json = encode(&index);
        let (list, elements) = Scanner::new(&json).manifests().expect("the JSON of an index has a list of manifests");
        Self { json, list, elements, entries }
    }

    /// Changes the entries, and the JSON if they are others then.
    pub(super) fn change<T>(mut self, change: impl FnOnce(&mut Vec<Entry>) -> T) -> Changed<T> {
        let result = change(&mut self.entries);
        let is_same = self.entries.len() == self.elements.len()
            && self.entries.iter().enumerate().all(|(place, entry)| entry.place() == Some(place));
        Changed { document: if is_same { self } else { self.rewritten() }, is_same, result }
    }

    /// Encodes the entries: runs of entries that were read are copied together with what is between them.
    fn rewritten(self) -> Self {
        let Self { json: old, list: old_list, elements: places, mut entries } = self;
        let mut json = Vec::with_capacity(old.len() + 1024);
        json.extend_from_slice(&old[..old_list.start]);
        let mut elements: Vec<Range<usize>> = Vec::with_capacity(entries.len());
        let start = json.len();
        let mut from = 0;
        while from < entries.len() {
            if from > 0 {
                json.push(b',');
            }
            let until = from + run(&entries[from..]);
            if let Some(place) = entries[from].place() {
                let copied = &places[place..place + until - from];
                let (begin, shift) = (copied[0].start, json.len());
                json.extend_from_slice(&old[begin..copied[copied.len() - 1].end]);
                elements.extend(copied.iter().map(|it| it.start - begin + shift..it.end - begin + shift));
            } else {
                let begin = json.len();
                write(&mut json, &entries[from].descriptor);
                elements.push(begin..json.len());
            }
            from = until;
        }
        let list = start..json.len();
        json.extend_from_slice(&old[old_list.end..]);
        for (place, entry) in entries.iter_mut().enumerate() {
            entry.set_place(place);
        }
        Self { json, list, elements, entries }
    }
}

/// Returns the number of entries at the beginning that were read one after the other; one if the first is new.
fn run(entries: &[Entry]) -> usize {
    let Some(first) = entries[0].place() else { return 1 };
    entries.iter().zip(first..).take_while(|(entry, place)| entry.place() == Some(*place)).count()
}

fn write(json: &mut Vec<u8>, descriptor: &Descriptor) {
    serde_json::to_writer(json, descriptor)
        .expect("a descriptor has only string keys, and a vector accepts everything");
}

fn encode(index: &Index) -> Vec<u8> {
    serde_json::to_vec(index).expect("an index has only string keys")
}

/// Finds the elements of an array in a JSON document without interpreting them.
struct Scanner<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    fn new(json: &'a [u8]) -> Self {
        Self { json, at: 0 }
    }

    /// Returns the position of the elements of the array `manifests` of the document together, and of each. Returns
    /// `None` if the document is not an object with such a member, or is malformed before the end of the array.
    fn manifests(mut self) -> Option<(Range<usize>, Vec<Range<usize>>)> {
        self.expect(b'{')?;
        loop {
            let key = self.value()?;
            self.expect(b':')?;
            if &self.json[key] == br#""manifests""# {
                return self.elements();
            }
            self.value()?;
            self.expect(b',')?;
        }
    }

    fn elements(&mut self) -> Option<(Range<usize>, Vec<Range<usize>>)> {
        self.expect(b'[')?;
        let start = self.at;
        let mut elements = Vec::new();
        self.skip_spaces();
        while self.peek()? != b']' {
            if !elements.is_empty() {
                self.expect(b',')?;
            }
            elements.push(self.value()?);
            self.skip_spaces();
        }
        Some((start..self.at, elements))
    }

    /// Skips a value and returns its position. Brackets are only counted: the parser of the value checks them.
    fn value(&mut self) -> Option<Range<usize>> {
        self.skip_spaces();
        let (start, mut depth) = (self.at, 0_usize);
        loop {
            match self.peek()? {
                b'"' => self.skip_string()?,
                b'{' | b'[' => {
                    depth += 1;
                    self.at += 1;
                }
                b'}' | b']' if depth > 0 => {
                    depth -= 1;
                    self.at += 1;
                }
                b',' | b':' if depth > 0 => {
                    self.at += 1;
                    continue;
                }
                byte if byte.is_ascii_alphanumeric() || b"+-.".contains(&byte) => self.skip_word(),
                byte if depth > 0 && is_space(byte) => {
                    self.at += 1;
                    continue;
                }
                _ => return None,
            }
            if depth == 0 {
                return Some(start..self.at);
            }
        }
    }

    /// Skips a number or a literal.
    fn skip_word(&mut self) {
        let is_part = |byte: &&u8| byte.is_ascii_alphanumeric() || b"+-.".contains(*byte);
        self.at += self.json[self.at..].iter().take_while(is_part).count();
    }

    fn skip_string(&mut self) -> Option<()> {
        self.at += 1;
        loop {
            let rest = &self.json[self.at..];
            let end = memchr::memchr2(b'"', b'\\', rest)?;
            let is_end = rest[end] == b'"';
            self.at += end + if is_end { 1 } else { 2 };
            if is_end {
                return Some(());
            }
            if self.at > self.json.len() {
                return None;
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        self.skip_spaces();
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn skip_spaces(&mut self) {
        self.at += self.json[self.at..].iter().take_while(|byte| is_space(**byte)).count();
    }

    fn peek(&self) -> Option<u8> {
        self.json.get(self.at).copied()
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r')
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn parse(json: &str) -> IndexDocument {
        IndexDocument::parse(json.as_bytes().to_vec()).unwrap_or_else(|error| panic!("{json}: {error}"))
    }

    fn element(content: &str, more: &str) -> String {
        let Descriptor { digest, size, .. } = Descriptor::of(MediaType::of("m"), content.as_bytes());
        format!(r#"{{"mediaType":"m","digest":"{digest}","size":{size}{more}}}"#)
    }

    fn new(content: &str) -> Entry {
        Entry::new(Descriptor::of(MediaType::of("m"), content.as_bytes()))
    }

    /// Changes an index of the elements a, b, c and compares its list of manifests. `x` is a new entry.
    fn check(change: impl FnOnce(&mut Vec<Entry>), expected: &[&str]) {
        let (a, b, c) = (element("a", r#","urls":["]}\\\""]"#), element("b", ""), element("c", r#", "data" : null "#));
        let document =
            parse(&format!("{{\n\"schemaVersion\":2,\"x\":[{{}}],\n\"manifests\" : [ {a},\n{b} , {c}\n]}}\n"));
        let Changed { document: changed, is_same, .. } = document.clone().change(change);
        let names = [("a", &a), ("b", &b), ("c", &c), ("x", &element("x", ""))];
        let show = |at: &Range<usize>| {
            let found = names.iter().find(|(_, json)| changed.json[at.clone()] == *json.as_bytes());
            found.map(|(name, _)| *name).unwrap()
        };
        assert_eq!(changed.elements.iter().map(show).collect::<Vec<_>>(), expected);
        assert_eq!(is_same, expected == ["a", "b", "c"]);
        let again = parse(std::str::from_utf8(&changed.json).unwrap());
        assert_eq!(again.elements, changed.elements);
        let digests = |document: &IndexDocument| {
            document.entries.iter().map(|entry| (entry.descriptor.digest, entry.place())).collect::<Vec<_>>()
        };
        assert_eq!(digests(&again), digests(&changed));
        assert!(changed.json.starts_with(b"{\n\"schemaVersion\":2,\"x\":[{}],\n\"manifests\" : ["));
        assert!(changed.json.ends_with(b"]}\n"));
    }

    #[test]
    fn entries_that_do_not_change_keep_their_bytes() {
        check(|_| (), &["a", "b", "c"]);
        check(|entries| entries.push(new("x")), &["a", "b", "c", "x"]);
        check(|entries| entries.insert(0, new("x")), &["x", "a", "b", "c"]);
        check(|entries| entries[1] = new("x"), &["a", "x", "c"]);
        check(|entries| drop(entries.remove(1)), &["a", "c"]);
        check(|entries| entries.truncate(1), &["a"]);
        check(Vec::clear, &[]);
        check(|entries| entries.swap(0, 2), &["c", "b", "a"]);
    }

    #[test]
    fn an_index_without_a_list_becomes_one_with_a_list() {
        for json in [
            r#"{"schemaVersion":2}"#,
            r#"{"schemaVersion":2,"manifests":null}"#,
            r#"{"schemaVersion":2,"manifests":[]}"#,
        ] {
            let document = parse(json);
            assert!(document.entries.is_empty());
            let Changed { document, is_same, .. } = document.change(|entries| entries.push(new("x")));
            let expected = format!(r#""manifests":[{}]"#, element("x", ""));
            assert!(!is_same && String::from_utf8(document.json).unwrap().contains(&expected), "{json}");
        }
        let element = element("x", "");
        assert_eq!(parse(&format!(r#"{{"schemaVersion":2,"manifest\u0073":[{element}]}}"#)).entries.len(), 1);
    }

    #[test]
    fn what_the_general_parser_refuses_is_refused() {
        let good = element("x", "");
        let lists = ["", "[", "[}", "[]]", "[,]", &format!("[{good},]"), &format!("[{good} {good}]"), "[{]}]", "[1]"];
        for list in lists {
            for json in [
                format!(r#"{{"schemaVersion":2,"manifests":{list}}}"#),
                format!(r#"{{"manifests":{list},"schemaVersion":2}}"#),
            ] {
                assert!(serde_json::from_str::<Index>(&json).is_err(), "{json}");
                assert!(IndexDocument::parse(json.clone().into_bytes()).is_err(), "{json}");
            }
        }
        for json in ["", "{", "[]", "{}", r#"{"manifests":[]}"#, r#"{"schemaVersion":1,"manifests":[]}"#] {
            assert!(IndexDocument::parse(json.as_bytes().to_vec()).is_err(), "{json}");
        }
        let twice = r#"{"schemaVersion":2,"manifests":[],"manifests":[]}"#;
        assert!(IndexDocument::parse(twice.as_bytes().to_vec()).is_err());
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String, list: String) {
            drop(IndexDocument::parse(text.into_bytes()));
            let json = format!(r#"{{"schemaVersion":2,"manifests":[{list}]}}"#);
            let general = serde_json::from_str::<Index>(&json);
            assert_eq!(IndexDocument::parse(json.into_bytes()).is_ok(), general.is_ok());
        }
    }
}
