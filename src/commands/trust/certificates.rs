//! The flags with the certificate of a signer.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Args;

use crate::context::Context;
use crate::output::tidy;
use kit_core::limits;
use kit_core::sys::read_regular;
use kit_core::trust::{CertificateChain, PublicKey};

/// The certificate of a signer.
#[derive(Debug, Args)]
pub(crate) struct CertificateArgs {
    /// Certificate of the key (PEM), which becomes part of the signature
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// Certificates between that of the key and its authority (PEM); for a folder, also that of the authority
    /// (repeatable)
    #[arg(long, value_name = "FILE", requires = "certificate")]
    certificate_chain: Vec<PathBuf>,
}

impl CertificateArgs {
    /// Reads the certificates, the first of which must be that of `key`.
    pub(crate) fn chain(&self, context: &Context, key: &PublicKey) -> Result<Option<CertificateChain>> {
        let Some(file) = &self.certificate else { return Ok(None) };
        let leaf = read(context, file)?;
        let others = self.certificate_chain.iter().map(|file| read(context, file)).collect::<Result<Vec<_>>>()?;
        let chain = CertificateChain::read(key, &leaf, others.iter().map(Vec::as_slice));
        chain.map(Some).with_context(|| format!("cannot use the certificate `{}`", tidy(file)))
    }
}

/// Reads a file with certificates, or another small document.
pub(super) fn read(context: &Context, file: &Path) -> Result<Vec<u8>> {
    let bytes = read_regular(&context.environment.absolute(file), limits::CERTIFICATES_BYTES);
    bytes.with_context(|| format!("cannot read `{}`", tidy(file)))
}
