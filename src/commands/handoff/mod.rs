//! Commands for the people who receive a ModelKit: who is affected, a part of it, and its deployment.

mod impact;

pub(crate) use impact::ImpactArgs;
