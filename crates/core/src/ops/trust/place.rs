//! The place of a ModelKit that is signed: its documents are read there, and signatures are stored there.

use crate::modelkit::ModelKitIndex;
use crate::oci::{Descriptor, Target};
use crate::ops::artifact::variants;
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Lookup, Session, find_index_here};
use crate::store::Names;

/// A ModelKit, or an index of ModelKits, at a place that signatures can be stored at.
pub struct Signable {
    /// The source.
    pub found: Located,
    /// The manifest, which the name refers to since the command began.
    pub subject: Descriptor,
    /// The repository with its registry; without a registry, as the local store names it.
    pub repository: Option<String>,
    pub(super) target: Box<dyn Target>,
}

impl Signable {
    /// Reads the index, or returns `None` if it is a ModelKit.
    pub(crate) fn index(&self) -> Result<Option<ModelKitIndex>, Error> {
        let bytes = self.found.source.manifest(&self.subject);
        let bytes = bytes.map_err(|error| Error::reading("the manifest", error))?;
        variants::read(&self.subject, &bytes)
    }
}

/// Opens `location`, which is a ModelKit or an index: in the local store if that has it, otherwise in the registry.
pub fn open_signable(session: &Session<'_>, location: &Location, place: Lookup) -> Result<Signable, Error> {
    let found = find_signed(session, location, place)?;
    let subject = found.resolve()?;
    let target: Box<dyn Target> = match location {
        Location::Artifact(reference) if !found.is_remote => {
            Box::new(session.store.writer(Names::Of(reference.clone()))?)
        }
        _ => session.target(location)?.0,
    };
    Ok(Signable { found, subject, repository: repository(location), target })
}

/// Finds a ModelKit or an index. In the local store, the ModelKit comes first.
pub fn find_signed(session: &Session<'_>, location: &Location, place: Lookup) -> Result<Located, Error> {
    let Location::Artifact(reference) = location else { return session.find(location, place) };
    if place == Lookup::Remote {
        return session.find(location, place);
    }
    match session.find(location, Lookup::Local) {
        Err(missing @ Error::NotHere { .. }) => match find_index_here(&session.store, reference) {
            Err(Error::Index(_)) if place == Lookup::Anywhere && !reference.is_local() => {
                session.find(location, Lookup::Remote)
            }
            Err(Error::Index(_)) => Err(missing),
            found => found,
        },
        found => found,
    }
}

fn repository(location: &Location) -> Option<String> {
    match location {
        Location::Artifact(reference) => Some(reference.without_selector().to_string()),
        Location::Layout { .. } => None,
    }
}
