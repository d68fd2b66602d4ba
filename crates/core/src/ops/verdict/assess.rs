//! The verdicts on two versions.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::read::{Wanted, profile};
use crate::ops::diff::{Comparable, Concern, DiffOptions, Difference, FileChange, FileDiff, compare_sides, open};
use crate::ops::error::Error;
use crate::ops::evaluation::{self, DataMetrics, MetricsDiff};
use crate::ops::files::Unverified;
use crate::ops::session::Session;
use crate::owners::Owner;
use crate::provenance::Evaluation;
use crate::relative_path::RelativePath;
use crate::verdict::{
    self, Area, Change, Comparison, EvaluatedMetrics, FieldChange, Level, Minimum, Place, Reason, Role, Verdict,
};

/// Settings of a verdict.
#[derive(Debug, Clone)]
pub struct AssessOptions {
    /// The number of layers and files that are read at once.
    pub jobs: usize,
    /// The largest number of bytes of a file that are read from a registry.
    pub remote_limit: u64,
    /// The minimums for metrics.
    pub minimums: Vec<Minimum>,
}

/// The differences between two versions, and what they mean.
#[derive(Debug, Clone)]
pub struct Assessed {
    /// The differences in the Kitfiles and in files. The contents of files are not compared.
    pub difference: Difference,
    /// The reasons for verdicts, in the order of the facts.
    pub reasons: Vec<Reason>,
    /// The facts that cannot be known, as sentences without a full stop.
    pub unknown: Vec<String>,
}

/// Compares two versions for the people who use them. Reads the tables of contents or headers of layers that differ,
/// the headers of weights, and small files that differ.
pub fn assess(
    session: &Session<'_>,
    (first, second): (Comparable, Comparable),
    options: &AssessOptions,
) -> Result<Assessed, Error> {
    let (one, other) = open(session, first, second)?;
    let how = DiffOptions {
        only: None,
        paths: Arc::default(),
        jobs: options.jobs,
        remote_limit: options.remote_limit,
        with_patches: false,
        with_statistics: false,
        with_contents: false,
    };
    let unverified = Unverified::default();
    let mut difference = compare_sides(session, (&one, &other), &how, &unverified)?;
    unverified.report(session.progress);
    let wanted = Wanted::of(&difference);
    let (before, after) = (profile(&one, &wanted, options)?, profile(&other, &wanted, options)?);
    let evaluations = [&one, &other].map(|side| side.evaluations(session.progress));
    difference.metrics = evaluation::compare(&evaluations[0], &evaluations[1]);
    let minimums = agreed(&options.minimums, evaluations.iter().flatten());
    let kitfile = difference.second.inspected.as_ref().map(|inspected| &inspected.modelkit.config.kitfile);
    let comparison = Comparison {
        before: &before,
        after: &after,
        fields: difference.fields.iter().flatten().map(field).collect(),
        files: difference.files.iter().map(file).collect(),
        parameters: kitfile.and_then(|kitfile| kitfile.model.as_ref()?.parameters.as_ref()),
        minimums: &minimums,
        evaluated: evaluated(&difference.metrics),
    };
    let (reasons, mut unknown) = (verdict::reasons(&comparison), verdict::unknown(&comparison));
    if difference.fields.is_none() {
        unknown.push("fields of the Kitfile: a lock contains only its digest".to_owned());
    }
    if difference.metrics.is_incomparable() {
        unknown.push("metrics in evaluations: the versions were evaluated on different data".to_owned());
    }
    Ok(Assessed { difference, reasons, unknown })
}

/// The minimums that the user gives, and those that evaluations of both versions were made with.
fn agreed<'a>(given: &[Minimum], evaluations: impl Iterator<Item = &'a Evaluation>) -> Vec<Minimum> {
    let mut minimums = given.to_vec();
    let of_evaluations = evaluations.flat_map(|evaluation| &evaluation.minimums);
    for (metric, lowest) in of_evaluations {
        let minimum = Minimum { metric: metric.clone(), lowest: *lowest };
        if !minimums.contains(&minimum) {
            minimums.push(minimum);
        }
    }
    minimums
}

/// The metrics on data that both versions or only the second one were evaluated on.
fn evaluated(metrics: &MetricsDiff) -> Vec<EvaluatedMetrics<'_>> {
    metrics.both.iter().chain(&metrics.only_second).map(on_data).collect()
}

fn on_data(DataMetrics { data, metrics }: &DataMetrics) -> EvaluatedMetrics<'_> {
    let metrics = metrics.iter().map(|metric| (metric.name.as_str(), metric.before, metric.after));
    EvaluatedMetrics { data: &data.name, metrics: metrics.collect() }
}

fn field(field: &crate::ops::diff::FieldDiff) -> FieldChange<'_> {
    FieldChange { path: &field.path, before: field.before.as_ref(), after: field.after.as_ref() }
}

fn file(file: &FileDiff) -> verdict::FileChange<'_> {
    let change = match &file.change {
        FileChange::Added => Change::Added,
        FileChange::Removed => Change::Removed,
        FileChange::Changed => Change::Changed,
        FileChange::NotCompared => Change::Unread,
        FileChange::Moved(_) | FileChange::Mode => Change::Same,
    };
    let area = match file.concern {
        Concern::Model => Area::Model,
        Concern::Data => Area::Data,
        Concern::Deployment => Area::Deployment,
        Concern::Code | Concern::Configuration | Concern::Docs => Area::Other,
    };
    verdict::FileChange { path: &file.path, change, area }
}

impl Assessed {
    /// The verdict for `role`.
    pub fn verdict(&self, role: Role) -> Verdict<'_> {
        verdict::verdict(role, &self.reasons)
    }

    /// The highest level of the verdicts for `roles`.
    pub fn level(&self, roles: &[Role]) -> Level {
        roles.iter().map(|role| self.verdict(*role).level).max().unwrap_or(Level::Compatible)
    }

    /// The owners whom a reason concerns, in alphabetical order.
    pub fn owners_of(&self, reason: &Reason) -> Vec<&Owner> {
        let ownership = &self.difference.ownership;
        let owners = match &reason.place {
            Place::Field(path) => ownership.of_field(path),
            Place::File(path) => path.parse().map(|path: RelativePath| ownership.of_file(&path)).unwrap_or_default(),
        };
        owners.into_iter().collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The version that the first version's package has, and the next one after the changes. `tag` is used if the
    /// Kitfile has no semantic version. Returns none if neither is one.
    pub fn next_version(&self, tag: Option<&str>) -> Option<(String, String)> {
        let kitfile = self.difference.first.inspected.as_ref().map(|inspected| &inspected.modelkit.config.kitfile);
        let declared = kitfile.map(|kitfile| kitfile.package.version.as_str());
        let level = self.level(&Role::ALL);
        declared.into_iter().chain(tag).find_map(|version| {
            let next = verdict::propose(version, level)?;
            Some((version.to_owned(), if self.difference.is_none() { version.to_owned() } else { next }))
        })
    }
}
