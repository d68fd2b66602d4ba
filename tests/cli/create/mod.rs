//! Tests of the commands that make a ModelKit or prepare one.

mod guards;
mod hub;
mod import_git;
mod import_mlflow;
mod init;
mod left_out;
mod link;
mod lock;
mod mcp;
mod pack;
mod pack_push;
mod pins;
mod remote;
mod scarce;
mod validate;
