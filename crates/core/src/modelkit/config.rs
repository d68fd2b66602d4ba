//! The config blob: the Kitfile as JSON, with the digests of the layers in the entries that own them.
//!
//! The bytes are those of Go's JSON encoder, so that equal content has the same digest with `kit` and KitOps.

use std::collections::BTreeMap;
use std::io;

use serde::Serialize;
use serde_json::Value;
use serde_json::ser::{Formatter, Serializer};

use crate::digest::Digest;
use crate::kitfile::{Entry, Kitfile, Section};
use crate::oci::without_bom;

/// The digests of the layer of an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LayerDigests {
    /// The digest of the stored layer, compressed or not.
    pub digest: Digest,
    /// The digest of the uncompressed layer; some older tools left it out.
    pub diff_id: Option<Digest>,
}

/// A Kitfile and the digests of its layers. ModelKits of `KitOps` before 0.5 do not contain digests.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Config {
    /// The Kitfile.
    pub kitfile: Kitfile,
    /// The digests by section and index of the entry, as in [`Entry`].
    layers: BTreeMap<(Section, usize), LayerDigests>,
}

impl Config {
    /// A config without digests.
    pub fn new(kitfile: Kitfile) -> Self {
        Self { kitfile, layers: BTreeMap::new() }
    }

    /// Sets the digests of the layer of an entry.
    #[must_use]
    pub fn with_layer(mut self, section: Section, index: usize, digests: LayerDigests) -> Self {
        self.layers.insert((section, index), digests);
        self
    }

    /// Returns true if any entry has a digest.
    pub fn has_digests(&self) -> bool {
        !self.layers.is_empty()
    }

    /// The entries that own a layer, in layer order, with their digests in the config.
    ///
    /// A model with a digest has a layer even if its path has the form of a reference to another ModelKit.
    pub fn entries(&self) -> Vec<(Entry<'_>, Option<LayerDigests>)> {
        let model_has_layer = self.layers.contains_key(&(Section::Model, 0));
        let entries = if model_has_layer { self.kitfile.entries_with_model_file() } else { self.kitfile.entries() };
        let digests = |entry: &Entry<'_>| self.layers.get(&(entry.section, entry.index)).copied();
        let entries = entries.into_iter().map(|entry| (entry, digests(&entry)));
        // Before KitOps 1.15, MCP servers were only named.
        entries.filter(|(entry, digests)| entry.section != Section::McpServer || digests.is_some()).collect()
    }

    /// The bytes of the config blob.
    pub fn to_json(&self) -> Vec<u8> {
        let mut tree =
            serde_json::to_value(&self.kitfile).expect("strings, lists and parameters can be represented in JSON");
        for ((section, index), digests) in &self.layers {
            if let Some(Value::Object(entry)) = tree.pointer_mut(&pointer(*section, *index)) {
                entry.insert("digest".to_owned(), digests.digest.to_string().into());
                entry.extend(digests.diff_id.map(|diff_id| ("diffId".to_owned(), diff_id.to_string().into())));
            }
        }
        let mut bytes = Vec::new();
        tree.serialize(&mut Serializer::with_formatter(&mut bytes, GoFormatter))
            .expect("writing to memory does not fail");
        bytes
    }

    /// Reads a config blob of any version. Unknown keys are skipped, and missing digests are `None`.
    pub fn from_json(bytes: &[u8]) -> Result<Self, InvalidConfig> {
        let tree: Value = serde_json::from_slice(without_bom(bytes)).map_err(InvalidConfig::Json)?;
        let kitfile: Kitfile = serde_json::from_value(tree.clone()).map_err(InvalidConfig::Json)?;
        let mut config = Self::new(kitfile);
        let owners: Vec<(Section, usize)> =
            config.kitfile.entries_with_model_file().iter().map(|entry| (entry.section, entry.index)).collect();
        for (section, index) in owners {
            let digest = digest_in(&tree, section, index, "digest")?;
            let diff_id = digest_in(&tree, section, index, "diffId")?;
            if let Some(digest) = digest {
                config.layers.insert((section, index), LayerDigests { digest, diff_id });
            }
        }
        Ok(config)
    }
}

