//! `printf`, with the verbs that JSON values have in Go: `%v %s %q %d %x %X %o %b %c %t %e %f %g`.
//!
//! As in Go, a verb that does not fit its argument is not an error: it prints as `%!d(string=hi)`.

use std::fmt::{Result, Write};

use serde_json::Value;

use super::data::{Data, integer};
use super::print;

/// The widest field and the greatest precision; larger ones are errors, as those above a million are in Go.
const MAX_WIDTH: usize = 10_000;

/// A directive of a format: `%-8.3f`.
#[derive(Debug, Clone, Copy, Default)]
struct Directive {
    is_left: bool,
    pads_with_zeros: bool,
    /// `+` or a space, which stands before positive numbers.
    sign: Option<char>,
    width: usize,
    precision: Option<usize>,
    verb: char,
}

/// Writes `arguments` as `format` says.
pub(super) fn printf(out: &mut impl Write, format: &str, arguments: &[Data<'_>]) -> Result {
    let mut arguments = arguments.iter();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('%') {
        out.write_str(before)?;
        let (directive, remaining) = directive(out, after)?;
        rest = remaining;
        match directive {
            None => out.write_str("%!(NOVERB)")?,
            Some(Directive { verb: '%', .. }) => out.write_str("%")?,
            Some(directive) => match arguments.next() {
                None => write!(out, "%!{}(MISSING)", directive.verb)?,
                Some(argument) => directive.write(out, argument)?,
            },
        }
    }
    out.write_str(rest)?;
    extra(out, arguments.as_slice())
}

/// Lists the arguments that the format does not use.
fn extra(out: &mut impl Write, arguments: &[Data<'_>]) -> Result {
    for (position, argument) in arguments.iter().enumerate() {
        out.write_str(if position == 0 { "%!(EXTRA " } else { ", " })?;
        typed(out, argument.value())?;
    }
    out.write_str(if arguments.is_empty() { "" } else { ")" })
}

/// Reads a directive after its `%`, and returns it with the text after it; none if the text ends first. A width or
/// precision that is too large is ignored and reported in `out`.
fn directive<'t>(
    out: &mut impl Write,
    text: &'t str,
) -> std::result::Result<(Option<Directive>, &'t str), std::fmt::Error> {
    let mut directive = Directive::default();
    let mut rest = text;
    while let Some(flag) = rest.chars().next().filter(|letter| "-+ 0#".contains(*letter)) {
        match flag {
            '-' => directive.is_left = true,
            '0' => directive.pads_with_zeros = true,
            '+' => directive.sign = Some('+'),
            ' ' => directive.sign = directive.sign.or(Some(' ')),
            _ => {}
        }
        rest = &rest[1..];
    }
    let (width, after) = digits(rest);
    directive.width = width.unwrap_or_default();
    out.write_str(if width.is_none() { "%!(BADWIDTH)" } else { "" })?;
    rest = after;
    if let Some(after) = rest.strip_prefix('.') {
        (directive.precision, rest) = digits(after);
        out.write_str(if directive.precision.is_none() { "%!(BADPREC)" } else { "" })?;
    }
    let Some(verb) = rest.chars().next() else { return Ok((None, rest)) };
    Ok((Some(Directive { verb, ..directive }), &rest[verb.len_utf8()..]))
}

/// Reads a number, none if it is too large, and returns the text after it.
fn digits(text: &str) -> (Option<usize>, &str) {
    let end = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number = if end == 0 { Some(0) } else { text[..end].parse().ok().filter(|number| *number <= MAX_WIDTH) };
    (number, &text[end..])
}

impl Directive {
    fn write<W: Write>(self, out: &mut W, argument: &Data<'_>) -> Result {
        match argument.value() {
            None if self.verb == 'v' => self.padded(out, "<nil>", false),
            None => write!(out, "%!{}(<nil>)", self.verb),
            Some(value) => print::elements(out, value, &mut |out, leaf| self.leaf(out, leaf)),
        }
    }

    fn leaf(self, out: &mut impl Write, value: &Value) -> Result {
        let text = match value {
            Value::String(text) => self.string(text).map(|text| (text, false)),
            Value::Number(number) => match integer(number) {
                Some(integer) => self.integer(integer),
                None => number.as_f64().and_then(|float| self.float(float)).map(|text| (text, true)),
            },
            other => matches!(self.verb, 'v' | 't').then(|| (other.to_string(), false)),
        };
        if let Some((text, is_number)) = text {
            return self.padded(out, &text, is_number);
        }
        write!(out, "%!{}(", self.verb)?;
        typed(out, Some(value))?;
        out.write_str(")")
    }

    fn string(self, text: &str) -> Option<String> {
        let kept = || match self.precision {
            Some(precision) => text.chars().take(precision).collect(),
            None => text.to_owned(),
        };
        Some(match self.verb {
            'v' | 's' => kept(),
            'q' => quote(&kept(), '"'),
            'x' => hexadecimal(text),
            'X' => hexadecimal(text).to_uppercase(),
            _ => return None,
        })
    }

    /// An integer, and whether it is a number that zeros can pad, not a character.
    fn integer(self, value: i128) -> Option<(String, bool)> {
        let magnitude = value.unsigned_abs();
        let digits = match self.verb {
            'v' | 'd' => magnitude.to_string(),
            'x' => format!("{magnitude:x}"),
            'X' => format!("{magnitude:X}"),
            'o' => format!("{magnitude:o}"),
            'b' => format!("{magnitude:b}"),
            'c' => return Some((character(value).to_string(), false)),
            'q' => return Some((quote(&character(value).to_string(), '\''), false)),
            _ => return None,
        };
        let missing = self.precision.unwrap_or_default().saturating_sub(digits.len());
        Some((format!("{}{}{digits}", self.sign(value < 0), "0".repeat(missing)), true))
    }

    fn float(self, value: f64) -> Option<String> {
        let magnitude = value.abs();
        let digits = match self.verb {
            'v' | 'g' => print::float(magnitude, self.precision),
            'f' | 'F' => format!("{magnitude:.*}", self.precision.unwrap_or(6)),
            'e' => {
                let text = format!("{magnitude:.*e}", self.precision.unwrap_or(6));
                let (mantissa, exponent) = text.split_once('e')?;
                print::with_exponent(mantissa, exponent.parse().ok()?)
            }
            _ => return None,
        };
        Some(format!("{}{digits}", self.sign(value.is_sign_negative())))
    }

    fn sign(self, is_negative: bool) -> String {
        if is_negative { "-".to_owned() } else { self.sign.map(String::from).unwrap_or_default() }
    }

    /// Writes a text in a field of the width.
    fn padded(self, out: &mut impl Write, text: &str, is_number: bool) -> Result {
        let missing = self.width.saturating_sub(text.chars().count());
        if self.is_left {
            return write!(out, "{text}{}", " ".repeat(missing));
        }
        if !self.pads_with_zeros || (is_number && self.precision.is_some() && self.verb != 'f' && self.verb != 'e') {
            return write!(out, "{}{text}", " ".repeat(missing));
        }
        let sign = if is_number { text.len() - text.trim_start_matches(['-', '+', ' ']).len() } else { 0 };
        write!(out, "{}{}{}", &text[..sign], "0".repeat(missing), &text[sign..])
    }
}

/// Writes a value with its type in Go, as messages about a wrong directive have it.
fn typed(out: &mut impl Write, value: Option<&Value>) -> Result {
    let name = match value {
        None => return out.write_str("<nil>"),
        Some(Value::Bool(_)) => "bool",
        Some(Value::Number(number)) if integer(number).is_some() => "int",
        Some(Value::Number(_)) => "float64",
        Some(Value::String(_)) => "string",
        Some(Value::Array(_) | Value::Null) => "[]interface {}",
        Some(Value::Object(_)) => "map[string]interface {}",
    };
    write!(out, "{name}=")?;
    value.map_or(Ok(()), |value| print::value(out, value))
}

fn character(code: i128) -> char {
    u32::try_from(code).ok().and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER)
}

