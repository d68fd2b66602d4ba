//! Checks of the files that the layers would contain.

use super::project::{Finding, Review, Severity};
use crate::archive::{self, LayerSource};
use crate::file_kind::is_leftover;
use crate::kitfile::Entry;
use crate::ops::error::Error;
use crate::ops::guard::{
    DataTexts, Found, Suspects, dangerous_pickles, empty_files, empty_layer, misplaced_files, pointers, secrets_in,
};
use crate::ops::refused::{Empty, Lack};
use crate::progress::human;
use crate::relative_path::RelativePath;

/// Checks one layer: it must be possible to pack it, it should contain files, and none of them should be junk or a
/// secret.
pub(super) fn look_at_layers(
    review: &Review<'_>,
    entry: &Entry<'_>,
    source: &LayerSource<'_>,
) -> Result<Vec<Finding>, Error> {
    let field = format!("{}.path", entry.place());
    let about = |severity, rule, message: String, advice: &str| review.finding(severity, rule, &field, message, advice);
    let measured = Suspects::measure(entry.section, source);
    let (measured, suspects, files) =
        match measured.and_then(|(measured, suspects)| Ok((measured, suspects, source.files()?))) {
            Ok(found) => found,
            Err(archive::Error::MissingPath { path, advice }) => {
                let advice = advice.as_deref().unwrap_or("correct the path; it is relative to the packed folder");
                let message = format!("path `{path}` does not exist");
                return Ok(vec![about(Severity::Error, "missing-path", message, advice)]);
            }
            Err(error) => {
                let advice = "move or remove it, or add it to .kitignore";
                return Ok(vec![about(Severity::Error, "unpackable", error.to_string(), advice)]);
            }
        };
    let mut findings = Vec::new();
    let empty_files = empty_files(entry.section, source, &suspects);
    if let Some(Empty { lack, .. }) = empty_layer(entry.section, source, &measured) {
        let severity = if matches!(lack, Lack::Data) { Severity::Warning } else { Severity::Error };
        findings.push(about(severity, lack.rule(), lack.to_string(), lack.advice()));
    } else if measured.path_is_ignored {
        let message = format!("the Kitfile lists `{}`, but .kitignore excludes it", source.path);
        findings.push(about(Severity::Warning, "ignored", message, Lack::Ignored.advice()));
    } else if measured.files == 0 {
        let message = format!("`{}` contains no files, so its layer would be empty", source.path);
        findings.push(about(Severity::Warning, "empty-layer", message, Lack::Files.advice()));
    }
    let has_finding = |path: &RelativePath| empty_files.iter().any(|empty| empty.path == *path);
    let pointers = pointers(source, &suspects).into_iter().filter(|path| !has_finding(path));
    findings.extend(pointers.map(|path| empty_file(Severity::Warning, &Empty { path, lack: Lack::Pointer })));
    let severity = |lack: &Lack| if lack.is_refused() { Severity::Error } else { Severity::Warning };
    findings.extend(empty_files.iter().map(|empty| empty_file(severity(&empty.lack), empty)));
    if let Some(message) = misplaced(&suspects) {
        let advice = "list them under `model` or `datasets`, or exclude them in .kitignore";
        findings.push(about(Severity::Warning, "misplaced", message, advice));
    }
    findings.extend(dangerous_pickles(source, &suspects).into_iter().map(|(path, import)| Finding {
        severity: Severity::Warning,
        rule: "pickle",
        place: path.to_string(),
        message: format!("loading this file runs code: {import}"),
        advice: "do not load it; `kit scan` reports everything about it".to_owned(),
    }));
    findings.extend(junk(&files));
    let found = secrets_in(entry.section, DataTexts::All, source)?;
    let is_listed = |path: &RelativePath| measured.file_mode.is_some() && *path == source.path;
    let advice = |path: &RelativePath| advice_for(path, is_listed(path));
    findings.extend(found.into_iter().map(|found| finding_of(found, advice)));
    Ok(findings)
}

/// Describes the files in a folder of code or documents that look like weights or data.
fn misplaced(suspects: &Suspects) -> Option<String> {
    let (files, more) = misplaced_files(suspects);
    let others = if more > 0 { format!(" and {more} more") } else { String::new() };
    (!files.is_empty())
        .then(|| format!("among the files: {}{others}, weights or data by their names or sizes", files.join(", ")))
}

/// Finds the outermost files and folders that are junk. A folder is reported once, however many files it contains.
fn junk(files: &[RelativePath]) -> Vec<Finding> {
    let mut found: Vec<(String, &str)> = Vec::new();
    for file in files {
        let mut path = RelativePath::root();
        for name in file.components() {
            let Ok(inner) = path.child(name) else { break };
            path = inner;
            if is_leftover(name) {
                let place = path.to_string();
                if found.last().is_none_or(|(last, _)| *last != place) {
                    found.push((place, name));
                }
                break;
            }
        }
    }
    let finding = |(place, name): (String, &str)| Finding {
        severity: Severity::Warning,
        rule: "junk",
        place,
        message: "this was left behind by a tool, and would be packed".to_owned(),
        advice: format!("add `**/{name}` to .kitignore to exclude it"),
    };
    found.into_iter().map(finding).collect()
}

/// The finding about a file without usable content.
fn empty_file(severity: Severity, Empty { path, lack }: &Empty) -> Finding {
    let (message, advice) = (lack.to_string(), lack.advice().to_owned());
    Finding { severity, rule: lack.rule(), place: path.to_string(), message, advice }
}

/// The finding about a file that has a secret, or may have one.
fn finding_of(found: Found, advice: impl Fn(&RelativePath) -> String) -> Finding {
    let (severity, rule) = match &found {
        Found::Secret(_) => (Severity::Error, "secret"),
        Found::Likely(_) | Found::Literal(_) | Found::InData(_) => (Severity::Warning, "secret"),
        Found::TooLarge { .. } => (Severity::Warning, "not-searched"),
    };
    match found {
        Found::Secret(secret) | Found::Likely(secret) | Found::Literal(secret) | Found::InData(secret) => {
            let (place, advice) = (secret.place(), advice(&secret.path));
            Finding { severity, rule, place, message: secret.message, advice }
        }
        Found::TooLarge { path, size } => {
            let message = format!("not searched for secrets, because it is too large ({})", human(size));
            let advice = "look through it, or add it to .kitignore".to_owned();
            Finding { severity, rule, place: path.to_string(), message, advice }
        }
    }
}

/// The advice about a file with a secret, which may be a layer of its own.
fn advice_for(file: &RelativePath, is_listed: bool) -> String {
    let entry = if is_listed { " and delete its entry from the Kitfile" } else { "" };
    format!("add `{file}` to .kitignore to exclude it{entry}; revoke the secret if it was ever pushed")
}
