//! Commands that sign, attest, scan and enforce a policy.

mod scan;

pub(crate) use scan::{ScanArgs, scan_before_packing};
