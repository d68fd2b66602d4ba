//! `kit validate`

use std::collections::HashMap;
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use clap::Args;
use serde_json::{Value, json};

use crate::arguments::kitfile::{KitfileText, check_start, find_kitfile};
use crate::context::Context;
use crate::output::{Format, counted, one_line, tidy};
use kit_core::ops::{self, Finding, Severity, ValidateOptions};
use kit_core::sys::real_path;

/// Check a folder and its Kitfile before packing
///
/// Reports errors in the Kitfile, missing paths, entries without files, missing licences, parents that are not pinned
/// to a digest, files that no layer contains, files that are both listed and ignored, junk files, and possible
/// secrets, each with a suggestion. Secrets themselves are not shown. Fails if there are errors.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit validate
  kit validate models/sentiment --strict
  kit validate . --file other/Kitfile --format json")]
pub(crate) struct ValidateArgs {
    /// Folder of the project
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Path to the Kitfile [default: Kitfile in FOLDER]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Fail on warnings as well
    #[arg(long)]
    strict: bool,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

impl ValidateArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let failure = || format!("cannot validate `{}`", tidy(&self.folder));
        let options = self.options(context).with_context(failure)?;
        let findings = ops::validate(&options).with_context(failure)?;
        let table = || grouped(&findings).iter().map(|group| in_words(group)).collect();
        context.output.result(self.format.render_rows(&findings, to_json, table)?)?;
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error).count();
        let warnings = findings.len() - errors;
        let summary = format!("{}, {}", counted(errors, "error"), counted(warnings, "warning"));
        if errors > 0 || self.strict && warnings > 0 {
            bail!("validation of `{}` failed: {summary}", tidy(&self.folder));
        }
        let strict = if warnings > 0 { " (with --strict, warnings are errors)" } else { "" };
        context.output.say(&format!("{}: {summary}{strict}", options.file));
        Ok(())
    }

    fn options(&self, context: &Context) -> Result<ValidateOptions> {
        let folder = real_path(&context.folder(&self.folder)?)?;
        if let Some(file) = &self.file {
            check_start(context, &folder, &self.folder, file)?;
        }
        let given = self.file.as_ref().map(|file| (context.environment.absolute(file), file.display().to_string()));
        let (path, file) = given.map_or_else(|| Ok(named(find_kitfile(&folder, &self.folder)?)), anyhow::Ok)?;
        let text = KitfileText::read(&path, file.clone())?.into_text()?;
        Ok(ValidateOptions { context: folder, file, text })
    }
}

/// The path of a file in the folder, and its name.
fn named(path: PathBuf) -> (PathBuf, String) {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    (path, name)
}

/// The findings that differ only in their places, together; in the order of the first of each.
fn grouped(findings: &[Finding]) -> Vec<Vec<&Finding>> {
    let (mut groups, mut positions) = (Vec::<Vec<&Finding>>::new(), HashMap::new());
    for finding in findings {
        let key = (word(finding), finding.rule, &finding.message, &finding.advice);
        let position = *positions.entry(key).or_insert(groups.len());
        if position == groups.len() {
            groups.push(Vec::new());
        }
        groups[position].push(finding);
    }
    groups
}

/// The number of places that are listed for one problem.
const PLACES: usize = 3;

/// Formats findings as two lines: the problem with its places, and the suggestion.
fn in_words(findings: &[&Finding]) -> String {
    let Finding { rule, message, advice, .. } = findings[0];
    let places: Vec<_> = findings.iter().take(PLACES).map(|finding| finding.place.as_str()).collect();
    let more = findings.len() - places.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let line = format!("{}{more}: {}: {message} ({rule})", places.join(", "), word(findings[0]));
    format!("{}\n  {}\n", one_line(&line), one_line(advice))
}

fn to_json(finding: &Finding) -> Value {
    let Finding { rule, place, message, advice, .. } = finding;
    json!({ "severity": word(finding), "rule": rule, "place": place, "message": message, "advice": advice })
}

fn word(finding: &Finding) -> &'static str {
    match finding.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}
