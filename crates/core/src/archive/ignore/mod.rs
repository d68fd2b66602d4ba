//! `.kitignore`: patterns, and the rules for which files a layer leaves out.

mod pattern;
mod rules;

pub use rules::{IgnoreProblem, IgnoreRules};
