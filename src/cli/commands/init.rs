//! `kit init`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::Args;
use fs_err as fs;

use super::login::prompt;
use crate::cli::context::Context;
use crate::kitfile;
use crate::ops::{self, InitOptions};

/// Write a first Kitfile for a folder
///
/// Tells models, datasets, docs and code by the names of the files. Look it over: it is a draft.
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
        let answer = |given: &Option<String>, question: &str| match given {
            Some(given) => Ok(Some(given.clone())),
            None if context.environment.is_interactive => prompt(question).map(Some),
            None => Ok(None),
        };
        let options = InitOptions {
            name: answer(&self.name, "Name of the ModelKit: ")?,
            description: answer(&self.desc, "Description: ")?,
            author: answer(&self.author, "Author: ")?,
            folder,
        };
        let draft = ops::init(&options).with_context(|| format!("cannot look into `{}`", options.folder.display()))?;
        let yaml = kitfile::to_yaml(&draft);
        let path = existing.unwrap_or_else(|| options.folder.join(kitfile::FILE_NAMES[0]));
        fs::write(&path, &yaml)?;
        context.output.result(format!("Generated Kitfile:\n\n{yaml}"))?;
        Ok(context.output.result(format!("Saved to path '{}'", path.display()))?)
    }
}
