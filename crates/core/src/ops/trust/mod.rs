//! Signing, attesting, verifying and enforcing a policy.
