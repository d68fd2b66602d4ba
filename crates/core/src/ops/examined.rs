//! The layers that a command fetched and scanned to judge an artifact, kept until the command ends, so that none is
//! fetched or scanned twice.

use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::digest::Digest;
use crate::modelkit::Layer;
use crate::oci::{Annotations, Content, ContentError, Descriptor};
use crate::trust::policy::ContentFacts;

/// The layers that were fetched, and the facts about their content. A clone shares them.
#[derive(Clone, Default)]
pub struct Examined(Arc<Everything>);

#[derive(Default)]
struct Everything {
    fetched: Mutex<HashMap<Digest, Arc<FetchedLayer>>>,
    facts: Mutex<Vec<(Layer, ContentFacts)>>,
}

/// A layer that is being fetched, or that was fetched and matched its digest.
#[derive(Default)]
pub(crate) struct FetchedLayer {
    /// A temporary file without a name, once it is complete.
    file: OnceLock<Mutex<File>>,
    fetching: Mutex<()>,
}

impl Examined {
    /// Returns the place for a layer that is fetched.
    pub(crate) fn to_fetch(&self, layer: &Descriptor) -> Arc<FetchedLayer> {
        Arc::clone(locked(&self.0.fetched).entry(layer.digest).or_default())
    }

    /// Returns a layer that was fetched.
    pub(crate) fn fetched(&self, layer: &Descriptor) -> Option<impl Content + use<>> {
        let fetched = locked(&self.0.fetched).get(&layer.digest).cloned();
        fetched.filter(|layer| layer.file.get().is_some()).map(Fetched)
    }

    /// Returns the facts about the content of `layer`, which `find` finds the first time.
    pub(crate) fn facts<E>(
        &self,
        layer: &Layer,
        find: impl FnOnce() -> Result<ContentFacts, E>,
    ) -> Result<ContentFacts, E> {
        let key = without_entry(layer);
        if let Some((_, facts)) = locked(&self.0.facts).iter().find(|(known, _)| *known == key) {
            return Ok(facts.clone());
        }
        let facts = find()?;
        locked(&self.0.facts).push((key, facts.clone()));
        Ok(facts)
    }
}

/// The layer without the parts that differ between the ModelKits of an index and do not change what a scan finds.
fn without_entry(layer: &Layer) -> Layer {
    let (name, path_as_written) = (String::new(), String::new());
    let descriptor = Descriptor { annotations: Annotations::new(), ..layer.descriptor.clone() };
    Layer { index: 0, name, path_as_written, descriptor, ..layer.clone() }
}

impl FetchedLayer {
    /// Opens the layer at `offset`, after `fetch` has fetched it unless it already is.
    pub(crate) fn open_at(
        self: &Arc<Self>,
        offset: u64,
        fetch: impl FnOnce() -> Result<File, ContentError>,
    ) -> Result<Box<dyn Read + Send>, ContentError> {
        let turn = locked(&self.fetching);
        if self.file.get().is_none() {
            let file = fetch()?;
            self.file.get_or_init(|| Mutex::new(file));
        }
        drop(turn);
        Ok(Box::new(At { layer: Arc::clone(self), position: offset }))
    }
}

/// A layer that was fetched.
struct Fetched(Arc<FetchedLayer>);

impl Content for Fetched {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        Ok(Box::new(At { layer: Arc::clone(&self.0), position: offset }))
    }
}

/// A reader of a layer that was fetched. Several may read the same file.
struct At {
    layer: Arc<FetchedLayer>,
    position: u64,
}

impl Read for At {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let mut file = locked(self.layer.file.get().ok_or(io::ErrorKind::NotFound)?);
        file.seek(SeekFrom::Start(self.position))?;
        let read = file.read(buffer)?;
        self.position += read as u64;
        Ok(read)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // What the locks guard is consistent at all times, so a panic in another thread leaves nothing to repair.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;
    use crate::compression::Compression;
    use crate::kitfile::Section;
    use crate::layer_format::Format;
    use crate::oci::MediaType;
    use crate::relative_path::RelativePath;

    fn layer() -> Layer {
        Layer {
            section: Section::Model,
            index: 0,
            name: "net".to_owned(),
            path_as_written: "./net".to_owned(),
            path: "net".parse().unwrap(),
            base: RelativePath::root(),
            descriptor: Descriptor::new(MediaType::IMAGE_MANIFEST, Digest::of(b"net"), 3),
            format: Format::Tar,
            compression: Compression::None,
            file_mode: None,
            diff_id: None,
        }
    }

    #[test]
    fn a_layer_is_examined_again_only_if_it_is_used_differently() {
        let (examined, mut count) = (Examined::default(), 0);
        let mut examine = |layer: &Layer| {
            let find = || {
                count += 1;
                Ok::<_, Infallible>(ContentFacts::default())
            };
            let Ok(_) = examined.facts(layer, find);
            count
        };
        let (first, name) = (layer(), "other".to_owned());
        assert_eq!(examine(&first), 1);
        let mut annotated = first.descriptor.clone();
        annotated.annotations.insert("key".to_owned(), "value".to_owned());
        for same in [
            Layer { index: 1, ..first.clone() },
            Layer { name, path_as_written: "net".to_owned(), ..first.clone() },
            Layer { descriptor: annotated, ..first.clone() },
        ] {
            assert_eq!(examine(&same), 1, "{same:?}");
        }
        // Other names of files, other rules for their content, or other bytes.
        let descriptor = Descriptor::new(MediaType::IMAGE_MANIFEST, Digest::of(b"other"), 3);
        for (other, expected) in [
            (Layer { path: "other".parse().unwrap(), ..first.clone() }, 2),
            (Layer { section: Section::Dataset, ..first.clone() }, 3),
            (Layer { format: Format::Raw, ..first.clone() }, 4),
            (Layer { descriptor, ..first.clone() }, 5),
        ] {
            assert_eq!(examine(&other), expected, "{other:?}");
        }
    }
}
