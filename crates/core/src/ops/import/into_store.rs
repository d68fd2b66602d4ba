//! Imports a repository into the local store: its files are fetched into a folder, which is then packed.

use std::path::PathBuf;

use jiff::Timestamp;

use super::choice::Choice;
use super::error::ImportError;
use super::publisher::Published;
use super::work::Work;
use crate::archive::Links;
use crate::kitfile::Kitfile;
use crate::oci::Reference;
use crate::ops::guard::{self, Allowed};
use crate::ops::pack::{Git, PackOptions, Packed, Reading, Recording, pack};
use crate::ops::scan::{FolderFiles, ScannedFolder};
use crate::ops::session::Session;
use crate::ops::trust::admit_files;
use crate::provenance::{Builder, Material, Role};
use crate::trust::Verifier;
use crate::upstream::{About, Upstream};

/// Adds materials to the record of packing.
pub(super) fn recording(pack: PackOptions, materials: impl IntoIterator<Item = Material>) -> PackOptions {
    let add = |mut recording: Recording| {
        recording.sources.extend(materials);
        recording
    };
    PackOptions { recording: pack.recording.map(add), ..pack }
}

/// Settings of an import.
#[derive(Debug, Clone)]
pub struct ImportOptions {
    /// The Kitfile that assigns files to layers; without one, a draft is made from the names of the files.
    pub kitfile: Option<Kitfile>,
    /// The number of levels of folders whose files get entries of their own in a draft.
    pub depth: usize,
    /// The names of the ModelKit, all in one repository.
    pub references: Vec<Reference>,
    /// The folder in which each running import has a folder of its own. Files that an interrupted import fetched stay
    /// there for the next one.
    pub folder: PathBuf,
    /// The user or the service that imports.
    pub builder: Builder,
    /// The time of the import.
    pub time: Timestamp,
    /// The problems of files that do not stop the import.
    pub allowed: Allowed,
    /// The publishers one of whom must have signed the files; none if a signature is not required.
    pub publishers: Vec<Verifier>,
}

/// Packs the files of a repository that the Kitfile names, each entry as an uncompressed tar.
///
/// Large files are verified by their digests. Each byte is fetched only once, even if an earlier import of the commit
/// was interrupted. Two simultaneous imports of a commit share the files that they fetch.
pub fn import(session: &Session<'_>, upstream: &dyn Upstream, options: &ImportOptions) -> Result<Packed, ImportError> {
    let choice = Choice::of(upstream, options.kitfile.as_ref(), options.depth)?;
    guard::check_names(&choice.wanted(), options.allowed)?;
    let published = Published::of(upstream, &choice.wanted(), options)?;
    let work = Work::open(&session.store, &options.folder, upstream.about())?;
    work.fetch(upstream, &choice.wanted(), session.progress)?;
    let fetched = ScannedFolder {
        path: work.files(),
        kitfile: Some(choice.kitfile.clone()),
        links: Links::InsideContext,
        files: FolderFiles::All,
    };
    admit_files(session, &fetched, &options.references)?;
    if let Some(published) = &published {
        published.compare_content(&work.files(), &choice.wanted())?;
    }
    let signer = published.map(|published| published.material());
    let packed = pack(session, &options.pack_options_of(upstream.about(), choice.kitfile, work.files(), signer))?;
    work.remove()?;
    Ok(packed)
}

impl ImportOptions {
    /// Returns the settings for packing the files in `context`, which come from the repository or the artifact `about`.
    /// The files were signed by `publisher`.
    pub(super) fn pack_options_of(
        &self,
        about: &About,
        kitfile: Kitfile,
        context: PathBuf,
        publisher: Option<Material>,
    ) -> PackOptions {
        let (name, uri) = (about.name.clone(), Some(about.url.clone()));
        let artifact = about.artifact.map(|digest| Material { role: Role::Artifact, name, uri, digest: Some(digest) });
        let git = if artifact.is_some() { Git::Ignored } else { Git::Known(about.commit()) };
        recording(self.pack_options(git, kitfile, context), artifact.into_iter().chain(publisher))
    }

    /// Returns the settings for packing the files in `context`, whose commit is `git`.
    pub(super) fn pack_options(&self, git: Git, kitfile: Kitfile, context: PathBuf) -> PackOptions {
        let recording = Recording { builder: self.builder.clone(), time: self.time, git, sources: Vec::new() };
        PackOptions {
            references: self.references.clone(),
            reading: Reading::Everything,
            allowed: self.allowed,
            recording: Some(recording),
            ..PackOptions::new(context, kitfile)
        }
    }
}
