//! `kit init`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use super::login::prompt;
use crate::cli::context::Context;
use crate::kitfile::{self, Package};
use crate::ops::{self, ProjectFolder};

/// Write a first Kitfile for a folder
///
/// Tells models, datasets, docs and code by the names of the files. Format, framework and size of the model come from its headers and
/// configuration, the licence from its text, and the rest from the front matter of a model card (README.md). What notebooks load is said in comments. Look it over: it is a draft.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit init .
  kit init models/sentiment --name sentiment --desc 'Mood of a sentence' --author Ada")]
pub(crate) struct InitArgs {
    /// The folder
    #[arg(value_name = "FOLDER")]
    path: PathBuf,
    /// The name of the package
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// What it is, in a sentence
    #[arg(long, value_name = "TEXT")]
    desc: Option<String>,
    /// Who made it
    #[arg(long, value_name = "NAME")]
    author: Option<String>,
    /// Overwrite a Kitfile that is there
    #[arg(short, long)]
    force: bool,
}

impl InitArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let folder = context.environment.absolute(&self.path);
        let existing = kitfile::FILE_NAMES.iter().map(|name| folder.join(name)).find(|path| path.exists());
        if let Some(path) = existing.as_ref().filter(|_| !self.force) {
            return Err(ops::Error::Exists(path.clone()).into());
        }
        let project = ProjectFolder(folder.clone());
        let mut draft = ops::init(&project).with_context(|| format!("cannot look into `{}`", folder.display()))?;
        self.complete(context, &mut draft.kitfile.package)?;
        let yaml = kitfile::to_yaml_with_notes(&draft.kitfile, &draft.notes);
        let path = existing.unwrap_or_else(|| folder.join(kitfile::FILE_NAMES[0]));
        fs::write(&path, &yaml)?;
        context.output.result(format!("Generated Kitfile:\n\n{yaml}"))?;
        Ok(context.output.result(format!("Saved to path '{}'", path.display()))?)
    }

    /// Fills in what the user says, and asks somebody who is there for what nobody has said.
    fn complete(&self, context: &Context, package: &mut Package) -> Result<()> {
        let mut author = package.authors.first().cloned().unwrap_or_default();
        for (field, given, question) in [
            (&mut package.name, &self.name, "Name of the ModelKit: "),
            (&mut package.description, &self.desc, "Description: "),
            (&mut author, &self.author, "Author: "),
        ] {
            match given {
                Some(given) => field.clone_from(given),
                None if field.is_empty() && context.environment.is_interactive => *field = prompt(question)?,
                None => {}
            }
        }
        if !author.is_empty() && package.authors.first() != Some(&author) {
            package.authors = vec![author];
        }
        Ok(())
    }
}
