//! Commands that sign, attest, scan and enforce a policy.
