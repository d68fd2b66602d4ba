//! `kit completion`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use clap_complete::Shell;
use fs_err as fs;

use crate::args;
use crate::config::UserShell;
use crate::context::Context;
use crate::output::{tidy, usage};
use kit_core::sys;

/// Generate a completion script for a shell
///
/// In bash, zsh and fish, the names of ModelKits in the local store are completed as well. With --install, the script
/// is written to the folder in which the shell looks for the scripts of this user; SHELL is the shell of the variable
/// of that name if it is not given. Files of the shell itself, such as ~/.zshrc, are never changed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit completion --install
  kit completion bash > ~/.local/share/bash-completion/completions/kit
  kit completion zsh > ~/.zfunc/_kit
  kit completion fish > ~/.config/fish/completions/kit.fish")]
pub(crate) struct CompletionArgs {
    /// Shell to generate the script for
    #[arg(value_name = "SHELL", required_unless_present = "install")]
    shell: Option<Shell>,
    /// Write the script to the folder of the user's completions (bash, zsh and fish)
    #[arg(long)]
    install: bool,
}

impl CompletionArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let user = &context.environment.shell;
        match self.shell.or_else(|| known(user)) {
            Some(shell) if self.install => install(context, shell),
            Some(shell) => Ok(context.output.result(script(shell))?),
            None => Err(usage("cannot determine the shell; name it: kit completion bash --install")),
        }
    }
}

fn install(context: &Context, shell: Shell) -> Result<()> {
    let path = file(&context.environment.shell, shell);
    let path =
        path.ok_or_else(|| usage(format!("--install does not support {shell}; use `kit completion {shell}`")))?;
    let folder = path.parent().context("the file has no folder")?;
    fs::create_dir_all(folder)?;
    sys::replace_file(&path, script(shell).as_bytes()).with_context(|| format!("cannot write `{}`", tidy(&path)))?;
    if shell == Shell::Zsh {
        let folder = tidy(folder);
        context.output.say(&format!("Add to ~/.zshrc before `compinit`, if it is not there: fpath=({folder} $fpath)"));
    }
    context.output.say("Open a new shell to use the completion");
    Ok(context.output.result(format!("{}\n", tidy(&path)))?)
}

/// The file of an installed completion script for the user's shell.
pub(crate) fn installed_completion(user: &UserShell) -> Option<PathBuf> {
    file(user, known(user)?).filter(|path| path.is_file())
}

fn known(user: &UserShell) -> Option<Shell> {
    Shell::from_str(user.name.as_deref()?, true).ok()
}

/// The file in which the shell looks for the completion of `kit`. Each is read without a change of the shell's own
/// files, except that of zsh, which has no folder for users.
fn file(user: &UserShell, shell: Shell) -> Option<PathBuf> {
    let name = match shell {
        Shell::Bash => "bash-completion/completions/kit",
        Shell::Zsh => "zsh/site-functions/_kit",
        Shell::Fish => "fish/vendor_completions.d/kit.fish",
        _ => return None,
    };
    Some(user.data_folder.as_ref()?.join(name))
}

fn script(shell: Shell) -> String {
    match shell {
        Shell::Bash => include_str!("../../../completions/kit.bash").to_owned(),
        Shell::Zsh => include_str!("../../../completions/kit.zsh").to_owned(),
        Shell::Fish => include_str!("../../../completions/kit.fish").to_owned(),
        other => without_names(other),
    }
}

/// A static script that completes the commands and flags of this release only.
fn without_names(shell: Shell) -> String {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut args::definition(), "kit", &mut script);
    String::from_utf8_lossy(&script).into_owned()
}
