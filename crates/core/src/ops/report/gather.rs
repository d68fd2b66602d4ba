//! Gathering the facts for a report.

use std::sync::Arc;

use serde_json::Value;

use super::attached::{self, AttachedRow};
use super::changes::{self, ReportedChanges};
use super::frugal::Frugal;
use super::parts::{self, ReportedPart};
use super::recall::{Recall, recall};
use super::results::{Approval, Evaluation, ScanSummary, approvals, evaluations, scans};
use super::signed::{self, SignedDocument};
use crate::compression::Compression;
use crate::limits;
use crate::modelkit::{ContentsTable, ModelKit};
use crate::oci::Source;
use crate::ops::artifact::{Inspected, inspect};
use crate::ops::error::{Error, reason};
use crate::ops::files::{WeighedModel, weigh};
use crate::ops::history::{Lineage, LogOptions, Version, lineage, log};
use crate::ops::scan::{ScanOptions, licenses, scan_modelkit};
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::trust::Verifier;

/// Settings of a report.
#[derive(Debug, Clone)]
pub struct ReportOptions {
    /// The version to compare with, and the place to look in; `None` for the previous version.
    pub since: Option<(Location, Lookup)>,
    /// The signers whose signatures count, besides those that a policy names for the ModelKit.
    pub verifiers: Vec<Verifier>,
    /// The settings of a scan; `None` if the files are not scanned.
    pub scan: Option<ScanOptions>,
    /// The number of layers and versions that are read at once.
    pub jobs: usize,
}

/// The facts about a ModelKit that a report shows.
#[derive(Debug)]
pub struct Report {
    /// The name of the ModelKit.
    pub name: String,
    /// Its documents.
    pub inspected: Inspected,
    /// Its parts.
    pub parts: Vec<ReportedPart>,
    /// The models in its weights, by the headers of their files.
    pub models: Vec<WeighedModel>,
    /// The licences of its parts: `part`, `text`, `expression` and `file` of each.
    pub licenses: Vec<Value>,
    /// The task in a model card, as the Hugging Face hub names it.
    pub task: Option<String>,
    /// The artifacts that it is built from.
    pub lineage: Lineage,
    /// The version, then earlier versions of the same repository, the newest first.
    pub history: Vec<Version>,
    /// The changes since the previous version.
    pub changes: Option<ReportedChanges>,
    /// The signatures and attestations beside it, the newest first.
    pub signed: Vec<SignedDocument>,
    /// The recall that is in force.
    pub recall: Option<Recall>,
    /// The approvals in its attestations.
    pub approvals: Vec<Approval>,
    /// The results of evaluations in its attestations.
    pub evaluations: Vec<Evaluation>,
    /// The results of scans, that of the report first.
    pub scans: Vec<ScanSummary>,
    /// The other documents that are attached to it.
    pub attached: Vec<AttachedRow>,
    /// The facts that the report does not contain, each with the reason.
    pub unknown: Vec<Unknown>,
}

/// A fact that a report does not contain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// The fact.
    pub what: String,
    /// The reason.
    pub reason: String,
}

impl Report {
    /// The size of all layers and the config in bytes.
    pub fn size(&self) -> u64 {
        let manifest = &self.inspected.modelkit.manifest;
        manifest.layers.iter().map(|layer| layer.size).fold(manifest.config.size, u64::saturating_add)
    }

    /// The largest model: the others are its adapters.
    pub fn largest_model(&self) -> Option<&WeighedModel> {
        self.models.iter().max_by_key(|model| model.summary.parameters)
    }
}

/// Gathers the facts about `found`, the ModelKit at `location`.
///
/// Apart from a scan, only documents, tables of contents and headers are read, up to the limits on reports. A fact that
/// cannot be determined is listed in the report.
pub fn report(
    session: &Session<'_>,
    location: &Location,
    found: Located,
    options: &ReportOptions,
) -> Result<Report, Error> {
    let inspected = inspect(&found)?;
    let (is_remote, name) = (found.is_remote, found.name.clone());
    let verifiers = [&*options.verifiers, &signed::of_policies(session, &found.policy_names)?].concat();
    let source: Arc<dyn Source> = Arc::from(found.source);
    let mut gathering = Gathering { session, source, unknown: Vec::new() };
    let root = gathering.located(&name, &location.to_string(), is_remote);
    let has_ranges = gathering.has_ranges(&inspected);
    let models = if has_ranges { gathering.models(&inspected.modelkit, options.jobs) } else { Vec::new() };
    let (parts, documents) = gathering.parts(&inspected, has_ranges);
    // Other versions are in the same place.
    let place = if is_remote { Lookup::Remote } else { Lookup::Local };
    let history = gathering.history(location, place, options.jobs);
    let lineage = lineage(session, location, &root);
    let lineage = gathering.known("the lineage", lineage);
    let changes = gathering.changes((location, place), options, (&name, has_ranges), &history)?;
    let read = signed::read(&root, &verifiers);
    let (signed, is_cut_off) = gathering.known("the signatures and attestations", read);
    if is_cut_off {
        gathering.add("further signatures and attestations", "there are more than kit reads");
    }
    let attached = attached::list(&*root.source, &inspected.descriptor, session.progress);
    let attached = gathering.known("the attached documents", attached);
    let made_now =
        options.scan.as_ref().map(|how| scan_modelkit(&*root.source, &inspected, &root.title, how, session.progress));
    let made_now = made_now.transpose()?.map(|scanned| ScanSummary::made_now(&scanned));
    Ok(Report {
        licenses: licenses(&inspected.modelkit.config.kitfile, &documents.license_files),
        task: documents.task,
        recall: recall(&signed, session.policies.time()),
        approvals: approvals(&signed),
        evaluations: evaluations(&signed),
        scans: made_now.into_iter().chain(scans(&signed)).collect(),
        name: location.to_string(),
        inspected,
        parts,
        models,
        lineage,
        history,
        changes,
        signed,
        attached,
        unknown: gathering.unknown,
    })
}

