//! Referrers: manifests that refer to another manifest, their *subject* (image-spec 1.1, "subject").

use serde::Deserialize;

use super::descriptor::{Annotations, Descriptor};
use super::manifest::null_is_empty;
use super::media_type::MediaType;
use crate::digest::Digest;

/// A manifest or index with a subject.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referrer {
    /// The digest of the subject.
    pub subject: Digest,
    /// The entry in a list of referrers, with artifact type and annotations (distribution-spec 1.1, "Pushing Manifests
    /// with Subject").
    pub descriptor: Descriptor,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    subject: Option<Descriptor>,
    artifact_type: Option<MediaType>,
    config: Option<Config>,
    #[serde(default, deserialize_with = "null_is_empty")]
    annotations: Annotations,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    media_type: MediaType,
}

impl Referrer {
    /// Reads the manifest of `descriptor` from its `bytes`; returns `None` if it does not have a subject.
    pub fn read(descriptor: &Descriptor, bytes: &[u8]) -> Option<Self> {
        let document: Document = serde_json::from_slice(super::json_text::without_bom(bytes)).ok()?;
        let subject = document.subject?.digest;
        let named = document.artifact_type.filter(|name| !name.as_str().is_empty());
        let artifact_type = named.or(document.config.map(|config| config.media_type));
        let Descriptor { media_type, digest, size, .. } = descriptor.clone();
        let descriptor = Descriptor { media_type, artifact_type, digest, size, annotations: document.annotations };
        Some(Self { subject, descriptor })
    }

    /// The tag of the index that lists the referrers of `subject` in registries without the referrers API
    /// (distribution-spec 1.1, "Referrers Tag Schema").
    pub fn tag(subject: &Digest) -> String {
        format!("sha256-{}", subject.hex())
    }

    /// Returns true if `tag` is such a tag, and therefore not a name chosen by a user.
    pub fn is_tag(tag: &str) -> bool {
        Self::subject_of_tag(tag).is_some()
    }

    /// The subject whose referrers the index with such a `tag` lists.
    pub fn subject_of_tag(tag: &str) -> Option<Digest> {
        format!("sha256:{}", tag.strip_prefix("sha256-")?).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn read(document: &Value) -> Option<Referrer> {
        let bytes = document.to_string().into_bytes();
        Referrer::read(&Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes), &bytes)
    }

    #[test]
    fn a_referrer_is_listed_with_its_kind_and_its_annotations() {
        let subject = Descriptor::of(MediaType::IMAGE_MANIFEST, b"subject");
        let kind = |found: Option<Referrer>| found.unwrap().descriptor.artifact_type.unwrap().to_string();
        let config = json!({ "mediaType": "of the config" });
        let found =
            read(&json!({ "subject": subject, "artifactType": "a", "config": config, "annotations": { "k": "v" } }));
        assert_eq!(found.as_ref().unwrap().subject, subject.digest);
        assert_eq!(found.as_ref().unwrap().descriptor.annotations["k"], "v");
        assert_eq!(kind(found), "a");
        assert_eq!(kind(read(&json!({ "subject": subject, "artifactType": "", "config": config }))), "of the config");
        let index = read(&json!({ "subject": subject, "manifests": [], "annotations": null })).unwrap();
        assert_eq!(index.descriptor.artifact_type, None);
    }

    #[test]
    fn tags_of_indexes_are_distinguished_from_names() {
        let tag = Referrer::tag(&Digest::of(b"subject"));
        assert!(Referrer::is_tag(&tag));
        for name in ["v1", "sha256-", "sha256-abc", &format!("{tag}.sig"), &tag.replace("sha256-", "sha512-")] {
            assert!(!Referrer::is_tag(name), "{name}");
        }
    }

    #[test]
    fn a_manifest_without_subject_is_not_a_referrer() {
        for document in [json!({}), json!({ "subject": null }), json!({ "subject": { "digest": "../x" } }), json!([1])]
        {
            assert_eq!(read(&document), None, "{document}");
        }
    }
}
