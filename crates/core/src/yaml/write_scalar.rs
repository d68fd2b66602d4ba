//! The style of a string in YAML: plain, quoted or as a literal block, chosen as Go's yaml.v3 does (`emitterc.go`).
//!
//! It differs where that encoder writes something that is read back differently: strings that begin with a line break
//! or contain a Unicode line separator, and the string `<<`.

use super::scalar::{Resolved, resolve_plain};

/// The position of a string in the document.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// A value in block style, with its continuation lines indented by `indent`.
    Block { indent: usize },
    /// A key before a `:`.
    Key,
    /// An item of a list on one line.
    Flow,
}

/// Returns true if a key can be written before a `:`; longer keys need a `?`.
pub(super) fn is_simple_key(key: &str) -> bool {
    key.len() <= 128 && !has_breaks(key)
}

/// The string in its style, without a line break at the end.
pub(super) fn scalar(text: &str, place: Place) -> String {
    let traits = Traits::of(text);
    match place {
        Place::Block { indent } if text.contains('\n') && traits.may_be_literal => literal(text, indent),
        _ if text.contains('\n') || !is_plainly_text(text) => double_quoted(text),
        Place::Flow if traits.may_be_plain_in_flow => text.to_owned(),
        Place::Block { .. } | Place::Key if traits.may_be_plain => text.to_owned(),
        _ if traits.may_be_single_quoted => format!("'{}'", text.replace('\'', "''")),
        _ => double_quoted(text),
    }
}

/// Returns true if the unquoted text is read as a string, in YAML 1.1 as well.
fn is_plainly_text(text: &str) -> bool {
    matches!(resolve_plain(text), Resolved::Text(_)) && !is_old_bool(text) && !is_sexagesimal(text)
}

fn is_old_bool(text: &str) -> bool {
    const WORDS: [&str; 16] =
        ["y", "Y", "yes", "Yes", "YES", "on", "On", "ON", "n", "N", "no", "No", "NO", "off", "Off", "OFF"];
    WORDS.contains(&text)
}

/// Recognizes the base-60 numbers of YAML 1.1: `12:30`, `1:2:3.5`.
fn is_sexagesimal(text: &str) -> bool {
    let is_digit_or_gap = |byte: u8| byte.is_ascii_digit() || byte == b'_';
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let whole = match unsigned.split_once('.') {
        Some((whole, fraction)) if fraction.bytes().all(is_digit_or_gap) => whole,
        Some(_) => return false,
        None => unsigned,
    };
    let Some((first, rest)) = whole.split_once(':') else { return false };
    let is_sixtieth = |part: &str| match part.as_bytes() {
        [digit] => digit.is_ascii_digit(),
        [tens, digit] => (b'0'..=b'5').contains(tens) && digit.is_ascii_digit(),
        _ => false,
    };
    first.starts_with(|digit: char| digit.is_ascii_digit())
        && first.bytes().all(is_digit_or_gap)
        && rest.split(':').all(is_sixtieth)
}

/// The styles that the characters of a string allow.
#[allow(clippy::struct_excessive_bools, reason = "four independent answers about one text, as in yaml.v3")]
struct Traits {
    may_be_plain: bool,
    may_be_plain_in_flow: bool,
    may_be_single_quoted: bool,
    may_be_literal: bool,
}

impl Traits {
    fn of(text: &str) -> Self {
        let special = text.chars().any(|sign| !is_printable(sign) && sign != '\t') || has_separators(text);
        let space_before_break = text.contains(" \n");
        let space_after_break = text.contains("\n ");
        let blank_ends = text.starts_with([' ', '\n']) || text.ends_with([' ', '\n']);
        let may_be_single_quoted = !special && !space_before_break && !space_after_break && !text.contains('\t');
        let may_be_plain = may_be_single_quoted && !blank_ends;
        Self {
            may_be_plain: may_be_plain && !has_block_indicators(text),
            may_be_plain_in_flow: may_be_plain && !text.is_empty() && !has_flow_indicators(text),
            may_be_single_quoted,
            may_be_literal: !special && !space_before_break && !text.ends_with(' '),
        }
    }
}

fn has_block_indicators(text: &str) -> bool {
    let after_first = text.chars().next().map_or("", |first| &text[first.len_utf8()..]);
    text.starts_with("---")
        || text.starts_with("...")
        || text.starts_with(['#', ',', '[', ']', '{', '}', '&', '*', '!', '|', '>', '\'', '"', '%', '@', '`'])
        || (text.starts_with(['?', ':', '-']) && (after_first.is_empty() || after_first.starts_with([' ', '\t'])))
        || text.ends_with(':')
        || [": ", ":\t", " #", "\t#", "\n#"].iter().any(|indicator| text.contains(indicator))
}

fn has_flow_indicators(text: &str) -> bool {
    has_block_indicators(text) || text.contains([',', '?', '[', ']', '{', '}', ':'])
}

fn has_breaks(text: &str) -> bool {
    text.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
}

fn has_separators(text: &str) -> bool {
    text.contains(['\u{2028}', '\u{2029}'])
}

/// The characters that libyaml considers printable: no controls except line feed, nothing beyond the basic plane, no
/// byte order mark.
fn is_printable(sign: char) -> bool {
    matches!(sign, '\n' | ' '..='~' | '\u{a0}'..='\u{fffd}') && sign != '\u{feff}'
}

fn literal(text: &str, indent: usize) -> String {
    let hint = if text.starts_with([' ', '\n']) { "2" } else { "" };
    let chomping = match text.strip_suffix('\n') {
        None => "-",
        Some(rest) if rest.is_empty() || rest.ends_with('\n') => "+",
        Some(_) => "",
    };
    let mut out = format!("|{hint}{chomping}");
    for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
        out.push('\n');
        if !line.is_empty() {
            out.extend(std::iter::repeat_n(' ', indent));
            out.push_str(line);
        }
    }
    out
}

fn double_quoted(text: &str) -> String {
    // yaml.v3 escapes every character of a string that begins with a byte order mark.
    let escapes_all = text.starts_with('\u{feff}');
    let mut out = String::from("\"");
    for sign in text.chars() {
        if escapes_all
            || !is_printable(sign)
            || matches!(sign, '\n' | '"' | '\\')
            || has_separators(sign.encode_utf8(&mut [0; 4]))
        {
            escape(sign, &mut out);
        } else {
            out.push(sign);
        }
    }
    out.push('"');
    out
}

fn escape(sign: char, out: &mut String) {
    let short = match sign {
        '\0' => '0',
        '\u{7}' => 'a',
        '\u{8}' => 'b',
        '\t' => 't',
        '\n' => 'n',
        '\u{b}' => 'v',
        '\u{c}' => 'f',
        '\r' => 'r',
        '\u{1b}' => 'e',
        '"' => '"',
        '\\' => '\\',
        '\u{85}' => 'N',
        '\u{a0}' => '_',
        '\u{2028}' => 'L',
        '\u{2029}' => 'P',
        _ => {
            let code = u32::from(sign);
            let escaped = match code {
                0..=0xff => format!("\\x{code:02X}"),
                0x100..=0xffff => format!("\\u{code:04X}"),
                _ => format!("\\U{code:08X}"),
            };
            out.push_str(&escaped);
            return;
        }
    };
    out.push('\\');
    out.push(short);
}
