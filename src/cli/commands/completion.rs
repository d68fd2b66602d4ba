//! `kit completion`

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::context::Context;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit completion bash > ~/.local/share/bash-completion/completions/kit
  kit completion zsh > ~/.zfunc/_kit
  kit completion fish > ~/.config/fish/completions/kit.fish")]
pub(crate) struct CompletionArgs {
    /// The shell
    #[arg(value_name = "SHELL")]
    shell: Shell,
}

impl CompletionArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut crate::cli::args::Args::command(), "kit", &mut script);
        Ok(context.output.result(String::from_utf8_lossy(&script))?)
    }
}
