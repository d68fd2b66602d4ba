//! The settings of a run: flags, environment, `config.toml`, and the origin of each value.

mod ci;
mod environment;
mod file;
mod network;
mod values;

pub(crate) use environment::Environment;
#[cfg(fuzzing)]
pub use file::fuzz_config_file;
pub(crate) use network::NetworkArgs;
pub(crate) use values::{Config, Origin, Sourced};
