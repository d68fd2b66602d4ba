//! The binary, end to end: one test program, one file per subject.
#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]
#![allow(unreachable_pub, reason = "everything here is for this test program")]

mod also;
mod completion;
mod config;
mod copying;
mod crowd;
mod delta;
mod diff;
mod diff_data;
mod diff_lock;
mod diff_patch;
mod docker_registry;
mod doctor;
mod examples;
mod faulty_proxy;
mod files;
mod gate;
mod golden;
mod help;
mod history;
mod hostile;
mod hub;
mod import_git;
mod import_mlflow;
mod index;
mod init;
mod keep;
mod kill;
mod link;
mod lock;
mod look;
mod modelpack;
mod moving;
mod pack;
mod pack_push;
mod peers;
mod pieces;
mod pins;
mod provenance;
mod published;
mod referrers;
mod registry;
mod remote;
mod resume;
#[allow(dead_code, reason = "the tests of the room use more of it")]
#[path = "../../src/tensors/samples.rs"]
mod samples;
mod sandbox;
mod save;
mod scarce;
mod secrets;
mod tensors;
mod troubled;
mod unpack;
mod validate;
mod verify;
mod words;
