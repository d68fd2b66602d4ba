//! `.kitignore`: its patterns, and the rules that exclude files from layers.

mod index;
mod pattern;
mod rules;

pub use rules::{IgnoreProblem, IgnoreRules};
