//! Signing, attesting, scanning and policies.

mod scan;
