//! `kit unpack --as-skill`: the prompts of a ModelKit as skills of agents.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::arguments::report_local_store;
use crate::context::Context;
use crate::skills::{Installer, Scope, choose};
use kit_core::modelkit::{Filter, Part, Selection};
use kit_core::ops::{self, Location, Lookup, Overwrite, Session, Skill, SkillLayer, Skills, UnsafePaths};

/// The arguments that matter for skills.
pub(super) struct AsSkill<'a> {
    /// The list of agents; empty to detect them.
    pub(super) agents: &'a str,
    /// The folder of the project, if `--dir` is given.
    pub(super) folder: Option<&'a Path>,
    pub(super) overwrite: Overwrite,
    pub(super) unsafe_paths: UnsafePaths,
    /// The filters of the command line.
    pub(super) filters: Vec<Filter>,
    /// The places to look for the ModelKit in.
    pub(super) place: Lookup,
}

impl AsSkill<'_> {
    /// Installs the skills in the ModelKit at `location` that the filters and labels select.
    pub(super) fn run(
        &self,
        context: &Context,
        session: &Session<'_>,
        location: &Location,
        labels: &[kit_core::modelkit::Label],
    ) -> Result<()> {
        let list = Some(self.agents).filter(|list| !list.is_empty());
        let scope = self.folder.map_or(Scope::Global, Scope::Project);
        let targets = choose(context.environment.agent_folders()?, ("as-skill", list), &scope, &context.output)?;
        let selection = self.selection(context);
        let Skills { has_kitfile, layers } = session
            .find_labelled(location, self.place, labels)
            .inspect(|found| report_local_store(context, location, found))
            .and_then(|found| ops::admit(session, &found).map(|()| found))
            .and_then(|found| ops::read_skills(&found, &selection, &repository(location), session.progress))
            .with_context(|| format!("cannot read the skills of `{location}`"))?;
        if !has_kitfile {
            context.output.say("No Kitfile found in modelkit; no prompt layers to install as skills");
            return Ok(());
        }
        if layers.is_empty() {
            context.output.say("No prompt layers matched the specified filters");
            return Ok(());
        }
        let (skills, unreadable) = sort(context, &layers);
        if skills.is_empty() && unreadable == 0 {
            context.output.say(NO_SKILLS);
        }
        let mut installer = Installer::new(&context.output, targets, self.overwrite, self.unsafe_paths.clone());
        skills.into_iter().try_for_each(|skill| installer.install(skill))?;
        match unreadable + installer.failures() {
            0 => Ok(()),
            failures => bail!("failed to install {failures} skill(s)"),
        }
    }

    /// Selects prompts only. Without a filter all of them are selected.
    fn selection(&self, context: &Context) -> Selection {
        if self.filters.is_empty() {
            return Selection::new(vec![Filter::of(vec![Part::Prompts])]);
        }
        for (name, _) in Part::ALL.iter().filter(|(_, part)| *part != Part::Prompts) {
            if self.filters.iter().any(|filter| filter.names_part(name)) {
                context.output.warn(&format!(
                    "Filter type '{name}' has no effect with --as-skill (only 'prompts' filters apply)"
                ));
            }
        }
        Selection::new(self.filters.clone())
    }
}

const NO_SKILLS: &str = "No agent skills found in modelkit. Prompt layers must contain a SKILL.md file to be installed \
                         as skills.";

/// Returns the skills among `layers`, and the number of layers that could not be read. Reports all others.
fn sort<'a>(context: &Context, layers: &'a [SkillLayer]) -> (Vec<&'a Skill>, usize) {
    let (mut skills, mut unreadable) = (Vec::new(), 0);
    for SkillLayer { path, skill } in layers {
        match skill {
            Ok(Some(skill)) => skills.push(skill),
            Ok(None) => {
                let reason = "not a SKILL.md, cannot install as skill";
                context.output.say(&format!("Skipping prompt \"{path}\": {reason}"));
            }
            Err(error) => {
                unreadable += 1;
                let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
                let reason = causes.fold(error.to_string(), |text, cause| format!("{text}: {cause}"));
                context.output.warn(&format!("Error reading prompt \"{path}\": {reason}"));
            }
        }
    }
    (skills, unreadable)
}

/// The last component of the repository, as a name for a skill without any other.
fn repository(location: &Location) -> String {
    let name = match location {
        Location::Artifact(reference) if reference.is_unnamed() => None,
        Location::Artifact(reference) => reference.repository.rsplit('/').next().map(str::to_owned),
        Location::Layout { path, .. } => path.file_name().map(|name| name.to_string_lossy().into_owned()),
    };
    name.unwrap_or_default()
}
