//! What is odd about the files that the layers would hold.

use super::project::{Finding, Review, Severity};
use super::secrets::{find_token, is_secret_name};
use crate::archive::{self, LayerSource};
use crate::file_kind::is_leftover;
use crate::kitfile::Entry;
use crate::ops::error::Error;
use crate::relative_path::RelativePath;

/// Looks at one layer: whether it can be packed, whether anything is in it, and what.
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
            let advice = "correct the path; it begins in the folder that is packed";
            return Ok(vec![about(Severity::Error, "missing-path", error.to_string(), advice)]);
        }
        Err(error) => {
            let advice = "move or remove it, or leave it out with a line in .kitignore";
            return Ok(vec![about(Severity::Error, "unpackable", error.to_string(), advice)]);
        }
    };
    let mut findings = Vec::new();
    if measured.path_is_ignored {
        let message = format!("`{}` is named here, and .kitignore takes it out", source.path);
        findings.push(about(Severity::Warning, "ignored", message, "remove the line in .kitignore, or the entry"));
    } else if measured.files == 0 {
        let message = format!("`{}` holds no file, so its layer would be empty", source.path);
        findings.push(about(Severity::Warning, "empty-layer", message, "put something there, or remove the entry"));
    }
    findings.extend(junk(&files));
    for file in &files {
        findings.extend(secret(source, file)?);
    }
    Ok(findings)
}

/// The outermost things that are junk, each once however much is in them.
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
        message: "a tool left this behind, and it would be packed".to_owned(),
        advice: format!("a line `**/{name}` in .kitignore leaves it out"),
    };
    found.into_iter().map(finding).collect()
}

/// A file that looks like a secret, by its name or by what is in it. What it is stays unsaid.
fn secret(source: &LayerSource<'_>, file: &RelativePath) -> Result<Option<Finding>, Error> {
    let name = file.file_name().unwrap_or_default();
    let advice = format!("a line `{file}` in .kitignore leaves it out; what was ever pushed has to be revoked");
    let finding = |severity, place, message| Some(Finding { severity, rule: "secret", place, message, advice });
    if let Some((line, kind)) = find_token(&file.join_to(source.root))? {
        return Ok(finding(Severity::Error, format!("{file}:{line}"), format!("it holds what looks like {kind}")));
    }
    if is_secret_name(name) {
        let message = "files of this name mostly hold secrets".to_owned();
        return Ok(finding(Severity::Warning, file.to_string(), message));
    }
    Ok(None)
}
