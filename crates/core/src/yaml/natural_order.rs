//! The order in which yaml.v3 writes the keys of a map (`sorter.go`): `a2` before `a10`.

use std::cmp::Ordering;

use serde_json::Value;

/// Sorts all maps in `value` by [`natural_order`].
pub(crate) fn sort_naturally(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(sort_naturally),
        Value::Object(map) => {
            map.values_mut().for_each(sort_naturally);
            let mut pairs: Vec<(String, Value)> = std::mem::take(map).into_iter().collect();
            pairs.sort_by(|(left, _), (right, _)| natural_order(left, right));
            *map = pairs.into_iter().collect();
        }
        _ => {}
    }
}

/// Compares as yaml.v3 does (`sorter.go`): runs of digits compare as numbers, and other characters come before letters
/// except right after a digit.
fn natural_order(left: &str, right: &str) -> Ordering {
    let (left, right): (Vec<char>, Vec<char>) = (left.chars().collect(), right.chars().collect());
    let Some(at) = left.iter().zip(&right).position(|(one, other)| one != other) else {
        return left.len().cmp(&right.len());
    };
    let after_digit = at > 0 && left[at - 1].is_ascii_digit();
    let (one, other) = (left[at], right[at]);
    match (one.is_alphabetic(), other.is_alphabetic()) {
        (true, true) => one.cmp(&other),
        (true, false) => {
            if after_digit {
                Ordering::Less
            } else {
                Ordering::Greater
            }
        }
        (false, true) => {
            if after_digit {
                Ordering::Greater
            } else {
                Ordering::Less
            }
        }
        (false, false) => {
            digit_run(&left, at, one, other).cmp(&digit_run(&right, at, one, other)).then_with(|| one.cmp(&other))
        }
    }
}

/// The value and the end of the run of digits that continues at `at`, the first position where the two keys differ.
fn digit_run(key: &[char], at: usize, one: char, other: char) -> (u128, usize) {
    let before = key[..at].iter().rev().take_while(|sign| sign.is_ascii_digit());
    let leads = (one == '0' || other == '0') && before.into_iter().any(|digit| *digit != '0');
    let digits = key[at..].iter().map_while(|sign| sign.to_digit(10));
    let (value, length) = digits.fold((u128::from(leads), 0), |(value, length), digit| {
        (value.saturating_mul(10).saturating_add(u128::from(digit)), length + 1)
    });
    (value, at + length)
}
