//! The flags that require a signature of the publisher.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::commands::trust::{authority, keyless, public_key};
use crate::context::Context;
use crate::output::usage;
use kit_core::trust::{Identity, TransparencyLog, Usage, ValidAt, Verifier, WantedIdentity};

/// The publisher who must have signed the files.
#[derive(Debug, Args)]
pub(super) struct PublisherArgs {
    /// Require that the owner of this public key signed the files (model.sig): a file, or `env://NAME`; one of several
    /// is enough (repeatable)
    #[arg(id = "publisher_key", long = "publisher-key", value_name = "FILE")]
    keys: Vec<String>,
    /// Require that the owner of a certificate with this e-mail address or URI signed the files (model.sig)
    #[arg(id = "publisher_identity", long = "publisher-identity", value_name = "ID")]
    identity: Option<String>,
    /// Certificate of an authority (PEM) whose certificates count for --publisher-identity (repeatable)
    #[arg(id = "publisher_ca", long = "publisher-ca", value_name = "FILE")]
    #[arg(requires = "publisher_identity", conflicts_with = "publisher_trusted_root")]
    ca: Vec<PathBuf>,
    /// Trusted root (JSON) of the service whose certificates count for --publisher-identity
    #[arg(id = "publisher_trusted_root", long = "publisher-trusted-root", value_name = "FILE")]
    #[arg(requires = "publisher_identity")]
    trusted_root: Option<PathBuf>,
    /// Service that confirmed --publisher-identity, for keyless signatures: the issuer in the certificate
    #[arg(id = "publisher_oidc_issuer", long = "publisher-oidc-issuer", value_name = "URL")]
    #[arg(requires = "publisher_identity", conflicts_with = "publisher_ca")]
    issuer: Option<String>,
}

impl PublisherArgs {
    /// Returns true if a signature is required.
    pub(super) fn is_given(&self) -> bool {
        !self.keys.is_empty() || self.identity.is_some()
    }

    /// The publishers whose signatures count.
    pub(super) fn verifiers(&self, context: &Context) -> Result<Vec<Verifier>> {
        let keys = self.keys.iter().map(|file| Ok(Verifier::Key(public_key(context, file)?)));
        let mut verifiers = keys.collect::<Result<Vec<_>>>()?;
        match (&self.identity, &self.issuer) {
            (Some(san), Some(issuer)) => verifiers.push(self.keyless(context, san, issuer)?),
            (Some(san), None) => verifiers.push(self.with_authority(context, san)?),
            (None, _) => {}
        }
        Ok(verifiers)
    }

    fn with_authority(&self, context: &Context, san: &str) -> Result<Verifier> {
        let authority = authority(context, &self.ca, self.trusted_root.as_deref(), "--publisher-oidc-issuer")?;
        let authority = authority.ok_or_else(|| {
            usage(
                "--publisher-identity needs the authority that issued the certificate; add --publisher-ca FILE, or \
                 --publisher-trusted-root FILE and --publisher-oidc-issuer URL for a keyless signature",
            )
        })?;
        let (valid_at, usage) = (ValidAt::Issued, Usage::Signature);
        Ok(Verifier::Identity(Box::new(Identity { san: Some(san.to_owned()), authority, valid_at, usage })))
    }

    fn keyless(&self, context: &Context, san: &str, issuer: &str) -> Result<Verifier> {
        let root = self.trusted_root.as_ref().ok_or_else(|| {
            usage(
                "--publisher-oidc-issuer needs the authorities and logs of the service that issued the certificate; \
                 add --publisher-trusted-root FILE",
            )
        })?;
        keyless(context, (WantedIdentity::Exact(san.to_owned()), issuer), root, TransparencyLog::Required)
    }
}
