//! `kit version`

use anyhow::Result;
use clap::Args;
use serde_json::json;

use crate::context::Context;
use crate::output::Format;

/// The value of the line that SDKs of `KitOps` read. It has no colon, because they split lines at every colon.
const GO_VERSION: &str = "none (written in Rust)";

/// Show the version of kit
#[derive(Debug, Args)]
pub(crate) struct VersionArgs {
    /// Output format: table, json, yaml, or a Go template with `.Version`, `.Commit`, `.Built`, `.GoVersion`,
    /// `.Compiler`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    /// Accepted for compatibility with KitOps; this `kit` never checks for updates
    #[arg(long, hide = true, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
    show_update_notifications: Option<bool>,
}

impl VersionArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if self.show_update_notifications.is_some() {
            context.output.say("This kit never checks for updates, so there are no notifications to show");
            return Ok(());
        }
        let version = kit_core::VERSION;
        // Set by `build.rs`.
        let (commit, built, compiler) = (env!("KIT_COMMIT"), env!("KIT_BUILT"), env!("KIT_COMPILER"));
        let data = json!({
            "version": version, "commit": commit, "built": built, "goVersion": GO_VERSION, "compiler": compiler,
        });
        let table = || {
            format!(
                "Version: {version}\nCommit: {commit}\nBuilt: {built}\nGo version: {GO_VERSION}\nCompiler: {compiler}\n"
            )
        };
        Ok(context.output.result(self.format.render(&data, table)?)?)
    }
}
