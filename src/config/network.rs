//! The flags of all commands that connect to registries.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::decode::parse_duration;
use super::environment::Environment;
use super::values::Config;
use kit_core::progress::Notifier;
use kit_core::registry::{Client, RetryPolicy, Settings};

/// Options for connections to registries.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct NetworkArgs {
    /// Connect to the registries on the command line over plain HTTP, without TLS; passwords are sent to this machine
    /// only, unless `config.toml` allows plain HTTP for the registry
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        hide_possible_values = true,
        value_name = "BOOL"
    )]
    pub(crate) plain_http: Option<bool>,
    /// Verify the certificate of the registry; `--tls-verify=false` accepts any certificate
    #[arg(
        long,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        hide_possible_values = true,
        value_name = "BOOL"
    )]
    pub(crate) tls_verify: Option<bool>,
    /// Trust the certificate authorities in this PEM file as well (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Vec<PathBuf>,
    /// Client certificate (PEM); requires --key
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// Private key of the client certificate (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// Maximum number of concurrent connections, for all blobs together [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: Option<u16>,
    /// Repeat failed requests for this time without progress, such as 90s or 1h [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) retry_for: Option<Duration>,
    /// Proxy for registries; overrides HTTP_PROXY, HTTPS_PROXY and NO_PROXY
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
}

impl NetworkArgs {
    /// The proxy that `--proxy` names. An empty value, which scripts pass from an empty variable, names no proxy.
    pub(crate) fn proxy(&self) -> Option<String> {
        self.proxy.clone().filter(|url| !url.is_empty())
    }

    /// Creates a client from these flags, the environment and `config.toml`. Sends nothing yet. Warnings of registries
    /// go to `notifier`.
    pub(crate) fn client(&self, environment: &Environment, notifier: Notifier) -> Result<Client> {
        Ok(Client::new(self.settings(environment, notifier)?)?)
    }

    /// Like [`client`](Self::client), for a command that repeats failed requests itself.
    pub(crate) fn client_without_retries(&self, environment: &Environment, notifier: Notifier) -> Result<Client> {
        let settings = self.settings(environment, notifier)?;
        let retry = RetryPolicy { give_up_after: Duration::ZERO, ..settings.retry };
        Ok(Client::new(Settings { retry, ..settings })?)
    }

    fn settings(&self, environment: &Environment, notifier: Notifier) -> Result<Settings> {
        let config = Config::read(self, environment)?;
        config.check_plain_http()?;
        Ok(Settings { notifier, ..config.settings() })
    }
}
