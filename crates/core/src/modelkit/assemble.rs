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
mod tests {
    use super::*;
    use crate::kitfile::parse;
    use crate::modelkit::artifact::ModelKit;
    use crate::modelkit::{BaseImage, ImageLayout, InvalidBase, Platform};
    use crate::oci::MediaType;

    const KITFILE_TEXT: &str = "manifestVersion: 1.0.0\npackage:\n  name: sample\n  license: MIT\nmodel:\n  path: \
                                m.safetensors\n  parts:\n  - path: lora.gguf\n  - path: tokenizer.json\nprompts:\n  \
                                - path: prompt.md\n";

    fn assembly(format: Format, compression: Compression) -> Assembly {
        let kitfile = parse(KITFILE_TEXT).unwrap();
        let layer = |(section, index, path): (Section, usize, String)| {
            let layer_type = LayerType { section, format, compression };
            let mut blob = Descriptor::of(layer_type.media_type(), path.as_bytes());
            blob.annotations.insert("org.example.contents".to_owned(), "kept".to_owned());
            let file = Some(PlainFile { mode: 0o644, size: blob.size });
            PackedLayer { layer_type, index, path: path.parse().unwrap(), diff_id: blob.digest, blob, file }
        };
        let entries = kitfile.entries().into_iter().map(|entry| (entry.section, entry.index, entry.path.to_owned()));
        Assembly::new(kitfile.clone(), entries.map(layer).collect(), "1.2.3")
    }

    fn manifest(documents: &Documents) -> Manifest {
        Manifest::parse(&documents.manifest_bytes).unwrap()
    }

    /// Reads the layers of an artifact for another form of it.
    fn read_back(documents: &Documents) -> Assembly {
        let modelkit = ModelKit::read(manifest(documents), &documents.config_bytes).unwrap();
        let layers = modelkit.layers.iter().map(|layer| PackedLayer::of(layer, layer.diff_id.unwrap()).unwrap());
        Assembly {
            layers: layers.collect(),
            others: modelkit.other_layers().cloned().collect(),
            kitfile: modelkit.config.kitfile,
            facts: ModelFacts::default(),
            annotations: modelkit.manifest.annotations,
        }
    }

    #[test]
    fn the_way_to_any_family_and_back_gives_the_same_bytes() {
        for format in [Format::Raw, Format::Tar] {
            for there in [Family::ModelPack, Family::LegacyModelPack] {
                let original = assembly(format, Compression::None);
                let modelkit = original.assemble(&Form::Artifact(Family::ModelKit)).unwrap();
                let documents = original.assemble(&Form::Artifact(there)).unwrap();
                let again = read_back(&documents).assemble(&Form::Artifact(Family::ModelKit)).unwrap();
                assert_eq!(again, modelkit, "{there} {format}");
            }
        }
    }

    #[test]
    fn the_size_of_a_file_is_written_for_uncompressed_raw_layers() {
        for (compression, expected) in [(Compression::None, true), (Compression::Gzip, false)] {
            let original = assembly(Format::Raw, compression);
            let documents = original.assemble(&Form::Artifact(Family::ModelKit)).unwrap();
            assert_eq!(read_back(&documents).layers[0].file.is_some(), expected, "{compression}");
        }
    }

    #[test]
    fn layers_get_the_names_of_the_family_and_keep_their_other_annotations() {
        let documents =
            assembly(Format::Raw, Compression::None).assemble(&Form::Artifact(Family::LegacyModelPack)).unwrap();
        let manifest = manifest(&documents);
        let types: Vec<_> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
        let expected = ["weight.v1.raw", "weight.v1.raw", "weight.config.v1.raw", "code.v1.raw"];
        assert_eq!(types, expected.map(|rest| format!("application/vnd.cnai.model.{rest}")));
        for layer in &manifest.layers {
            assert_eq!(layer.annotations["org.example.contents"], "kept");
            assert!(layer.annotations.contains_key("org.cnai.model.filepath"));
        }
    }

    #[test]
    fn the_config_of_a_modelpack_matches_its_schema() {
        let facts = ModelFacts { precision: Some("bfloat16".to_owned()), ..ModelFacts::default() };
        let made = Assembly { facts, ..assembly(Format::Raw, Compression::None) };
        let documents = made.assemble(&Form::Artifact(Family::ModelPack)).unwrap();
        let diff_ids: Vec<_> = made.layers.iter().map(|layer| layer.diff_id).collect();
        let expected = serde_json::json!({
            "descriptor": { "name": "sample", "title": "sample", "licenses": ["MIT"] },
            "config": { "precision": "bfloat16" },
            "modelfs": { "type": "layers", "diffIds": diff_ids },
        });
        assert_eq!(serde_json::from_slice::<serde_json::Value>(&documents.config_bytes).unwrap(), expected);
    }

    fn image(platform: &str, layout: ImageLayout) -> Form {
        Form::Image(Box::new(Image { platform: platform.parse().unwrap(), layout, base: None }))
    }

