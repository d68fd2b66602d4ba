//! Scanning the content of layers.

use std::path::PathBuf;

use crate::modelkit::Selection;
use crate::oci::Source;
use crate::ops::artifact::Inspected;
use crate::ops::error::Error;
use crate::ops::examined::Examined;
use crate::ops::scan::ScanOptions;
use crate::ops::session::Session;
use crate::ops::trust::facts;
use crate::ops::workers;
use crate::scan::Rules;
use crate::trust::policy::ContentFacts;

/// Scans the content of a ModelKit, which the source holds, except for the layers that were examined before.
pub(super) fn content(
    session: &Session<'_>,
    source: (&dyn Source, &Examined),
    inspected: &Inspected,
) -> Result<ContentFacts, Error> {
    facts::content(source, inspected, &scan_options(session), session.progress)
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
