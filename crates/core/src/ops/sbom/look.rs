//! Reading the files of a layer for a bill of materials: their digests, and the documents that describe the model.

use std::io::{self, Read};
use std::ops::ControlFlow;

use serde_json::Value;

use crate::draft::detect_license;
use crate::limits;
use crate::modelkit::Layer;
use crate::oci::Source;
use crate::ops::error::Error;
use crate::ops::files::{Headers, Held, Member, buffer, digest, skim};
use crate::progress::Silent;
use crate::relative_path::RelativePath;
use crate::sbom::BilledFile;

/// The class of a model and its family, by its `config.json`.
#[derive(Debug, Clone, Default)]
pub(super) struct ModelConfig {
    pub(super) family: Option<String>,
    pub(super) architecture: Option<String>,
}

/// The files of layers, and the documents among them.
#[derive(Debug, Default)]
pub(super) struct Looked {
    pub(super) files: Vec<BilledFile>,
    /// The configs of models, each with its folder.
    pub(super) configs: Vec<(RelativePath, ModelConfig)>,
    /// The identifiers of the licences whose texts were found.
    pub(super) licenses: Vec<String>,
    /// The task in a model card.
    pub(super) task: Option<String>,
}

impl Looked {
    /// Adds what was found in the next layer.
    pub(super) fn add(&mut self, more: Self) {
        self.files.extend(more.files);
        self.configs.extend(more.configs);
        self.licenses.extend(more.licenses);
        self.task = self.task.take().or(more.task);
    }

    /// The config in the nearest parent folder of `path`.
    pub(super) fn config_of(&self, path: &RelativePath) -> Option<&ModelConfig> {
        let folders = std::iter::successors(path.parent(), RelativePath::parent);
        folders.into_iter().find_map(|folder| self.configs.iter().find(|(at, _)| *at == folder).map(|(_, it)| it))
    }
}

/// Reads the files of `layer`.
pub(super) fn look(source: &dyn Source, layer: &Layer) -> Result<Looked, Error> {
    let mut looked = Looked::default();
    let held = Held::new(limits::LISTED_FILES);
    let done = skim(source, layer, Headers::Compare, &mut |member, content| {
        if !member.is_directory {
            held.add(&member.path)?;
            looked.take(layer, member, content)?;
        }
        Ok(ControlFlow::Continue(()))
    });
    done.map(|_| looked)
}

impl Looked {
    fn take(&mut self, layer: &Layer, member: &Member, mut content: &mut dyn Read) -> Result<(), Error> {
        let failed = |error: io::Error| Error::reading(&format!("`{}`", member.path), error.into());
        let mut text = Vec::new();
        let wanted = Document::of(&member.path, layer).filter(|_| member.size.is_some_and(|size| size <= LIMIT));
        if let Some(document) = wanted {
            content.read_to_end(&mut text).map_err(failed)?;
            self.read(document, member, &String::from_utf8_lossy(&text));
        }
        let (digest, size) = match (member.digest, member.size) {
            (Some(digest), Some(size)) => (digest, size),
            _ => digest(&mut (&*text).chain(&mut content), &mut buffer(member.size), &Silent).map_err(failed)?,
        };
        let path = member.path.to_string();
        let (section, index, layer) = (layer.section, layer.index, Some(layer.descriptor.digest));
        self.files.push(BilledFile { path, digest, size, section, index, layer });
        Ok(())
    }

    fn read(&mut self, document: Document, member: &Member, text: &str) {
        match document {
            Document::Config => {
                let config = serde_json::from_str(text).ok().and_then(|config| model_config(&config));
                self.configs.extend(member.path.parent().zip(config));
            }
            Document::License => self.licenses.extend(detect_license(text).map(str::to_owned)),
            Document::Card => self.task = self.task.take().or_else(|| task(text)),
        }
    }
}

/// The largest document that is read.
const LIMIT: u64 = limits::MODEL_CONFIG_BYTES;

/// A document that describes a model.
#[derive(Debug, Clone, Copy)]
enum Document {
    Config,
    License,
    Card,
}

impl Document {
    /// The kind of document with this name. Those of datasets do not describe the model.
    fn of(path: &RelativePath, layer: &Layer) -> Option<Self> {
        let name = path.file_name().filter(|_| layer.section != crate::kitfile::Section::Dataset)?;
        let stem = name.split_once('.').map_or(name, |(stem, _)| stem).to_ascii_lowercase();
        match stem.as_str() {
            _ if name == "config.json" => Some(Self::Config),
            _ if name == "README.md" => Some(Self::Card),
            "license" | "licence" | "copying" => Some(Self::License),
            _ => None,
        }
    }
}

fn model_config(config: &Value) -> Option<ModelConfig> {
    let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
    let family = text(config.get("model_type"));
    let architecture = text(config.get("architectures").and_then(|classes| classes.get(0)));
    (family.is_some() || architecture.is_some()).then_some(ModelConfig { family, architecture })
}

/// The task in the front matter of a model card.
pub(crate) fn task(card: &str) -> Option<String> {
    let mut lines = card.lines();
    lines.next().filter(|line| line.trim_end() == "---")?;
    let mut front_matter = lines.take_while(|line| line.trim_end() != "---");
    let value = front_matter.find_map(|line| line.strip_prefix("pipeline_tag:"))?;
    let value = value.split(" #").next().unwrap_or_default().trim().trim_matches(['"', '\'']);
    (!value.is_empty()).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_task_is_in_the_front_matter_only() {
        for (card, expected) in [
            ("---\nlicense: mit\npipeline_tag: text-classification # x\n---\n# A", Some("text-classification")),
            ("---\npipeline_tag: 'fill-mask'\n---\n", Some("fill-mask")),
            ("---\nlicense: mit\n---\npipeline_tag: fill-mask\n", None),
            ("pipeline_tag: fill-mask\n", None),
            ("", None),
        ] {
            assert_eq!(task(card).as_deref(), expected, "{card}");
        }
    }
}
