//! The changes since an earlier version.

use std::sync::Arc;

use super::frugal::Frugal;
use super::gather::Unknown;
use crate::limits;
use crate::oci::{Reference, Source};
use crate::ops::diff::{Comparable, DiffOptions, Difference, compare};
use crate::ops::error::{Error, reason};
use crate::ops::files::Unverified;
use crate::ops::history::Version;
use crate::ops::session::{Located, Location, Lookup, Session};
use crate::ops::trust::admit_to_read;

/// The changes since an earlier version.
#[derive(Debug, Clone)]
pub struct ReportedChanges {
    /// The name of the earlier version.
    pub since: String,
    /// The differences.
    pub difference: Difference,
}

/// An earlier version.
pub(super) struct Earlier {
    location: Location,
    place: Lookup,
    name: String,
}

/// The earlier version: the one that the user named, or the one before the first of `history`.
pub(super) fn earlier(
    (location, place): (&Location, Lookup),
    since: Option<&(Location, Lookup)>,
    history: &[Version],
) -> Option<Earlier> {
    if let Some((since, place)) = since {
        return Some(Earlier { location: since.clone(), place: *place, name: since.to_string() });
    }
    let digest = history.first()?.before?;
    let tags = history.iter().find(|version| version.descriptor.digest == digest).map(|version| &version.tags);
    let tag = tags.and_then(|tags| tags.first()).cloned();
    let name = tag.unwrap_or_else(|| format!("sha256:{}", &digest.hex()[..12]));
    let location = match location {
        Location::Artifact(reference) => {
            Location::Artifact(Reference { digest: Some(digest), ..reference.without_selector() })
        }
        Location::Layout { path, .. } => Location::Layout { path: path.clone(), selector: Some(digest.to_string()) },
    };
    Some(Earlier { location, place, name })
}

/// Compares `earlier` with `found`. If that would read too much, the contents of files are not compared, which is added
/// to `unknown`.
pub(super) fn changes(
    session: &Session<'_>,
    found: &Arc<dyn Source>,
    earlier: &Earlier,
    jobs: usize,
    (name, unknown): (&str, &mut Vec<Unknown>),
) -> Result<ReportedChanges, Error> {
    let Earlier { location, place, name: since } = earlier;
    let before = session.find(location, *place)?;
    admit_to_read(session, &before)?;
    let before: Arc<dyn Source> = Arc::from(before.source);
    let before_name = selector(location);
    let run = |options: &DiffOptions, bytes: u64| {
        let side = |source: &Arc<dyn Source>, name: &str| {
            let frugal = Box::new(Frugal::new(source, bytes / 2));
            // As a registry, so that no large file is read.
            Comparable::ModelKit(Located::of(frugal, name.to_owned(), name.to_owned(), true))
        };
        compare(session, (side(&before, &before_name), side(found, name)), options, &Unverified::default())
    };
    let options = DiffOptions {
        only: None,
        paths: Arc::default(),
        jobs,
        remote_limit: limits::DIFF_REMOTE_BYTES,
        with_patches: false,
        with_statistics: false,
        with_contents: true,
    };
    let difference = run(&options, limits::REPORT_CHANGES_BYTES).or_else(|error| {
        unknown.push(Unknown { what: "the changes of contents and tensors".to_owned(), reason: reason(&error) });
        let options = DiffOptions { with_contents: false, remote_limit: 0, ..options };
        run(&options, limits::REPORT_PARTS_BYTES)
    })?;
    Ok(ReportedChanges { since: since.clone(), difference })
}

/// The tag or digest of a location.
fn selector(location: &Location) -> String {
    let selector = match location {
        Location::Artifact(reference) => reference.selector(),
        Location::Layout { selector, .. } => selector.clone(),
    };
    selector.unwrap_or_else(|| crate::oci::Tag::latest().to_string())
}
