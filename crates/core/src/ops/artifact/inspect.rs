//! Reading the documents of a ModelKit: its manifest and its config.

use std::borrow::Cow;

use super::variants::{self, InspectedIndex};
use crate::modelkit::{Family, ModelKit};
use crate::oci::{Descriptor, Manifest, Source, read_document};
use crate::ops::artifact::foreign::foreign_kind;
use crate::ops::error::Error;
use crate::ops::index_error::IndexError;
use crate::ops::session::Located;

/// A ModelKit and the descriptor of its manifest.
#[derive(Debug, Clone)]
pub struct Inspected {
    /// The descriptor of the manifest.
    pub descriptor: Descriptor,
    /// The ModelKit that the manifest and the config describe.
    pub modelkit: ModelKit,
    /// The bytes of the manifest as read.
    pub manifest_bytes: Vec<u8>,
    /// The bytes of the config as read.
    pub config_bytes: Vec<u8>,
}

impl Inspected {
    /// The Kitfile with the digests of its layers, as JSON. For a ModelKit this is the config as read, including fields
    /// that newer versions may have added; for a ModelPack it is derived from the config.
    pub fn kitfile_json(&self) -> Cow<'_, [u8]> {
        match self.modelkit.family {
            Family::ModelKit => Cow::Borrowed(&self.config_bytes),
            Family::ModelPack | Family::LegacyModelPack => Cow::Owned(self.modelkit.config.to_json()),
        }
    }
}

/// Reads and verifies the manifest and the config of a ModelKit, but none of its layers.
pub fn inspect(found: &Located) -> Result<Inspected, Error> {
    let descriptor = found.resolve()?;
    read(&*found.source, descriptor, &found.title).map_err(|error| error.of_place(found.is_remote))
}

/// Reads the ModelKit whose manifest is `descriptor`; errors call it `name`.
pub(crate) fn read(source: &dyn Source, descriptor: Descriptor, name: &str) -> Result<Inspected, Error> {
    match Artifact::read(source, descriptor, name)? {
        Artifact::ModelKit(inspected) => Ok(*inspected),
        Artifact::Index(inspected) => {
            Err(IndexError::IsIndex { index: name.to_owned(), variants: inspected.index.variants().to_vec() }.into())
        }
    }
}

/// The documents of an artifact, which is a ModelKit or an index of ModelKits.
pub(crate) enum Artifact {
    ModelKit(Box<Inspected>),
    Index(Box<InspectedIndex>),
}

impl Artifact {
    /// Reads the artifact whose manifest is `descriptor`; errors call it `name`.
    pub(crate) fn read(source: &dyn Source, descriptor: Descriptor, name: &str) -> Result<Self, Error> {
        let bytes = source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
        match variants::read(&descriptor, &bytes)? {
            Some(index) => Ok(Self::Index(Box::new(InspectedIndex { descriptor, index, bytes }))),
            None => read_modelkit(source, descriptor, bytes, name).map(|inspected| Self::ModelKit(Box::new(inspected))),
        }
    }
}

fn read_modelkit(
    source: &dyn Source,
    descriptor: Descriptor,
    manifest_bytes: Vec<u8>,
    name: &str,
) -> Result<Inspected, Error> {
    let manifest = parse_manifest(&manifest_bytes, name)?;
    let config = source.blob(&manifest.config);
    let config_bytes =
        read_document(&*config, &manifest.config).map_err(|error| Error::reading("the config", error))?;
    let modelkit = ModelKit::read(manifest, &config_bytes)?;
    Ok(Inspected { descriptor, modelkit, manifest_bytes, config_bytes })
}

/// Parses `bytes` as the manifest of a ModelKit; errors use `name` for it.
pub(crate) fn parse_manifest(bytes: &[u8], name: &str) -> Result<Manifest, Error> {
    match Manifest::parse(bytes) {
        Ok(manifest) if Family::of(&manifest).is_some() => Ok(manifest),
        parsed => Err(match (foreign_kind(bytes), parsed) {
            (Some(found), _) => Error::NotAModelKit { name: name.to_owned(), found },
            (None, Err(error)) => Error::NotAManifest(error),
            (None, Ok(manifest)) => Error::NotAModelKit {
                name: name.to_owned(),
                found: format!("an artifact with the config type `{}`", manifest.config.media_type),
            },
        }),
    }
}
