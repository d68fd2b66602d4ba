//! SPDX 3.0.1 documents in JSON-LD.

use std::collections::HashSet;

use serde_json::{Value, json};

use super::facts::{BilledFile, MainKind, SbomFacts};
use super::json::{encode, text};
use super::license::License;
use super::purl::{encode as percent, purl};
use crate::digest::Digest;
use crate::kitfile::{Dataset, Section};
use crate::version::VERSION;

/// The time of a ModelKit without a record of its packing.
const UNKNOWN_TIME: &str = "1970-01-01T00:00:00Z";

/// The node of the creation, which has no identifier outside of the document.
const CREATION: &str = "_:creation";

/// Makes an SPDX document.
pub fn spdx(facts: &SbomFacts) -> Vec<u8> {
    let mut document = Document::new(facts);
    document.add_packages();
    document.add_licenses();
    document.add_files();
    document.add_relationships();
    document.finish()
}

/// An SPDX document that is being made.
struct Document<'a> {
    facts: &'a SbomFacts,
    created: &'a str,
    /// The time of packing, which the elements of a folder do not have.
    packed: Option<&'a str>,
    ids: HashSet<String>,
    /// The identifiers of the packages and files, in order.
    elements: Vec<String>,
    nodes: Vec<Value>,
    persons: Vec<String>,
    datasets: Vec<(String, &'a Dataset)>,
    licenses: Vec<(String, String)>,
    /// The identifiers of the files of the model.
    model_files: Vec<String>,
    /// The identifiers of the files of each dataset.
    dataset_files: Vec<Vec<String>>,
}

impl<'a> Document<'a> {
    fn new(facts: &'a SbomFacts) -> Self {
        let created = facts.created.as_deref().unwrap_or(UNKNOWN_TIME);
        Self {
            facts,
            created,
            packed: (!facts.is_folder()).then_some(created),
            ids: HashSet::new(),
            elements: Vec::new(),
            nodes: Vec::new(),
            persons: Vec::new(),
            datasets: Vec::new(),
            licenses: Vec::new(),
            model_files: Vec::new(),
            dataset_files: vec![Vec::new(); facts.kitfile.datasets.len()],
        }
    }

    /// Returns the identifier of an element. Of two with the same name, the second gets a number.
    fn id(&mut self, name: &str) -> String {
        let mut unique = format!("https://kit.example/spdx/{}#{name}", self.facts.identity().hex());
        let mut number = 2;
        while !self.ids.insert(unique.clone()) {
            unique = format!("https://kit.example/spdx/{}#{name}-{number}", self.facts.identity().hex());
            number += 1;
        }
        unique
    }

    fn add_packages(&mut self) {
        let facts = self.facts;
        let model = self.id("model");
        self.elements.push(model.clone());
        let authors = &facts.kitfile.package.authors;
        self.persons = authors.iter().map(|_| self.id("supplier")).collect();
        self.nodes.push(self.main_package(&model));
        for (id, name) in self.persons.iter().zip(authors) {
            let person = json!({ "type": "Person", "spdxId": id, "creationInfo": CREATION, "name": name });
            self.nodes.push(person);
        }
        for (index, dataset) in facts.kitfile.datasets.iter().enumerate() {
            let name = SbomFacts::dataset_name(index, dataset);
            let id = self.id(&format!("dataset-{}", percent(&name)));
            self.elements.push(id.clone());
            self.nodes.push(self.dataset_package(&id, &name, (index, dataset)));
            self.datasets.push((id, dataset));
        }
    }

