//! Drafting a Kitfile for a folder from the names and sizes of its files.

mod found;
mod main_model;
mod model_folder;
mod rules;
#[cfg(test)]
mod tests;

pub use found::{Found, FoundKind, Hints, skill_file};
pub use rules::{Detected, detect};