/// The reason why bytes are not the config of a ModelKit.
#[derive(Debug, thiserror::Error)]
pub enum InvalidConfig {
    /// The bytes are not JSON, or not a Kitfile in JSON.
    #[error("the config is not a Kitfile in JSON")]
    Json(#[source] serde_json::Error),
    /// A digest is not valid.
    #[error("`{key}` of `{entry}` in the config is not valid")]
    Digest {
        /// The entry, as in `datasets[0]`.
        entry: String,
        /// `digest` or `diffId`.
        key: &'static str,
        #[source]
        source: crate::digest::ParseError,
    },
}

fn digest_in(tree: &Value, section: Section, index: usize, key: &'static str) -> Result<Option<Digest>, InvalidConfig> {
    let place = pointer(section, index);
    let text = tree.pointer(&format!("{place}/{key}")).and_then(Value::as_str).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    let entry = || Entry { section, index, name: "", path: "" }.place();
    text.parse().map(Some).map_err(|source| InvalidConfig::Digest { entry: entry(), key, source })
}

/// The location of the entry in the JSON (RFC 6901).
fn pointer(section: Section, index: usize) -> String {
    match section {
        Section::Model => "/model".to_owned(),
        section => format!("/{}/{index}", section.key().replace('.', "/")),
    }
}

/// Writes compact JSON with `<`, `>`, `&` and the Unicode line separators escaped, as Go does for safe use in HTML.
struct GoFormatter;

impl Formatter for GoFormatter {
    fn write_string_fragment<W: ?Sized + io::Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
            let (plain, special) = rest.split_at(at);
            writer.write_all(plain.as_bytes())?;
            let mut signs = special.chars();
            if let Some(sign) = signs.next() {
                write!(writer, "\\u{:04x}", u32::from(sign))?;
            }
            rest = signs.as_str();
        }
        writer.write_all(rest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kitfile::parse;

    /// Kitfiles and the digests of the configs and uncompressed layers that KitOps 1.7 stored for them.
    const GOLDEN: [(&str, usize); 2] = [
        (include_str!("../../../../tests/golden/modelkits.json"), 16),
        (include_str!("../../../../tests/golden/names.json"), 4),
    ];

    #[test]
    fn configs_have_the_digests_that_kitops_gave_them() {
        for (text, count) in GOLDEN {
            let cases: Vec<Value> = serde_json::from_str(text).unwrap();
            cases.iter().for_each(check_case);
            assert_eq!(cases.len(), count);
        }
    }

    fn check_case(case: &Value) {
        let kitfile = parse(case["kitfile"].as_str().unwrap()).unwrap();
        let config = with_layers(kitfile, case["expected"]["layers"].as_array().unwrap());
        let bytes = config.to_json();
        let expected = case["expected"]["config"]["digest"].as_str().unwrap();
        assert_eq!(Digest::of(&bytes).to_string(), expected, "{}\n{}", case["name"], String::from_utf8_lossy(&bytes));
        assert_eq!(Config::from_json(&bytes).unwrap(), config, "{}", case["name"]);
    }

    fn with_layers(kitfile: Kitfile, layers: &[Value]) -> Config {
        let owners: Vec<_> = kitfile.entries().iter().map(|entry| (entry.section, entry.index)).collect();
        assert_eq!(owners.len(), layers.len());
        owners.iter().zip(layers).fold(Config::new(kitfile), |config, ((section, index), layer)| {
            let digest: Digest = layer["digest"].as_str().unwrap().parse().unwrap();
            config.with_layer(*section, *index, LayerDigests { digest, diff_id: Some(digest) })
        })
    }

    fn check_json(text: &str, json: &str) {
        let mut kitfile = Kitfile::default();
        kitfile.package.name = text.to_owned();
        let expected = format!(r#"{{"manifestVersion":"","package":{{"name":"{json}"}}}}"#);
        assert_eq!(String::from_utf8(Config::new(kitfile).to_json()).unwrap(), expected);
    }

    #[test]
    fn texts_are_escaped_as_go_does() {
        for (text, json) in [
            ("<a & b>", r"\u003ca \u0026 b\u003e"),
            ("\u{2028}x\u{2029}", r"\u2028x\u2029"),
            ("\u{8}\u{c}\n\r\t\u{1}\u{1f}\u{7f}", "\\b\\f\\n\\r\\t\\u0001\\u001f\u{7f}"),
            ("\"\\/", r#"\"\\/"#),
            ("ü😀", "ü😀"),
        ] {
            check_json(text, json);
        }
    }

    #[test]
    fn a_config_without_digests_is_read() {
        let config = Config::from_json(br#"{"model":{"path":"m"},"code":[{"path":"c","digest":""}]}"#).unwrap();
        let digests: Vec<_> = config.entries().into_iter().map(|(entry, digests)| (entry.path, digests)).collect();
        assert_eq!(digests, [("m", None), ("c", None)]);
    }

    #[test]
    fn a_model_with_a_digest_has_a_layer_whatever_its_path() {
        let digest = Digest::of(b"");
        let reference = br#"{"model":{"path":"model:v1"}}"#;
        assert!(Config::from_json(reference).unwrap().entries().is_empty());
        let file = format!(r#"{{"model":{{"path":"model:v1","digest":"{digest}"}}}}"#);
        let config = Config::from_json(file.as_bytes()).unwrap();
        assert_eq!(config.entries()[0].1, Some(LayerDigests { digest, diff_id: None }));
    }

    #[test]
    fn an_invalid_config_names_the_problem() {
        for (json, expected) in [
            ("{", "the config is not a Kitfile in JSON"),
            (r#"{"code":1}"#, "the config is not a Kitfile in JSON"),
            (r#"{"docs":[{"digest":"sha256:1"}]}"#, "`digest` of `docs[0]` in the config is not valid"),
        ] {
            assert_eq!(Config::from_json(json.as_bytes()).unwrap_err().to_string(), expected);
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            drop(Config::from_json(&bytes));
        }
    }
}
