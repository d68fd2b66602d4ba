//! Checks a Kitfile and its folder before they are packed, for errors that prevent packing and for likely mistakes.

use std::path::{Path, PathBuf};

use super::files::look_at_layers;
use super::owners;
use crate::archive::{self, IgnoreRules, LayerSource, Links, Modes, UnmatchedLine};
use crate::kitfile::{self, Entry, FieldPlaces, Kitfile};
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::files::read_ignore_rules;
use crate::ops::pack::{uncovered, unmatched_ignore_lines};
use crate::ops::refused::Lack;
use crate::relative_path::RelativePath;

/// The project to check.
#[derive(Debug, Clone)]
pub struct ValidateOptions {
    /// The folder that would be packed.
    pub context: PathBuf,
    /// The name of the Kitfile in the places of findings.
    pub file: String,
    /// The text of the Kitfile.
    pub text: String,
}

/// The severity of a finding.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// The project cannot be packed, or must not be.
    Error,
    /// The project can be packed, but probably should be corrected first.
    Warning,
}

/// One problem of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The severity.
    pub severity: Severity,
    /// The kind of problem, in a word.
    pub rule: &'static str,
    /// The file, with line and column if they are known.
    pub place: String,
    /// The description of the problem.
    pub message: String,
    /// The action that corrects it.
    pub advice: String,
}

/// Returns all problems, errors first, both errors and warnings in the order of the Kitfile and of the files.
///
/// Lists all files that would be packed, and reads those that are small enough to be texts. Changes nothing.
pub fn validate(options: &ValidateOptions) -> Result<Vec<Finding>, Error> {
    let (kitfile, places) = match kitfile::parse_with_places(&options.text) {
        Ok(parsed) => parsed,
        Err(invalid) => return Ok(invalid.problems().iter().map(|problem| unusable(options, problem)).collect()),
    };
    let ignore = match read_ignore_rules(&options.context) {
        Ok(ignore) => ignore,
        Err(Error::Archive(error @ archive::Error::InvalidIgnoreFile(_))) => return Ok(vec![bad_rules(&error)]),
        Err(error) => return Err(error),
    };
    let review = Review { options, kitfile: &kitfile, places: &places, ignore: &ignore };
    let mut findings = review.kitfile();
    findings.extend(review.folder()?);
    findings.sort_by_key(|finding| finding.severity);
    Ok(findings)
}

fn unusable(options: &ValidateOptions, problem: &crate::problem::Problem) -> Finding {
    let place = match &problem.position {
        Some(position) => format!("{}:{}:{}", options.file, position.line, position.column),
        None => options.file.clone(),
    };
    let advice = "correct it; `kit schema` describes every field";
    Finding {
        severity: Severity::Error,
        rule: "kitfile",
        place,
        message: problem.message.clone(),
        advice: advice.to_owned(),
    }
}

fn bad_rules(error: &archive::Error) -> Finding {
    Finding {
        severity: Severity::Error,
        rule: "kitignore",
        place: ".kitignore".to_owned(),
        message: error.to_string(),
        advice: "correct it; the syntax is that of .dockerignore".to_owned(),
    }
}

fn unmatched_line(UnmatchedLine { line, pattern, meant }: UnmatchedLine) -> Finding {
    let advice = match meant {
        Some(meant) => format!("write `{meant}` to match at any depth; a pattern begins at the packed folder"),
        None => "correct or delete it; a pattern begins at the packed folder".to_owned(),
    };
    Finding {
        severity: Severity::Warning,
        rule: "unmatched-line",
        place: format!(".kitignore:{line}"),
        message: format!("`{pattern}` matches nothing"),
        advice,
    }
}

/// A project that is being checked.
pub(super) struct Review<'a> {
    options: &'a ValidateOptions,
    pub(super) kitfile: &'a Kitfile,
    places: &'a FieldPlaces,
    ignore: &'a IgnoreRules,
}

