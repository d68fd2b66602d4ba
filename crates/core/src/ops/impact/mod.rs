//! The versions of repositories that hold a file, a dataset, a tensor or a base model, from documents alone.

mod budget;
mod found;
mod matching;
mod search;
mod sought;
mod tables;
mod versions;

pub use found::{Affected, Impact, Reason, ReasonKind, Unknown, UnknownReason};
pub use search::{ImpactOptions, impact};
pub use sought::Sought;
