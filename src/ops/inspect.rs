//! Reading what a ModelKit says of itself.

use std::io::Read;

use super::{Error, Found};
use crate::digest::VerifyingReader;
use crate::modelkit::ModelKit;
use crate::oci::{ContentError, Descriptor, MANIFEST_SIZE_LIMIT, Manifest, Source};

/// A ModelKit and the name of its manifest.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The manifest.
    pub descriptor: Descriptor,
    /// What it describes.
    pub modelkit: ModelKit,
    /// The manifest as it was read.
    pub manifest_bytes: Vec<u8>,
    /// The config as it was read.
    pub config_bytes: Vec<u8>,
}

/// Reads the documents of a ModelKit, each verified, and no layer.
pub fn inspect(found: &Found) -> Result<Inspected, Error> {
    let source = &*found.source;
    let descriptor = source.resolve(&found.name).map_err(|error| Error::reading("the manifest", error))?;
    read(source, descriptor, &found.name)
}

/// Reads the ModelKit whose manifest is `descriptor`; `name` is what errors call it.
pub(super) fn read(source: &dyn Source, descriptor: Descriptor, name: &str) -> Result<Inspected, Error> {
    let manifest_bytes = source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
    let manifest = Manifest::parse(&manifest_bytes).map_err(Error::NotAManifest)?;
    if !crate::modelkit::is_modelkit(&manifest) {
        return Err(Error::NotAModelKit(name.to_owned()));
    }
    let config_bytes = read_document(source, &manifest.config).map_err(|error| Error::reading("the config", error))?;
    let modelkit = ModelKit::read(manifest, &config_bytes)?;
    Ok(Inspected { descriptor, modelkit, manifest_bytes, config_bytes })
}

fn read_document(source: &dyn Source, blob: &Descriptor) -> Result<Vec<u8>, ContentError> {
    if blob.size > MANIFEST_SIZE_LIMIT {
        let reason = format!("it is {} bytes long; at most {MANIFEST_SIZE_LIMIT} are read", blob.size);
        return Err(ContentError::Other(reason.into()));
    }
    let content = source.blob(blob);
    let mut bytes = Vec::new();
    VerifyingReader::new(content.open_at(0)?, blob.digest, blob.size).read_to_end(&mut bytes)?;
    Ok(bytes)
}
