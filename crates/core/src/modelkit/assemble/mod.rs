//! Assembling a new artifact from a Kitfile and its layers: the config and the manifest, for any family or as an image.
//!
//! The layers are the same blobs in all forms; only the documents that list them differ.

use super::artifact::Layer;
use super::config::{Config, LayerDigests};
use super::documents::Documents;
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Kitfile, Section};
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::form::{Family, Image, LayerType, ModelFacts, PlainFile, annotate, image, modelpack};
use crate::oci::{Annotations, Descriptor, Manifest};
use crate::relative_path::RelativePath;

/// The annotation with the version of the tool that packed the artifact.
pub const CLI_VERSION: &str = "ml.kitops.modelkit.cli-version";
/// The annotation of a subset with the digest of the ModelKit that its layers belong to.
pub const SUBSET_OF: &str = "ml.kitops.modelkit.subset-of";
/// The annotation of a `ModelPack` with the config that it has as a `ModelKit` (`KitOps`, after 1.7).
pub(super) const KITFILE: &str = "ml.kitops.modelkit.kitfile";

/// The form in which layers are listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Form {
    /// An artifact of this family.
    Artifact(Family),
    /// An image with the files that the layers unpack to.
    Image(Box<Image>),
}

/// The content of a new artifact.
#[derive(Debug, Clone)]
pub struct Assembly {
    /// The Kitfile.
    pub kitfile: Kitfile,
    /// The layers, in the order of [`Kitfile::entries`].
    pub layers: Vec<PackedLayer>,
    /// Layers that belong to no entry of the Kitfile. Artifacts list them unchanged after the others.
    pub others: Vec<Descriptor>,
    /// The properties of the model. Only a `ModelPack` contains them.
    pub facts: ModelFacts,
    /// The annotations of the manifest.
    pub annotations: Annotations,
}

/// A layer of a new artifact.
#[derive(Debug, Clone)]
pub struct PackedLayer {
    /// The type of the layer.
    pub layer_type: LayerType,
    /// The index of its entry in the section.
    pub index: usize,
    /// The path of the entry in the Kitfile.
    pub path: RelativePath,
    /// The blob. Its media type is ignored, and its annotations are kept, except for those that contain the path and
    /// the file.
    pub blob: Descriptor,
    /// The digest of the uncompressed layer.
    pub diff_id: Digest,
    /// The file at the path, if it is a single file. Used by raw layers.
    pub file: Option<PlainFile>,
}

/// The reason why layers cannot be listed in a form.
#[derive(Debug, thiserror::Error)]
pub enum UnsupportedForm {
    /// The layer would need a tar archive around its file, or another compression.
    #[error("the layer `{path}` is {what}, and {form} has no media type for such layers")]
    LayerType {
        /// The path of the layer.
        path: RelativePath,
        /// The type of the layer in words.
        what: &'static str,
        /// The form in words.
        form: &'static str,
    },
    /// The file names in the tar archive are not relative to the root.
    #[error(
        "the layer `{0}` is from KitOps before 0.5: its file names are relative to a folder that only its Kitfile names"
    )]
    OldLayout(RelativePath),
    /// There are MCP servers.
    #[error("mcpServers are not supported when packing in modelpack format")]
    McpServers,
    /// The manifest or the config would be too large to be read again.
    #[error("its {document} would have {bytes} bytes for {layers} layers, and the limit is {limit}")]
    TooLarge {
        /// The document in words.
        document: &'static str,
        /// The size that it would have.
        bytes: u64,
        /// The number of layers.
        layers: usize,
        /// The limit.
        limit: u64,
    },
    /// There are no layers.
    #[error("it has no layers, but {0} must have at least one")]
    NoLayers(&'static str),
}

impl Assembly {
    /// An artifact packed by this version of `kit`.
    pub fn new(kitfile: Kitfile, layers: Vec<PackedLayer>, cli_version: &str) -> Self {
        let annotations = Annotations::from([(CLI_VERSION.to_owned(), cli_version.to_owned())]);
        Self { kitfile, layers, others: Vec::new(), facts: ModelFacts::default(), annotations }
    }

