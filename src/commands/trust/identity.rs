//! The flags that name a signer by a certificate.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use super::certificates::read;
use crate::config::now;
use crate::context::Context;
use crate::output::{tidy, usage};
use kit_core::trust::{
    Authority, Certificate, CertificateError, Identity, KeylessIdentity, TransparencyLog, TrustedRoot, Usage, ValidAt,
    Verifier, WantedIdentity,
};

/// A signer who has a certificate.
#[derive(Debug, Args)]
pub(crate) struct IdentityArgs {
    /// Certificate of an authority (PEM) whose certificates count for --certificate-identity (repeatable)
    #[arg(long, value_name = "FILE", conflicts_with = "trusted_root")]
    ca: Vec<PathBuf>,
    /// Trusted root (JSON) of the service whose certificates count for --certificate-identity
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// E-mail address or URI in the certificate of the signer
    #[arg(long, value_name = "ID")]
    certificate_identity: Option<String>,
    /// Regular expression that matches the whole identity of a keyless signature, instead of --certificate-identity
    #[arg(long, value_name = "PATTERN", conflicts_with = "certificate_identity")]
    certificate_identity_regexp: Option<String>,
    /// Service that confirmed the identity, for keyless signatures: the issuer in the certificate, such as
    /// `https://token.actions.githubusercontent.com`
    #[arg(long, value_name = "URL", conflicts_with = "ca")]
    certificate_oidc_issuer: Option<String>,
    /// Accept a keyless signature that is in no transparency log, if an authority of the trusted root confirms its time
    #[arg(long)]
    insecure_ignore_tlog: bool,
}

/// The kind of signature that a signer is wanted for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The signature of a ModelKit: the certificate must be valid now.
    ModelKit,
    /// The signature of a folder: any certificate of the authority counts unless one is named, and it may have expired,
    /// as OpenSSF Model Signing says.
    Folder,
}

impl IdentityArgs {
    /// Returns true if a flag asks for a certificate.
    pub(super) fn is_given(&self) -> bool {
        !self.ca.is_empty()
            || self.trusted_root.is_some()
            || self.certificate_identity.is_some()
            || self.certificate_identity_regexp.is_some()
            || self.certificate_oidc_issuer.is_some()
            || self.insecure_ignore_tlog
    }

    /// The owner of the certificate that the flags name, and the words for it.
    pub(super) fn verifier(&self, context: &Context, purpose: Purpose) -> Result<Option<(Verifier, String)>> {
        if !self.is_given() {
            return Ok(None);
        }
        if let Some(issuer) = &self.certificate_oidc_issuer {
            return self.keyless(context, issuer).map(Some);
        }
        if self.insecure_ignore_tlog || self.certificate_identity_regexp.is_some() {
            let flags = "--certificate-identity-regexp and --insecure-ignore-tlog";
            return Err(usage(format!("{flags} apply to keyless signatures; add --certificate-oidc-issuer URL")));
        }
        let authority = authority(context, &self.ca, self.trusted_root.as_deref(), "--certificate-oidc-issuer")?;
        let authority = authority.ok_or_else(|| {
            usage(
                "--certificate-identity needs the authority that issued the certificate; add --ca FILE, or \
                 --trusted-root FILE and --certificate-oidc-issuer URL for a keyless signature",
            )
        })?;
        let san = self.certificate_identity.clone();
        if san.is_none() && purpose == Purpose::ModelKit {
            return Err(usage("an authority alone does not say whose signature counts; add --certificate-identity ID"));
        }
        let name = san.as_ref().map_or_else(|| "a certificate of the authority".to_owned(), |san| format!("`{san}`"));
        let (valid_at, usage) = match purpose {
            // Not the time of the environment, which SOURCE_DATE_EPOCH sets.
            Purpose::ModelKit => (ValidAt::Time(now()), Usage::CodeSigning),
            Purpose::Folder => (ValidAt::Issued, Usage::Signature),
        };
        let verifier = Verifier::Identity(Box::new(Identity { san, authority, valid_at, usage }));
        Ok(Some((verifier, name)))
    }

    fn keyless(&self, context: &Context, issuer: &str) -> Result<(Verifier, String)> {
        let identity = match (&self.certificate_identity, &self.certificate_identity_regexp) {
            (Some(identity), _) => WantedIdentity::Exact(identity.clone()),
            (None, Some(pattern)) => {
                let wanted = WantedIdentity::pattern(pattern);
                wanted.map_err(|error| usage(format!("cannot use --certificate-identity-regexp: {error}")))?
            }
            (None, None) => {
                let message = "an issuer alone does not say whose signature counts; add --certificate-identity ID";
                return Err(usage(message));
            }
        };
        let name = format!("`{identity}` (`{issuer}`)");
        let Some(file) = &self.trusted_root else {
            return Err(usage(
                "--certificate-oidc-issuer needs the authorities and logs of the service that issued the certificate; \
                 add --trusted-root FILE",
            ));
        };
        let log = if self.insecure_ignore_tlog { TransparencyLog::Optional } else { TransparencyLog::Required };
        let verifier = keyless(context, (identity, issuer), file, log)?;
        Ok((verifier, name))
    }
}

/// Reads the trusted root of a keyless identity, which an issuer confirms.
pub(crate) fn keyless(
    context: &Context,
    (identity, issuer): (WantedIdentity, &str),
    trusted_root: &Path,
    log: TransparencyLog,
) -> Result<Verifier> {
    let root = TrustedRoot::read(&read(context, trusted_root)?);
    let root = root.with_context(|| format!("cannot use the trusted root `{}`", tidy(trusted_root)))?;
    let issuer = issuer.to_owned();
    Ok(Verifier::Keyless(Box::new(KeylessIdentity { identity, issuer, root, log })))
}

/// Reads the authorities in certificates, or in a trusted root. Returns `None` if there are no files. A trusted root
/// with logs also needs the flag `issuer`.
pub(crate) fn authority(
    context: &Context,
    ca: &[PathBuf],
    trusted_root: Option<&Path>,
    issuer: &str,
) -> Result<Option<Authority>> {
    if let Some(file) = trusted_root {
        return match Authority::read_trusted_root(&read(context, file)?) {
            Err(CertificateError::HasLogs) => {
                let file = tidy(file);
                Err(usage(format!(
                    "`{file}` is the trusted root of a service for keyless signatures; add {issuer} URL"
                )))
            }
            root => root.map(Some).with_context(|| format!("cannot use the trusted root `{}`", tidy(file))),
        };
    }
    let mut anchors = Vec::new();
    for file in ca {
        let certificates = Certificate::read_pem(&read(context, file)?);
        anchors.extend(certificates.with_context(|| format!("cannot use the authority `{}`", tidy(file)))?);
    }
    Ok((!anchors.is_empty()).then(|| Authority::new(anchors)))
}
