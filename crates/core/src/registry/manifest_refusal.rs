//! A manifest that a registry does not take for what it is: registries that know container images only.

use super::error::Error;
use super::repository::Repository;
use crate::oci::Manifest;
use crate::registry::http::Call;
use crate::registry::upload::{Capability, Feature};

impl Repository {
    /// Says of a `refusal` that may be about the media types of the manifest in `call` what they are, and remembers that of an
    /// `artifactType`. Nothing can be left out of a manifest, whose digest is its name.
    pub(super) fn explain_refusal(&self, call: &Call, refusal: Error) -> Error {
        let Ok(manifest) = Manifest::parse(&call.body) else { return refusal };
        if !is_about_the_form(&refusal) {
            return refusal;
        }
        // What is wrong with a manifest that has a subject may be just that.
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

/// The protocol has no code for this: it is `UNSUPPORTED`, `MANIFEST_INVALID`, a 400 without a word, or 415.
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
