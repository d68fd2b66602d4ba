//! The flags for the result of a command that changes something.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::context::Context;
use crate::output::Format;

/// The format of the result.
#[derive(Debug, Clone, Args)]
pub(crate) struct ReceiptArgs {
    /// Output format: table (text), json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

/// The format of the result, and a file for its digest.
#[derive(Debug, Clone, Args)]
pub(crate) struct DigestReceiptArgs {
    #[command(flatten)]
    receipt: ReceiptArgs,
    /// Write the digest of the result to this file
    #[arg(long, value_name = "FILE")]
    digest_file: Option<PathBuf>,
}

impl ReceiptArgs {
    /// Begins the receipt of the run.
    pub(crate) fn begin(&self, context: &Context) -> Result<()> {
        context.receipt.begin(&self.format, None, None)
    }

    /// Begins the receipt of a command whose document has only these `members`.
    pub(crate) fn begin_with(&self, context: &Context, members: &[&str]) -> Result<()> {
        context.receipt.begin(&self.format, Some(members), None)
    }
}

impl DigestReceiptArgs {
    /// Begins the receipt of the run.
    pub(crate) fn begin(&self, context: &Context) -> Result<()> {
        let file = self.digest_file.as_ref().map(|path| context.environment.absolute(path));
        context.receipt.begin(&self.receipt.format, None, file)
    }
}
