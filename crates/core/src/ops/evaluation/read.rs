//! Reading the evaluations that are attached to a version. Their signatures are not verified.

use std::cmp::Reverse;

use jiff::Timestamp;

use crate::limits;
use crate::oci::{CREATED, Descriptor, Source};
use crate::ops::error::Error;
use crate::ops::trust::listed_bundles;
use crate::progress::{Progress, Warning};
use crate::provenance::{EVALUATION_PREDICATE_TYPE, Evaluation};
use crate::trust::PREDICATE_TYPE_ANNOTATION;

/// Reads the evaluations among the referrers `listed` of `subject`, the newest first; warns if they cannot be read.
/// Only those are read that the list names as test results, with two requests each.
pub(crate) fn evaluations(
    source: &dyn Source,
    subject: &Descriptor,
    listed: &[Descriptor],
    progress: &dyn Progress,
) -> Vec<Evaluation> {
    let is_result = |entry: &&Descriptor| {
        entry.annotations.get(PREDICATE_TYPE_ANNOTATION).is_some_and(|kind| kind == EVALUATION_PREDICATE_TYPE)
    };
    let mut results: Vec<_> = listed.iter().filter(is_result).collect();
    let time = |entry: &Descriptor| entry.annotations.get(CREATED).and_then(|time| time.parse::<Timestamp>().ok());
    results.sort_by_key(|entry| Reverse(time(entry)));
    results.truncate(limits::RECORDS);
    if results.is_empty() {
        return Vec::new();
    }
    let candidates = listed_bundles(source, subject, &results).unwrap_or_else(|error: Error| {
        let cause = std::error::Error::source(&error).map_or_else(|| error.to_string(), ToString::to_string);
        warn(subject, cause, progress);
        Vec::new()
    });
    let claims = candidates.into_iter().filter_map(|candidate| Some(candidate.document.ok()?.claim));
    let about_it =
        claims.filter(|claim| claim.is_about(&subject.digest) && claim.predicate_type() == EVALUATION_PREDICATE_TYPE);
    about_it.filter_map(|claim| Evaluation::parse(claim.predicate()?)).collect()
}

fn warn(subject: &Descriptor, reason: String, progress: &dyn Progress) {
    progress.warn(&Warning::ReferrersUnreadable { what: "evaluations", subject: subject.digest, reason });
}
