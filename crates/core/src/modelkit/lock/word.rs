//! The fields of a record: each is one word, for any path or name.

use std::fmt::Write;

/// The word for `text`: white space, control characters and `%` are written as in a URL, each byte of their UTF-8 as
/// `%` and two upper-case hexadecimal digits (RFC 3986, 2.1); all other characters are unchanged. An empty text is `-`,
/// and `-` is `%2D`.
pub(super) fn to_word(text: &str) -> String {
    match text {
        "" => "-".to_owned(),
        "-" => "%2D".to_owned(),
        text => text.chars().fold(String::new(), with_letter),
    }
}

fn with_letter(mut word: String, letter: char) -> String {
    if letter != '%' && !letter.is_whitespace() && !letter.is_control() {
        word.push(letter);
        return word;
    }
    for byte in letter.encode_utf8(&mut [0; 4]).bytes() {
        write!(word, "%{byte:02X}").expect("writing to a string does not fail");
    }
    word
}

/// The text of a word, if `word` has the form that [`to_word`] writes.
pub(super) fn from_word(word: &str) -> Option<String> {
    if word == "-" {
        return Some(String::new());
    }
    let mut pieces = word.split('%');
    let mut bytes = pieces.next().unwrap_or_default().as_bytes().to_vec();
    for piece in pieces {
        let (digits, rest) = piece.split_at_checked(2)?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        bytes.extend_from_slice(rest.as_bytes());
    }
    String::from_utf8(bytes).ok().filter(|text| to_word(text) == word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_one_word() {
        for (text, word) in [
            ("data/a.csv", "data/a.csv"),
            ("", "-"),
            ("-", "%2D"),
            ("-a", "-a"),
            ("a b\nc", "a%20b%0Ac"),
            ("100%", "100%25"),
            ("重み ü", "重み%20ü"),
            ("\u{2028}", "%E2%80%A8"),
        ] {
            assert_eq!(to_word(text), word);
            assert_eq!(from_word(word).as_deref(), Some(text));
        }
    }

    #[test]
    fn a_word_is_written_in_one_way() {
        for word in ["", "a b", "%", "%2", "%zz", "%+1", "%0a", "%41", "%FF", "a\u{a0}b", "%2é"] {
            assert_eq!(from_word(word), None, "{word}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_text_round_trips(text: String) {
            let word = to_word(&text);
            assert!(!word.is_empty() && !word.contains(char::is_whitespace));
            assert_eq!(from_word(&word), Some(text));
        }

        #[test]
        fn arbitrary_words_never_panic(text in "[%0-9A-Fé]{0,12}") {
            from_word(&text);
        }
    }
}
