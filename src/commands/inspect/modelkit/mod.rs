//! `kit inspect`: the documents of a ModelKit, and the tensors of its weights.

mod command;
mod tensors;
mod trust;

pub(crate) use command::{InspectArgs, read};
pub(crate) use tensors::{models_to_json, short as short_count};
