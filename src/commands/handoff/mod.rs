//! Commands for the people who receive a ModelKit: who is affected, a part of it, its deployment, and news
//! of it.

mod deploy;
mod impact;
mod subset;
mod watch;

pub(crate) use deploy::DeployArgs;
pub(crate) use impact::ImpactArgs;
pub(crate) use subset::SubsetArgs;
pub(crate) use watch::WatchArgs;
