//! The config of a ModelPack: the properties of the model, and the digests of its uncompressed layers (ModelPack 0.0.7,
//! "Config").
//!
//! Its schema does not allow other fields, so the Kitfile is stored in an annotation of the manifest. Artifacts of
//! other tools do not have this annotation; then a Kitfile is derived from the layers and this config.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::annotations::annotated_path;
use super::layer_type::LayerType;
use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Code, Dataset, Docs, Kitfile, MANIFEST_VERSION, Model, ModelPart, Package, Section};
use crate::modelkit::artifact::InvalidModelKit;
use crate::modelkit::assemble::{Assembly, KITFILE};
use crate::modelkit::config::{Config, LayerDigests};
use crate::oci::{Descriptor, Manifest};

/// The properties of a model found in the headers of its weights, in the terms of the config.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ModelFacts {
    /// The architecture of the model: `llama`, `LlamaForCausalLM`.
    pub architecture: Option<String>,
    /// The format of the files of weights: `safetensors`, `gguf`.
    pub format: Option<String>,
    /// The number of weights: `6.7B`.
    pub param_size: Option<String>,
    /// The number formats of the weights, the most frequent first, separated by commas: `bfloat16`.
    pub precision: Option<String>,
    /// The quantization of the weights: `Q4_K_M`, `gptq`.
    pub quantization: Option<String>,
}

/// The config blob. It does not contain a date: equal files give equal bytes.
pub(crate) fn config(assembly: &Assembly) -> Vec<u8> {
    let Assembly { kitfile, layers, facts, .. } = assembly;
    let diff_ids: Vec<_> = layers.iter().map(|layer| layer.diff_id).collect();
    let config = json!({
        "descriptor": descriptor(kitfile),
        "config": technical(kitfile, facts),
        "modelfs": { "type": "layers", "diffIds": diff_ids },
    });
    serde_json::to_vec(&config).expect("strings and lists can be represented in JSON")
}

fn descriptor(kitfile: &Kitfile) -> Map<String, Value> {
    let Package { name, version, description, authors, .. } = &kitfile.package;
    // The title is the name, as KitOps writes it.
    let texts = [("name", name), ("version", version), ("title", name), ("description", description)];
    let texts = texts.into_iter().filter(|(_, text)| !text.is_empty());
    let mut members: Map<_, _> = texts.map(|(key, text)| (key.to_owned(), json!(text))).collect();
    let licenses = licenses(kitfile);
    let lists = [("authors", json!(authors), authors.len()), ("licenses", json!(licenses), licenses.len())];
    let lists = lists.into_iter().filter(|(_, _, length)| *length > 0);
    members.extend(lists.map(|(key, list, _)| (key.to_owned(), list)));
    members
}

/// The licences of all entries, sorted and without duplicates.
fn licenses(kitfile: &Kitfile) -> BTreeSet<&str> {
    let of_model = kitfile
        .model
        .iter()
        .flat_map(|model| std::iter::once(&model.license).chain(model.parts.iter().map(|part| &part.license)));
    let of_code = kitfile.code.iter().map(|code| &code.license);
    let of_datasets = kitfile.datasets.iter().map(|dataset| &dataset.license);
    let all = std::iter::once(&kitfile.package.license).chain(of_model).chain(of_code).chain(of_datasets);
    all.map(String::as_str).filter(|license| !license.is_empty()).collect()
}

fn technical(kitfile: &Kitfile, facts: &ModelFacts) -> Map<String, Value> {
    let ModelFacts { architecture, format, param_size, precision, quantization } = facts.clone();
    let written = || kitfile.model.as_ref().map(|model| model.format.clone()).filter(|format| !format.is_empty());
    let members = [
        ("architecture", architecture),
        ("format", format.or_else(written)),
        ("paramSize", param_size),
        ("precision", precision),
        ("quantization", quantization),
    ];
    members.into_iter().filter_map(|(key, text)| Some((key.to_owned(), json!(text?)))).collect()
}

/// The Kitfile of a ModelPack with the digests of its layers: the one in its annotations, or else one that lists every
/// layer of a known type.
pub(crate) fn read(manifest: &Manifest, config: &[u8]) -> Result<Config, InvalidModelKit> {
    if let Some(kitfile) = manifest.annotations.get(KITFILE) {
        return Config::from_json(kitfile.as_bytes()).map_err(InvalidModelKit::Kitfile);
    }
    let document = serde_json::from_slice(config).map_err(InvalidModelKit::ModelPackConfig)?;
    describe_foreign(manifest, &Document(document))
}

