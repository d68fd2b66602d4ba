//! The options of a scan of many files, and its result.

use std::path::PathBuf;

use serde_json::{Map, Value, json};

use super::first_bytes::FirstBytes;
use super::licenses::LicenseFile;
use crate::digest::Digest;
use crate::file_kind::has_extension;
use crate::kitfile::Section;
use crate::modelkit::Selection;
use crate::relative_path::RelativePath;
use crate::scan::{Finding, Level, Place, RULES_VERSION, Report, Rules};
use crate::version::VERSION;

/// The parts to scan, and the rules.
#[derive(Debug, Clone)]
pub struct ScanOptions {
    /// The rules.
    pub rules: Rules,
    /// The parts of a ModelKit, or of a folder with a Kitfile.
    pub selection: Selection,
    /// The number of layers or files that are scanned at the same time.
    pub jobs: usize,
    /// The folder for the temporary files of compressed layers.
    pub scratch: PathBuf,
}

/// The result of a scan.
#[derive(Debug, Clone, Default)]
pub struct Scanned {
    /// The name of the ModelKit, folder or file.
    pub name: String,
    /// The digest of the manifest of a ModelKit.
    pub digest: Option<Digest>,
    /// The imports that were allowed besides those in the tables.
    pub allowed_globals: Vec<String>,
    /// The number of files.
    pub files: u64,
    /// The number of their bytes.
    pub bytes: u64,
    /// The findings, in the order of the files.
    pub findings: Vec<FileFinding>,
    /// The files that are pickles or contain one.
    pub pickles: Vec<String>,
    /// The files in the layers of models, each with what its first bytes show.
    pub model_files: Vec<(String, FirstBytes)>,
    /// Files and members that were not read.
    pub skipped: Vec<SkippedPath>,
    /// The licences of the parts: `part`, `text`, `expression` and `file` of each.
    pub licenses: Vec<Value>,
    /// The licence files.
    pub(super) license_files: Vec<LicenseFile>,
}

/// A finding in a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileFinding {
    /// The path of the file.
    pub file: String,
    /// The finding.
    pub finding: Finding,
}

/// A file, a member of one, or another part of a ModelKit that was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkippedPath {
    /// The path, with the members after exclamation marks.
    pub path: String,
    /// The reason.
    pub reason: String,
}

impl FileFinding {
    /// The path with the members after exclamation marks: `model.pt!archive/data.pkl`.
    pub fn path(&self) -> String {
        with_members(&self.file, &self.finding.members)
    }

    fn to_json(&self) -> Value {
        let Finding { level, rule, detail, place, .. } = &self.finding;
        let mut members = Map::new();
        members.insert("level".to_owned(), level.as_str().into());
        members.insert("path".to_owned(), self.path().into());
        members.insert("rule".to_owned(), (*rule).into());
        members.insert("detail".to_owned(), detail.as_str().into());
        match place {
            Some(Place::Offset(offset)) => drop(members.insert("offset".to_owned(), (*offset).into())),
            Some(Place::Line(line)) => drop(members.insert("line".to_owned(), (*line).into())),
            Some(Place::Cell { number, is_output }) => {
                members.insert("cell".to_owned(), (*number).into());
                members.insert("output".to_owned(), (*is_output).into());
            }
            None => {}
        }
        Value::Object(members)
    }
}

fn with_members(file: &str, members: &[String]) -> String {
    std::iter::once(file).chain(members.iter().map(String::as_str)).collect::<Vec<_>>().join("!")
}

impl Scanned {
    /// Creates the result of a scan of no files yet.
    pub(super) fn new(name: &str, options: &ScanOptions) -> Self {
        let allowed_globals = options.rules.allowed_globals.clone();
        Self { name: name.to_owned(), allowed_globals, ..Self::default() }
    }

    /// Adds a file of `size` bytes.
    pub(super) fn add(&mut self, path: &str, size: u64, report: Report) {
        self.files += 1;
        self.bytes += size;
        if report.has_pickle {
            self.pickles.push(path.to_owned());
        }
        let finding = |finding| FileFinding { file: path.to_owned(), finding };
        self.findings.extend(report.findings.into_iter().map(finding));
        let skipped = report.skipped.into_iter();
        self.skipped.extend(
            skipped.map(|skipped| SkippedPath { path: with_members(path, &skipped.members), reason: skipped.reason }),
        );
    }

    /// Adds the files of another result.
    pub(super) fn merge(&mut self, other: Self) {
        self.files += other.files;
        self.bytes += other.bytes;
        self.findings.extend(other.findings);
        self.pickles.extend(other.pickles);
        self.model_files.extend(other.model_files);
        self.skipped.extend(other.skipped);
        self.license_files.extend(other.license_files);
    }

    /// The level of the worst finding, or none if there is no finding.
    pub fn level(&self) -> Option<Level> {
        self.findings.iter().map(|found| found.finding.level).max()
    }

    /// The number of findings of this level.
    pub fn count(&self, level: Level) -> usize {
        self.findings.iter().filter(|found| found.finding.level == level).count()
    }

    /// The result as a JSON document: the output of `kit scan --format json`, and the content of an attestation.
    pub fn to_json(&self) -> Value {
        let mut scanner = json!({ "name": "kit", "version": VERSION, "rules": RULES_VERSION });
        if !self.allowed_globals.is_empty() {
            scanner["allowedGlobals"] = self.allowed_globals.as_slice().into();
        }
        let skipped = |skipped: &SkippedPath| json!({ "path": skipped.path, "reason": skipped.reason });
        json!({
            "name": self.name,
            "digest": self.digest,
            "scanner": scanner,
            "files": self.files,
            "bytes": self.bytes,
            "level": self.level().map_or("clean", Level::as_str),
            "findings": self.findings.iter().map(FileFinding::to_json).collect::<Value>(),
            "skipped": self.skipped.iter().map(skipped).collect::<Value>(),
            "licenses": self.licenses,
        })
    }
}

/// Returns the finding about a program in Python among weights, which a loader may run. Its source is not analysed.
pub(super) fn code_among_weights(path: &RelativePath, section: Section) -> Option<Finding> {
    let name = path.file_name()?;
    let is_of_model = matches!(section, Section::Model | Section::ModelPart);
    (is_of_model && has_extension(name, "py")).then(|| Finding {
        level: Level::Low,
        rule: "code",
        members: Vec::new(),
        detail: "Python source among weights".to_owned(),
        place: None,
    })
}
