//! Commands that sign, attest, scan and enforce a policy.

mod attach;
mod referrers;
mod sbom;

pub(super) use attach::AttachArgs;
pub(super) use referrers::ReferrersArgs;
pub(super) use sbom::SbomArgs;