struct Gathering<'a> {
    session: &'a Session<'a>,
    source: Arc<dyn Source>,
    unknown: Vec<Unknown>,
}

impl Gathering<'_> {
    fn add(&mut self, what: impl Into<String>, reason: impl Into<String>) {
        self.unknown.push(Unknown { what: what.into(), reason: reason.into() });
    }

    /// Returns the result, or nothing and lists `what` as unknown.
    fn known<T: Default>(&mut self, what: &str, result: Result<T, Error>) -> T {
        result.unwrap_or_else(|error| {
            self.add(what, reason(&error));
            T::default()
        })
    }

    /// The ModelKit, read without a limit.
    fn located(&self, name: &str, title: &str, is_remote: bool) -> Located {
        let all = Frugal::new(&self.source, u64::MAX);
        Located::of(Box::new(all), name.to_owned(), title.to_owned(), is_remote)
    }

    /// Returns true if parts of layers can be read. The place is asked about the largest layer, unless all are small.
    fn has_ranges(&mut self, inspected: &Inspected) -> bool {
        let layers = inspected.modelkit.layers.iter().filter(|layer| layer.descriptor.size > limits::DIFF_REMOTE_BYTES);
        let largest = layers.max_by_key(|layer| layer.descriptor.size);
        let knows = largest.map_or(Ok(true), |layer| self.source.blob(&layer.descriptor).knows_ranges());
        let has_ranges = self.known("the files", knows.map_err(|error| Error::reading("the layers", error)));
        if !has_ranges && self.unknown.is_empty() {
            self.add("the files and tensors", "the registry does not support requests for parts of a layer");
        }
        has_ranges
    }

    /// Reads the headers of weights. A layer that has to be read completely is left out.
    fn models(&mut self, modelkit: &ModelKit, jobs: usize) -> Vec<WeighedModel> {
        let mut readable = modelkit.clone();
        readable.layers.retain(|layer| {
            let is_large = layer.descriptor.size > limits::DIFF_REMOTE_BYTES;
            let is_in_frames = layer.compression == Compression::Zstd && ContentsTable::of(&layer.descriptor).is_some();
            let is_kept = layer.compression == Compression::None || is_in_frames || !is_large;
            if !is_kept && matches!(layer.section.key(), "model" | "model.parts") {
                let reason = "its layer is compressed, so that the headers of weights are not read";
                self.add(format!("the tensors of `{}`", layer.path), reason);
            }
            is_kept
        });
        let frugal = Frugal::new(&self.source, limits::REPORT_TENSORS_BYTES);
        let models = weigh(&frugal, &readable, jobs);
        let models = self.known("the tensors", models);
        for file in models.iter().flat_map(|model| &model.files) {
            if let Err(problem) = &file.header {
                self.add(format!("the tensors of `{}`", file.path), problem.to_string());
            }
        }
        models
    }

    fn parts(&mut self, inspected: &Inspected, has_ranges: bool) -> (Vec<ReportedPart>, parts::Found) {
        let bytes = if has_ranges { limits::REPORT_PARTS_BYTES } else { 0 };
        let (parts, mut found) = parts::list(&Frugal::new(&self.source, bytes), inspected);
        for (path, reason) in std::mem::take(&mut found.unlisted) {
            self.add(format!("the files of `{path}`"), reason);
        }
        for entry in &inspected.modelkit.unreadable {
            self.add(format!("the files of `{}`", entry.path_as_written), entry.problem.to_string());
        }
        (parts, found)
    }

    fn history(&mut self, location: &Location, place: Lookup, jobs: usize) -> Vec<Version> {
        let log = log(self.session, location, &LogOptions { place, files: None, jobs });
        self.known("the history", log)
    }

    fn changes(
        &mut self,
        here: (&Location, Lookup),
        options: &ReportOptions,
        (name, has_ranges): (&str, bool),
        history: &[Version],
    ) -> Result<Option<ReportedChanges>, Error> {
        let earlier = changes::earlier(here, options.since.as_ref(), history);
        let Some(earlier) = earlier else { return Ok(None) };
        if !has_ranges {
            self.add("the changes", "the registry does not support requests for parts of a layer");
            return Ok(None);
        }
        let (source, mut unknown) = (Arc::clone(&self.source), Vec::new());
        let changes = changes::changes(self.session, &source, &earlier, options.jobs, (name, &mut unknown));
        self.unknown.append(&mut unknown);
        match changes {
            // A version that the user names must exist.
            Err(error) if options.since.is_some() => Err(error),
            changes => Ok(self.known("the changes", changes.map(Some))),
        }
    }
}
