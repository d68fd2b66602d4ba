//! `kit materialize`

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::ReceiptArgs;
use crate::context::{Context, parse};
use kit_core::oci::Reference;
use kit_core::ops;
use kit_core::progress::human;

/// Copy the files of a linked ModelKit into the local store
///
/// A ModelKit that was packed with --link depends on the files it was packed from. This command removes the dependency.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit materialize sentiment:v2")]
pub(crate) struct MaterializeArgs {
    /// ModelKit to materialize
    #[arg(value_name = "NAME:TAG")]
    name: String,
    #[command(flatten)]
    receipt: ReceiptArgs,
}

impl MaterializeArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin(context)?;
        let reference: Reference = parse(&self.name)?;
        let store = context.store()?;
        let made = ops::materialize(&store, &reference, ops::jobs(), &context.bars)
            .with_context(|| format!("cannot materialize `{reference}`"))?;
        let (digest, names) = (made.manifest.digest, [reference.to_string()]);
        context.receipt.made(&context.output, ("materialized", digest), &names, format!("Materialized {digest}"))?;
        context.receipt.fact("copiedBytes", made.bytes);
        context.output.say(&match made.bytes {
            0 => "no layer was linked".to_owned(),
            bytes => format!("{} copied into the store", human(bytes)),
        });
        Ok(())
    }
}
