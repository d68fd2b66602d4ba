//! `kit cat`

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::OpenArgs;
use crate::context::Context;
use crate::output::Output;
use kit_core::ops::{self, FileLocation};

/// Print a file of a ModelKit in the local store or a registry
///
/// If the ModelKit is not in the local store, only the file is downloaded, and verified with the table of contents of
/// its layer. A layer without one, as other tools write it, cannot be verified in parts; use `kit unpack` to verify. A
/// layer that is compressed with gzip is downloaded up to the end of the file.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit cat sentiment:v2//Kitfile
  kit cat sentiment:v2 Kitfile
  kit cat registry.example/team/sentiment:v2//model/config.json | jq .vocab_size
  kit cat --remote registry.example/team/sentiment:v2//data/train.csv | head")]
pub(crate) struct CatArgs {
    /// ModelKit and path of the file in it
    #[arg(value_name = "NAME:TAG//PATH")]
    file: String,
    /// Path of the file, if it is not part of the first argument
    #[arg(value_name = "PATH")]
    path: Option<String>,
    #[command(flatten)]
    open: OpenArgs,
}

impl CatArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let file = context.file_in(&self.file, self.path.as_deref())?;
        self.print(context, &file).with_context(|| format!("cannot print `{file}`"))
    }

    fn print(&self, context: &Context, file: &FileLocation) -> Result<()> {
        let (found, inspected, _) = self.open.open(context, &file.location)?;
        let sink = &mut Output::stream();
        let printed = ops::cat(&*found.source, &inspected.modelkit, &file.path, sink, &context.bars);
        Ok(printed.map_err(|error| error.of_place(found.is_remote))?)
    }
}
