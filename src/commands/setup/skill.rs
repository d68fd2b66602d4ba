//! `kit skill`

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use crate::arguments::choose_overwrite;
use crate::context::Context;
use crate::skills::{Installer, Scope, choose, own_skill};
use kit_core::ops::UnsafePaths;

/// Install a skill about kit for coding agents
///
/// Writes a SKILL.md that describes the Kitfile and the commands of kit to the folders in which agents such as Claude
/// Code, Codex and Cursor look for skills: those for all projects, or with --dir those of one project.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit skill
  kit skill --agents claude-code,cursor
  kit skill --dir . --agents universal --overwrite")]
pub(crate) struct SkillArgs {
    /// Folder of a project to install the skill for [default: all projects of the user]
    #[arg(short, long, value_name = "FOLDER")]
    dir: Option<PathBuf>,
    /// Agents to install the skill for, separated by commas [default: the agents that are installed]
    #[arg(long, value_name = "AGENTS")]
    agents: Vec<String>,
    /// Overwrite an existing skill
    #[arg(short, long)]
    overwrite: bool,
    /// Keep an existing skill
    #[arg(short, long)]
    ignore_existing: bool,
}

impl SkillArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let folder = self.dir.as_ref().map(|folder| context.environment.absolute(folder));
        let scope = folder.as_deref().map_or(Scope::Global, Scope::Project);
        let list = Some(self.agents.join(",")).filter(|_| !self.agents.is_empty());
        let list = ("agents", list.as_deref());
        let targets = choose(context.environment.agent_folders()?, list, &scope, &context.output)?;
        let overwrite = choose_overwrite(self.overwrite, self.ignore_existing);
        let skill = own_skill();
        let mut installer = Installer::new(&context.output, targets, overwrite, UnsafePaths::Allow);
        installer.install(&skill)?;
        installer.finish()
    }
}
