//! Checks of the files that the layers would contain.

use super::project::{Finding, Review, Severity};
use super::secrets::{find_token, is_secret_name};
use crate::archive::{self, LayerSource};
use crate::file_kind::is_leftover;
use crate::kitfile::Entry;
use crate::ops::error::Error;
use crate::ops::pack::pointers;
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
    let (measured, files) = match source.measure().and_then(|measured| Ok((measured, source.files()?))) {
        Ok(found) => found,
        Err(error @ archive::Error::MissingPath { .. }) => {
            let advice = "correct the path; it is relative to the packed folder";
            return Ok(vec![about(Severity::Error, "missing-path", error.to_string(), advice)]);
        }
        Err(error) => {
            let advice = "move or remove it, or add it to .kitignore";
            return Ok(vec![about(Severity::Error, "unpackable", error.to_string(), advice)]);
        }
    };
    let mut findings = Vec::new();
    if measured.path_is_ignored {
        let message = format!("`{}` is listed here but excluded by .kitignore", source.path);
        findings.push(about(
            Severity::Warning,
            "ignored",
            message,
            "remove the line from .kitignore, or remove the entry",
        ));
    } else if measured.files == 0 {
        let message = format!("`{}` contains no files, so its layer would be empty", source.path);
        findings.push(about(Severity::Warning, "empty-layer", message, "add files to it, or remove the entry"));
    }
    findings.extend(pointers(source)?.iter().map(|file| Finding {
        severity: Severity::Warning,
        rule: "lfs-pointer",
        place: file.to_string(),
        message: "this is only a pointer of git LFS, not the file itself".to_owned(),
        advice: "run `git lfs pull` to fetch the content".to_owned(),
    }));
    findings.extend(junk(&files));
    for file in &files {
        findings.extend(secret(source, file)?);
    }
    Ok(findings)
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

/// Checks whether a file looks like a secret, by its name or its content. The finding never contains the secret itself.
fn secret(source: &LayerSource<'_>, file: &RelativePath) -> Result<Option<Finding>, Error> {
    let name = file.file_name().unwrap_or_default();
    let advice = format!("add `{file}` to .kitignore to exclude it; revoke the secret if it was ever pushed");
    let finding = |severity, place, message| Some(Finding { severity, rule: "secret", place, message, advice });
    if let Some((line, kind)) = find_token(&file.join_to(source.root))? {
        return Ok(finding(Severity::Error, format!("{file}:{line}"), format!("this looks like {kind}")));
    }
    if is_secret_name(name) {
        let message = "files with this name usually contain secrets".to_owned();
        return Ok(finding(Severity::Warning, file.to_string(), message));
    }
    Ok(None)
}
