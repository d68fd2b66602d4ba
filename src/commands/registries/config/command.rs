//! `kit config`

use anyhow::Result;
use clap::{Args, Subcommand};

use super::super::login::host;
use super::edit::{GetArgs, SetArgs, UnsetArgs};
use super::rows::{Row, folders, general, of_host, proxies, render, special};
use crate::config::{Config, NetworkArgs};
use crate::context::Context;
use crate::output::{Format, usage};
use kit_core::problem::closest;

/// Show all settings with their origins, or change config.toml
///
/// Flags take precedence over environment variables, then the section of the host in config.toml, then its defaults.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
#[command(after_help = "\
Examples:
  kit config
  kit config registry.example
  kit config set registry.localhost:5000.plain-http true
  kit config get concurrency
  kit config --format json
  kit config ghcr.io --format '{{.Setting}}={{.Value}}'")]
pub(crate) struct ConfigArgs {
    /// Show the settings for this registry (HOST[:PORT])
    #[arg(value_name = "REGISTRY")]
    registry: Option<String>,
    /// Output format: table, json, yaml, or a Go template with `.Setting`, `.Value`, `.From`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
    #[command(subcommand)]
    command: Option<ConfigCommand>,
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    Get(GetArgs),
    Set(SetArgs),
    Unset(UnsetArgs),
}

impl ConfigArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        match &self.command {
            None => self.show(context),
            Some(ConfigCommand::Get(args)) => args.run(context),
            Some(ConfigCommand::Set(args)) => args.run(context),
            Some(ConfigCommand::Unset(args)) => args.run(context),
        }
    }

    fn show(&self, context: &Context) -> Result<()> {
        let config = Config::read(&self.network, &context.environment)?;
        let mut rows = folders(&context.environment);
        if let Some(registry) = &self.registry {
            expect_no_command(registry)?;
            rows.extend(of_host(&config, &host(registry)?.to_ascii_lowercase()));
        } else {
            let general = general(&config);
            let special: Vec<_> = config.hosts().flat_map(|host| special(&config, host, &general)).collect();
            rows.extend(general.into_iter().chain(special));
        }
        rows.extend(proxies(&self.network, &context.environment));
        Ok(context.output.result(self.format.render_rows(&rows, Row::to_json, || render(&rows))?)?)
    }
}

/// Refuses a misspelt command, which clap takes for the name of a registry.
fn expect_no_command(text: &str) -> Result<()> {
    match closest(text, &["get", "set", "unset"]).filter(|_| text.bytes().all(|letter| letter.is_ascii_lowercase())) {
        Some(meant) => Err(usage(format!("unknown command `{text}`; did you mean `{meant}`?"))),
        None => Ok(()),
    }
}
