//! The store against a temporary folder.

mod collect;
mod companions;
mod crash;
mod durability;
mod errors;
mod fetched;
mod full_disk;
mod ingest;
mod members;
mod publish;
mod referrers;
mod sandbox;
