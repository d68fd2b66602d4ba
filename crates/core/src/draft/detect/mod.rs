//! Drafting a Kitfile for a folder from the names and sizes of its files.

mod rules;
#[cfg(test)]
mod tests;

pub use rules::{Found, FoundKind, Hints, detect, skill_file};
