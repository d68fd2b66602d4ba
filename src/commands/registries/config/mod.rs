//! `kit config`: the settings and their origins, and changes to `config.toml`.

mod command;
mod edit;
mod rows;

pub(crate) use command::ConfigArgs;
