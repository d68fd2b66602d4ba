//! The index of ModelKits: variants of a model under one name (`KitOps` after 1.7, "ModelKit index").
//!
//! For other tools and registries it is an image index (image-spec 1.1, "Image Index"), which they transfer unchanged.

use std::fmt;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::labels::{AnnotationEdit, LabelEdit, Labels};
use crate::digest::Digest;
use crate::oci::{Annotations, Descriptor, Index, MediaType, without_bom};
use crate::problem::printable;

/// The artifact type of an index of ModelKits.
const ARTIFACT_TYPE: MediaType = MediaType::of("application/vnd.kitops.modelkit.index.v1+json");
/// The annotation with the tag that a ModelKit had when it was added.
const ORIGINAL_TAG: &str = "ml.kitops.modelkit.original-tag";
/// The annotation with the total size of the layers of a ModelKit in bytes.
const SIZE: &str = "ml.kitops.modelkit.size";

/// An index of ModelKits. Changing an index of another tool loses fields that are not known to `kit`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelKitIndex(Index<Variant>);

/// A ModelKit in an index.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Variant {
    media_type: MediaType,
    /// The digest of its manifest.
    pub digest: Digest,
    size: u64,
    #[serde(default, skip_serializing_if = "Annotations::is_empty")]
    annotations: Annotations,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    artifact_type: Option<MediaType>,
    /// The labels that distinguish it from the others.
    #[serde(rename = "modelMetadata", default, skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
}

impl Default for ModelKitIndex {
    fn default() -> Self {
        let mut index = Index::default();
        index.artifact_type = Some(ARTIFACT_TYPE);
        Self(index)
    }
}

impl ModelKitIndex {
    /// Reads the index of `descriptor` from its `bytes`; returns `None` for any other document.
    pub fn read(descriptor: &Descriptor, bytes: &[u8]) -> Result<Option<Self>, serde_json::Error> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Kind {
            artifact_type: Option<MediaType>,
            /// A manifest has this field. A document that can be read as both is not accepted as an index, to avoid
            /// confusion.
            config: Option<IgnoredAny>,
        }
        if descriptor.media_type != MediaType::IMAGE_INDEX {
            return Ok(None);
        }
        let bytes = without_bom(bytes);
        let kind: Kind = serde_json::from_slice(bytes)?;
        let is_index = kind.artifact_type == Some(ARTIFACT_TYPE) && kind.config.is_none();
        if is_index { serde_json::from_slice(bytes).map(|index| Some(Self(index))) } else { Ok(None) }
    }

    /// Returns the compact JSON whose digest identifies the index, and its descriptor.
    pub fn to_bytes(&self) -> (Descriptor, Vec<u8>) {
        let bytes = serde_json::to_vec(&self.0).expect("an index has only string keys");
        let descriptor = Descriptor::of(MediaType::IMAGE_INDEX, &bytes);
        (Descriptor { artifact_type: Some(ARTIFACT_TYPE), ..descriptor }, bytes)
    }

    /// The ModelKits, in the order in which they were added.
    pub fn variants(&self) -> &[Variant] {
        &self.0.manifests
    }

    /// Adds a ModelKit. If it is in the index already, it keeps its labels and annotations; new labels of `variant` are
    /// added. Then `edits` are applied to its labels, and `annotations` to its annotations.
    pub fn add(&mut self, mut variant: Variant, edits: &[LabelEdit], annotations: &[AnnotationEdit]) {
        let place = self.0.manifests.iter_mut().find(|known| known.digest == variant.digest);
        if let Some(known) = &place {
            variant.labels.add(&known.labels);
            for (key, value) in &known.annotations {
                variant.annotations.entry(key.clone()).or_insert_with(|| value.clone());
            }
        }
        variant.labels.edit(edits);
        for edit in annotations {
            match edit {
                AnnotationEdit::Set(key, value) => drop(variant.annotations.insert(key.clone(), value.clone())),
                AnnotationEdit::Remove(key) => drop(variant.annotations.remove(key)),
            }
        }
        match place {
            Some(known) => *known = variant,
            None => self.0.manifests.push(variant),
        }
    }

    /// Removes a ModelKit.
    pub fn remove(&mut self, modelkit: &Digest) {
        self.0.manifests.retain(|variant| variant.digest != *modelkit);
    }
}

