//! Companions: manifests that cosign keeps beside another manifest, under tags that are made from its digest.

use serde_json::json;

use super::descriptor::Descriptor;
use super::manifest::Manifest;
use super::media_type::MediaType;
use super::referrer::Referrer;
use crate::digest::Digest;

/// The kind of a companion, the manifest under the tag `sha256-<hex>` with a suffix.
///
/// cosign before version 3 stores everything in companions; a manifest has at most one of each kind in a repository.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Companion {
    /// Signatures, each of them a layer (`.sig`).
    Signatures,
    /// Attestations, each of them a layer (`.att`).
    Attestations,
    /// Bills of materials (`.sbom`).
    Sbom,
}

impl Companion {
    /// All kinds.
    pub const ALL: [Self; 3] = [Self::Signatures, Self::Attestations, Self::Sbom];

    /// The suffix of the tag.
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Signatures => ".sig",
            Self::Attestations => ".att",
            Self::Sbom => ".sbom",
        }
    }

    /// The kind with this `suffix`.
    pub fn with_suffix(suffix: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.suffix() == suffix)
    }

    /// The tag of the companion of the manifest `subject`.
    pub fn tag(self, subject: &Digest) -> String {
        format!("{}{}", Referrer::tag(subject), self.suffix())
    }

    /// The subject and the kind of the companion with this `tag`, if it is such a tag.
    pub fn of_tag(tag: &str) -> Option<(Digest, Self)> {
        let (subject, kind) = Self::ALL.into_iter().find_map(|kind| Some((tag.strip_suffix(kind.suffix())?, kind)))?;
        Some((Referrer::subject_of_tag(subject)?, kind))
    }

    /// Returns true if `tag` was made from a digest, by this schema or by that of referrers, and is therefore not a
    /// name chosen by a user.
    pub fn is_reserved(tag: &str) -> bool {
        Referrer::is_tag(tag) || Self::of_tag(tag).is_some()
    }
}

/// The result of adding the layers of one companion to those of another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Merged {
    /// The companion has all layers already.
    Unchanged,
    /// The other companion has all layers.
    Other,
    /// A new manifest, and its config if that is new, too.
    New {
        /// The bytes of the manifest.
        manifest: Vec<u8>,
        /// The config.
        config: Option<(Descriptor, Vec<u8>)>,
    },
}

/// Adds the layers of `other` that are missing to the companion `there`. Layers are compared with their annotations:
/// the signatures of one payload by several keys differ only in these.
pub fn merge(there: &Manifest, other: &Manifest) -> Merged {
    let missing: Vec<_> = other.layers.iter().filter(|layer| !there.layers.contains(layer)).cloned().collect();
    if missing.is_empty() {
        return Merged::Unchanged;
    }
    if there.layers.iter().all(|layer| other.layers.contains(layer)) {
        return Merged::Other;
    }
    let mut manifest = there.clone();
    manifest.layers.extend(missing);
    let config = (manifest.config.media_type.as_str() == IMAGE_CONFIG).then(|| {
        let config = config(&manifest.layers);
        manifest.config = Descriptor::of(MediaType::of(IMAGE_CONFIG), &config);
        (manifest.config.clone(), config)
    });
    Merged::New { manifest: manifest.to_bytes(), config }
}

/// The media type of the config of companions.
const IMAGE_CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The config of a companion with these layers, as cosign writes it.
pub fn config(layers: &[Descriptor]) -> Vec<u8> {
    const NEVER: &str = "0001-01-01T00:00:00Z";
    let history: Vec<_> = layers.iter().map(|_| json!({ "created": NEVER })).collect();
    let layers: Vec<_> = layers.iter().map(|layer| layer.digest).collect();
    let rootfs = json!({ "type": "layers", "diff_ids": layers });
    let config = json!({
        "architecture": "", "created": NEVER, "history": history, "os": "", "rootfs": rootfs, "config": {},
    });
    config.to_string().into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer(payload: &str, signature: &str) -> Descriptor {
        let mut layer = Descriptor::of(MediaType::of("p"), payload.as_bytes());
        layer.annotations.insert("signature".to_owned(), signature.to_owned());
        layer
    }

    fn companion(layers: &[Descriptor]) -> Manifest {
        let config = Descriptor::of(MediaType::of(IMAGE_CONFIG), &config(layers));
        Manifest::new(MediaType::of("a"), config, layers.to_vec())
    }

    #[test]
    fn no_signature_is_lost_and_none_is_there_twice() {
        let (one, two, three) = (layer("p", "1"), layer("p", "2"), layer("q", "1"));
        let both = companion(&[one.clone(), two.clone()]);
        let first = companion(std::slice::from_ref(&one));
        assert_eq!(merge(&both, &first), Merged::Unchanged);
        assert_eq!(merge(&both, &both), Merged::Unchanged);
        assert_eq!(merge(&first, &both), Merged::Other);
        let other = companion(&[three.clone(), one.clone()]);
        let Merged::New { manifest, config: Some((descriptor, new)) } = merge(&both, &other) else { panic!() };
        let merged = Manifest::parse(&manifest).unwrap();
        assert_eq!(merged.layers, [one, two, three.clone()]);
        assert_eq!(merged.config, descriptor);
        assert_eq!(descriptor, Descriptor::of(MediaType::of(IMAGE_CONFIG), &new));
        let new: serde_json::Value = serde_json::from_slice(&new).unwrap();
        assert_eq!(new["rootfs"]["diff_ids"][2], json!(three.digest));
        assert_eq!(new["history"].as_array().unwrap().len(), 3);
    }

    #[test]
    fn the_config_is_that_of_cosign() {
        let layer = layer("payload", "s");
        let expected = format!(
            "{}{}{}",
            r#"{"architecture":"","created":"0001-01-01T00:00:00Z","history":[{"created":"0001-01-01T00:00:00Z"}],"#,
            format_args!(r#""os":"","rootfs":{{"type":"layers","diff_ids":["{}"]}},"#, layer.digest),
            r#""config":{}}"#
        );
        assert_eq!(String::from_utf8(config(&[layer])).unwrap(), expected);
    }

    #[test]
    fn tags_of_companions_contain_the_digest_of_their_subject() {
        let subject = Digest::of(b"subject");
        for kind in Companion::ALL {
            let tag = kind.tag(&subject);
            assert_eq!(tag, format!("sha256-{}{}", subject.hex(), kind.suffix()));
            assert_eq!(Companion::of_tag(&tag), Some((subject, kind)));
            assert!(Companion::is_reserved(&tag));
            assert_eq!(Companion::with_suffix(kind.suffix()), Some(kind));
        }
        let tag = Referrer::tag(&subject);
        assert!(Companion::is_reserved(&tag));
        for name in ["v1.sig", "sha256-abc.sig", &tag, &format!("{tag}.pub"), &format!("{tag}.sig.sig")] {
            assert_eq!(Companion::of_tag(name), None, "{name}");
        }
        assert!(!Companion::is_reserved("sha256-abc.sig"));
    }
}
