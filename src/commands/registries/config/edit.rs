//! `kit config get`, `kit config set` and `kit config unset`

use anyhow::Result;
use clap::Args;

use super::rows::{Row, folders, general, proxies, shown};
use crate::config::{Config, KeyPath, NetworkArgs, check_authorities, set, unset};
use crate::context::{Context, parse};
use crate::output::{Code, Failure, Format, tidy, usage};

/// Print the value of a setting
///
/// The value is the one that applies: from the environment, from config.toml, or the default.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit config get concurrency
  kit config get registry.localhost:5000.plain-http
  kit config get store")]
pub(super) struct GetArgs {
    /// Setting as `kit config` lists it, or registry.HOST.KEY for the value that applies to one registry
    #[arg(value_name = "KEY")]
    key: String,
    /// Output format: table (the value alone), json, yaml, or a Go template with `.Setting`, `.Value`, `.From`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// Set keys in config.toml
///
/// The rest of the file stays as it is, with its comments; a missing file is created. Values are checked first: all of
/// them are set, or none. The files of `ca` must exist and contain certificates. Relative paths are relative to the
/// folder of config.toml.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit config set concurrency 16
  kit config set registry.localhost:5000.plain-http true
  kit config set registry.ghcr.io.mirrors https://mirror.example/ghcr,https://cache.example
  kit config set client-cert /etc/kit/client.pem client-key /etc/kit/client.key")]
pub(super) struct SetArgs {
    /// Keys, each with its value: KEY for all registries, registry.HOST.KEY for one; a value as in config.toml, where
    /// the quotes of texts may be left out, and lists may be written with commas
    #[arg(value_names = ["KEY", "VALUE"], num_args = 2.., required = true)]
    values: Vec<String>,
}

/// Remove keys from config.toml
///
/// The settings have their default values again. The rest of the file stays as it is, with its comments.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit config unset concurrency
  kit config unset registry.localhost:5000.plain-http
  kit config unset client-cert client-key")]
pub(super) struct UnsetArgs {
    /// Keys: KEY for all registries, registry.HOST.KEY for one
    #[arg(value_name = "KEY", required = true)]
    keys: Vec<String>,
}

impl GetArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let row = self.row(context)?;
        Ok(context.output.result(self.format.render(&row.to_json(), || shown(&row.value))?)?)
    }

    fn row(&self, context: &Context) -> Result<Row> {
        let (flags, environment) = (NetworkArgs::default(), &context.environment);
        let config = Config::read(&flags, environment)?;
        let mut rows = folders(environment).into_iter().chain(general(&config)).chain(proxies(&flags, environment));
        if let Some(row) = rows.find(|row| row.setting == self.key) {
            return Ok(row);
        }
        let KeyPath { host, key } = parse(&self.key)?;
        Ok(Row::new(&self.key, key.show(&config, host.as_deref())))
    }
}

impl SetArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let (pairs, []) = self.values.as_chunks::<2>() else {
            return Err(usage(format!("`{}` has no value", self.values.last().map_or("", String::as_str))));
        };
        let values: Vec<_> =
            pairs.iter().map(|[key, value]| Ok((parse(key)?, value.clone()))).collect::<Result<_>>()?;
        check_authorities(&context.environment, &values)?;
        set(&context.environment, &values)?;
        let keys: Vec<_> = values.iter().map(|(key, _)| key.to_string()).collect();
        context.output.say(&format!("Set {} in {}", keys.join(", "), file(context)));
        Ok(())
    }
}

impl UnsetArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let keys: Vec<KeyPath> = self.keys.iter().map(|key| parse(key)).collect::<Result<_>>()?;
        let missing = unset(&context.environment, &keys)?;
        if let [first, ..] = missing.as_slice() {
            return Err(Failure::error(Code::NotFound, format!("`{first}` is not set in {}", file(context))));
        }
        let keys: Vec<_> = keys.iter().map(ToString::to_string).collect();
        context.output.say(&format!("Removed {} from {}", keys.join(", "), file(context)));
        Ok(())
    }
}

fn file(context: &Context) -> String {
    tidy(&context.environment.config_file.value)
}
