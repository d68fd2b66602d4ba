//! The flags of all commands that talk to registries.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::{ArgAction, Args};

use super::environment::Environment;
use crate::registry::{Client, ClientCertificate, CredentialStore, Proxy, Settings};

/// How to reach registries.
#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Registry options")]
pub(crate) struct NetworkArgs {
    /// Talk to the registry over http, without TLS
    #[arg(long, num_args = 0..=1, default_value = "false", default_missing_value = "true", require_equals = true, action = ArgAction::Set, hide_possible_values = true, hide_default_value = true, value_name = "BOOL")]
    pub(crate) plain_http: bool,
    /// Check the registry's certificate; `--tls-verify=false` accepts any
    #[arg(long, num_args = 0..=1, default_value = "true", default_missing_value = "true", require_equals = true, action = ArgAction::Set, hide_possible_values = true, hide_default_value = true, value_name = "BOOL")]
    tls_verify: bool,
    /// Trust the certificate authorities in this PEM file, too (repeatable)
    #[arg(long, value_name = "FILE")]
    tls_cert: Vec<PathBuf>,
    /// Identify with this client certificate (PEM); goes with --key
    #[arg(long, value_name = "FILE", requires = "key")]
    cert: Option<PathBuf>,
    /// The private key of --cert (PEM)
    #[arg(long, value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,
    /// How many connections to use at once, all blobs together
    #[arg(long, value_name = "N", default_value = "8", value_parser = clap::value_parser!(u16).range(1..))]
    concurrency: u16,
    /// Reach registries through this proxy, whatever HTTP_PROXY, HTTPS_PROXY and NO_PROXY say
    #[arg(long, value_name = "URL")]
    proxy: Option<String>,
}

impl NetworkArgs {
    /// How many blobs travel at once: each has at least one connection.
    pub(crate) fn jobs(&self) -> usize {
        usize::from(self.concurrency)
    }

    /// A client with these settings; nothing is sent yet.
    pub(crate) fn client(&self, environment: &Environment) -> Result<Client> {
        Ok(Client::new(Settings {
            plain_http: self.plain_http,
            verify_tls: self.tls_verify,
            extra_authorities: self.tls_cert.iter().map(|path| environment.absolute(path)).collect(),
            client_certificate: self.client_certificate(environment)?,
            proxy: self.proxy.clone().map_or(Proxy::FromEnvironment, Proxy::Through),
            concurrency: self.jobs(),
            credentials: credentials(environment),
            uploads_folder: Some(environment.uploads_folder()),
            ..Settings::default()
        })?)
    }

    /// The flags win over `KITOPS_CLIENT_CERT` and `KITOPS_CLIENT_KEY`.
    fn client_certificate(&self, environment: &Environment) -> Result<Option<ClientCertificate>> {
        let flags = (self.cert.clone(), self.key.clone());
        let pair = if flags == (None, None) { environment.client_certificate.clone() } else { flags };
        match pair {
            (Some(certificate), Some(key)) => Ok(Some(ClientCertificate {
                certificate: environment.absolute(&certificate),
                key: environment.absolute(&key),
            })),
            (None, None) => Ok(None),
            _ => bail!("KITOPS_CLIENT_CERT and KITOPS_CLIENT_KEY go together; only one of them is set"),
        }
    }
}

/// The credentials of this user.
pub(crate) fn credentials(environment: &Environment) -> CredentialStore {
    let others = environment.auth_file.iter().chain(&environment.credential_files);
    CredentialStore {
        own: Some(environment.credentials_file()),
        others: others.cloned().collect(),
        ..CredentialStore::default()
    }
}
