//! `kit logout`

use anyhow::{Context as _, Result};
use clap::Args;

use super::login::host;
use crate::arguments::ReceiptArgs;
use crate::context::Context;
use kit_core::registry::Erased;

/// Log out from a registry
#[derive(Debug, Args)]
pub(crate) struct LogoutArgs {
    /// Registry (HOST[:PORT])
    #[arg(value_name = "REGISTRY")]
    registry: String,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl LogoutArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let registry = host(&self.registry)?;
        let erased = context.environment.credentials().erase(registry);
        let erased = erased.with_context(|| format!("cannot remove the credentials for `{registry}`"))?;
        context.receipt.fact("registry", registry);
        if erased == Erased::Nothing {
            context.output.say(&format!("{registry} was not logged in"));
            if context.output.has_rows() {
                return Ok(());
            }
        }
        // Scripts match this line of KitOps, which prints it in any case.
        context.receipt.line(&context.output, format!("Successfully logged out from {registry}"))
    }
}
