//! Commands that sign, attest, scan and enforce a policy.

mod attach;
mod referrers;

pub(super) use attach::AttachArgs;
pub(super) use referrers::ReferrersArgs;
