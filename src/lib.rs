//! The program `kit`: arguments, environment, output, exit code. The operations are those of [`kit_core::ops`].

mod args;
mod arguments;
#[cfg(test)]
mod command_reference;
mod commands;
mod completion;
mod config;
mod context;
#[cfg(test)]
mod flag_reference;
mod help;
mod output;
mod skills;

pub use args::run;
#[cfg(fuzzing)]
pub use config::fuzz_config_file;
#[cfg(fuzzing)]
pub use output::fuzz_template;
