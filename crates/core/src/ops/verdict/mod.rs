//! Reads the facts of two versions and compares them for the people who use them.

mod assess;
mod pickles;
mod read;

pub use assess::{AssessOptions, Assessed, assess};
