//! `.kitignore`: its patterns, and the rules that exclude files from layers.

mod left_out;
mod pattern;
mod rules;

pub use left_out::{LeftOut, is_left_by_tool};
pub use rules::{IgnoreProblem, IgnoreRules};
