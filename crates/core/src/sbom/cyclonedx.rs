//! CycloneDX documents.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::facts::{BilledFile, MainKind, SbomFacts};
use super::json::{encode, text};
use super::license::License;
use super::purl::{encode as percent, purl};
use crate::digest::Digest;
use crate::kitfile::{Dataset, Section};
use crate::oci::Reference;
use crate::version::VERSION;

/// The version of the CycloneDX specification.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CycloneDxVersion {
    /// 1.6
    V1_6,
    /// 1.7
    V1_7,
}

/// Makes a CycloneDX document.
pub fn cyclonedx(facts: &SbomFacts, version: CycloneDxVersion) -> Vec<u8> {
    let version = match version {
        CycloneDxVersion::V1_6 => "1.6",
        CycloneDxVersion::V1_7 => "1.7",
    };
    let mut names = Names::default();
    let main = names.unique(&format!("model:{}", percent(&facts.title())));
    let datasets: Vec<_> = facts.kitfile.datasets.iter().enumerate().collect();
    let references: Vec<_> = datasets
        .iter()
        .map(|(index, dataset)| names.unique(&format!("data:{}", percent(&SbomFacts::dataset_name(*index, dataset)))))
        .collect();
    let parent =
        facts.parent.as_ref().map(|parent| (names.unique(&format!("parent:{}", percent(&parent.to_string()))), parent));
    let mut components: Vec<Value> = Vec::new();
    components.extend(of_sections(facts, &[Section::Model, Section::ModelPart], &mut names));
    for ((index, dataset), reference) in datasets.iter().zip(&references) {
        let files: Vec<_> = facts.dataset_files(*index).map(|file| of_file(file, &mut names)).collect();
        components.push(of_dataset(facts, (*index, dataset), reference, &files));
    }
    for section in [Section::Code, Section::Docs, Section::Prompt, Section::McpServer] {
        components.extend(of_sections(facts, &[section], &mut names));
    }
    components.extend(parent.iter().map(|(reference, parent)| ancestor(Some(reference), parent)));
    let depends_on: Vec<_> = references.iter().chain(parent.iter().map(|(reference, _)| reference)).collect();
    let dependencies =
        if depends_on.is_empty() { Value::Null } else { json!([{ "ref": main, "dependsOn": depends_on }]) };
    encode(json!({
        "$schema": format!("http://cyclonedx.org/schema/bom-{version}.schema.json"),
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "serialNumber": serial_number(facts.identity()),
        "version": 1,
        "metadata": {
            "tools": { "components": [{ "type": "application", "name": "kit", "version": VERSION }] },
            "lifecycles": if facts.is_folder() { json!([{ "phase": "pre-build" }]) } else { Value::Null },
            "component": main_component(facts, &main, &references, facts.parent.as_ref()),
        },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// The `bom-ref`s of a document, each of which must be unique.
#[derive(Default)]
struct Names(HashSet<String>);

impl Names {
    fn unique(&mut self, name: &str) -> String {
        let mut unique = name.to_owned();
        let mut number = 2;
        while !self.0.insert(unique.clone()) {
            unique = format!("{name}#{number}");
            number += 1;
        }
        unique
    }
}

/// A UUID of version 8 (RFC 9562, 5.8) with bytes of the digest.
fn serial_number(digest: &Digest) -> String {
    let mut hex = digest.hex()[..32].to_owned();
    hex.replace_range(12..13, "8");
    let variant = u8::from_str_radix(&hex[16..17], 16).unwrap_or_default() & 0b0011 | 0b1000;
    hex.replace_range(16..17, &format!("{variant:x}"));
    format!("urn:uuid:{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

fn main_component(facts: &SbomFacts, reference: &str, datasets: &[String], parent: Option<&Reference>) -> Value {
    let kind = facts.kind();
    let author = |author: &String| json!({ "name": author });
    json!({
        "type": match kind {
            MainKind::Model => MODEL,
            MainKind::Data => "data",
            MainKind::Application => "application",
        },
        "bom-ref": reference,
        "authors": facts.kitfile.package.authors.iter().map(author).collect::<Vec<_>>(),
        "name": facts.title(),
        "version": text(facts.version()),
        "description": text(facts.description()),
        "hashes": facts.digest().map(hashes),
        "licenses": licenses(facts.license()),
        "purl": facts.purl(),
        "modelCard": if kind == MainKind::Model { model_card(facts, datasets) } else { Value::Null },
        "pedigree": { "ancestors": parent.map(|parent| [ancestor(None, parent)]) },
    })
}

const MODEL: &str = "machine-learning-model";

/// The ModelKit that the model is taken from: as an ancestor, and as a component with a `reference` for dependencies.
fn ancestor(reference: Option<&str>, parent: &Reference) -> Value {
    json!({
        "type": MODEL,
        "bom-ref": reference,
        "name": parent.without_digest().to_string(),
        "hashes": parent.digest.as_ref().map(hashes),
        "purl": parent.digest.as_ref().and_then(|digest| purl(parent, digest)),
    })
}

fn model_card(facts: &SbomFacts, datasets: &[String]) -> Value {
    let model = &facts.model;
    let metric = |(name, value): (String, String)| json!({ "type": name, "value": value });
    json!({
        "modelParameters": {
            "task": model.task,
            "architectureFamily": model.family,
            "modelArchitecture": model.architecture,
            "datasets": datasets.iter().map(|reference| json!({ "ref": reference })).collect::<Vec<_>>(),
        },
        "quantitativeAnalysis": {
            "performanceMetrics": facts.metrics().into_iter().map(metric).collect::<Vec<_>>(),
        },
        "properties": model_properties(facts),
    })
}

fn model_properties(facts: &SbomFacts) -> Vec<Value> {
    let model = &facts.model;
    let given = facts.kitfile.model.as_ref();
    let given =
        |field: fn(&crate::kitfile::Model) -> &String| given.map(field).filter(|text| !text.is_empty()).cloned();
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let mut properties = Vec::new();
    let mut add = |name: &str, value: Option<String>| properties.extend(value.map(|value| property(name, &value)));
    add("kit:framework", given(|model| &model.framework));
    add("kit:format", given(|model| &model.format).or_else(|| model.format.clone()));
    add("kit:parameters", number(model.parameters));
    add("kit:tensors", number(model.tensors));
    for (name, count) in &model.tensor_types {
        add("kit:tensor-type", Some(format!("{name}:{count}")));
    }
    add("kit:quantization", model.quantization.clone());
    add("kit:context-length", number(model.context_length));
    for (name, value) in facts.parameters() {
        add(&format!("kit:parameter:{name}"), Some(value));
    }
    properties
}

fn property(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

fn hashes(digest: &Digest) -> Value {
    json!([{ "alg": "SHA-256", "content": digest.hex() }])
}

fn licenses(license: &str) -> Value {
    match License::of(license) {
        None => Value::Null,
        Some(License::Id(id)) => json!([{ "license": { "id": id } }]),
        Some(License::Expression(expression)) => json!([{ "expression": expression }]),
        Some(License::Text(name)) => json!([{ "license": { "name": name } }]),
    }
}

fn of_sections(facts: &SbomFacts, sections: &[Section], names: &mut Names) -> Vec<Value> {
    let of_these = facts.files.iter().filter(|file| sections.contains(&file.section));
    of_these.map(|file| of_file(file, names)).collect()
}

/// A file. The layer is given for the files of a model, which are fetched one by one.
fn of_file(file: &BilledFile, names: &mut Names) -> Value {
    let layer = file.layer.map_or(Value::Null, |layer| property("kit:layer", &layer.to_string()));
    let role = |role: &str| property("kit:role", role);
    let properties = match file.section {
        Section::Model => vec![layer, role("model")],
        Section::ModelPart => vec![layer, role("modelpart")],
        Section::Dataset => Vec::new(),
        Section::Code => vec![role("code")],
        Section::Docs => vec![role("docs")],
        Section::Prompt => vec![role("prompt")],
        Section::McpServer => vec![role("mcpserver")],
    };
    json!({
        "type": "file",
        "bom-ref": names.unique(&format!("file:{}", percent(&file.path))),
        "name": file.path,
        "hashes": hashes(&file.digest),
        "properties": properties,
    })
}

fn of_dataset(facts: &SbomFacts, (index, dataset): (usize, &Dataset), reference: &str, files: &[Value]) -> Value {
    let name = SbomFacts::dataset_name(index, dataset);
    let digest = if dataset.is_remote() {
        dataset.remote_digest()
    } else {
        facts.dataset_layer(index).map(|layer| layer.digest)
    };
    let path = if dataset.path.is_empty() { Vec::new() } else { vec![property("kit:path", &dataset.path)] };
    json!({
        "type": "data",
        "bom-ref": reference,
        "name": name,
        "description": text(&dataset.description),
        "hashes": digest.as_ref().map(hashes),
        "licenses": licenses(&dataset.license),
        "data": [{
            "type": "dataset",
            "name": name,
            "contents": { "url": text(&address(&dataset.remote_path)), "properties": path },
        }],
        "components": files,
    })
}

/// An address whose characters are those of an IRI reference.
fn address(url: &str) -> String {
    let is_allowed = |c: char| !c.is_control() && !c.is_whitespace() && !"<>\"{}|\\^`".contains(c);
    let encoded = |c: char| percent(c.encode_utf8(&mut [0; 4]));
    url.chars().map(|c| if is_allowed(c) { c.to_string() } else { encoded(c) }).collect()
}
