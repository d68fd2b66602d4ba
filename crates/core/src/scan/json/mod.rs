//! JSON documents that are walked through, not kept.

mod lenient;
mod walk;

pub(super) use walk::{Receiver, walk};
