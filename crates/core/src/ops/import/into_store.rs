//! Imports a repository into the local store: its files are fetched into a folder, which is then packed.

use std::path::PathBuf;

use jiff::Timestamp;

use super::choice::Choice;
use super::work::Work;
use crate::archive::Links;
use crate::compression::Compression;
use crate::kitfile::Kitfile;
use crate::layer_format::Format;
use crate::modelkit::Family;
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::pack::{Git, Keeping, Locking, PackOptions, Packed, Reading, Recording, pack};
use crate::ops::session::Session;
use crate::ops::workers;
use crate::provenance::Builder;
use crate::upstream::Upstream;

/// Settings of an import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The Kitfile that assigns files to layers; without one, a draft is made from the names of the files.
    pub kitfile: Option<Kitfile>,
    /// The names of the ModelKit, all in one repository.
    pub references: Vec<Reference>,
    /// The folder in which each running import has a folder of its own. Files that an interrupted import fetched stay
    /// there for the next one.
    pub folder: PathBuf,
    /// The user or the service that imports.
    pub builder: Builder,
    /// The time of the import.
    pub time: Timestamp,
    /// The packer's version, which the manifest names.
    pub cli_version: String,
}

/// Packs the files of a repository that the Kitfile names, each entry as an uncompressed tar.
///
/// Large files are verified by their digests. Each byte is fetched only once, even if an earlier import of the commit
/// was interrupted. Two simultaneous imports of a commit share the files that they fetch.
pub fn import(session: &Session<'_>, upstream: &dyn Upstream, options: &ImportOptions) -> Result<Packed, Error> {
    let choice = Choice::of(upstream, options.kitfile.as_ref())?;
    let work = Work::open(&options.folder, upstream.about())?;
    work.fetch(upstream, &choice.wanted(), session.progress)?;
    let packed =
        pack(session, &options.pack_options(Git::Known(upstream.about().commit()), choice.kitfile, work.files()))?;
    work.remove()?;
    Ok(packed)
}

impl ImportOptions {
    /// Returns the settings for packing the files in `context`, whose commit is `git`.
    pub(super) fn pack_options(&self, git: Git, kitfile: Kitfile, context: PathBuf) -> PackOptions {
        PackOptions {
            context,
            kitfile,
            references: self.references.clone(),
            family: Family::ModelKit,
            compression: Compression::None,
            format: Format::Tar,
            links: Links::InsideContext,
            reading: Reading::Everything,
            keeping: Keeping::Blobs,
            locking: Locking::Off,
            recording: Some(Recording { builder: self.builder.clone(), time: self.time, git, sources: Vec::new() }),
            jobs: workers::jobs(),
            cli_version: self.cli_version.clone(),
        }
    }
}
