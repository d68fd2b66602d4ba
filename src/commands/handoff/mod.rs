//! Commands for handing a ModelKit to others: approving and recalling it, who is affected, a part of it, its
//! deployment, and news of it.

mod approve;
mod deploy;
mod impact;
mod recall;
mod recalled;
mod signing;
mod subset;
mod watch;

pub(crate) use approve::ApproveArgs;
pub(crate) use deploy::DeployArgs;
pub(crate) use impact::ImpactArgs;
pub(crate) use recall::RecallArgs;
pub(crate) use recalled::{RecalledArgs, recall_to_json};
pub(crate) use subset::SubsetArgs;
pub(crate) use watch::WatchArgs;
