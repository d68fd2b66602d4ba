//! The certificate and the evidence of cosign 1 and 2, which are in the annotations of a layer.

use serde_json::{Value, json};

use super::bundle::{Evidence, EvidencePlace, Material};
use super::certificate::Certificate;
use super::json::read_json;
use crate::oci::Annotations;

/// The annotations with the PEM of certificates.
const CERTIFICATE_ANNOTATION: &str = "dev.sigstore.cosign/certificate";
const CHAIN_ANNOTATION: &str = "dev.sigstore.cosign/chain";

/// The annotation with an entry of the log Rekor and its promise.
const ENTRY_ANNOTATION: &str = "dev.sigstore.cosign/bundle";

/// The annotation with a timestamp of RFC 3161.
const TIMESTAMP_ANNOTATION: &str = "dev.sigstore.cosign/rfc3161timestamp";

/// The material and the evidence in the annotations of a layer. None of it is verified.
pub(super) fn annotated(annotations: &Annotations) -> (Material, Evidence) {
    let material = certificates_in(annotations).unwrap_or(Material::PublicKey { hint: None });
    // A key needs no evidence, so an annotation that is not valid is an error only for identities.
    let value = |text: &String| read_json(text.as_bytes()).unwrap_or(Value::Null);
    let timestamp = |text: &String| json!({ "signedTimestamp": value(text)["SignedRFC3161Timestamp"] });
    let evidence = Evidence {
        entries: annotations.get(ENTRY_ANNOTATION).map(value).into_iter().collect(),
        timestamps: annotations.get(TIMESTAMP_ANNOTATION).map(timestamp).into_iter().collect(),
        place: EvidencePlace::Annotations,
    };
    (material, evidence)
}

/// The certificate, with those between it and its authority.
fn certificates_in(annotations: &Annotations) -> Option<Material> {
    let read = |name: &str| Certificate::read_pem(annotations.get(name)?.as_bytes()).ok();
    let leaf = read(CERTIFICATE_ANNOTATION)?;
    let chain = read(CHAIN_ANNOTATION).unwrap_or_default();
    Some(Material::Chain(leaf.iter().chain(&chain).map(|certificate| certificate.der().to_vec()).collect()))
}
