//! The flags of all commands that talk to registries.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::environment::Environment;
use super::file::parse_duration;
use super::values::Config;
use kit_core::registry::Client;

/// How to reach registries.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct NetworkArgs {
    /// Talk to the registry over http, without TLS
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true, value_name = "BOOL")]
    pub(crate) plain_http: Option<bool>,
    /// Check the registry's certificate; `--tls-verify=false` accepts any
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, hide_possible_values = true, value_name = "BOOL")]
    pub(crate) tls_verify: Option<bool>,
    /// Trust the certificate authorities in this PEM file, too (repeatable)
    #[arg(long, value_name = "FILE")]
    pub(crate) tls_cert: Vec<PathBuf>,
    /// Identify with this client certificate (PEM); goes with --key
    #[arg(long, value_name = "FILE", requires = "key")]
    pub(crate) cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    pub(crate) key: Option<PathBuf>,
    /// How many connections to use at once, all blobs together [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub(crate) concurrency: Option<u16>,
    /// Give up on a blob when so much time passed without progress, such as 90s or 1h [default: 10m]
    #[arg(long, value_name = "TIME", value_parser = parse_duration)]
    pub(crate) retry_for: Option<Duration>,
    /// Reach registries through this proxy, whatever HTTP_PROXY, HTTPS_PROXY and NO_PROXY say
    #[arg(long, value_name = "URL")]
    pub(crate) proxy: Option<String>,
}

impl NetworkArgs {
    /// A client with these flags and whatever else was said; nothing is sent yet.
    pub(crate) fn client(&self, environment: &Environment) -> Result<Client> {
        Ok(Client::new(Config::read(self, environment)?.settings()?)?)
    }
}
