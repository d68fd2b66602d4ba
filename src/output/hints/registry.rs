//! The hints below an error of a registry.

use super::names::hint_for_missing;
use kit_core::registry::{self, ProfileError};

/// The hint for an error of a registry.
pub(super) fn hint_for_registry(error: &registry::Error) -> Option<String> {
    match error {
        registry::Error::GaveUp { source, .. } => hint_for_registry(source),
        registry::Error::NoCredentials { registry, .. } => Some(format!("run `kit login {registry}`, then try again")),
        registry::Error::Unauthorized { registry, .. } => {
            Some(format!("the stored credentials are wrong or expired; run `kit login {registry}` with new ones"))
        }
        registry::Error::NoChallenge { .. } => {
            Some("check the address; a proxy or gateway in front of the registry may require another login".to_owned())
        }
        registry::Error::OverCeiling { .. } => {
            Some("list the shards of the model as `parts` in the Kitfile, so that each becomes a layer".to_owned())
        }
        registry::Error::ManifestRefused { registry, .. } => Some(format!(
            "run `kit doctor {registry}/REPOSITORY --write` to see what the registry accepts; ModelKits need OCI 1.1, \
             which an update of the registry may add"
        )),
        registry::Error::ReadOnly { .. } => Some(
            "push to another registry; a mirror, a proxy of another registry or a public copy accepts no uploads"
                .to_owned(),
        ),
        registry::Error::Denied { attempt, .. } if attempt.starts_with("send") || attempt.starts_with("publish") => {
            Some("ask its owner for the right to push to this repository; some registries are read-only".to_owned())
        }
        registry::Error::HandshakeRefused { .. } => Some(
            "if the registry requires a client certificate, use --cert and --key, or `client-cert` and `client-key` in \
             config.toml"
                .to_owned(),
        ),
        registry::Error::Status { status: 413, .. } => Some(
            "a proxy in front of the registry limits the size of requests; raise its limit, such as \
             `client_max_body_size` of nginx"
                .to_owned(),
        ),
        registry::Error::WriteRedirected { host, .. } => {
            Some(format!("use `{host}` as the host in the name of the ModelKit, if it is the same registry"))
        }
        registry::Error::Profile(ProfileError::Unsupported { name, .. }) => Some(format!(
            "set `credential_process = aws configure export-credentials --profile {name} --format process` in another \
             profile, and AWS_PROFILE to its name"
        )),
        registry::Error::Threads(_) => {
            Some("raise the limit of processes and threads: `ulimit -u`, or `pids` of the container".to_owned())
        }
        registry::Error::ProxyCredentials { .. } => Some(
            "write the user and the password into the URL of the proxy: http://USER:PASSWORD@PROXY:PORT".to_owned(),
        ),
        registry::Error::Unreachable { proxy: Some(_), .. } | registry::Error::NotTls { proxy: Some(_), .. } => {
            Some("check the host name, the port and the proxy; NO_PROXY lists hosts without a proxy".to_owned())
        }
        registry::Error::Unreachable { .. } => Some(
            "check the host name and the port; if the network requires a proxy, set HTTPS_PROXY or use --proxy"
                .to_owned(),
        ),
        registry::Error::WebPage { .. } => Some(
            "check the host name and the port; the login page of a network or a proxy may answer in its place"
                .to_owned(),
        ),
        registry::Error::ListTooLong { .. } => Some("name a version, as in NAME:TAG".to_owned()),
        registry::Error::NotFound { subject, .. } => hint_for_missing(subject),
        registry::Error::ProxyRefused { .. } => Some(
            "ask for access to this host, or list it in NO_PROXY if it is reached without a proxy".to_owned(),
        ),
        registry::Error::NotTls { host, proxy: None } => Some(format!(
            "use --plain-http for a registry without TLS, or once for all: `kit config set registry.{host}.plain-http \
             true`"
        )),
        registry::Error::Unencrypted { registry } => Some(format!(
            "use https; if the network is trusted, run `kit config set registry.{registry}.plain-http true`"
        )),
        registry::Error::AuthorityAsServer { .. } => Some(
            "use --tls-cert FILE to trust this certificate; --tls-verify=false disables certificate verification"
                .to_owned(),
        ),
        registry::Error::NoAuthorities => Some(
            "install the package ca-certificates, or name a file of authorities in SSL_CERT_FILE or with --tls-cert"
                .to_owned(),
        ),
        registry::Error::Untrusted { .. } => Some(
            "use --tls-cert FILE to trust its authority; --tls-verify=false disables certificate verification"
                .to_owned(),
        ),
        _ => None,
    }
}