    #[test]
    fn an_image_lists_tars_without_the_annotations_of_files() {
        let made = assembly(Format::Tar, Compression::Zstd);
        let documents = made.assemble(&image("linux/arm64/v8", ImageLayout::Root)).unwrap();
        let manifest = manifest(&documents);
        assert_eq!(manifest.artifact_type, None);
        for layer in &manifest.layers {
            assert_eq!(layer.media_type.as_str(), "application/vnd.oci.image.layer.v1.tar+zstd");
            assert!(layer.annotations.is_empty());
        }
        let config: serde_json::Value = serde_json::from_slice(&documents.config_bytes).unwrap();
        assert_eq!((&config["architecture"], &config["variant"]), (&"arm64".into(), &"v8".into()));
        assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 4);
        assert_eq!(config["history"].as_array().unwrap().len(), 4);
        assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], "sample");
    }

    #[test]
    fn the_link_is_the_last_layer_and_raw_layers_are_left_out() {
        let mut made = assembly(Format::Tar, Compression::Gzip);
        made.layers[0].layer_type.format = Format::Raw;
        let documents = made.assemble(&image("linux/amd64", ImageLayout::Link)).unwrap();
        let manifest = manifest(&documents);
        let (link, bytes) = &documents.blobs[0];
        assert_eq!((manifest.layers.len(), manifest.layers.last(), Digest::of(bytes)), (4, Some(link), link.digest));
        assert!(manifest.layers.iter().all(|layer| layer.digest != made.layers[0].blob.digest));
        let config: serde_json::Value = serde_json::from_slice(&documents.config_bytes).unwrap();
        assert_eq!(config["rootfs"]["diff_ids"][3], link.digest.to_string());
    }

    #[test]
    fn a_base_image_comes_first() {
        let blob = |content: &str, kind: &'static str| Descriptor::of(MediaType::of(kind), content.as_bytes());
        let read = |layer: &'static str, config: &'static str, content: &serde_json::Value| {
            let (layers, config) = (vec![blob("base", layer)], blob("config", config));
            BaseImage::read(&Manifest::new(MediaType::of("a"), config, layers), content.to_string().as_bytes())
        };
        let (layer, config) =
            ("application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.docker.container.image.v1+json");
        let content = serde_json::json!({
            "architecture": "arm64", "os": "linux", "variant": "v8",
            "rootfs": { "type": "layers", "diff_ids": ["sha256:x"] },
            "config": { "Env": ["PATH=/bin"], "Entrypoint": ["/bin/sh"], "Cmd": ["a"], "Labels": { "a": "b" } },
        });
        let base = read(layer, config, &content).unwrap();
        let form = Image { platform: Platform::host(), layout: ImageLayout::Link, base: Some(base) };
        let documents = assembly(Format::Tar, Compression::None).assemble(&Form::Image(Box::new(form))).unwrap();
        let first = &manifest(&documents).layers[0];
        assert_eq!(first.media_type.as_str(), "application/vnd.oci.image.layer.v1.tar+gzip");
        let made: serde_json::Value = serde_json::from_slice(&documents.config_bytes).unwrap();
        assert_eq!((&made["architecture"], &made["rootfs"]["diff_ids"][0]), (&"arm64".into(), &"sha256:x".into()));
        assert_eq!((made["history"].as_array().unwrap().len(), made["config"].get("Entrypoint")), (6, None));
        assert_eq!(made["config"]["Cmd"], serde_json::json!(["sleep", "infinity"]));
        assert_eq!((&made["config"]["Env"][0], &made["config"]["Labels"]["a"]), (&"PATH=/bin".into(), &"b".into()));

        let other = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
        assert!(matches!(read(other, config, &content), Err(InvalidBase::Layer { .. })));
        assert!(matches!(read(layer, "application/json", &content), Err(InvalidBase::NotAnImage(_))));
        assert!(matches!(read(layer, config, &serde_json::json!({})), Err(InvalidBase::Field(_))));
    }

    #[test]
    fn a_layer_that_a_form_cannot_list_is_refused() {
        let image = image("linux/amd64", ImageLayout::Link);
        let modelpack = Form::Artifact(Family::ModelPack);
        for (form, format, compression, expected) in [
            (
                &image,
                Format::Raw,
                Compression::None,
                "the layer `m.safetensors` is raw, and an image has no media type for such layers",
            ),
            (
                &modelpack,
                Format::Raw,
                Compression::Gzip,
                "the layer `m.safetensors` is raw and compressed, and a ModelPack has no media type for such layers",
            ),
        ] {
            let refused = assembly(format, compression).assemble(form).unwrap_err();
            assert_eq!(refused.to_string(), expected);
        }
        for form in [image, modelpack] {
            let empty = Assembly { layers: Vec::new(), ..assembly(Format::Tar, Compression::None) };
            assert!(matches!(empty.assemble(&form), Err(UnsupportedForm::NoLayers(_))));
        }
    }

    #[test]
    fn platforms_are_named_as_go_names_them() {
        for (text, is_platform) in
            [("linux/amd64", true), ("linux/arm64/v8", true), ("linux", false), ("a/b/c/d", false), ("linux//x", false)]
        {
            let parsed = text.parse::<Platform>().map(|platform| platform.to_string());
            assert_eq!(parsed.ok().as_deref(), is_platform.then_some(text), "{text}");
        }
    }
}
