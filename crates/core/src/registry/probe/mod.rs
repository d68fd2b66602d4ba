//! Diagnosis of a registry: its features, and the behaviour of `kit` that follows from them.
//!
//! Findings are added to a list of the caller in the order of the requests: a failure ends a probe, and the findings
//! before it show how far the registry is usable. Products are not identified by name.

mod features;
mod finding;
mod greeting;
mod reading;
mod writing;

pub use finding::Finding;
