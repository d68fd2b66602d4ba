//! The document: the sections and fields of a Kitfile, and the JSON form stored in the config of a ModelKit.
//!
//! The order of fields is their order in JSON and in YAML (Kitfile format, manifest version 1.0.0). Empty fields are
//! left out. When reading, `null` counts as left out and unknown keys are skipped; `parse` is the strict reader for
//! files that users write.

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;

use crate::digest::Digest;
use crate::oci::Reference;

/// The file names of a Kitfile, in the order in which they are tried. New files get the first.
pub const FILE_NAMES: [&str; 3] = ["Kitfile", "kitfile", ".kitfile"];

/// The name of the lock file beside a Kitfile, which records the digests of its contents. It is never part of a layer,
/// because it contains the digest of that layer.
pub const LOCK_FILE: &str = "Kitfile.lock";

/// A whole Kitfile. All strings are kept as written; an empty string is a field that was left out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Kitfile {
    /// The version of the format: `1.0.0`. Files by older tools may have any text or nothing.
    #[serde(deserialize_with = "null_is_default")]
    pub manifest_version: String,
    /// The description of the package as a whole. Written even when empty.
    #[serde(deserialize_with = "null_is_default")]
    pub package: Package,
    /// The model; `model: {}` is a model without a path and therefore without a layer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<Model>,
    /// Source code.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub code: Vec<Code>,
    /// Datasets.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub datasets: Vec<Dataset>,
    /// Documentation.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub docs: Vec<Docs>,
    /// Prompts, a section that `KitOps` 1.7 does not support.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub prompts: Vec<Prompt>,
    /// MCP servers, a section that `KitOps` supports since 1.15.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub mcp_servers: Vec<McpServer>,
}

/// The description of the ModelKit as a whole.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Package {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub license: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub authors: Vec<String>,
}

/// The model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Model {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    /// A file, a folder, or a reference to another ModelKit ([`Model::reference`]).
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub license: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub framework: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub format: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub version: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Further files of the model: adapters, tokenizers, configuration.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<ModelPart>,
    /// Any value. Numbers keep their exact text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

impl Model {
    /// The ModelKit that `path` refers to, if it has the form of a reference: it contains `:` or `@` and follows the
    /// grammar of references.
    ///
    /// A file may have such a name too (`model:v1.bin`). A caller with access to the disk checks it first, and an
    /// existing file takes precedence: see [`Kitfile::entries_with_model_file`].
    pub fn reference(&self) -> Option<Reference> {
        reference(&self.path)
    }
}

/// The ModelKit that `path` refers to, if it has the form of a reference.
fn reference(path: &str) -> Option<Reference> {
    if path.contains([':', '@']) { path.parse().ok() } else { None }
}

/// Returns true if `path` has the form of a reference to a ModelKit, as in [`Model::reference`].
pub fn is_reference(path: &str) -> bool {
    reference(path).is_some()
}

/// A further file of the model.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct ModelPart {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub license: String,
    /// The type of the part, as a word: `adapter`, `tokenizer`.
    #[serde(rename = "type", deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

/// Source code.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Code {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub license: String,
}

/// A dataset.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Dataset {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    /// The location of data that is not packed: a URL on the web or in an object store, or a reference. Such a dataset
    /// does not own a layer.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub remote_path: String,
    /// The hash of the data at `remote_path`.
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub remote_hash: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub license: String,
    /// Any value. Numbers keep their exact text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<Value>,
}

impl Kitfile {
    /// The datasets whose data stays at a remote location.
    pub fn remote_datasets(&self) -> impl Iterator<Item = &Dataset> {
        self.datasets.iter().filter(|dataset| dataset.is_remote())
    }
}

impl Dataset {
    /// Returns true if the data stays at a remote location, so that the dataset does not own a layer.
    pub fn is_remote(&self) -> bool {
        !self.remote_path.is_empty()
    }

    /// The digest in `remote_hash`, which may lack the prefix `sha256:`. For an object in an object store, KitOps
    /// writes the `ETag` into this field, which is not a digest.
    pub fn remote_digest(&self) -> Option<Digest> {
        let hash = &self.remote_hash;
        hash.parse().or_else(|_| format!("sha256:{hash}").parse()).ok()
    }

    /// The ModelKit that `remote_path` refers to, if it has the form of a reference, as in [`Model::reference`].
    pub fn reference(&self) -> Option<Reference> {
        let is_address = self.remote_path.contains("://");
        if is_address { None } else { reference(&self.remote_path) }
    }
}

/// Documentation.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Docs {
    /// Written even when empty, as in KitOps.
    #[serde(deserialize_with = "null_is_default")]
    pub path: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// A prompt, or a folder of them.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Prompt {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// An MCP server bundle.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct McpServer {
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub name: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub path: String,
    #[serde(deserialize_with = "null_is_default", skip_serializing_if = "String::is_empty")]
    pub description: String,
}

/// Reads `null` as the empty value of the type, as Go does.
fn null_is_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_json(json: &str, written_back: &str) {
        let kitfile: Kitfile = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&kitfile).unwrap(), written_back);
    }

    #[test]
    fn the_json_form_has_the_order_and_the_omissions_of_kitops() {
        for (json, written_back) in [
            ("{}", r#"{"manifestVersion":"","package":{}}"#),
            (r#"{"model":{},"package":null}"#, r#"{"manifestVersion":"","package":{},"model":{}}"#),
            (
                r#"{"docs":[{}],"code":null,"datasets":[],"x":1}"#,
                r#"{"manifestVersion":"","package":{},"docs":[{"path":""}]}"#,
            ),
            (
                concat!(
                    r#"{"model":{"parts":[{"type":"t","path":"p","name":null}],"#,
                    r#""parameters":null,"name":"n","digest":"d"}}"#
                ),
                r#"{"manifestVersion":"","package":{},"model":{"name":"n","parts":[{"path":"p","type":"t"}]}}"#,
            ),
            (
                concat!(
                    r#"{"datasets":[{"remoteHash":"h","remotePath":"s3://b","parameters":{}}],"#,
                    r#""mcpServers":[{"path":"p"}]}"#
                ),
                concat!(
                    r#"{"manifestVersion":"","package":{},"datasets":[{"remotePath":"s3://b","remoteHash":"h","#,
                    r#""parameters":{}}],"mcpServers":[{"path":"p"}]}"#
                ),
            ),
        ] {
            check_json(json, written_back);
        }
    }

    #[test]
    fn numbers_keep_their_text() {
        for number in ["1", "12345678901234567890", "1e-7", "-0", "0.1000", "100000000000000000000"] {
            let json = format!(r#"{{"manifestVersion":"","package":{{}},"model":{{"parameters":{{"n":{number}}}}}}}"#);
            check_json(&json, &json);
        }
    }
}
