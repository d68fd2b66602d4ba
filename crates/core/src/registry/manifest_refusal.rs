//! Manifests that a registry refuses because of their media types: some registries accept container images only.

use super::error::Error;
use super::repository::Repository;
use crate::oci::Manifest;
use crate::registry::http::Call;
use crate::registry::upload::{Capability, Feature};

impl Repository {
    /// Turns a `refusal` that may be about the media types of the manifest in `call` into an error that names them,
    /// and remembers that an `artifactType` is not supported. Nothing can be removed from a manifest, since that
    /// would change its digest.
    pub(super) fn explain_refusal(&self, call: &Call, refusal: Error) -> Error {
        let Ok(manifest) = Manifest::parse(&call.body) else { return refusal };
        if !is_about_the_form(&refusal) {
            return refusal;
        }
        // A manifest that has a subject may be refused because of the subject.
        let is_about_type = manifest.artifact_type.is_some() && manifest.subject.is_none();
        if is_about_type && matches!(refusal, Error::Status { .. }) {
            let host = call.access.endpoint.host_and_port();
            self.client.capabilities.note(&host, [(Feature::ArtifactType, Capability::new(false, None))]);
        }
        let (registry, attempt) = (call.access.endpoint.name.clone(), call.attempt.clone());
        let artifact_type = manifest.artifact_type.map(|kind| format!("artifactType `{kind}` and "));
        let kind = format!("{}config `{}`", artifact_type.unwrap_or_default(), manifest.config.media_type);
        match refusal {
            Error::Status { source, .. } | Error::Unsupported { source, .. } => {
                Error::ManifestRefused { registry, attempt, kind, source }
            }
            other => other,
        }
    }
}

/// Returns true if the media types may be the reason. The protocol has no code for this: registries answer
/// `UNSUPPORTED`, `MANIFEST_INVALID`, a 400 without a message, or 415.
fn is_about_the_form(refusal: &Error) -> bool {
    match refusal {
        Error::Unsupported { .. } => true,
        Error::Status { status, source, .. } if *status == 400 => {
            source.as_ref().is_none_or(|answer| answer.has_code("MANIFEST_INVALID"))
        }
        Error::Status { status, .. } => *status == 415,
        _ => false,
    }
}
