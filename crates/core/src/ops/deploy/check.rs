//! Comparing a manifest, as it is deployed or as a cluster returns it, with a ModelKit.

use serde_json::Value;

use super::facts::Deployment;
use crate::digest::Digest;
use crate::oci::{Reference, Tag};

/// A difference between a manifest and a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeploymentDrift {
    /// The manifest does not name the repository of the ModelKit.
    NotNamed,
    /// A reference has the digest of another version.
    OtherDigest {
        /// The place in the manifest, as in `spec.containers[0].image`.
        place: String,
        /// The digest in the manifest.
        found: Digest,
    },
    /// A reference has a tag and no digest, so that it may point to another version at any time.
    NotPinned {
        /// The place in the manifest.
        place: String,
        /// The tag.
        tag: Tag,
    },
    /// A container requests less memory than the model needs.
    TooLittleMemory {
        /// The place in the manifest.
        place: String,
        /// The request in bytes.
        found: u64,
        /// The memory for the model in bytes.
        needed: u64,
    },
}

/// The schemes in front of references: of KServe, of helm, and of the storage container for `kit`.
const SCHEMES: [&str; 4] = ["oci+native://", "oci+fetch://", "oci://", "kit://"];

/// The members of the objects of a cluster that repeat what was applied earlier, or that say what ran before.
const HISTORY: [&str; 3] = ["annotations", "managedFields", "lastState"];

/// Compares the `documents` of a manifest with `deployment`: all references to its repository, wherever they are, and
/// the memory that containers request. Returns the differences in the order of the manifest.
///
/// The largest request for memory in each document is that of the server; smaller ones, of containers that only copy
/// the model, are not differences. A document without any request is not one either.
pub fn check_manifest(documents: &[Value], deployment: &Deployment) -> Vec<DeploymentDrift> {
    let mut check = Check { deployment, is_named: false, drifts: Vec::new(), requests: Vec::new() };
    for (index, document) in documents.iter().enumerate() {
        let place = if documents.len() == 1 { String::new() } else { format!("[{index}]") };
        let before = check.is_named;
        check.is_named = false;
        check.look(document, &place);
        let requests = std::mem::take(&mut check.requests);
        if check.is_named {
            check.compare_memory(requests);
        }
        check.is_named |= before;
    }
    if check.is_named { check.drifts } else { vec![DeploymentDrift::NotNamed] }
}

struct Check<'a> {
    deployment: &'a Deployment,
    is_named: bool,
    drifts: Vec<DeploymentDrift>,
    /// The requests for memory in bytes, with their places.
    requests: Vec<(String, u64)>,
}

