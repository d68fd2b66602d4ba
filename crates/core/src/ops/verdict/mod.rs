//! Reads the facts of two versions and compares them for the people who use them.

mod judge;
mod read;

pub use judge::{JudgeOptions, Judged, judge};