    /// Returns the documents of the artifact in this form.
    ///
    /// They do not contain when, where or by whom the artifact was made, so that equal files give an equal manifest.
    pub fn assemble(&self, form: &Form) -> Result<Documents, UnsupportedForm> {
        let (config, manifest, blobs) = match form {
            Form::Image(image) => image::assemble(self, image)?,
            Form::Artifact(family) => {
                let (config, manifest) = self.assemble_artifact(*family)?;
                (config, manifest, Vec::new())
            }
        };
        let documents = Documents { blobs, ..Documents::new(config, manifest) };
        self.check_size("manifest", &documents.manifest)?;
        self.check_size("config", &documents.config)?;
        Ok(documents)
    }

    fn check_size(&self, document: &'static str, descriptor: &Descriptor) -> Result<(), UnsupportedForm> {
        let (bytes, layers, limit) = (descriptor.size, self.layers.len(), limits::MANIFEST_BYTES);
        if bytes > limit { Err(UnsupportedForm::TooLarge { document, bytes, layers, limit }) } else { Ok(()) }
    }

    fn assemble_artifact(&self, family: Family) -> Result<(Vec<u8>, Manifest), UnsupportedForm> {
        let mut annotations = self.annotations.clone();
        annotations.remove(KITFILE);
        let config = if family == Family::ModelKit {
            self.config().to_json()
        } else {
            self.check_for_modelpack()?;
            let kitfile = String::from_utf8(self.config().to_json()).expect("JSON is text");
            annotations.insert(KITFILE.to_owned(), kitfile);
            modelpack::config(self)
        };
        let layers =
            self.layers.iter().map(|layer| layer.describe(family)).chain(self.others.iter().cloned()).collect();
        let mut manifest = Manifest::new(family.artifact_type(), Descriptor::of(family.config_type(), &config), layers);
        manifest.annotations = annotations;
        Ok((config, manifest))
    }

    fn config(&self) -> Config {
        self.layers.iter().fold(Config::new(self.kitfile.clone()), |config, layer| {
            let digests = LayerDigests { digest: layer.blob.digest, diff_id: Some(layer.diff_id) };
            config.with_layer(layer.layer_type.section, layer.index, digests)
        })
    }

    /// Refuses layers that a `ModelPack` cannot list: it has media types for raw layers and for tar archives, but not
    /// for compressed raw layers.
    fn check_for_modelpack(&self) -> Result<(), UnsupportedForm> {
        const FORM: &str = "a ModelPack";
        if self.layers.is_empty() {
            return Err(UnsupportedForm::NoLayers(FORM));
        }
        if self.layers.iter().any(|layer| layer.layer_type.section == Section::McpServer) {
            return Err(UnsupportedForm::McpServers);
        }
        let is_unfit = |layer: &&PackedLayer| {
            layer.layer_type.format == Format::Raw && layer.layer_type.compression != Compression::None
        };
        match self.layers.iter().find(is_unfit) {
            Some(layer) => {
                Err(UnsupportedForm::LayerType { path: layer.path.clone(), what: "raw and compressed", form: FORM })
            }
            None => Ok(()),
        }
    }
}

impl PackedLayer {
    /// The layer of an existing artifact, for another form of it; `diff_id` is the digest of the uncompressed layer.
    pub fn of(layer: &Layer, diff_id: Digest) -> Result<Self, UnsupportedForm> {
        if layer.base != RelativePath::root() {
            return Err(UnsupportedForm::OldLayout(layer.path.clone()));
        }
        let Layer { section, index, ref path, format, compression, file_mode, .. } = *layer;
        // The layer does not contain the uncompressed size of a compressed file.
        let file_mode = file_mode.filter(|_| compression == Compression::None);
        Ok(Self {
            layer_type: LayerType { section, format, compression },
            index,
            path: path.clone(),
            blob: layer.descriptor.clone(),
            diff_id,
            file: file_mode.map(|mode| PlainFile { mode, size: layer.descriptor.size }),
        })
    }

    fn describe(&self, family: Family) -> Descriptor {
        let media_type = self.layer_type.media_type_in(family, &self.path);
        let mut descriptor = Descriptor { media_type, ..self.blob.clone() };
        let file = self.file.filter(|_| self.layer_type.format == Format::Raw);
        annotate(&mut descriptor, family, &self.path, file);
        self.layer_type.annotate(&mut descriptor);
        descriptor
    }
}

#[cfg(test)]
mod tests;
