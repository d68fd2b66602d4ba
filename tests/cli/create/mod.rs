//! Tests of the commands that make a ModelKit or prepare one.

mod guards;
mod hub;
mod import_artifact;
mod import_folder;
mod import_git;
mod import_mlflow;
mod import_tracking;
mod init;
mod kitfile_rules;
mod left_out;
mod link;
mod lock;
pub mod mcp;
mod names;
mod notebooks;
mod pack;
mod pack_push;
mod pins;
mod remote;
mod scarce;
mod special_files;
mod validate;
