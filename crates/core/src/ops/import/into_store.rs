//! Importing a repository into the local store: its files are fetched into a folder, which is packed.

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
use crate::progress::Progress;
use crate::provenance::Builder;
use crate::upstream::Upstream;

/// What to make of a repository.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// Which of its files become which layers; without one, a draft is made from their names.
    pub kitfile: Option<Kitfile>,
    /// What to call the ModelKit. All are of one repository.
    pub references: Vec<Reference>,
    /// The folder in which each import under way has one. What a killed import has fetched stays there for the next.
    pub folder: PathBuf,
    /// Who imports.
    pub builder: Builder,
    /// When.
    pub time: Timestamp,
    /// The packer's version, which the manifest names.
    pub cli_version: String,
}

/// Packs the files of a repository that the Kitfile names, each entry as a tar without compression.
///
/// Large files are verified by their digests. Each byte is fetched once, also if an earlier import of the commit was killed; two
/// imports of it at once share what they fetch.
pub fn import(
    session: &Session<'_>,
    upstream: &dyn Upstream,
    options: &ImportOptions,
    progress: &dyn Progress,
) -> Result<Packed, Error> {
    let choice = Choice::of(upstream, options.kitfile.as_ref())?;
    let work = Work::open(&options.folder, upstream.about())?;
    work.fetch(upstream, &choice.wanted(), progress)?;
    let packed = pack(
        session,
        &options.pack_options(Git::Known(upstream.about().commit()), choice.kitfile, work.files()),
        progress,
    )?;
    work.remove()?;
    Ok(packed)
}

impl ImportOptions {
    /// How the files in `context`, which are from `git`, are packed.
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
