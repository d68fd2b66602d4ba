//! The settings of a run: flags, environment, `config.toml`, and the origin of each value.

mod ci;
mod decode;
mod edit;
mod environment;
mod file;
mod key_path;
mod keys;
mod mlflow;
mod network;
mod object_store;
mod setting;
mod shell;
mod stream;
mod values;

pub(crate) use decode::parse_duration;
pub(crate) use edit::{check_authorities, set, unset};
pub(crate) use environment::{Environment, now, program_on_path, secret};
#[cfg(fuzzing)]
pub use file::fuzz_config_file;
pub(crate) use file::is_allowed_global;
pub(crate) use key_path::KeyPath;
pub(crate) use keys::KEYS;
pub(crate) use network::NetworkArgs;
pub(crate) use setting::TableKind;
pub(crate) use shell::UserShell;
pub(crate) use stream::Stream;
pub(crate) use values::{Config, Origin, Sourced};
