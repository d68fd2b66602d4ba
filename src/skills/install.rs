//! Installation of skills for several agents, with one line for each.

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Result, bail};

use super::agents::Target;
use crate::output::Output;
use kit_core::ops::{Installed, Overwrite, Skill, UnsafePaths, install_skill};

/// Installs skills for agents.
pub(crate) struct Installer<'a> {
    output: &'a Output,
    targets: Vec<Target>,
    overwrite: Overwrite,
    unsafe_paths: UnsafePaths,
    /// The skills that this run has installed, by folder: some agents share a folder.
    installed: HashMap<PathBuf, &'a Skill>,
    failures: usize,
}

impl<'a> Installer<'a> {
    pub(crate) fn new(
        output: &'a Output,
        targets: Vec<Target>,
        overwrite: Overwrite,
        unsafe_paths: UnsafePaths,
    ) -> Self {
        Self { output, targets, overwrite, unsafe_paths, installed: HashMap::new(), failures: 0 }
    }

    /// Installs `skill` for every agent. A failure for one does not stop the others.
    pub(crate) fn install(&mut self, skill: &'a Skill) -> Result<()> {
        for index in 0..self.targets.len() {
            self.install_for(index, skill)?;
        }
        Ok(())
    }

    fn install_for(&mut self, index: usize, skill: &'a Skill) -> Result<()> {
        let (agent, folder) = (self.targets[index].agent, self.targets[index].skills.join(&skill.name));
        let name = &skill.name;
        match self.installed.get(&folder) {
            Some(other) if *other == skill => {
                self.output.say(&format!("Skipped skill '{name}' for {agent}: already installed for another agent"));
                return Ok(());
            }
            Some(_) => {
                self.fail(name, agent, "another skill of this ModelKit has the same name");
                return Ok(());
            }
            None => {}
        }
        match install_skill(skill, &self.targets[index].skills, self.overwrite, &self.unsafe_paths) {
            Ok(Installed::Written) => {
                self.output.result(format!("Installed skill '{name}' for {agent} → {}", folder.display()))?;
                self.installed.insert(folder, skill);
            }
            Ok(Installed::Skipped) => {
                let reason = "already exists (use -o to overwrite)";
                self.output.say(&format!("Skipped skill '{name}' for {agent}: {reason}"));
            }
            Err(error) => self.fail(name, agent, &format!("{:#}", anyhow::Error::new(error))),
        }
        Ok(())
    }

    fn fail(&mut self, name: &str, agent: &str, reason: &str) {
        self.failures += 1;
        self.output.warn(&format!("Failed to install skill '{name}' for {agent}: {reason}"));
    }

    /// The number of failed installations so far.
    pub(crate) fn failures(&self) -> usize {
        self.failures
    }

    /// Fails if the skill could not be installed for every agent.
    pub(crate) fn finish(&self) -> Result<()> {
        match self.failures {
            0 => Ok(()),
            failures => bail!("failed to install skill for {failures} agent(s)"),
        }
    }
}
