//! Drafts a `.kitignore` for a project: from its `.gitignore`, and with names that no ModelKit should have.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use fs_err as fs;

use super::draft::Draft;
use super::project::{BELOW, Files, Project, ProjectFolder};
use crate::archive::{IgnoreRules, translate_gitignore};
use crate::kitfile::{Entry, Kitfile, Section};
use crate::limits;
use crate::ops::error::Error;
use crate::ops::files::IGNORE_FILE;
use crate::relative_path::RelativePath;

/// The first lines of each draft: secrets, and the runs that MLflow and Weights & Biases record.
const FIRST_LINES: &str = "\
# Files that `kit pack` leaves out, in the syntax of .dockerignore.
**/.env*
!**/.env.example
mlruns
wandb
";

/// The comment above the files that have names of secrets.
const SECRETS: &str = "# Files whose names are those of secrets:";

/// The comment above the checkpoints.
const CHECKPOINTS: &str = "# Checkpoints of the training:";

/// The first lines, and a line for each file and folder that the draft leaves out.
fn first_lines(draft: &Draft) -> Result<String, Error> {
    let first = IgnoreRules::parse(FIRST_LINES)?;
    let is_new = |path: &&String| path.parse().is_ok_and(|path| !first.is_ignored(&path));
    let secrets = draft.secrets.iter().filter(is_new).map(|path| pattern(path));
    let checkpoints = draft.left_out.iter().map(|path| pattern(path));
    let mut text = FIRST_LINES.to_owned();
    for (title, lines) in [(SECRETS, secrets.collect::<Vec<_>>()), (CHECKPOINTS, checkpoints.collect())] {
        if !lines.is_empty() {
            text.extend(["\n", title, "\n", &lines.join("\n"), "\n"]);
        }
    }
    Ok(text)
}

/// The pattern that matches a path. Characters that patterns do not take literally match any character.
fn pattern(path: &str) -> String {
    let is_plain = |sign: char| sign.is_alphanumeric() || "-_./@+=,".contains(sign);
    path.chars().map(|sign| if is_plain(sign) { sign } else { '?' }).collect()
}

/// A drafted `.kitignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreFile {
    /// The text of the file.
    pub text: String,
    /// The number of lines that were taken from `.gitignore`.
    pub taken: usize,
    /// The lines of `.gitignore` that were not taken, because they would leave out weights or data.
    pub refused: Vec<String>,
}

/// Drafts a `.kitignore` for the folder and its Kitfile; `None` if the folder has one.
///
/// A `.gitignore` often lists weights and data, because they are too large for git. Lines that would leave out a model
/// or a dataset of the Kitfile become comments. Entries that would be left out are removed from the Kitfile.
pub fn draft_ignore_file(project: &ProjectFolder, draft: &mut Draft) -> Result<Option<IgnoreFile>, Error> {
    let ProjectFolder(folder) = project;
    if fs::symlink_metadata(folder.join(IGNORE_FILE)).is_ok() {
        return Ok(None);
    }
    let needed = needed(project, &draft.kitfile)?;
    let mut ignore = IgnoreFile { text: first_lines(draft)?, taken: 0, refused: Vec::new() };
    for line in gitignore(folder)?.lines() {
        ignore.add(line, &needed)?;
    }
    remove_ignored(draft, &IgnoreRules::parse(&ignore.text)?);
    Ok(Some(ignore))
}

fn remove_ignored(Draft { kitfile, notes, .. }: &mut Draft, rules: &IgnoreRules) {
    let is_kept = |path: &str| path.parse().is_ok_and(|path| !rules.is_ignored(&path));
    // The notes name entries of code by their numbers.
    let before: Vec<_> = kitfile.code.iter().map(|code| is_kept(&code.path)).collect();
    let mut after = 0;
    for (at, is_kept) in before.iter().enumerate() {
        let field = format!("code[{at}].path");
        if *is_kept {
            let renamed = format!("code[{after}].path");
            notes.iter_mut().filter(|note| note.field == field).for_each(|note| note.field.clone_from(&renamed));
            after += 1;
        } else {
            notes.retain(|note| note.field != field);
        }
    }
    kitfile.code.retain(|code| is_kept(&code.path));
    kitfile.datasets.retain(|dataset| is_kept(&dataset.path));
    kitfile.docs.retain(|docs| is_kept(&docs.path));
    kitfile.prompts.retain(|prompt| is_kept(&prompt.path));
}

impl IgnoreFile {
    /// Adds a line of a `.gitignore`, as a comment if it would leave out files that are needed.
    fn add(&mut self, line: &str, needed: &[RelativePath]) -> Result<(), Error> {
        let Some(translated) = translate_gitignore(line) else { return Ok(()) };
        if self.taken == 0 && self.refused.is_empty() {
            self.text.push_str("\n# From .gitignore:\n");
        }
        // A line that only git understands is refused as well.
        let rules = IgnoreRules::parse(&format!("{}{translated}\n", self.text));
        let before = IgnoreRules::parse(&self.text)?;
        let lost = |rules: &IgnoreRules| needed.iter().any(|path| rules.is_ignored(path) && !before.is_ignored(path));
        if rules.is_ok_and(|rules| !lost(&rules)) {
            self.text.extend([&*translated, "\n"]);
            self.taken += 1;
        } else {
            self.text.extend(["# ", &*translated, "\n"]);
            self.refused.push(line.trim().to_owned());
        }
        Ok(())
    }
}

/// The number of levels of folders whose files are compared with the lines of a `.gitignore`.
const LEVELS: usize = BELOW + 1;

/// The paths of models and datasets, and of the files in them.
fn needed(project: &ProjectFolder, kitfile: &Kitfile) -> Result<Vec<RelativePath>, Error> {
    let is_needed = |entry: &Entry<'_>| matches!(entry.section, Section::Model | Section::ModelPart | Section::Dataset);
    let entries = kitfile.entries_with_model_file();
    let layers: Vec<_> =
        entries.iter().filter(|entry| is_needed(entry)).filter_map(|e| e.relative_path().ok()).collect();
    let listing = project.listing(LEVELS)?;
    let files = Files::of(project, &listing);
    let files = files.paths().filter_map(|path| path.parse::<RelativePath>().ok());
    let of_layers = files.filter(|file| layers.iter().any(|layer| file.starts_with(layer)));
    Ok(of_layers.chain(layers.iter().filter(|layer| !layer.is_root()).cloned()).collect())
}

/// Returns the patterns in the `.kitignore` `text` of `folder` that a draft has: they may match nothing yet, or no
/// longer. Those below a comment of the draft end at the next empty line.
pub(crate) fn drafted_patterns(folder: &Path, text: &str) -> io::Result<HashSet<String>> {
    let mut patterns: HashSet<_> = FIRST_LINES.lines().map(str::to_owned).collect();
    patterns.extend(gitignore(folder)?.lines().filter_map(translate_gitignore));
    let mut is_drafted = false;
    for line in text.lines().map(str::trim) {
        is_drafted = [SECRETS, CHECKPOINTS].contains(&line) || is_drafted && !line.is_empty();
        if is_drafted {
            patterns.insert(line.to_owned());
        }
    }
    Ok(patterns)
}

fn gitignore(folder: &Path) -> io::Result<String> {
    let path = folder.join(".gitignore");
    match fs::metadata(&path) {
        Ok(metadata) if metadata.len() <= limits::IGNORE_FILE_BYTES => {
            Ok(String::from_utf8_lossy(&fs::read(&path)?).into_owned())
        }
        Ok(_) => Ok(String::new()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error),
    }
}
