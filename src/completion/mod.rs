//! Completion of command lines in shells.

mod candidates;

pub(crate) use candidates::{Offer, Paths, complete};
