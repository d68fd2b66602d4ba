//! `kit __complete`, which the scripts of `kit completion` ask.

use anyhow::Result;
use clap::Args;

use crate::completion::{Offer, Paths, complete};
use crate::context::Context;
use kit_core::oci::Reference;
use kit_core::store::Entry;

/// Print the candidates for the last word of a command line
///
/// The first line is `files` or `folders` if paths are possible, otherwise `none`. Each following line is a candidate
/// and its description, separated by a tab.
#[derive(Debug, Args)]
pub(crate) struct CompleteArgs {
    /// The words of the command line after `kit`, the last of them unfinished and perhaps empty
    #[arg(last = true)]
    words: Vec<String>,
}

impl CompleteArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let references = || references(context).unwrap_or_default();
        let Offer { words, paths } = complete(&mut crate::args::definition(), &self.words, references);
        let paths = match paths {
            Paths::None => "none",
            Paths::Folders => "folders",
            Paths::Files => "files",
        };
        let lines = words.iter().map(|(word, meaning)| format!("{word}\t{meaning}"));
        let lines: Vec<_> = std::iter::once(paths.to_owned()).chain(lines).collect();
        Ok(context.output.result(lines.join("\n"))?)
    }
}

/// The names in the local store, sorted. Returns none if the store cannot be read, since completion must not print
/// errors.
fn references(context: &Context) -> Option<Vec<String>> {
    let index = context.store().ok()?.index().ok()?;
    let has_name = |reference: &&Reference| reference.tag.is_some() && !reference.is_unnamed();
    let references = index.entries().iter().filter_map(Entry::reference).filter(has_name);
    let mut names: Vec<_> = references.map(ToString::to_string).collect();
    names.sort();
    names.dedup();
    Some(names)
}
