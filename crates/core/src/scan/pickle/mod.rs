//! Pickles: one pass over the opcodes, which records the imports. Nothing is unpickled.

mod bytes;
mod carve;
mod escapes;
mod globals;
mod halt;
mod literal;
mod machine;
mod names;
mod opcodes;
mod recognise;
mod tables;
#[cfg(test)]
mod tests;
mod walk;

pub(super) use globals::is_high_module;
pub(crate) use recognise::is_named_like_a_pickle;
pub(super) use recognise::{hidden, recognise, scan_pickles};
