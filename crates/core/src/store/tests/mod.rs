//! The store against a temporary folder.

mod collect;
#[cfg(target_os = "linux")]
mod crash;
#[cfg(target_os = "linux")]
mod durability;
mod full_disk;
mod ingest;
mod members;
mod publish;
mod referrers;
mod sandbox;
