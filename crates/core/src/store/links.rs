//! Layers that are stored as recipes instead of blobs.
//!
//! Each is a folder under `.kit/recipes`, named by the digest of the layer. It contains the recipe and, if the file
//! system supports clones, the clones that the layer is made of. If there is a blob with the same digest, the recipe is
//! not needed, and the next collection removes it. Only the user's own store is read by recipes: a recipe in a layout
//! from an untrusted source could name any file of the user.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use fs_err as fs;

use super::blob::Committed;
use super::collect::{files, remove_if_there};
use super::durability::disk;
use super::error::Error;
use super::layout::{Store, TEMPORARY_PREFIX};
use super::records::RememberedLayer;
use super::writer::Writer;
use crate::digest::{Digest, DigestWriter, Digesting};
use crate::oci::{Content, ContentError, Descriptor, MediaType, PartFinder};
use crate::recipe::{Recipe, RecipeWriter};
use crate::sys::{self, TemporaryFolder, clone_whole, device_of};

/// A layer that is to be stored as a recipe. If it is dropped without being committed, it leaves nothing behind.
pub struct LinkWriter {
    store: Store,
    folder: TemporaryFolder,
    recipe: RecipeWriter,
    layer: DigestWriter<io::Sink>,
}

impl Writer {
    /// Begins a layer whose digest is not known yet.
    pub fn new_link(&self) -> Result<LinkWriter, Error> {
        let store = self.store().clone();
        fs::create_dir_all(store.recipes())?;
        let folder = TemporaryFolder::create(&store.recipes(), TEMPORARY_PREFIX, 0o777)?;
        let recipe = RecipeWriter::cloning_into(folder.path().to_owned())?;
        Ok(LinkWriter { store, folder, recipe, layer: DigestWriter::new(io::sink()) })
    }

    /// Returns true if a blob can be a clone of the file `path`: the file is on the file system of the store, which
    /// supports clones.
    pub fn can_clone(&self, path: &Path) -> Result<bool, Error> {
        let (one, mut other) = (self.store().temporary_file()?, self.store().temporary_file()?);
        let device = device_of(&one.as_file().metadata()?);
        // An error is reported later, when the file is read.
        let is_near = fs::metadata(path).is_ok_and(|metadata| device_of(&metadata) == device);
        Ok(is_near && clone_whole(one.as_file(), other.as_file_mut())?)
    }

    /// Returns the layer remembered under `key`, if the store has its blob, or a recipe whose files are unchanged.
    pub fn remembered_link(&self, key: &Digest) -> Result<Option<RememberedLayer>, Error> {
        let Some(layer) = self.store().remembered_even_if_lost(key) else { return Ok(None) };
        let is_there = self.store().has_blob(&layer.blob)?
            || match self.store().recipe(&layer.blob.digest)? {
                Some(recipe) => recipe.is_current()?,
                None => false,
            };
        Ok(is_there.then_some(layer))
    }
}

impl LinkWriter {
    /// Returns the recipe, to which the parts of the layer are added, and the writer for its bytes.
    pub fn parts(&mut self) -> (&mut RecipeWriter, &mut impl Digesting) {
        (&mut self.recipe, &mut self.layer)
    }

    /// Moves the recipe to its final path, unless there is a blob. An earlier recipe of the same layer is replaced,
    /// because its files may no longer exist.
    pub fn commit(self, media_type: MediaType) -> Result<Committed, Error> {
        let (_, digest, size) = self.layer.finish();
        let descriptor = Descriptor::new(media_type, digest, size);
        if self.store.has_blob(&descriptor)? {
            return Ok(Committed { descriptor, was_there: true });
        }
        self.recipe.finish()?.save(self.folder.path())?;
        disk::sync_tree(self.folder.path())?;
        let place = self.store.recipe_folder(&digest);
        let was_there = place.exists();
        if was_there {
            let grave = TemporaryFolder::create(&self.store.recipes(), TEMPORARY_PREFIX, 0o777)?;
            sys::uninterrupted(|| {
                // Not in place of the new folder, which only some file systems replace.
                sys::rename(&place, &grave.path().join("recipe"))?;
                disk::rename(self.folder.path(), &place)
            })?;
        } else {
            disk::rename(self.folder.path(), &place)?;
        }
        self.folder.keep();
        disk::sync_folder(&self.store.recipes())?;
        Ok(Committed { descriptor, was_there })
    }
}

impl LinkWriter {
    /// Stores the layer as a blob, if it is the clone of one file and nothing else.
    pub fn commit_as_blob(self, media_type: MediaType) -> Result<Option<Committed>, Error> {
        let Some(clone) = self.recipe.only_clone() else { return Ok(None) };
        let (_, digest, size) = self.layer.finish();
        let descriptor = Descriptor::new(media_type, digest, size);
        let was_there = self.store.has_blob(&descriptor)?;
        if !was_there {
            disk::sync(fs::File::open(&clone)?.file())?;
            disk::rename(&clone, &self.store.blob_path(&digest))?;
        }
        Ok(Some(Committed { descriptor, was_there }))
    }
}

