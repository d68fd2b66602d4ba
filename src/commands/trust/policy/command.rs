//! `kit policy`, `kit policy init` and `kit policy test`

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};

use super::check::CheckArgs;
use super::example::EXAMPLE;
use super::show::ShowArgs;
use crate::config::now;
use crate::context::Context;
use crate::output::{counted, tidy};
use kit_core::ops::LoadedPolicy;

/// Show or check the policies for ModelKits
///
/// A policy says which signatures and attestations the ModelKits of a repository need, and what they may contain. It is
/// asked before a ModelKit is pulled, unpacked, copied, promoted, loaded or shown. The policy of this user is the file
/// `policy.toml` beside config.toml, or the file that --policy or `KIT_POLICY` names. The policy of the system,
/// /etc/kit/policy.toml, is asked as well; both must be satisfied.
#[derive(Debug, Args)]
pub(crate) struct PolicyArgs {
    #[command(subcommand)]
    command: PolicyCommand,
}

#[derive(Debug, Subcommand)]
enum PolicyCommand {
    Show(ShowArgs),
    Check(CheckArgs),
    Init(InitArgs),
    Test(TestArgs),
}

/// Print a policy with comments, to begin with
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit policy init > ~/.config/kit/policy.toml")]
struct InitArgs {}

/// Check that a policy is valid, and that its keys can be read
///
/// Exits with 1 if it is not, and lists all problems with their lines.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit policy test policy.toml")]
struct TestArgs {
    /// File with the policy
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl PolicyArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        match &self.command {
            PolicyCommand::Show(args) => args.run(context),
            PolicyCommand::Check(args) => args.run(context),
            PolicyCommand::Init(InitArgs {}) => Ok(context.output.result(EXAMPLE)?),
            PolicyCommand::Test(args) => args.run(context),
        }
    }
}

impl TestArgs {
    fn run(&self, context: &Context) -> Result<()> {
        let LoadedPolicy { policy, keys, .. } = LoadedPolicy::open(&context.environment.absolute(&self.file), now())?;
        let (rules, keys) = (counted(policy.rules.len() as u64, "rule"), counted(keys.len() as u64, "key"));
        context.output.say(&format!("{} is valid: {rules}, {keys}", tidy(&self.file)));
        Ok(())
    }
}
