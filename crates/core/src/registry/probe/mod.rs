//! Asking a registry what it does, before it matters.
//!
//! Findings come in the order in which they are found, into a list of the caller's: a failure ends a probe, and what was found
//! before it tells how far the registry can be used. No product is asked for its name.

mod features;
mod finding;
mod greeting;
mod reading;
mod writing;

pub use finding::Finding;
