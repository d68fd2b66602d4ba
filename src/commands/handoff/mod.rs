//! Commands for the people who receive a ModelKit: who is affected, a part of it, and its deployment.

mod deploy;
mod impact;
mod subset;

pub(crate) use deploy::DeployArgs;
pub(crate) use impact::ImpactArgs;
pub(crate) use subset::SubsetArgs;