impl Variant {
    /// An entry for the ModelKit with this manifest, whose layers have `size` bytes in total; `tag` is its tag.
    pub fn new(manifest: &Descriptor, artifact_type: Option<MediaType>, size: u64, tag: Option<String>) -> Self {
        let mut annotations = Annotations::from([(SIZE.to_owned(), size.to_string())]);
        annotations.extend(tag.map(|tag| (ORIGINAL_TAG.to_owned(), tag)));
        let Descriptor { media_type, digest, size, .. } = manifest.clone();
        Self { media_type, digest, size, annotations, artifact_type, labels: Labels::default() }
    }

    /// The descriptor of the manifest.
    pub fn descriptor(&self) -> Descriptor {
        let descriptor = Descriptor::new(self.media_type.clone(), self.digest, self.size);
        Descriptor { artifact_type: self.artifact_type.clone(), ..descriptor }
    }

    /// The tag that it had when it was added, in the repository of the index.
    pub fn original_tag(&self) -> Option<&str> {
        self.annotations.get(ORIGINAL_TAG).map(String::as_str)
    }

    /// The annotations other than those written when it was added.
    pub fn annotations(&self) -> impl Iterator<Item = (&str, &str)> {
        let others = self.annotations.iter().filter(|(key, _)| !matches!(key.as_str(), ORIGINAL_TAG | SIZE));
        others.map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// The total size of its layers in bytes, as stated in the index.
    pub fn layer_bytes(&self) -> Option<u64> {
        self.annotations.get(SIZE)?.parse().ok()
    }
}

impl fmt::Display for Variant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.digest)?;
        if let Some(tag) = self.original_tag() {
            write!(f, " {}", printable(tag))?;
        }
        write!(f, " ({})", self.labels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The form in which KitOps writes an index, with added line breaks.
    const GO: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json",
        "artifactType":"application/vnd.kitops.modelkit.index.v1+json","manifests":[
        {"mediaType":"application/vnd.oci.image.manifest.v1+json",
        "digest":"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855","size":649,
        "annotations":{"ml.kitops.modelkit.original-tag":"q4_0","ml.kitops.modelkit.size":"7","org.example.tested":"true"},
        "artifactType":"application/vnd.kitops.modelkit.manifest.v1+json",
        "modelMetadata":{"gpus":["a"],"quantization":"q4_0","totalParameters":70000000000000000000,"vram":{"gb":6.0}}}],
        "annotations":{"a":"b"}}"#;

    fn read(text: &str) -> Result<Option<ModelKitIndex>, serde_json::Error> {
        ModelKitIndex::read(&Descriptor::of(MediaType::IMAGE_INDEX, text.as_bytes()), text.as_bytes())
    }

    fn variant(content: &str, labels: &[(&str, &str)]) -> Variant {
        let manifest = Descriptor::of(MediaType::IMAGE_MANIFEST, content.as_bytes());
        let labels = labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
        Variant { labels, ..Variant::new(&manifest, None, 7, Some(content.to_owned())) }
    }

    #[test]
    fn an_index_of_kitops_is_written_as_it_was_read() {
        let index = read(GO).unwrap().unwrap();
        let (descriptor, bytes) = index.to_bytes();
        assert_eq!(String::from_utf8(bytes.clone()).unwrap(), GO.replace("\n        ", ""));
        assert_eq!(descriptor.digest, Digest::of(&bytes));
        let one = &index.variants()[0];
        assert_eq!((one.original_tag(), one.layer_bytes(), one.descriptor().size), (Some("q4_0"), Some(7), 649));
        let shown = format!(
            r#"{} q4_0 (gpus=["a"], quantization=q4_0, totalParameters=70000000000000000000, vram={{"gb":6.0}})"#,
            one.digest
        );
        assert_eq!(one.to_string(), shown);
    }

    #[test]
    fn an_empty_index_has_an_empty_list() {
        let (_, bytes) = ModelKitIndex::default().to_bytes();
        assert!(String::from_utf8(bytes.clone()).unwrap().contains(r#""manifests":[]"#));
        let expected = "sha256:a9fb1fab7732abad08678d29f8a52add461a4ebd3d6ddd078b94f2659ab9d595";
        assert_eq!((bytes.len(), Digest::of(&bytes).to_string()), (151, expected.to_owned()), "the bytes of KitOps");
        assert_eq!(read(std::str::from_utf8(&bytes).unwrap()).unwrap(), Some(ModelKitIndex::default()));
    }

    #[test]
    fn an_entry_is_written_as_kitops_writes_it() {
        let artifact_type = MediaType::of("application/vnd.kitops.modelkit.manifest.v1+json");
        let manifest = Descriptor::of(MediaType::IMAGE_MANIFEST, b"{}");
        let mut index = ModelKitIndex::default();
        let edits = ["quant=q4_0".parse().unwrap(), "bits:= 4".parse().unwrap()];
        index.add(Variant::new(&manifest, Some(artifact_type), 2048, Some("q4".to_owned())), &edits, &[]);
        let (_, bytes) = index.to_bytes();
        let expected = "sha256:2897a0b7674603746037cee45d8dba587fed4f2d4c0b4e2ed4a2c22fe2ea8243";
        assert_eq!((bytes.len(), Digest::of(&bytes).to_string()), (497, expected.to_owned()));
    }

    #[test]
    fn other_documents_are_not_an_index_of_modelkits() {
        for text in [
            GO.replace("modelkit.index.v1", "other.index.v1"),
            GO.replace(r#""artifactType":"application/vnd.kitops.modelkit.index.v1+json","#, ""),
            // A document that is a manifest at the same time.
            GO.replace(r#""schemaVersion":2"#, r#""schemaVersion":2,"config":{}"#),
        ] {
            assert_eq!(read(&text).unwrap(), None, "{text}");
        }
        let manifest = Descriptor::of(MediaType::IMAGE_MANIFEST, GO.as_bytes());
        assert_eq!(ModelKitIndex::read(&manifest, GO.as_bytes()).unwrap(), None);
    }

    #[test]
    fn a_broken_index_is_refused() {
        for text in [
            GO[..40].to_owned(),
            GO.replace(r#""size":649"#, r#""size":-1"#),
            GO.replace("sha256:e3", "sha256:../"),
            GO.replace(r#""schemaVersion":2"#, r#""schemaVersion":3"#),
            GO.replace(r#""modelMetadata":{"#, r#""modelMetadata":[],"x":{"#),
        ] {
            assert!(read(&text).is_err(), "{text}");
        }
    }

    #[test]
    fn a_modelkit_is_in_an_index_once_and_keeps_its_labels() {
        let edits = |texts: &[&str]| -> Vec<LabelEdit> { texts.iter().map(|text| text.parse().unwrap()).collect() };
        let mut index = ModelKitIndex::default();
        index.add(variant("one", &[("format", "gguf"), ("quantization", "Q4_0")]), &edits(&["format-", "a=1"]), &[]);
        index.add(variant("two", &[]), &[], &[]);
        index.add(variant("one", &[("format", "gguf")]), &edits(&["a=2"]), &[]);
        let labels: Vec<_> = index.variants().iter().map(|variant| variant.labels.to_string()).collect();
        assert_eq!(labels, ["a=2, format=gguf, quantization=Q4_0", "no labels"]);

        let mut index = read(GO).unwrap().unwrap();
        let digest = Digest::of(b"");
        index.add(variant("", &[]), &[], &["org.example.note=b".parse().unwrap()]);
        let annotations = |index: &ModelKitIndex| {
            index.variants()[0].annotations().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>()
        };
        assert_eq!(annotations(&index), ["org.example.note=b", "org.example.tested=true"]);
        index.add(variant("", &[]), &[], &["org.example.tested-".parse().unwrap()]);
        assert_eq!(annotations(&index), ["org.example.note=b"]);
        index.remove(&digest);
        assert_eq!(index.variants(), []);
    }
}
