//! The content that is searched for: its digests, its chunks and its names.

use std::collections::{HashMap, HashSet};
use std::io::Read;
use std::path::Path;

use fs_err as fs;

use crate::contents::{Cutter, Entry, Kind, Piece, PieceDigest};
use crate::digest::{Digest, Hasher};
use crate::kitfile::Section;
use crate::modelkit::{Layer, Selection};
use crate::oci::{ContentError, Reference};
use crate::ops::artifact::{Inspected, check_filters, entries};
use crate::ops::error::Error;
use crate::ops::files::{buffer, tables};
use crate::ops::session::{Located, Location, Session};
use crate::relative_path::RelativePath;

/// The content that is searched for.
#[derive(Debug, Clone, Default)]
pub struct Sought {
    /// The digests of files, layers and manifests.
    pub(super) digests: HashSet<Digest>,
    /// The chunks with their sizes.
    pub(super) pieces: HashMap<PieceDigest, u64>,
    /// The size of all chunks.
    pub(super) piece_bytes: u64,
    /// The names of the ModelKit.
    pub(super) names: Vec<Reference>,
    /// The tensor, if only one is searched for.
    tensor: Option<String>,
    /// The number of layers without a table of contents, whose files are not searched for.
    pub unlisted_layers: usize,
}

/// The smallest size of a file that has chunks in a table of contents.
const SMALLEST_CUT: u64 = 1024 * 1024;

impl Sought {
    /// Any content with this digest: a file, a layer or a manifest.
    pub fn of_digest(digest: Digest) -> Self {
        Self { digests: HashSet::from([digest]), ..Self::default() }
    }

    /// A file or all files of a folder on this machine; with `tensor`, only this tensor in them.
    pub fn of_path(path: &Path, tensor: Option<&str>) -> Result<Self, Error> {
        let mut sought = Self { tensor: tensor.map(str::to_owned), ..Self::default() };
        let failed = |source| Error::reading(&format!("`{}`", path.display()), ContentError::Io(source));
        sought.add_path(path).map_err(failed)?;
        Ok(sought)
    }

    /// A ModelKit with the layers in `selection`, or the files of it at or below `path`; with `tensor`, only this
    /// tensor in them.
    pub fn of_modelkit(
        session: &Session<'_>,
        (location, found, inspected): (&Location, &Located, &Inspected),
        (path, selection): (&RelativePath, &Selection),
        tensor: Option<&str>,
    ) -> Result<Self, Error> {
        let modelkit = &inspected.modelkit;
        check_filters(selection, &found.title, &entries(modelkit), session.progress)?;
        let mut sought = Self { tensor: tensor.map(str::to_owned), ..Self::default() };
        let is_whole = selection.is_everything() && path.is_root();
        if is_whole && tensor.is_none() {
            sought.digests.insert(inspected.descriptor.digest);
            sought.names.extend(if let Location::Artifact(name) = location { Some(name.clone()) } else { None });
        }
        for layer in modelkit.layers.iter().filter(|layer| selection.takes(layer) && overlaps(layer, path)) {
            // Files such as a licence are in many ModelKits that have nothing else in common.
            if is_whole && !matches!(layer.section, Section::Model | Section::ModelPart | Section::Dataset) {
                continue;
            }
            if layer.path.starts_with(path) && tensor.is_none() {
                sought.digests.insert(layer.descriptor.digest);
            }
            let Some(table) = tables::bytes(&*found.source, &layer.descriptor)? else {
                sought.unlisted_layers += 1;
                continue;
            };
            for entry in tables::read(&table, layer)? {
                sought.add_entry(entry?, path);
            }
        }
        Ok(sought)
    }

    /// Returns true if there is nothing to search for: no content, or no tensor with the name.
    pub fn is_empty(&self) -> bool {
        self.digests.is_empty() && self.pieces.is_empty()
    }

    fn add_path(&mut self, path: &Path) -> std::io::Result<()> {
        if !path.is_dir() {
            return self.add_file(path);
        }
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            // A link is not packed, and could lead back to the folder.
            if !entry.file_type()?.is_symlink() {
                self.add_path(&entry.path())?;
            }
        }
        Ok(())
    }

    fn add_file(&mut self, path: &Path) -> std::io::Result<()> {
        let mut file = fs::File::open(path)?;
        let size = file.metadata()?.len();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let mut cutter = (size >= SMALLEST_CUT).then(|| Cutter::new(&name, size));
        let (mut hasher, mut buffer) = (Hasher::default(), buffer(Some(size)));
        loop {
            let read = file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            hasher.update(&buffer[..read]);
            if let Some(cutter) = &mut cutter {
                cutter.take(&buffer[..read]);
            }
        }
        self.add(size, hasher.finish(), &cutter.map(Cutter::finish).unwrap_or_default());
        Ok(())
    }

    fn add_entry(&mut self, entry: Entry, path: &RelativePath) {
        if let Kind::File { size, digest, pieces, .. } = entry.kind
            && entry.path.starts_with(path)
        {
            self.add(size, digest, &pieces);
        }
    }

    /// Adds a file. An empty one is in many ModelKits that have nothing else in common.
    fn add(&mut self, size: u64, digest: Digest, pieces: &[Piece]) {
        if size == 0 {
            return;
        }
        if self.tensor.is_none() {
            self.digests.insert(digest);
        }
        for piece in pieces {
            if self.is_wanted(piece) && self.pieces.insert(piece.digest, piece.size).is_none() {
                self.piece_bytes += piece.size;
            }
        }
    }

    /// Returns true if a chunk is searched for: with a tensor, only the chunk of this tensor.
    fn is_wanted(&self, piece: &Piece) -> bool {
        let Some(wanted) = &self.tensor else { return true };
        piece.tensor.as_ref().is_some_and(|tensor| tensor.name == *wanted)
    }

    /// Returns true if only a tensor is searched for.
    pub(super) fn is_tensor(&self) -> bool {
        self.tensor.is_some()
    }
}

/// Returns true if the layer may have files at or below `path`.
fn overlaps(layer: &Layer, path: &RelativePath) -> bool {
    layer.path.starts_with(path) || path.starts_with(&layer.path)
}
