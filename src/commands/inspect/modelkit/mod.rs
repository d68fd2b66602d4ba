//! `kit inspect`: the documents of a ModelKit, and the tensors of its weights.

mod command;
mod tensors;
mod trust;

pub(crate) use command::{InspectArgs, read};
