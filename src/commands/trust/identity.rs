//! The flags that name a signer by a certificate.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use super::certificates::read;
use crate::config::now;
use crate::context::Context;
use crate::output::{tidy, usage};
use kit_core::trust::{Authority, Certificate, Identity, Usage, ValidAt};

/// A signer who has a certificate.
#[derive(Debug, Args)]
pub(crate) struct IdentityArgs {
    /// Certificate of an authority (PEM) whose certificates count for --certificate-identity (repeatable)
    #[arg(long, value_name = "FILE", conflicts_with = "trusted_root")]
    ca: Vec<PathBuf>,
    /// Trusted root (JSON) with the authorities whose certificates count for --certificate-identity
    #[arg(long, value_name = "FILE")]
    trusted_root: Option<PathBuf>,
    /// E-mail address or URI in the certificate of the signer
    #[arg(long, value_name = "ID")]
    certificate_identity: Option<String>,
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
        !self.ca.is_empty() || self.trusted_root.is_some() || self.certificate_identity.is_some()
    }

    /// The identity that the flags name, and the words for it.
    pub(super) fn identity(&self, context: &Context, purpose: Purpose) -> Result<Option<(Identity, String)>> {
        if !self.is_given() {
            return Ok(None);
        }
        let authority = authority(context, &self.ca, self.trusted_root.as_deref())?;
        let authority = authority.ok_or_else(|| {
            usage("--certificate-identity needs the authority that issued the certificate; add --ca FILE")
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
        Ok(Some((Identity { san, authority, valid_at, usage }, name)))
    }
}

/// Reads the authorities in certificates, or in a trusted root. Returns `None` if there are no files.
pub(crate) fn authority(context: &Context, ca: &[PathBuf], trusted_root: Option<&Path>) -> Result<Option<Authority>> {
    if let Some(file) = trusted_root {
        let root = Authority::read_trusted_root(&read(context, file)?);
        return root.map(Some).with_context(|| format!("cannot use the trusted root `{}`", tidy(file)));
    }
    let mut anchors = Vec::new();
    for file in ca {
        let certificates = Certificate::read_pem(&read(context, file)?);
        anchors.extend(certificates.with_context(|| format!("cannot use the authority `{}`", tidy(file)))?);
    }
    Ok((!anchors.is_empty()).then(|| Authority::new(anchors)))
}
