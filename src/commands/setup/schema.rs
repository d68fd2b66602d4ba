//! `kit schema`

use anyhow::Result;
use clap::Args;

use crate::context::Context;
use kit_core::kitfile;

/// Print the JSON Schema of the Kitfile
///
/// Editors with the YAML language server use the schema to check and complete a Kitfile whose first line is
/// `# yaml-language-server: $schema=kitfile.schema.json`, with the path of the file that the schema was saved to.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit schema > kitfile.schema.json")]
pub(crate) struct SchemaArgs {}

impl SchemaArgs {
    #[allow(clippy::unused_self, reason = "all commands have the same signature")]
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        Ok(context.output.result(kitfile::SCHEMA)?)
    }
}
