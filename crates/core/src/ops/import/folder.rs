//! Imports a folder with a model that is neither a repository nor an MLflow run, such as a snapshot in the cache of the
//! Hugging Face hub. It is packed in place.

use std::path::{Path, PathBuf};

use super::error::ImportError;
use super::into_store::{ImportOptions, recording};
use super::publisher::Published;
use crate::archive::Links;
use crate::kitfile::Kitfile;
use crate::layer_format::Format;
use crate::ops::init::{CacheFolder, CachedSnapshot, ProjectFolder, describe_package, init};
use crate::ops::pack::{Git, PackOptions};
use crate::progress::Progress;
use crate::provenance::{Commit, SourceUrl};
use crate::sys::real_path;

/// A local folder with a model. Nothing is written there.
#[derive(Debug, Clone)]
pub struct ModelFolder {
    folder: PathBuf,
    snapshot: Option<CachedSnapshot>,
}

impl ModelFolder {
    /// Opens a folder. For a repository in the cache of the hub, this is its snapshot of `main`, or the only one.
    pub fn open(folder: &Path) -> Result<Self, ImportError> {
        let mut folder = real_path(folder)?;
        if let Some(CacheFolder { snapshots, current }) = CacheFolder::of(&folder) {
            folder = current.ok_or(ImportError::SeveralSnapshots(snapshots))?;
        }
        Ok(Self { snapshot: CachedSnapshot::of(&folder), folder })
    }

    /// The folder whose files are packed.
    pub fn path(&self) -> &Path {
        &self.folder
    }

    /// The snapshot that the folder is, if it is in the cache of the hub.
    pub fn snapshot(&self) -> Option<&CachedSnapshot> {
        self.snapshot.as_ref()
    }

    /// Returns the settings for packing the files that the Kitfile names. Without one, a draft is made.
    ///
    /// The links in a snapshot are followed, since they lead to the files in the cache.
    ///
    /// If the options require a signature of the publisher, the folder is compared with it.
    pub fn pack_options(
        &self,
        options: &ImportOptions,
        format: Format,
        progress: &dyn Progress,
    ) -> Result<PackOptions, ImportError> {
        let published = Published::of_folder(&self.folder, options, progress)?;
        let kitfile = options.kitfile.clone().map_or_else(|| self.draft(options.depth), Ok)?;
        let links = if self.snapshot.is_some() { Links::Follow } else { Links::InsideContext };
        let pack = PackOptions { format, links, ..options.pack_options(self.git(), kitfile, self.folder.clone()) };
        Ok(recording(pack, published.map(|published| published.material())))
    }

    fn draft(&self, depth: usize) -> Result<Kitfile, ImportError> {
        let mut kitfile = init(&ProjectFolder(self.folder.clone()), depth)?.kitfile;
        if kitfile.model.is_none() && (self.snapshot.is_none() || kitfile.entries().is_empty()) {
            return Err(ImportError::NoModel);
        }
        describe_package(&self.folder, &mut kitfile);
        Ok(kitfile)
    }

    fn git(&self) -> Git {
        let is_id = |id: &str| id.len() >= 7 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
        match &self.snapshot {
            Some(CachedSnapshot { revision, url, .. }) if is_id(revision) => {
                Git::Known(Commit { id: revision.clone(), branch: None, remote: SourceUrl::parse(url), is_dirty: None })
            }
            Some(_) => Git::Ignored,
            None => Git::Asked,
        }
    }
}
