//! Subsets: ModelKits that consist of some layers of another one.

mod publish;

pub use publish::{SubsetOptions, publish_subset};