fn describe_foreign(manifest: &Manifest, document: &Document) -> Result<Config, InvalidModelKit> {
    let mut kitfile =
        Kitfile { manifest_version: MANIFEST_VERSION.to_owned(), package: document.package(), ..Kitfile::default() };
    let mut owners = Vec::new();
    for (position, layer) in manifest.layers.iter().enumerate() {
        let Some(layer_type) = LayerType::of(layer) else { continue };
        let path = annotated_path(layer).ok_or(InvalidModelKit::NoPath(layer.digest))?;
        let (section, index) = enter(&mut kitfile, layer_type.section, path.to_owned());
        owners.push(((section, index), document.digests(position, layer, layer_type.compression)));
    }
    if let Some(model) = &mut kitfile.model {
        model.format = document.text("/config/format");
    }
    let add = |config: Config, ((section, index), digests)| config.with_layer(section, index, digests);
    Ok(owners.into_iter().fold(Config::new(kitfile), add))
}

/// Adds an entry for a layer, and returns its section and index.
fn enter(kitfile: &mut Kitfile, section: Section, path: String) -> (Section, usize) {
    match section {
        Section::Model | Section::ModelPart => enter_in_model(kitfile.model.get_or_insert_default(), section, path),
        // A prompt has a name in a Kitfile. A ModelPack has none, so a prompt becomes a file or folder of code.
        Section::Code | Section::Prompt | Section::McpServer => {
            (Section::Code, push(&mut kitfile.code, Code { path, ..Code::default() }))
        }
        Section::Dataset => (Section::Dataset, push(&mut kitfile.datasets, Dataset { path, ..Dataset::default() })),
        Section::Docs => (Section::Docs, push(&mut kitfile.docs, Docs { path, ..Docs::default() })),
    }
}

/// The first weight becomes the model, all others become its parts.
fn enter_in_model(model: &mut Model, section: Section, path: String) -> (Section, usize) {
    if section == Section::Model && model.path.is_empty() {
        model.path = path;
        return (Section::Model, 0);
    }
    (Section::ModelPart, push(&mut model.parts, ModelPart { path, ..ModelPart::default() }))
}

/// Appends to the list and returns the index of the new item.
fn push<T>(list: &mut Vec<T>, new: T) -> usize {
    list.push(new);
    list.len() - 1
}

/// A config written by another tool. Fields that are missing or of another type count as left out.
struct Document(Value);

impl Document {
    fn text(&self, pointer: &str) -> String {
        self.0.pointer(pointer).and_then(Value::as_str).unwrap_or_default().to_owned()
    }

    fn texts(&self, pointer: &str) -> Vec<String> {
        let list = self.0.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
    }

    fn package(&self) -> Package {
        let name = ["/descriptor/name", "/descriptor/title"].map(|pointer| self.text(pointer));
        Package {
            name: name.into_iter().find(|name| !name.is_empty()).unwrap_or_default(),
            version: self.text("/descriptor/version"),
            description: self.text("/descriptor/description"),
            // All of them apply (SPDX, "License expressions").
            license: self.texts("/descriptor/licenses").join(" AND "),
            authors: self.texts("/descriptor/authors"),
        }
    }