    fn main_package(&self, id: &str) -> Value {
        let facts = self.facts;
        let (kind, purpose) = match facts.kind() {
            MainKind::Model => ("ai_AIPackage", "model"),
            MainKind::Data => ("dataset_DatasetPackage", "data"),
            MainKind::Application => ("software_Package", "application"),
        };
        let entry = |(key, value): (String, String)| json!({ "type": "DictionaryEntry", "key": key, "value": value });
        let is_model = facts.kind() == MainKind::Model;
        let model = |entries: Vec<Value>| if is_model { entries } else { Vec::new() };
        json!({
            "type": kind,
            "spdxId": id,
            "creationInfo": CREATION,
            "name": facts.title(),
            "description": text(facts.description()),
            "software_packageVersion": text(facts.version()),
            "software_primaryPurpose": purpose,
            "software_packageUrl": facts.purl(),
            "software_downloadLocation": self.download_location(),
            "suppliedBy": self.persons.first(),
            "releaseTime": self.packed,
            "ai_typeOfModel": model(facts.model.family.iter().map(|family| family.as_str().into()).collect()),
            "ai_hyperparameter": model(facts.parameters().into_iter().map(entry).collect()),
            "ai_metric": model(facts.metrics().into_iter().map(entry).collect()),
            "dataset_datasetType": if kind == "dataset_DatasetPackage" { json!(["other"]) } else { Value::Null },
            "verifiedUsing": facts.digest().map(verified_using),
        })
    }

    fn dataset_package(&self, id: &str, name: &str, (index, dataset): (usize, &Dataset)) -> Value {
        let is_remote = dataset.is_remote();
        let layer = self.facts.dataset_layer(index).map(|layer| layer.digest);
        let digest = if is_remote { dataset.remote_digest() } else { layer };
        let location = if is_remote { Some(dataset.remote_path.clone()) } else { self.download_location() };
        json!({
            "type": "dataset_DatasetPackage",
            "spdxId": id,
            "creationInfo": CREATION,
            "name": name,
            "description": text(&dataset.description),
            "software_primaryPurpose": "data",
            "dataset_datasetType": ["other"],
            "software_downloadLocation": location,
            "originatedBy": self.persons,
            "releaseTime": self.packed,
            "builtTime": self.packed,
            "verifiedUsing": digest.as_ref().map(verified_using),
        })
    }

    /// The address of the manifest in its registry.
    fn download_location(&self) -> Option<String> {
        let name = self.facts.reference().filter(|name| !name.is_local())?;
        Some(format!("https://{}/v2/{}/manifests/{}", name.registry, name.repository, self.facts.digest()?))
    }

    fn add_licenses(&mut self) {
        let of_datasets = self.facts.kitfile.datasets.iter().map(|dataset| dataset.license.as_str());
        let texts: Vec<&str> = std::iter::once(self.facts.license()).chain(of_datasets).collect();
        for expression in texts.into_iter().filter_map(expression) {
            if self.license_id(&expression).is_some() {
                continue;
            }
            let id = self.id("license");
            self.nodes.push(json!({
                "type": "simplelicensing_LicenseExpression",
                "spdxId": id,
                "creationInfo": CREATION,
                "simplelicensing_licenseExpression": expression,
            }));
            self.licenses.push((expression, id));
        }
    }

    fn license_id(&self, expression: &str) -> Option<String> {
        self.licenses.iter().find(|(known, _)| known == expression).map(|(_, id)| id.clone())
    }

    /// Adds the files of the model and of the datasets that have content.
    fn add_files(&mut self) {
        for section in [Section::Model, Section::ModelPart, Section::Dataset] {
            let facts = self.facts;
            for file in facts.files.iter().filter(|file| file.section == section && file.size > 0) {
                let id = self.id(&format!("file-{}", &file.digest.hex()[..16]));
                self.nodes.push(of_file(file, &id));
                self.elements.push(id.clone());
                match self.dataset_files.get_mut(file.index) {
                    Some(files) if section == Section::Dataset => files.push(id),
                    _ => self.model_files.push(id),
                }
            }
        }
    }

