//! The parser: tokens to nodes.
//!
//! Some errors that Go reports only when it executes a template are reported here, since the action can never work: an
//! argument for something that is not a function, and an assignment to an unknown variable.

mod actions;
mod cursor;
mod pipeline;

pub(super) use actions::parse;