    /// The digests of a layer. Some releases of KitOps write wrong digests of uncompressed layers, so they are only
    /// used where they are needed. The first versions of the format use the name `diff_ids`.
    fn digests(&self, position: usize, layer: &Descriptor, compression: Compression) -> LayerDigests {
        let listed =
            ["/modelfs/diffIds", "/modelfs/diff_ids"].into_iter().find_map(|list| self.0.pointer(list)?.get(position));
        let diff_id = match compression {
            Compression::None => Some(layer.digest),
            _ => listed.and_then(Value::as_str).and_then(|text| text.parse::<Digest>().ok()),
        };
        LayerDigests { digest: layer.digest, diff_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::modelkit::artifact::ModelKit;
    use crate::oci::MediaType;

    fn layer(media_type: &str, annotations: &[(&str, &str)]) -> Descriptor {
        let mut layer = Descriptor::of(media_type.to_owned().into(), media_type.as_bytes());
        layer.annotations.extend(annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
        layer
    }

    /// An artifact of another tool, without a Kitfile.
    fn read_foreign(family: &str, config: &Value, layers: Vec<Descriptor>) -> Result<ModelKit, InvalidModelKit> {
        let artifact_type = format!("application/vnd.{family}.model.manifest.v1+json");
        let config = config.to_string();
        let descriptor = Descriptor::of(MediaType::of("application/octet-stream"), config.as_bytes());
        ModelKit::read(Manifest::new(artifact_type.into(), descriptor, layers), config.as_bytes())
    }

    fn places(modelkit: &ModelKit) -> Vec<String> {
        let place =
            |layer: &crate::modelkit::artifact::Layer| format!("{:?}[{}] {}", layer.section, layer.index, layer.path);
        modelkit.layers.iter().map(place).collect()
    }

    #[test]
    fn an_artifact_of_another_tool_gets_a_kitfile_of_its_layers() {
        for (family, tool) in [("cncf", "modctl 0.2"), ("cnai", "modctl 0.1")] {
            let typed = |rest: &str| format!("application/vnd.{family}.model.{rest}");
            let filepath = format!("org.{family}.model.filepath");
            let at = |path| [(filepath.as_str(), path)];
            let layers = vec![
                layer(&typed("weight.config.v1.raw"), &at("config.json")),
                layer(&typed("doc.v1.raw"), &at("README.md")),
                layer(&typed("weight.v1.raw"), &at("model-00001-of-00002.safetensors")),
                layer(&typed("weight.v1.tar"), &at("model-00002-of-00002.safetensors")),
                layer(&typed("code.v1.tar+gzip"), &at("src/")),
                layer(&typed("dataset.v1.raw"), &at("data/train.csv")),
            ];
            let config = json!({
                "descriptor": {
                    "name": "llama", "version": "3.1", "authors": ["Meta"], "licenses": ["MIT", "Apache-2.0"],
                },
                "config": { "format": "safetensors", "paramSize": "8b" },
                "modelfs": { "type": "layers", "diffIds": ["", "", "", "", Digest::of(b"src"), ""] },
            });
            let modelkit = read_foreign(family, &config, layers).unwrap();
            let expected = [
                "ModelPart[0] config.json",
                "Docs[0] README.md",
                "Model[0] model-00001-of-00002.safetensors",
                "ModelPart[1] model-00002-of-00002.safetensors",
                "Code[0] src",
                "Dataset[0] data/train.csv",
            ];
            assert_eq!(places(&modelkit), expected, "{tool}");
            assert_eq!(modelkit.layers[4].diff_id, Some(Digest::of(b"src")));
            assert_eq!(modelkit.layers[0].diff_id, Some(modelkit.layers[0].descriptor.digest));
            let Kitfile { package, model, .. } = &modelkit.config.kitfile;
            assert_eq!((&*package.name, &*package.license), ("llama", "MIT AND Apache-2.0"));
            assert_eq!(model.as_ref().unwrap().format, "safetensors");
        }
    }

    #[test]
    fn dockers_model_layers_are_read() {
        let gguf = layer("application/vnd.cncf.model.weight.v1.gguf", &[("org.opencontainers.image.title", "m.gguf")]);
        let modelkit = read_foreign("cncf", &json!({ "config": { "gguf": {} } }), vec![gguf]).unwrap();
        assert_eq!(places(&modelkit), ["Model[0] m.gguf"]);
    }

    #[test]
    fn layers_of_unknown_types_are_left_out_of_the_kitfile() {
        let license = layer("application/vnd.docker.ai.license", &[("org.cncf.model.filepath", "LICENSE")]);
        let weight = layer("application/vnd.cncf.model.weight.v1.raw", &[("org.cncf.model.filepath", "m")]);
        let modelkit = read_foreign("cncf", &json!({}), vec![license.clone(), weight]).unwrap();
        assert_eq!(places(&modelkit), ["Model[0] m"]);
        assert_eq!(modelkit.other_layers().collect::<Vec<_>>(), [&license]);
        assert!(!modelkit.lists_layers());
    }

    #[test]
    fn layers_without_a_usable_path_are_refused() {
        let weight = "application/vnd.cncf.model.weight.v1.raw";
        let no_path = read_foreign("cncf", &json!({}), vec![layer(weight, &[])]).unwrap_err();
        assert!(matches!(no_path, InvalidModelKit::NoPath(_)), "{no_path}");
        let outside = layer(weight, &[("org.cncf.model.filepath", "../m")]);
        let outside = read_foreign("cncf", &json!({}), vec![outside]).unwrap_err();
        assert!(matches!(outside, InvalidModelKit::Path { .. }), "{outside}");
    }

    #[test]
    fn kitops_labels_shards_as_config_and_the_kitfile_takes_precedence() {
        let parts = ["model.bin", "shard-2.safetensors"];
        let types = ["weight.v1.tar", "weight.config.v1.tar"];
        let layers: Vec<_> = types.map(|rest| layer(&format!("application/vnd.cncf.model.{rest}"), &[])).into();
        let config = json!({}).to_string();
        let descriptor = Descriptor::of(MediaType::of("application/vnd.cncf.model.config.v1+json"), config.as_bytes());
        let kitfile = json!({ "model": { "path": parts[0], "digest": layers[0].digest, "parts": [
            { "path": parts[1], "name": "shard", "digest": layers[1].digest },
        ] } });
        let mut manifest = Manifest::new(MediaType::of("dropped"), descriptor, layers);
        manifest.annotations.insert(KITFILE.to_owned(), kitfile.to_string());
        let modelkit = ModelKit::read(manifest, config.as_bytes()).unwrap();
        assert_eq!(places(&modelkit), ["Model[0] model.bin", "ModelPart[0] shard-2.safetensors"]);
        assert_eq!(modelkit.layers[1].name, "shard");
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_configs_never_panic(bytes: Vec<u8>) {
            let descriptor = Descriptor::of(MediaType::of("c"), &bytes);
            let artifact_type = MediaType::of("application/vnd.cncf.model.manifest.v1+json");
            drop(ModelKit::read(Manifest::new(artifact_type, descriptor, Vec::new()), &bytes));
        }
    }
}
