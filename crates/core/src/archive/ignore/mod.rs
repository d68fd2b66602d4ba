//! `.kitignore`: its patterns, the rules that exclude files from layers, and patterns that select files.

mod descent;
mod gitignore;
mod index;
mod left_out;
mod paths;
mod pattern;
mod rules;

pub(crate) use descent::{Descent, Standing};
pub use gitignore::translate_gitignore;
pub use left_out::{LeftOut, is_left_by_tool};
pub use paths::{InvalidPathPattern, PathPatterns};
pub use rules::{IgnoreProblem, IgnoreRules};
