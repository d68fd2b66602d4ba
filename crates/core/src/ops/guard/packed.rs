//! The check of a packed ModelKit before it leaves the machine.

use std::collections::HashSet;
use std::ops::ControlFlow;

use super::damage::lack_of_end;
use super::folder::is_of_model;
use super::report::settle;
use super::secrets::{DataTexts, Found, RULES};
use crate::digest::Digest;
use crate::modelkit::Layer;
use crate::oci::{ContentError, Source};
use crate::ops::artifact::modelkits;
use crate::ops::error::Error;
use crate::ops::files::skim;
use crate::ops::files::tables::Headers;
use crate::ops::refused::Empty;
use crate::ops::session::{Located, Session};
use crate::ops::workers;
use crate::progress::Warning;
use crate::store::Store;
use crate::tensors::Format;

/// Fails if files in the layers of a ModelKit, or of the ModelKits of an index, contain secrets. Warns of files that
/// may contain one, and of weights that are cut off: a ModelKit of an earlier version or of KitOps may have them.
///
/// Names come from the tables of contents, and only texts are read. A layer that was checked before, for example
/// when it was packed, is not read. Content of a registry is not checked, because others can already read it.
pub fn refuse_secrets(session: &Session<'_>, found: &Located) -> Result<(), Error> {
    if found.is_remote {
        return Ok(());
    }
    let modelkits = match modelkits(found) {
        // Another kind of artifact has no files that could be named.
        Err(Error::NotAModelKit { .. }) => return Ok(()),
        // The operation itself reports that the artifact is not complete.
        Err(error) if is_missing(&error) => return Ok(()),
        modelkits => modelkits?,
    };
    let mut seen = HashSet::new();
    let layers = modelkits.iter().flat_map(|modelkit| &modelkit.layers);
    let layers: Vec<_> = layers.filter(|layer| seen.insert(layer.descriptor.digest)).collect();
    let findings = workers::run(workers::jobs(), &layers, |layer| findings_of(&session.store, &*found.source, layer))?;
    let (secrets, empty): (Vec<_>, Vec<_>) = findings.into_iter().unzip();
    for empty in empty.iter().flatten() {
        session.progress.warn(&Warning::NothingToUse { problem: empty.to_string() });
    }
    settle(secrets.into_iter().flatten().collect(), session.progress)
}

/// Returns the findings about secrets, and the weights that are cut off.
fn findings_of(store: &Store, source: &dyn Source, layer: &Layer) -> Result<(Vec<Found>, Vec<Empty>), Error> {
    let (mut secrets, mut empty) = (Vec::new(), Vec::new());
    if is_checked(store, &layer.descriptor.digest) {
        return Ok((secrets, empty));
    }
    let done = skim(source, layer, Headers::Leave, &mut |member, content| {
        if !member.is_directory {
            let format = member.path.file_name().and_then(Format::of).filter(|_| is_of_model(layer.section));
            if let Some((format, size)) = format.zip(member.size) {
                let lack = lack_of_end(format, content, size);
                empty.extend(lack.map(|lack| Empty { path: member.path.clone(), lack }));
            } else {
                let found = Found::find(layer.section, DataTexts::Small, &member.path, member.size, || Ok(content));
                secrets.extend(found.map_err(|error| member.failed(error))?);
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    match done {
        Err(error) if is_missing(&error) => return Ok((secrets, empty)),
        done => done.map(drop)?,
    }
    if secrets.is_empty() && empty.is_empty() {
        note_checked(store, &layer.descriptor.digest);
    }
    Ok((secrets, empty))
}

/// Returns true if content is not there. It cannot leave the machine then.
fn is_missing(error: &Error) -> bool {
    matches!(error, Error::Read { source: ContentError::NotFound(_), .. })
}

/// Records that no secrets were found in a layer.
pub(crate) fn note_checked(store: &Store, layer: &Digest) {
    // In a store that the user may only read there is no record, and the layer is checked again.
    drop(store.note_free_of_secrets(layer, RULES));
}

/// Returns true if an earlier check found no secrets in a layer.
pub(crate) fn is_checked(store: &Store, layer: &Digest) -> bool {
    store.is_free_of_secrets(layer, RULES)
}
