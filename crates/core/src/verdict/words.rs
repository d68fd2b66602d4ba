//! Short descriptions of changes.

use std::fmt::Display;

/// The number of names in a list.
const NAMED: usize = 5;

/// `before → after`, with a dash for a missing value.
pub(super) fn arrow<T: Display>(before: Option<T>, after: Option<T>) -> String {
    let show = |value: Option<T>| value.map_or_else(|| "none".to_owned(), |value| value.to_string());
    format!("{} → {}", show(before), show(after))
}

/// The first names of a list, and the number of the others.
pub(super) fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("{}{more}", names.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", "))
}

/// A number with a noun, which gets an `s` unless there is one.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}
