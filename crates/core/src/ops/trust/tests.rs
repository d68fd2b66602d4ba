//! Tests of reading and judging with documents of a registry in memory: changed bytes, and limits.

use std::collections::HashMap;

use proptest::prelude::*;
use serde_json::Value;

use super::candidates::candidates;
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Companion, Content, ContentError, Descriptor, MediaType, Source};
use crate::trust::{BUNDLE_MEDIA_TYPE, Broken, Candidate, Claim, PublicKey, Signer, Verifier, Wanted};

/// A repository with documents by digest.
#[derive(Default)]
struct Memory {
    documents: HashMap<Digest, Vec<u8>>,
    referrers: Vec<Descriptor>,
}

impl Source for Memory {
    fn resolve(&self, name: &str) -> Result<Descriptor, ContentError> {
        Err(ContentError::NotFound(name.to_owned()))
    }

    fn manifest(&self, descriptor: &Descriptor) -> Result<Vec<u8>, ContentError> {
        let found = self.documents.get(&descriptor.digest);
        found.cloned().ok_or_else(|| ContentError::NotFound(descriptor.digest.to_string()))
    }

    fn blob<'a>(&'a self, descriptor: &Descriptor) -> Box<dyn Content + 'a> {
        Box::new(self.documents.get(&descriptor.digest).cloned().unwrap_or_default())
    }

    fn referrers(&self, _subject: &Descriptor) -> Result<Vec<Descriptor>, ContentError> {
        Ok(self.referrers.clone())
    }
}

/// The texts of a manifest and of its bundle, from cosign.
fn golden() -> (Vec<u8>, Vec<u8>) {
    let path = kit_testkit::sandbox::repository().join("tests/golden/trust/oci.json");
    let golden: Value = serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap();
    let document = &golden["cases"][0]["beside"][0];
    let bundle = document["blobs"].as_object().unwrap().values().next().unwrap();
    (text(&document["manifest"]), text(bundle))
}

fn text(value: &Value) -> Vec<u8> {
    value.as_str().unwrap().as_bytes().to_vec()
}

fn subject() -> Descriptor {
    let digest = "sha256:4bc9ab393d190fb05e984d2ff25a3d36712fa6a1d49c6ef7e67f5bd8ed34c7ab".parse().unwrap();
    Descriptor::new(MediaType::IMAGE_MANIFEST, digest, 2411)
}

fn verifier() -> Verifier {
    let path = kit_testkit::sandbox::repository().join("tests/golden/trust/keys/test-cosign.pub");
    Verifier::Key(PublicKey::from_pem(&fs_err::read(path).unwrap()).unwrap())
}

fn judge(found: &[Candidate]) -> Vec<(Signer, Claim)> {
    let wanted = Wanted::signature(subject().digest);
    let counted = found.iter().filter_map(|candidate| {
        let signer = candidate.judge(&[verifier()], &wanted).ok()?;
        Some((signer, candidate.document.as_ref().ok()?.claim.clone()))
    });
    counted.collect()
}

/// Reads the referrer with these documents, where the manifest is listed under its own digest.
fn read(manifest: &[u8], bundle: &[u8], bundle_digest: Digest) -> Vec<Candidate> {
    let listed = Descriptor::of(MediaType::IMAGE_MANIFEST, manifest);
    let listed = Descriptor { artifact_type: Some(MediaType::of(BUNDLE_MEDIA_TYPE)), ..listed };
    let documents = HashMap::from([(listed.digest, manifest.to_vec()), (bundle_digest, bundle.to_vec())]);
    let memory = Memory { documents, referrers: vec![listed] };
    candidates(&memory, &subject(), &[Companion::Signatures]).unwrap().found
}

/// A manifest for a changed bundle, as an attacker who can write to the registry makes it.
fn manifest_of(bundle: &[u8]) -> Vec<u8> {
    let (manifest, original) = golden();
    let text = String::from_utf8(manifest).unwrap();
    let size = |bytes: &[u8]| format!("\"size\":{}", bytes.len());
    let text = text.replace(&Digest::of(&original).to_string(), &Digest::of(bundle).to_string());
    text.replace(&size(&original), &size(bundle)).into_bytes()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4000))]

    #[test]
    fn a_changed_byte_of_a_bundle_is_refused_or_means_the_same(at: usize, to: u8) {
        let (manifest, mut bundle) = golden();
        let digest = Digest::of(&bundle);
        let original = judge(&read(&manifest, &bundle, digest));
        prop_assert_eq!(original.len(), 1);
        let at = at % bundle.len();
        let is_changed = bundle[at] != to;
        bundle[at] = to;
        // Beside the manifest of the signer, its digest is wrong.
        prop_assert_eq!(judge(&read(&manifest, &bundle, digest)).is_empty(), is_changed);
        let counted = judge(&read(&manifest_of(&bundle), &bundle, Digest::of(&bundle)));
        prop_assert!(counted.is_empty() || counted == original);
    }

    #[test]
    fn a_changed_byte_of_a_manifest_is_refused_or_means_the_same(at: usize, to: u8) {
        let (mut manifest, bundle) = golden();
        let digest = Digest::of(&bundle);
        let original = judge(&read(&manifest, &bundle, digest));
        let at = at % manifest.len();
        manifest[at] = to;
        let counted = judge(&read(&manifest, &bundle, digest));
        prop_assert!(counted.is_empty() || counted == original);
    }
}

#[test]
fn too_many_and_too_large_documents_are_not_read() {
    let (manifest, bundle) = golden();
    let listed = Descriptor::of(MediaType::IMAGE_MANIFEST, &manifest);
    let listed = Descriptor { artifact_type: Some(MediaType::of(BUNDLE_MEDIA_TYPE)), ..listed };
    let documents = HashMap::from([(listed.digest, manifest), (Digest::of(&bundle), bundle)]);
    let many = Memory { documents: documents.clone(), referrers: vec![listed.clone(); limits::REFERRERS + 1] };
    let found = candidates(&many, &subject(), &[]).unwrap();
    assert!(found.is_cut_off && found.found.len() <= limits::SIGNATURES);
    let large = Descriptor { size: limits::MANIFEST_BYTES + 1, ..listed };
    let found = candidates(&Memory { documents, referrers: vec![large] }, &subject(), &[]).unwrap().found;
    assert!(matches!(&found[0].document, Err(Broken::TooLarge { .. })));
}

#[test]
fn a_manifest_of_another_subject_is_not_a_candidate_that_counts() {
    let (manifest, bundle) = golden();
    let other = String::from_utf8(manifest).unwrap().replace(&subject().digest.hex(), &Digest::of(b"").hex());
    let found = read(other.as_bytes(), &bundle, Digest::of(&bundle));
    assert!(matches!(&found[0].document, Err(Broken::OtherReferrer)));
}
