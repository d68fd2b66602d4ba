//! Floor 4: arguments, environment, output, exit code. Everything else happens in [`ops`](crate::ops).

mod args;
mod bars;
mod ci;
mod closing;
mod commands;
mod completion;
mod config;
mod config_file;
mod context;
mod dry_run;
mod environment;
mod format;
mod forms;
mod gauge;
mod labels;
mod lock_file;
mod network;
mod opening;
mod output;
mod overwrite;
mod replace;
mod report;
mod table;
mod template;

pub use args::run;
#[cfg(fuzzing)]
pub use config_file::fuzz_config_file;
