//! `.kitignore`: its patterns, the rules that exclude files from layers, and patterns that select files.

mod index;
mod paths;
mod pattern;
mod rules;

pub use paths::{InvalidPathPattern, PathPatterns};
pub use rules::{IgnoreProblem, IgnoreRules};
