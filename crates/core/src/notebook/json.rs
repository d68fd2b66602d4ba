//! The places of values in a JSON text, for edits that leave all other bytes as they are.
//!
//! All functions expect a valid JSON text; on any other one they return places without a meaning, but do not panic.

use std::borrow::Cow;
use std::ops::Range;

/// A member of an object.
#[derive(Debug)]
pub(super) struct Member<'a> {
    pub(super) key: Cow<'a, str>,
    /// The offset of the key.
    pub(super) start: usize,
    /// The place of the value.
    pub(super) value: Range<usize>,
}

/// Returns the place of the value that is the whole text.
pub(super) fn whole(text: &str) -> Range<usize> {
    let start = skip_spaces(text, 0);
    start..text.trim_end().len().max(start)
}

/// Returns the members of the object at `place`, in order; none if it is not an object.
pub(super) fn members<'a>(text: &'a str, place: &Range<usize>) -> Vec<Member<'a>> {
    let mut members = Vec::new();
    if byte(text, place.start) != Some(b'{') {
        return members;
    }
    let mut at = skip_spaces(text, place.start + 1);
    while at < place.end && byte(text, at) == Some(b'"') {
        let end = value_end(text, at);
        let colon = skip_spaces(text, end);
        let value = skip_spaces(text, colon + 1);
        let value = value..value_end(text, value);
        at = skip_spaces(text, skip_spaces(text, value.end) + 1);
        let key = text.get(members_start(&members, text, place)..end).unwrap_or_default();
        let start = end - key.len();
        members.push(Member { key: unquoted(key), start, value });
    }
    members
}

/// The offset of the key after the last of `members`.
fn members_start(members: &[Member<'_>], text: &str, place: &Range<usize>) -> usize {
    let before = members.last().map_or(place.start, |last| skip_spaces(text, last.value.end));
    skip_spaces(text, before + 1)
}

/// Returns the places of the items of the array at `place`, in order; none if it is not an array.
pub(super) fn items(text: &str, place: &Range<usize>) -> Vec<Range<usize>> {
    let mut items = Vec::new();
    if byte(text, place.start) != Some(b'[') {
        return items;
    }
    let mut at = skip_spaces(text, place.start + 1);
    while at < place.end && !matches!(byte(text, at), None | Some(b']')) {
        let end = value_end(text, at).max(at + 1);
        items.push(at..end);
        at = skip_spaces(text, skip_spaces(text, end) + 1);
    }
    items
}

/// Returns the end of the value that begins at `start`.
fn value_end(text: &str, start: usize) -> usize {
    let (mut at, mut depth) = (start, 0_usize);
    while let Some(sign) = byte(text, at) {
        match sign {
            b'"' => {
                at = string_end(text, at);
                if depth == 0 {
                    return at;
                }
                continue;
            }
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + depth,
            b'}' | b']' => depth -= 1,
            b',' | b' ' | b'\n' | b'\r' | b'\t' if depth == 0 => return at,
            _ => {}
        }
        at += 1;
    }
    at
}

/// Returns the end of the string whose first quotation mark is at `start`.
fn string_end(text: &str, start: usize) -> usize {
    let mut at = start + 1;
    while let Some(sign) = byte(text, at) {
        match sign {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    text.len()
}

fn skip_spaces(text: &str, mut at: usize) -> usize {
    while matches!(byte(text, at), Some(b' ' | b'\n' | b'\r' | b'\t')) {
        at += 1;
    }
    at
}

fn byte(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at).copied()
}

fn unquoted(key: &str) -> Cow<'_, str> {
    if key.contains('\\') {
        return serde_json::from_str(key).map_or(Cow::Borrowed(key), Cow::Owned);
    }
    Cow::Borrowed(key.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_and_items_have_their_places() {
        let text = r#" { "a" : [1, "x]", {"b": "}\""}, null ] ,"\u0062":-1e5,"c":{}}
"#;
        let found = members(text, &whole(text));
        let shown: Vec<_> = found.iter().map(|member| (&*member.key, &text[member.value.clone()])).collect();
        assert_eq!(shown, [("a", r#"[1, "x]", {"b": "}\""}, null ]"#), ("b", "-1e5"), ("c", "{}")]);
        assert_eq!(&text[found[1].start..found[1].value.end], r#""\u0062":-1e5"#);
        let items: Vec<_> = items(text, &found[0].value).into_iter().map(|place| &text[place]).collect();
        assert_eq!(items, ["1", r#""x]""#, r#"{"b": "}\""}"#, "null"]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_is_too_broken(text in r#"[\[\]{}":,\\a1 é]{0,40}"#) {
            let place = whole(&text);
            for member in members(&text, &place) {
                members(&text, &member.value);
                items(&text, &member.value);
            }
            items(&text, &place);
        }
    }
}
