//! Scanning the content of layers.

use std::path::PathBuf;

use crate::modelkit::Selection;
use crate::oci::Source;
use crate::ops::artifact::Inspected;
use crate::ops::error::Error;
use crate::ops::scan::ScanOptions;
use crate::ops::session::Session;
use crate::ops::trust::facts;
use crate::ops::workers;
use crate::scan::Rules;
use crate::trust::policy::ContentFacts;

/// Scans the content of a ModelKit, which `source` holds.
pub(super) fn content(
    session: &Session<'_>,
    source: &dyn Source,
    inspected: &Inspected,
    title: &str,
) -> Result<ContentFacts, Error> {
    facts::content(source, inspected, title, &scan_options(session), session.progress)
}

pub(super) fn scan_options(session: &Session<'_>) -> ScanOptions {
    ScanOptions {
        rules: Rules::default(),
        selection: Selection::default(),
        jobs: workers::jobs(),
        scratch: scratch(session),
    }
}

/// The folder for temporary files: the store, whose disk has space for ModelKits, if it exists.
pub(super) fn scratch(session: &Session<'_>) -> PathBuf {
    let store = session.store.root();
    if store.is_dir() { store.to_owned() } else { tempfile::env::temp_dir() }
}
