//! The meaning of scalars, by the rules of Go's yaml.v3, so that `kit` and KitOps read the same values from a text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::node::Scalar;
use super::timestamp;

/// A scalar with its type and value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Resolved {
    Null,
    Bool(bool),
    /// An integer between `i64::MIN` and `u64::MAX`, in decimal.
    Integer(String),
    Float(f64),
    /// A timestamp in the format of RFC 3339.
    Timestamp(String),
    Text(String),
    /// The key `<<`.
    Merge,
}

/// Determines the type and value of a scalar; the error names the tag that the value does not match.
pub(crate) fn resolve(scalar: &Scalar) -> Result<Resolved, String> {
    let text = || Resolved::Text(scalar.text.clone());
    let Some(tag) = scalar.tag.as_deref().filter(|tag| *tag != "!") else {
        return Ok(if scalar.is_plain { resolve_plain(&scalar.text) } else { text() });
    };
    let plain = resolve_plain(&scalar.text);
    match (tag, plain) {
        ("!!binary", _) => binary(&scalar.text).map(Resolved::Text),
        ("!!float", Resolved::Integer(digits)) => digits.parse().map(Resolved::Float).map_err(|_| cannot(tag)),
        ("!!null", plain @ Resolved::Null)
        | ("!!bool", plain @ Resolved::Bool(_))
        | ("!!int", plain @ Resolved::Integer(_))
        | ("!!float", plain @ Resolved::Float(_))
        | ("!!timestamp", plain @ Resolved::Timestamp(_))
        | ("!!merge", plain @ Resolved::Merge) => Ok(plain),
        ("!!null" | "!!bool" | "!!int" | "!!float" | "!!timestamp", _) => Err(cannot(tag)),
        _ => Ok(text()),
    }
}

/// The meaning of an unquoted scalar without a tag.
pub(crate) fn resolve_plain(text: &str) -> Resolved {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
        "true" | "True" | "TRUE" => Resolved::Bool(true),
        "false" | "False" | "FALSE" => Resolved::Bool(false),
        "<<" => Resolved::Merge,
        ".nan" | ".NaN" | ".NAN" => Resolved::Float(f64::NAN),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => Resolved::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => Resolved::Float(f64::NEG_INFINITY),
        _ => number_like(text).unwrap_or_else(|| Resolved::Text(text.to_owned())),
    }
}

fn number_like(text: &str) -> Option<Resolved> {
    match text.as_bytes().first()? {
        b'.' => float(&text.replace('_', "")).map(Resolved::Float),
        b'+' | b'-' | b'0'..=b'9' => {
            let digits = text.replace('_', "");
            timestamp::to_rfc3339(text)
                .map(Resolved::Timestamp)
                .or_else(|| integer(&digits).map(Resolved::Integer))
                .or_else(|| float(&digits).map(Resolved::Float))
        }
        _ => None,
    }
}

/// Parses decimal, `0x`, `0o`, `0b`, and the octal `017` of YAML 1.1, which Go still reads.
fn integer(text: &str) -> Option<String> {
    let (sign, digits) = match text.split_at_checked(1)? {
        (sign @ ("+" | "-"), digits) => (sign, digits),
        _ => ("", text),
    };
    let lower = digits.to_ascii_lowercase();
    let (radix, digits) = [("0x", 16), ("0o", 8), ("0b", 2)]
        .into_iter()
        .find_map(|(prefix, radix)| Some((radix, lower.strip_prefix(prefix)?)))
        .or_else(|| Some((8, lower.strip_prefix('0').filter(|rest| !rest.is_empty())?)))
        .unwrap_or((10, &lower));
    if !digits.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    let magnitude = u64::from_str_radix(digits, radix).ok()?;
    let limit = match sign {
        "" => u64::MAX,
        "+" => i64::MAX.unsigned_abs(),
        _ => i64::MIN.unsigned_abs(),
    };
    let sign = if sign == "-" && magnitude != 0 { "-" } else { "" };
    (magnitude <= limit).then(|| format!("{sign}{magnitude}"))
}

/// Parses `[-+]? (\.[0-9]+ | [0-9]+ (\.[0-9]*)?) ([eE][-+]?[0-9]+)?` within the range of a double.
fn float(text: &str) -> Option<f64> {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    let is_sign = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-');
    let begins_well = unsigned.starts_with(|first: char| first.is_ascii_digit() || first == '.');
    if !begins_well || !text.bytes().all(is_sign) {
        return None;
    }
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

fn binary(text: &str) -> Result<String, String> {
    let packed: String = text.split_whitespace().collect();
    let bytes = STANDARD.decode(packed).map_err(|_| "the value of `!!binary` is not base64".to_owned())?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn cannot(tag: &str) -> String {
    format!("the value does not match its tag `{tag}`")
}
