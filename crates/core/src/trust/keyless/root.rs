//! Trusted roots: the authorities, the logs and the timestamp authorities of a service.

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use sigstore_verify::Verifier;
use sigstore_verify::trust_root::TrustedRoot as Document;
use sigstore_verify::types::LogKeyId;

use super::error::TrustedRootError;
use super::provider;
use crate::digest::Digest;
use crate::trust::json::read_json;

/// The type of a trusted root that is read.
pub(in crate::trust) const TRUSTED_ROOT: &str = "application/vnd.dev.sigstore.trustedroot+json;version=0.1";

/// A trusted root. `kit` contains none, and fetches none.
#[derive(Clone)]
pub struct TrustedRoot {
    verifier: Arc<Verifier>,
    has_certificate_logs: bool,
    logs: Vec<LogKeyId>,
    digest: Digest,
}

impl TrustedRoot {
    /// Reads the JSON of a trusted root.
    pub fn read(json: &[u8]) -> Result<Self, TrustedRootError> {
        let invalid = |error: &dyn fmt::Display| TrustedRootError::NotValid(error.to_string());
        let version: Version = read_json(json).map_err(|error| invalid(&error))?;
        if version.media_type.as_deref() != Some(TRUSTED_ROOT) {
            return Err(TrustedRootError::Version);
        }
        let document: Document = serde_json::from_slice(json).map_err(|error| invalid(&error))?;
        if document.certificate_authorities.is_empty() {
            return Err(TrustedRootError::NoAuthority);
        }
        provider::install();
        let verifier = Verifier::new(&document).map_err(|error| invalid(&error))?;
        let (has_certificate_logs, digest) = (!document.ctlogs.is_empty(), Digest::of(json));
        let logs = document.tlogs.into_iter().map(|log| log.log_id.key_id).collect();
        Ok(Self { verifier: Arc::new(verifier), has_certificate_logs, logs, digest })
    }

    /// Returns true if certificates of this service are in a certificate transparency log.
    pub(super) fn has_certificate_logs(&self) -> bool {
        self.has_certificate_logs
    }

    /// Returns true if the trusted root contains the key of this log.
    pub(super) fn contains_log(&self, log: &LogKeyId) -> bool {
        self.logs.contains(log)
    }

    pub(super) fn verifier(&self) -> &Verifier {
        &self.verifier
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Version {
    media_type: Option<String>,
}

impl PartialEq for TrustedRoot {
    fn eq(&self, other: &Self) -> bool {
        self.digest == other.digest
    }
}

impl Eq for TrustedRoot {}

impl fmt::Debug for TrustedRoot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TrustedRoot({})", self.digest)
    }
}