impl Store {
    /// Returns true if the layer is stored as a recipe only.
    pub fn is_link(&self, layer: &Descriptor) -> Result<bool, Error> {
        Ok(!self.has_blob(layer)? && self.recipe(&layer.digest)?.is_some_and(|recipe| recipe.size() == layer.size))
    }

    /// Returns the layers that are stored as recipes only, with their sizes, sorted by digest. The size is 0 if the
    /// recipe is damaged.
    pub fn links(&self) -> Result<Vec<(Digest, u64)>, Error> {
        let mut links = Vec::new();
        for digest in self.recipe_names()? {
            if !self.blob_path(&digest).exists() {
                links.push((digest, self.recipe(&digest)?.map_or(0, |recipe| recipe.size())));
            }
        }
        links.sort_unstable();
        Ok(links)
    }

    /// Returns true if the layer is stored, as a blob or as a recipe.
    pub fn has_layer(&self, layer: &Descriptor) -> Result<bool, Error> {
        Ok(self.has_blob(layer)? || self.is_link(layer)?)
    }

    /// Returns the recipe of a layer. Returns none if there is no recipe, or if its beginning is damaged.
    pub(super) fn recipe(&self, layer: &Digest) -> Result<Option<Recipe>, Error> {
        match Recipe::saved_in(&self.recipe_folder(layer)) {
            Ok(recipe) => Ok(Some(recipe)),
            Err(error) if is_absent_or_damaged(&error) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Removes the recipes that `choose` selects, and returns their number and size in bytes. The size of clones is not
    /// counted: they take no space of their own.
    pub(super) fn remove_recipes(&self, choose: impl Fn(&Digest) -> bool) -> Result<(u64, u64), Error> {
        let (mut count, mut bytes) = (0, 0);
        for digest in self.recipe_names()?.into_iter().filter(choose) {
            let folder = self.recipe_folder(&digest);
            bytes += fs::metadata(folder.join("recipe")).map_or(0, |metadata| metadata.len());
            fs::remove_dir_all(folder)?;
            count += 1;
        }
        Ok((count, bytes))
    }

    /// Removes the files that killed processes left. The caller must hold the use lock exclusively.
    pub(super) fn remove_abandoned_recipes(&self) -> Result<(), Error> {
        for (name, metadata) in files(&self.recipes())? {
            if name.starts_with(TEMPORARY_PREFIX) {
                let place = self.recipes().join(name);
                if metadata.is_dir() { fs::remove_dir_all(place)? } else { remove_if_there(&place)? }
            }
        }
        Ok(())
    }

    fn recipe_names(&self) -> Result<Vec<Digest>, Error> {
        let digest = |(name, _): (String, _)| format!("sha256:{name}").parse().ok();
        Ok(files(&self.recipes())?.into_iter().filter_map(digest).collect())
    }

    fn recipes(&self) -> PathBuf {
        self.private("recipes")
    }

    fn recipe_folder(&self, layer: &Digest) -> PathBuf {
        self.recipes().join(layer.hex())
    }
}

fn is_absent_or_damaged(error: &io::Error) -> bool {
    use io::ErrorKind::{InvalidData, NotADirectory, NotFound, UnexpectedEof};
    matches!(error.kind(), NotFound | NotADirectory | InvalidData | UnexpectedEof)
}

/// The content of a blob, or of a layer that is stored as a recipe.
pub(super) struct LayerContent {
    pub(super) store: Store,
    pub(super) digest: Digest,
}

impl Content for LayerContent {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        match self.store.open_blob(&self.digest, offset) {
            Err(ContentError::NotFound(name)) => match self.store.recipe(&self.digest)? {
                Some(recipe) => Ok(Box::new(recipe.open_at(offset)?)),
                None => Err(ContentError::NotFound(name)),
            },
            opened => Ok(Box::new(opened?)),
        }
    }

    fn parts(&self) -> Result<Option<PartFinder>, ContentError> {
        let blob = self.store.blob_path(&self.digest);
        if let Ok(metadata) = fs::metadata(&blob)
            && self.store.confirm(&self.digest, &metadata)?
        {
            return Ok(Some(Box::new(move |offset, size| whole_blob(&blob, offset, size))));
        }
        let Some(recipe) = self.store.recipe(&self.digest)? else { return Ok(None) };
        let mut clones = recipe.clones()?;
        Ok(Some(Box::new(move |offset, size| clones.find(offset, size))))
    }
}

/// Returns the file of a blob if the whole blob is requested; a file within a tar is never the whole tar.
fn whole_blob(blob: &Path, offset: u64, size: u64) -> io::Result<Option<File>> {
    if offset > 0 {
        return Ok(None);
    }
    let file = sys::open_regular(blob)?.into_parts().0;
    Ok((file.metadata()?.len() == size).then_some(file))
}
