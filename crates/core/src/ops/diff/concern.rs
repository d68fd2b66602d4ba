//! The area that a change affects: a part of a project, such as data or code, that often has its own owner.

use std::str::FromStr;

use crate::kitfile::Section;
use crate::relative_path::RelativePath;

/// A part of a project.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Concern {
    /// Weights, and what belongs to them: adapters, tokenizers.
    Model,
    /// Datasets.
    Data,
    /// Source code, prompts and MCP servers.
    Code,
    /// Parameters, and files that hold settings.
    Configuration,
    /// Documentation.
    Docs,
    /// Files that define how to build and run the project.
    Deployment,
}

impl Concern {
    /// All concerns, in the order in which they are listed.
    pub const ALL: [Self; 6] = [Self::Model, Self::Data, Self::Code, Self::Configuration, Self::Docs, Self::Deployment];

    /// The word for the concern.
    pub fn word(self) -> &'static str {
        match self {
            Self::Model => "model",
            Self::Data => "datasets",
            Self::Code => "code",
            Self::Configuration => "configuration",
            Self::Docs => "docs",
            Self::Deployment => "deployment",
        }
    }

    /// Returns the concern of the file `path` in a layer of `section`, as far as it can be derived from the name.
    pub(super) fn of_file(section: Section, path: &RelativePath) -> Self {
        let of_section = match section {
            Section::Model | Section::ModelPart => Self::Model,
            Section::Dataset => Self::Data,
            Section::Code | Section::Prompt | Section::McpServer => Self::Code,
            Section::Docs => Self::Docs,
        };
        if of_section == Self::Code && is_deployment(path) {
            Self::Deployment
        } else if matches!(of_section, Self::Code | Self::Model) && is_configuration(path) {
            Self::Configuration
        } else {
            of_section
        }
    }

    /// Returns the concern of the field `path` of a Kitfile.
    pub(super) fn of_field(path: &str) -> Self {
        match path.rsplit('.').next() {
            Some("remotePath" | "remoteHash") => Self::Data,
            Some("path") if path == "model.path" => Self::Model,
            _ => Self::Configuration,
        }
    }

    /// Returns true if a field of a Kitfile can have this concern.
    pub(super) fn has_fields(self) -> bool {
        matches!(self, Self::Data | Self::Model | Self::Configuration)
    }

    /// Returns true if a layer of `section` may contain a file of this concern.
    pub(super) fn may_be_in(self, section: Section) -> bool {
        match section {
            Section::Model | Section::ModelPart => matches!(self, Self::Model | Self::Configuration),
            Section::Code | Section::Prompt | Section::McpServer => {
                matches!(self, Self::Code | Self::Configuration | Self::Deployment)
            }
            Section::Dataset => self == Self::Data,
            Section::Docs => self == Self::Docs,
        }
    }
}

/// The error for a word that is not a concern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not one of model, datasets, code, configuration, docs, deployment")]
pub struct UnknownConcern(String);

impl FromStr for Concern {
    type Err = UnknownConcern;

    fn from_str(text: &str) -> Result<Self, UnknownConcern> {
        // The word of kit 0.1.
        let text = if text == "data" { Self::Data.word() } else { text };
        let found = Self::ALL.into_iter().find(|concern| concern.word() == text);
        found.ok_or_else(|| UnknownConcern(text.to_owned()))
    }
}

fn is_deployment(path: &RelativePath) -> bool {
    const FOLDERS: [&str; 6] = ["deploy", "deployment", "helm", "k8s", "kubernetes", "terraform"];
    const NAMES: [&str; 5] = ["dockerfile", "containerfile", "docker-compose", "compose", "chart"];
    let name = path.file_name().unwrap_or_default().to_lowercase();
    let stem = name.split('.').next().unwrap_or_default();
    NAMES.contains(&stem) || path.components().rev().skip(1).any(|folder| FOLDERS.contains(&folder))
}

/// Returns true if a file contains settings, by its name. Vocabularies and lists of shards do not count.
fn is_configuration(path: &RelativePath) -> bool {
    let name = path.file_name().unwrap_or_default();
    let is_of_weights = name == "tokenizer.json" || name == "vocab.json" || name.ends_with(".index.json");
    let ending = name.rsplit_once('.').map(|(_, ending)| ending);
    matches!(ending, Some("json" | "yaml" | "yml" | "toml" | "ini" | "cfg" | "conf" | "properties")) && !is_of_weights
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn section_and_name_determine_the_concern_of_a_file() {
        for (section, path, expected) in [
            (Section::Model, "m/model.safetensors", Concern::Model),
            (Section::Model, "m/config.json", Concern::Configuration),
            (Section::ModelPart, "tokenizer.json", Concern::Model),
            (Section::Model, "model.safetensors.index.json", Concern::Model),
            (Section::Dataset, "data/rows.json", Concern::Data),
            (Section::Code, "src/train.py", Concern::Code),
            (Section::Code, "src/settings.toml", Concern::Configuration),
            (Section::Code, "Dockerfile", Concern::Deployment),
            (Section::Code, "k8s/service.yaml", Concern::Deployment),
            (Section::Docs, "deploy/README.md", Concern::Docs),
            (Section::Prompt, "agents.md", Concern::Code),
        ] {
            let concern = Concern::of_file(section, &path.parse().unwrap());
            assert_eq!(concern, expected, "{path}");
            assert!(concern.may_be_in(section), "{path}");
        }
        for (path, expected) in [
            ("model.path", Concern::Model),
            ("datasets[x].remoteHash", Concern::Data),
            ("model.parameters.epochs", Concern::Configuration),
        ] {
            assert_eq!(Concern::of_field(path), expected);
            assert!(expected.has_fields());
        }
    }
}