impl Review<'_> {
    /// Checks the Kitfile on its own.
    fn kitfile(&self) -> Vec<Finding> {
        let version = kitfile::warnings(self.kitfile).into_iter().map(|problem| {
            let advice = format!("write `manifestVersion: {}`", kitfile::MANIFEST_VERSION);
            self.warning("version", &problem.field, problem.message, &advice)
        });
        version.chain(self.license()).chain(self.unpinned()).collect()
    }

    fn license(&self) -> Option<Finding> {
        let Kitfile { package, model, code, datasets, .. } = self.kitfile;
        if !package.license.is_empty() {
            return None;
        }
        let lacks = |license: &str, place: String| license.is_empty().then_some(place);
        // A parent has its own licence.
        let model = model.iter().filter(|model| model.reference().is_none());
        let model = model.filter_map(|model| lacks(&model.license, "model".to_owned()));
        let code = code.iter().enumerate().filter_map(|(at, code)| lacks(&code.license, format!("code[{at}]")));
        let datasets = datasets.iter().enumerate();
        let datasets = datasets.filter_map(|(at, dataset)| lacks(&dataset.license, format!("datasets[{at}]")));
        let lacking: Vec<_> = model.chain(code).chain(datasets).collect();
        let message = format!("no licence is given for {}", lacking.join(", "));
        let advice = "add `license:` with an SPDX identifier there, or under `package` for all entries";
        (!lacking.is_empty()).then(|| self.warning("licence", &lacking[0], message, advice))
    }

    fn unpinned(&self) -> Vec<Finding> {
        let model = self.kitfile.model.iter().filter(|_| !self.model_is_a_file());
        let model = model.filter_map(|model| Some(("model.path".to_owned(), model.reference()?)));
        let datasets = self.kitfile.datasets.iter().enumerate();
        let datasets =
            datasets.filter_map(|(at, dataset)| Some((format!("datasets[{at}].remotePath"), dataset.reference()?)));
        let is_unpinned = |(_, reference): &(String, Reference)| reference.digest.is_none();
        let finding = |(field, reference): (String, Reference)| {
            let message = format!("`{reference}` is a tag, which may point to another version later");
            let advice = format!("write `{reference}@DIGEST`; `kit inspect {reference}` shows the digest");
            self.warning("unpinned-parent", &field, message, &advice)
        };
        model.chain(datasets).filter(is_unpinned).map(finding).collect()
    }

    /// Checks the files in the folder.
    fn folder(&self) -> Result<Vec<Finding>, Error> {
        let entries = self.entries();
        let paths: Vec<RelativePath> = entries.iter().filter_map(|entry| entry.relative_path().ok()).collect();
        let mut findings = Vec::new();
        let refers_to_others = self.kitfile.model.is_some() || self.kitfile.remote_datasets().next().is_some();
        if entries.is_empty() && !refers_to_others {
            let lack = Lack::Layers;
            findings.push(self.finding(Severity::Error, lack.rule(), "", lack.to_string(), lack.advice()));
        }
        let sources: Vec<_> = paths.iter().map(|path| self.source(path, &paths)).collect();
        for (entry, source) in entries.iter().zip(&sources) {
            findings.extend(look_at_layers(self, entry, source)?);
        }
        findings.extend(owners::check(self, &sources)?);
        for path in uncovered(&self.options.context, &paths, self.ignore)? {
            findings.push(Finding {
                severity: Severity::Warning,
                rule: "uncovered",
                place: path.to_string(),
                message: "not in any layer, and would not be packed".to_owned(),
                advice: "add it to the Kitfile, or to .kitignore if it should not be packed".to_owned(),
            });
        }
        let (lines, _) = unmatched_ignore_lines(&self.options.context)?;
        findings.extend(lines.into_iter().map(unmatched_line));
        Ok(findings)
    }

    /// The files of the layer at `path`, without those of the other layers in it.
    fn source(&self, path: &RelativePath, paths: &[RelativePath]) -> LayerSource<'_> {
        let is_other = |other: &&RelativePath| *other != path && other.starts_with(path);
        LayerSource {
            root: &self.options.context,
            path: path.clone(),
            excluded: paths.iter().filter(is_other).cloned().collect(),
            ignore: self.ignore,
            links: Links::InsideContext,
            modes: Modes::default(),
        }
    }

    /// The folder that would be packed.
    pub(super) fn context(&self) -> &Path {
        &self.options.context
    }

    fn entries(&self) -> Vec<Entry<'_>> {
        if self.model_is_a_file() { self.kitfile.entries_with_model_file() } else { self.kitfile.entries() }
    }

    /// Returns true if the path of the model is an existing file, which takes precedence over a reference, as in
    /// packing.
    fn model_is_a_file(&self) -> bool {
        self.kitfile.model.as_ref().is_some_and(|model| self.options.context.join(&model.path).exists())
    }

    fn warning(&self, rule: &'static str, field: &str, message: String, advice: &str) -> Finding {
        self.finding(Severity::Warning, rule, field, message, advice)
    }

    /// Returns a finding about a field of the Kitfile.
    pub(super) fn finding(
        &self,
        severity: Severity,
        rule: &'static str,
        field: &str,
        message: String,
        advice: &str,
    ) -> Finding {
        let place = match self.places.position(field) {
            Some(position) => format!("{}:{}:{}", self.options.file, position.line, position.column),
            None => self.options.file.clone(),
        };
        Finding { severity, rule, place, message, advice: advice.to_owned() }
    }
}