impl Check<'_> {
    fn look(&mut self, value: &Value, place: &str) {
        match value {
            Value::Object(members) => {
                for (key, member) in members.iter().filter(|(key, _)| !HISTORY.contains(&key.as_str())) {
                    let place = if place.is_empty() { key.clone() } else { format!("{place}.{key}") };
                    let is_request = ["requests.memory", "reservations.memory"].iter().any(|end| place.ends_with(end));
                    self.requests.extend(quantity(member).filter(|_| is_request).map(|bytes| (place.clone(), bytes)));
                    self.look(member, &place);
                }
            }
            Value::Array(items) => {
                items.iter().enumerate().for_each(|(index, item)| self.look(item, &format!("{place}[{index}]")));
            }
            Value::String(text) => text.split_whitespace().for_each(|word| self.look_at(word, place)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    /// Compares a word of a text, if it is a reference to the repository.
    fn look_at(&mut self, word: &str, place: &str) {
        let Some(repository) = &self.deployment.repository else { return };
        let word = SCHEMES.iter().find_map(|scheme| word.strip_prefix(scheme)).unwrap_or(word);
        if !word.contains(['/', ':', '@']) {
            return;
        }
        let Ok(reference) = word.parse::<Reference>() else { return };
        if reference.full_repository() != repository.full_repository() {
            return;
        }
        self.is_named = true;
        let expected = [Some(self.deployment.digest), self.deployment.image];
        match (reference.digest, reference.tag) {
            (Some(digest), _) if expected.contains(&Some(digest)) => {}
            (Some(found), _) => {
                self.drifts.push(DeploymentDrift::OtherDigest { place: place.to_owned(), found });
            }
            (None, tag) => {
                let tag = tag.unwrap_or_else(Tag::latest);
                self.drifts.push(DeploymentDrift::NotPinned { place: place.to_owned(), tag });
            }
        }
    }

    fn compare_memory(&mut self, requests: Vec<(String, u64)>) {
        let needed = self.deployment.model.memory;
        if let Some((place, found)) =
            requests.into_iter().max_by_key(|(_, bytes)| *bytes).filter(|(_, it)| *it < needed)
        {
            self.drifts.push(DeploymentDrift::TooLittleMemory { place, found, needed });
        }
    }
}

/// The bytes of a quantity (Kubernetes, "Quantity"; Compose specification, "Specifying byte values").
fn quantity(value: &Value) -> Option<u64> {
    const UNITS: [(&str, u64); 17] = [
        ("Ki", 1 << 10),
        ("Mi", 1 << 20),
        ("Gi", 1 << 30),
        ("Ti", 1 << 40),
        ("kb", 1 << 10),
        ("mb", 1 << 20),
        ("gb", 1 << 30),
        ("b", 1),
        ("m", 1 << 20),
        ("g", 1 << 30),
        ("K", 1000),
        ("k", 1000),
        ("M", 1_000_000),
        ("G", 1_000_000_000),
        ("T", 1_000_000_000_000),
        ("P", 1_000_000_000_000_000),
        ("", 1),
    ];
    let text = match value {
        Value::Number(number) => return number.as_u64(),
        Value::String(text) => text.trim(),
        _ => return None,
    };
    let digits = text.find(|letter: char| !letter.is_ascii_digit() && letter != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let (_, factor) = UNITS.into_iter().find(|(name, _)| *name == unit)?;
    let (whole, part) = number.split_once('.').unwrap_or((number, ""));
    let part = part.get(..3.min(part.len()))?;
    let thousandths =
        if part.is_empty() { 0 } else { part.parse::<u64>().ok()? * 10_u64.pow(3 - u32::try_from(part.len()).ok()?) };
    whole.parse::<u64>().ok()?.checked_mul(factor)?.checked_add(thousandths.checked_mul(factor)? / 1000)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::facts::ServedModel;
    use super::*;
    use crate::kitfile::Kitfile;

    fn deployment() -> Deployment {
        Deployment {
            name: "net".to_owned(),
            repository: Some("r.example/team/net".parse().unwrap()),
            digest: Digest::of(b"kit"),
            image: Some(Digest::of(b"image")),
            has_models_folder: true,
            model: ServedModel { memory: 3_000_000_000, ..ServedModel::default() },
            kitfile: Kitfile::default(),
        }
    }

    fn check(document: &Value, expected: &[DeploymentDrift]) {
        assert_eq!(check_manifest(std::slice::from_ref(document), &deployment()), expected, "{document}");
    }

    #[test]
    fn references_are_found_wherever_they_are() {
        let (kit, image, other) = (Digest::of(b"kit"), Digest::of(b"image"), Digest::of(b"other"));
        let place = "a[0].b".to_owned();
        let at = |text: String| json!({ "a": [{ "b": text }] });
        for text in [
            format!("r.example/team/net@{kit}"),
            format!("oci+native://r.example/team/net@{image}"),
            format!("kit unpack r.example/team/net:v1@{kit} --dir /model"),
        ] {
            check(&at(text), &[]);
        }
        check(
            &at(format!("oci://r.example/team/net@{other}")),
            &[DeploymentDrift::OtherDigest { place: place.clone(), found: other }],
        );
        let tag = Tag::new("v1").unwrap();
        check(&at("r.example/team/net:v1".to_owned()), &[DeploymentDrift::NotPinned { place, tag }]);
        check(&at(format!("r.example/team/other@{kit}")), &[DeploymentDrift::NotNamed]);
        let history = json!({ "metadata": { "annotations": { "last": "r.example/team/net:v0" } } });
        check(&history, &[DeploymentDrift::NotNamed]);
    }

    #[test]
    fn the_largest_request_is_compared_with_the_memory_for_the_model() {
        let name = format!("r.example/team/net@{}", Digest::of(b"kit"));
        let with = |memory: &str| {
            let requests = json!({ "requests": { "memory": memory } });
            let small = json!({ "requests": { "memory": "128Mi" } });
            json!({ "image": name, "c": [{ "resources": small }, { "resources": requests }] })
        };
        check(&with("3Gi"), &[]);
        let place = "c[1].resources.requests.memory".to_owned();
        let found = 1 << 30;
        check(&with("1Gi"), &[DeploymentDrift::TooLittleMemory { place, found, needed: 3_000_000_000 }]);
        check(&json!({ "image": name }), &[]);
    }

    #[test]
    fn quantities_are_those_of_kubernetes_and_compose() {
        for (value, expected) in [
            (json!("128Mi"), Some(134_217_728)),
            (json!("1.5Gi"), Some(1_610_612_736)),
            (json!("2G"), Some(2_000_000_000)),
            (json!("12345b"), Some(12_345)),
            (json!(4096), Some(4096)),
            (json!("x"), None),
            (json!("1Zi"), None),
            (json!("99999999999999999999"), None),
            (json!("99999999999999Ti"), None),
            (json!(null), None),
        ] {
            assert_eq!(quantity(&value), expected, "{value}");
        }
    }
}