    fn add_relationships(&mut self) {
        let model = self.elements[0].clone();
        let datasets: Vec<_> = self.datasets.iter().map(|(id, _)| id.clone()).collect();
        self.relate("rel-trained-on", &model, "trainedOn", &datasets);
        self.relate("rel-contains", &model, "contains", &self.model_files.clone());
        for (at, (id, _)) in self.datasets.clone().iter().enumerate() {
            self.relate("rel-contains-data", id, "contains", &self.dataset_files[at].clone());
        }
        let declared = expression(self.facts.license());
        let license: Vec<_> = declared.as_deref().and_then(|it| self.license_id(it)).into_iter().collect();
        self.relate("rel-declared", &model, "hasDeclaredLicense", &license);
        // A text of another licence contradicts the Kitfile.
        let texts = &self.facts.license_texts;
        if texts.iter().all(|text| declared.as_deref().is_some_and(|declared| declared.contains(&**text))) {
            self.relate("rel-concluded", &model, "hasConcludedLicense", &license);
        }
        for (id, dataset) in self.datasets.clone() {
            let license = expression(&dataset.license).and_then(|it| self.license_id(&it));
            self.relate("rel-declared", &id, "hasDeclaredLicense", license.as_slice());
        }
        if let Some(parent) = &self.facts.parent {
            let id = self.id("parent");
            self.nodes.push(json!({
                "type": "ai_AIPackage",
                "spdxId": id,
                "creationInfo": CREATION,
                "name": parent.without_digest().to_string(),
                "software_primaryPurpose": "model",
                "software_packageUrl": parent.digest.as_ref().and_then(|digest| purl(parent, digest)),
                "verifiedUsing": parent.digest.as_ref().map(verified_using),
            }));
            self.relate("rel-descendant-of", &model, "descendantOf", &[id]);
        }
    }

    fn relate(&mut self, name: &str, from: &str, kind: &str, to: &[String]) {
        if to.is_empty() {
            return;
        }
        let id = self.id(name);
        self.nodes.push(json!({
            "type": "Relationship",
            "spdxId": id,
            "creationInfo": CREATION,
            "from": from,
            "relationshipType": kind,
            "to": to,
        }));
    }

    /// The profiles of which all required fields are known. Those of models and datasets require times and places,
    /// which a folder does not have (SPDX 3.0.1, "AI" and "Dataset", "Profile conformance").
    fn profiles(&self) -> &'static [&'static str] {
        if self.facts.is_folder() {
            &["core", "software", "simpleLicensing"]
        } else {
            &["core", "software", "ai", "dataset", "simpleLicensing"]
        }
    }

    fn finish(mut self) -> Vec<u8> {
        let (kit, document) = (self.id("kit"), self.id("document"));
        let mut graph = vec![
            json!({
                "type": "CreationInfo",
                "@id": CREATION,
                "specVersion": "3.0.1",
                "created": self.created,
                "createdBy": [kit],
            }),
            json!({
                "type": "SoftwareAgent",
                "spdxId": kit,
                "creationInfo": CREATION,
                "name": format!("kit {VERSION}"),
            }),
            json!({
                "type": "SpdxDocument",
                "spdxId": document,
                "creationInfo": CREATION,
                "name": self.facts.title(),
                "comment": self.facts.is_folder().then_some("A project folder that is not packed."),
                "profileConformance": self.profiles(),
                "rootElement": [self.elements[0]],
                "element": self.elements,
            }),
        ];
        graph.append(&mut self.nodes);
        encode(json!({ "@context": "https://spdx.org/rdf/3.0.1/spdx-context.jsonld", "@graph": graph }))
    }
}

fn expression(license: &str) -> Option<String> {
    License::of(license).map(|license| license.to_expression())
}

fn verified_using(digest: &Digest) -> Value {
    json!([{ "type": "Hash", "algorithm": "sha256", "hashValue": digest.hex() }])
}

fn of_file(file: &BilledFile, id: &str) -> Value {
    let extension = file.path.rsplit_once('.').map_or("", |(_, extension)| extension);
    let purpose = match file.section {
        Section::Dataset => "data",
        Section::ModelPart if ["json", "yaml", "yml", "toml"].contains(&extension) => "configuration",
        _ => "model",
    };
    json!({
        "type": "software_File",
        "spdxId": id,
        "creationInfo": CREATION,
        "name": file.path,
        "software_primaryPurpose": purpose,
        "verifiedUsing": verified_using(&file.digest),
    })
}
