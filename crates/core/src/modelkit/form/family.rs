//! The families of artifacts that contain a model. They differ in their names and in the content of their config, not
//! in layers.
//!
//! All names are defined in this file, for reading and for writing artifacts.

use std::fmt;

use crate::file_kind::is_model_file;
use crate::kitfile::Section;
use crate::oci::{Descriptor, Manifest, MediaType};
use crate::relative_path::RelativePath;

/// The specification that an artifact follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Family {
    /// `KitOps`: the config is the Kitfile.
    #[default]
    ModelKit,
    /// CNCF `ModelPack`: the config describes the model, and the Kitfile is an optional annotation.
    ModelPack,
    /// A `ModelPack` with the names of its first year, the only ones that some registries and tools support.
    LegacyModelPack,
}

/// The words for the layers of a section in a `ModelKit` and in a `ModelPack` (`ModelPack`, "Manifest"). A `ModelPack`
/// has no MCP servers; other forms treat their bundles as files of code.
const WORDS: [(Section, &str, &str); 6] = [
    (Section::Model, "model", "weight"),
    (Section::ModelPart, "modelpart", "weight.config"),
    (Section::Code, "code", "code"),
    (Section::Dataset, "dataset", "dataset"),
    (Section::Docs, "docs", "doc"),
    (Section::McpServer, "mcpb", "code"),
];

impl Family {
    pub(super) const ALL: [Self; 3] = [Self::ModelKit, Self::ModelPack, Self::LegacyModelPack];

    /// The family of a manifest, by artifact type or by config type: older tools do not write an artifact type, and
    /// some registries drop it.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let is_meant = |family: &Self| {
            manifest.artifact_type.as_ref() == Some(&family.artifact_type())
                || manifest.config.media_type == family.config_type()
        };
        Self::ALL.into_iter().find(is_meant)
    }

    /// The artifact type of its manifests.
    pub(crate) fn artifact_type(self) -> MediaType {
        format!("{}manifest.v1+json", self.prefix()).into()
    }

    /// The media type of its configs.
    pub(crate) fn config_type(self) -> MediaType {
        format!("{}config.v1+json", self.prefix()).into()
    }

    /// The common prefix of its media types.
    pub(super) fn prefix(self) -> &'static str {
        match self {
            Self::ModelKit => "application/vnd.kitops.modelkit.",
            Self::ModelPack => "application/vnd.cncf.model.",
            Self::LegacyModelPack => "application/vnd.cnai.model.",
        }
    }

    /// The common prefix of its layer annotations: a `ModelKit` uses those of a `ModelPack`.
    pub(super) fn annotation_prefix(self) -> &'static str {
        match self {
            Self::ModelKit | Self::ModelPack => "org.cncf.model.",
            Self::LegacyModelPack => "org.cnai.model.",
        }
    }

    /// The word in media types for a layer of `section` with this path.
    pub(super) fn word(self, section: Section, path: &RelativePath) -> &'static str {
        let is_weight = section == Section::ModelPart && path.file_name().is_some_and(is_model_file);
        match self {
            Self::ModelKit => section_word(section),
            Self::ModelPack | Self::LegacyModelPack if is_weight => pack_word(Section::Model),
            Self::ModelPack | Self::LegacyModelPack => pack_word(section),
        }
    }

    /// The section for `word` in a media type.
    pub(super) fn section(self, word: &str) -> Option<Section> {
        let found = WORDS.iter().find(|(_, kit, pack)| word == if self == Self::ModelKit { *kit } else { *pack });
        found.map(|(section, ..)| *section)
    }

    /// Returns true if a layer whose type indicates section `found` may belong to an entry of section `wanted`. In a
    /// `ModelPack` the word does not distinguish a model from its parts, and KitOps uses `weight.config` for every
    /// part.
    pub(crate) fn may_be(self, found: Section, wanted: Section) -> bool {
        let is_of_model = |section| matches!(section, Section::Model | Section::ModelPart);
        found == wanted || (self != Self::ModelKit && is_of_model(found) && is_of_model(wanted))
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ModelKit => "ModelKit",
            Self::ModelPack => "ModelPack",
            Self::LegacyModelPack => "ModelPack (cnai)",
        })
    }
}

/// The word for a section in the media types of a `ModelKit`.
pub(in crate::modelkit::form) fn section_word(section: Section) -> &'static str {
    words(section).1
}

fn pack_word(section: Section) -> &'static str {
    words(section).2
}

/// The words for a section. Prompts are stored as code.
fn words(section: Section) -> (Section, &'static str, &'static str) {
    let section = if section == Section::Prompt { Section::Code } else { section };
    WORDS.into_iter().find(|(listed, ..)| *listed == section).expect("every section but prompts has its line")
}

/// Returns true if `blob` is a config of any family.
pub(crate) fn is_config(blob: &Descriptor) -> bool {
    Family::ALL.into_iter().any(|family| family.config_type() == blob.media_type)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(artifact_type: Option<&'static str>, config_type: &'static str) -> Manifest {
        let config = Descriptor::of(MediaType::of(config_type), b"{}");
        let mut manifest = Manifest::new(MediaType::of("replaced"), config, Vec::new());
        manifest.artifact_type = artifact_type.map(MediaType::of);
        manifest
    }

    #[test]
    fn a_family_is_identified_by_its_artifact_type_or_its_config_type() {
        const IMAGE: &str = "application/vnd.oci.image.config.v1+json";
        for (artifact_type, config_type, expected) in [
            (None, "application/vnd.kitops.modelkit.config.v1+json", Some(Family::ModelKit)),
            (Some("application/vnd.kitops.modelkit.manifest.v1+json"), IMAGE, Some(Family::ModelKit)),
            (None, "application/vnd.cncf.model.config.v1+json", Some(Family::ModelPack)),
            (Some("application/vnd.cncf.model.manifest.v1+json"), IMAGE, Some(Family::ModelPack)),
            (None, "application/vnd.cnai.model.config.v1+json", Some(Family::LegacyModelPack)),
            (Some("application/vnd.cnai.model.manifest.v1+json"), IMAGE, Some(Family::LegacyModelPack)),
            (None, IMAGE, None),
        ] {
            assert_eq!(Family::of(&manifest(artifact_type, config_type)), expected, "{artifact_type:?} {config_type}");
        }
    }

    #[test]
    fn files_with_weights_are_recognised() {
        for (section, path, expected) in [
            (Section::Model, "model", "weight"),
            (Section::ModelPart, "model-00002-of-00009.safetensors", "weight"),
            (Section::ModelPart, "lora/adapter.gguf", "weight"),
            (Section::ModelPart, "tokenizer.json", "weight.config"),
            (Section::ModelPart, "lora", "weight.config"),
            (Section::Prompt, "skills", "code"),
            (Section::Docs, "README.md", "doc"),
        ] {
            assert_eq!(Family::ModelPack.word(section, &path.parse().unwrap()), expected, "{section:?} {path}");
        }
    }
}
