//! The access keys of object stores, and the places where the AWS tools keep them.

mod container;
mod profile;
mod sources;
mod web_identity;

pub use container::ContainerKeys;
pub use profile::{ProfileError, ProfileFiles};
pub(in crate::registry) use sources::Resolved;
pub use sources::{AccessKeys, KeySources};
pub use web_identity::WebIdentity;
