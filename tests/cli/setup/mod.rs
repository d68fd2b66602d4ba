//! Tests of help, completion, examples, golden digests, the version and other tools.

mod callers;
mod completion;
mod examples;
mod exit_codes;
mod golden;
mod help;
mod installer;
mod npm;
mod peer_models;
mod peer_podman;
mod peer_servers;
mod peer_trust;
pub mod peers;
mod progress;
mod receipts;
mod skills;
mod terminal;
mod version;
mod words;
