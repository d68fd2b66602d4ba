//! `.kitignore`: its patterns, and the rules that exclude files from layers.

mod gitignore;
mod index;
mod left_out;
mod pattern;
mod rules;

pub use gitignore::translate_gitignore;
pub use left_out::{LeftOut, is_left_by_tool};
pub use rules::{IgnoreProblem, IgnoreRules};
