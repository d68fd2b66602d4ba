//! Tests of the commands that show, compare and verify.

mod diff;
mod diff_data;
mod diff_lock;
mod diff_patch;
mod files;
mod forged;
mod future_kits;
mod history;
mod look;
mod lookup;
pub mod provenance;
mod report;
mod report_in_browser;
mod report_scene;
mod report_size;
mod scripts;
mod tensors;
mod verify;