/// The bytes of a text, two digits each.
fn hexadecimal(text: &str) -> String {
    let halves = text.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    halves.filter_map(|half| char::from_digit(half.into(), 16)).collect()
}

/// A text as a literal of Go.
fn quote(text: &str, mark: char) -> String {
    let mut quoted = String::from(mark);
    for letter in text.chars() {
        match letter {
            '\x07' => quoted.push_str("\\a"),
            '\x08' => quoted.push_str("\\b"),
            '\x0b' => quoted.push_str("\\v"),
            '\x0c' => quoted.push_str("\\f"),
            '\t' => quoted.push_str("\\t"),
            '\n' => quoted.push_str("\\n"),
            '\r' => quoted.push_str("\\r"),
            '\\' => quoted.push_str("\\\\"),
            _ if letter == mark => quoted.extend(['\\', letter]),
            '\0'..='\x1f' | '\x7f' => quoted.extend(format!("\\x{:02x}", u32::from(letter)).chars()),
            _ if letter.is_control() => quoted.extend(format!("\\u{:04x}", u32::from(letter)).chars()),
            _ => quoted.push(letter),
        }
    }
    quoted.push(mark);
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Each line was printed by Go 1.26.
    #[test]
    fn directives_print_as_in_go() {
        for (format, argument, expected) in [
            ("%v", json!([1, "a", true]), "[1 a true]"),
            ("%d", json!([1, "a"]), "[1 %!d(string=a)]"),
            ("%q", json!({"k": "v"}), r#"map["k":"v"]"#),
            ("%s|", json!(3), "%!s(int=3)|"),
            ("%d", json!("s"), "%!d(string=s)"),
            ("%z", json!(1.5), "%!z(float64=1.5)"),
            ("%-5d|", json!(3), "3    |"),
            ("%05d", json!(-3), "-0003"),
            ("%+d %d", json!(3), "+3 %!d(MISSING)"),
            ("% d", json!(3), " 3"),
            ("%5s", json!("é"), "    é"),
            ("%6.2v", json!("abc"), "    ab"),
            ("%05s", json!("a"), "0000a"),
            ("%x", json!("hi"), "6869"),
            ("%x", json!(-255), "-ff"),
            ("%.2d", json!(7), "07"),
            ("%c", json!(233), "é"),
            ("%q", json!(65), "'A'"),
            ("%q", json!("a\u{1}\"é\n"), r#""a\x01\"é\n""#),
            ("%08.3f", json!(-3.24159), "-003.242"),
            ("%e", json!(1.5), "1.500000e+00"),
            ("%.3g", json!(1234.5), "1.23e+03"),
            ("%.3g", json!(0.000_123_45), "0.000123"),
            ("%g", json!(1_000_000.0), "1e+06"),
            ("%v", json!(123_456.0), "123456"),
            ("%v", json!(0.00001), "1e-05"),
            ("%5t", json!(true), " true"),
            ("100%%", json!(1), "100%%!(EXTRA int=1)"),
            ("%v%", json!(1), "1%!(NOVERB)"),
            ("%99999999999999999999d", json!(1), "%!(BADWIDTH)1"),
        ] {
            let mut text = String::new();
            printf(&mut text, format, &[Data::Given(&argument)]).unwrap();
            assert_eq!(text, expected, "{format}");
        }
    }
}
