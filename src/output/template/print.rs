//! Values as text, as `fmt.Print` of Go has them: `[a b]`, `map[k:v]`, `1e+06`.

use std::fmt::{Result, Write};

use serde_json::{Number, Value};

use super::data::{Data, integer, sorted};

/// The text that an action prints for a value that does not exist.
pub(super) const NO_VALUE: &str = "<no value>";

/// Writes a value as an argument of `print`; a missing one is `<nil>`.
pub(super) fn argument(out: &mut impl Write, data: &Data<'_>) -> Result {
    match data.value() {
        Some(value) => self::value(out, value),
        None => out.write_str("<nil>"),
    }
}

/// Writes a value. Null is an empty list: a list without items is null in Go.
pub(super) fn value(out: &mut impl Write, value: &Value) -> Result {
    elements(out, value, &mut |out, leaf| match leaf {
        Value::Number(number) => out.write_str(&self::number(number)),
        Value::String(text) => out.write_str(text),
        other => write!(out, "{other}"),
    })
}

/// Writes the brackets of lists and maps; `leaf` writes what is in them.
pub(super) fn elements<W: Write>(out: &mut W, value: &Value, leaf: &mut dyn FnMut(&mut W, &Value) -> Result) -> Result {
    match value {
        Value::Null => out.write_str("[]"),
        Value::Array(items) => {
            out.write_str("[")?;
            for (position, item) in items.iter().enumerate() {
                out.write_str(if position > 0 { " " } else { "" })?;
                elements(out, item, leaf)?;
            }
            out.write_str("]")
        }
        Value::Object(fields) => {
            out.write_str("map[")?;
            for (position, (name, item)) in sorted(fields).into_iter().enumerate() {
                out.write_str(if position > 0 { " " } else { "" })?;
                leaf(out, &Value::from(name.as_str()))?;
                out.write_str(":")?;
                elements(out, item, leaf)?;
            }
            out.write_str("]")
        }
        scalar => leaf(out, scalar),
    }
}

/// A number as `%v` has it.
pub(super) fn number(number: &Number) -> String {
    match (integer(number), number.as_f64()) {
        (Some(integer), _) => integer.to_string(),
        (None, Some(float)) if float.is_finite() => self::float(float, None),
        _ => number.to_string(),
    }
}

/// The precision that decides about an exponent where none is given.
const SHORTEST: usize = 6;

/// A number as `%g` has it: with an exponent if that is below -4, or not below the precision.
pub(super) fn float(value: f64, precision: Option<usize>) -> String {
    let digits = match precision {
        Some(precision) => format!("{value:.*e}", precision.max(1) - 1),
        None => format!("{value:e}"),
    };
    let Some((mantissa, exponent)) = digits.split_once('e') else { return digits };
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    let exponent: i32 = exponent.parse().unwrap_or_default();
    let significant = mantissa.chars().filter(char::is_ascii_digit).count();
    let limit = precision.map_or(SHORTEST, |precision| precision.max(1));
    let limit = i32::try_from(limit).unwrap_or(i32::MAX);
    if exponent < -4 || exponent >= limit {
        return with_exponent(mantissa, exponent);
    }
    let decimals = i32::try_from(significant).unwrap_or(i32::MAX) - 1 - exponent;
    format!("{value:.*}", usize::try_from(decimals).unwrap_or_default())
}

/// A mantissa with an exponent as Go writes it, of two digits at least: `1.5e+06`.
pub(super) fn with_exponent(mantissa: &str, exponent: i32) -> String {
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{mantissa}e{sign}{:02}", exponent.unsigned_abs())
}
