//! `kit completion`

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args;
use crate::context::Context;

/// Generate a completion script for a shell
///
/// In bash, zsh and fish, the names of ModelKits in the local store are completed as well.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit completion bash > ~/.local/share/bash-completion/completions/kit
  kit completion zsh > ~/.zfunc/_kit
  kit completion fish > ~/.config/fish/completions/kit.fish")]
pub(crate) struct CompletionArgs {
    /// Shell to generate the script for
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let script = match self.shell {
            Shell::Bash => include_str!("../../../completions/kit.bash").to_owned(),
            Shell::Zsh => include_str!("../../../completions/kit.zsh").to_owned(),
            Shell::Fish => include_str!("../../../completions/kit.fish").to_owned(),
            other => without_names(other),
        };
        Ok(context.output.result(script)?)
    }
}

/// A static script that completes the commands and flags of this release only.
fn without_names(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::Args::command(), "kit", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
