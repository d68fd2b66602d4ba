//! Numbers as Go writes them, in JSON and in YAML.

use serde_json::Number;

/// A double as Go's JSON encoder writes it: the shortest digits, with an exponent below 1e-6 and from 1e21 on.
///
/// Returns `None` for infinities and not-a-number, which JSON cannot represent.
pub(crate) fn json_float(value: f64) -> Option<Number> {
    if !value.is_finite() {
        return None;
    }
    let size = value.abs();
    let text = if size != 0.0 && !(1e-6..1e21).contains(&size) { exponential(value, 1) } else { value.to_string() };
    text.parse().ok()
}

/// A number as it is written in a Kitfile.
///
/// Integers are written with all their digits; KitOps writes 1000000 as `1e+06` and loses digits above 2^53. All other
/// numbers have Go's format `g`: an exponent below 1e-4 and from 1e6 on.
pub(crate) fn yaml_number(number: &Number) -> String {
    let text = number.to_string();
    if text == "-0" {
        // Without a decimal point it would be read back as the integer 0.
        return "-0.0".to_owned();
    }
    if !text.contains(['.', 'e', 'E']) {
        return text;
    }
    match text.parse::<f64>() {
        Ok(value) if value.is_finite() => general(value),
        _ => text,
    }
}

fn general(value: f64) -> String {
    let scientific = format!("{value:e}");
    let exponent: i32 = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse().ok()).unwrap_or_default();
    if (-4..6).contains(&exponent) { value.to_string() } else { exponential(value, 2) }
}

/// The shortest digits that identify the value, and a signed exponent of at least `exponent_digits` digits.
fn exponential(value: f64, exponent_digits: usize) -> String {
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |rest| ('-', rest));
    format!("{digits}e{sign}{exponent:0>exponent_digits$}")
}
