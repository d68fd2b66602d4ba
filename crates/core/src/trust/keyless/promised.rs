//! Entries of the log Rekor in the form of cosign 1 and 2, with the promise of the log to contain them.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Value, json};
use sigstore_verify::types::TransparencyLogEntry;

use super::error::KeylessError;
use crate::digest::Digest;
use crate::trust::envelope::decode_base64;

/// The annotation `dev.sigstore.cosign/bundle`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Promised {
    /// The signature of the log over the canonical JSON of the payload, which contains the time.
    signed_entry_timestamp: String,
    payload: Payload,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Payload {
    body: String,
    integrated_time: i64,
    log_index: i64,
    #[serde(rename = "logID")]
    log: String,
}

/// The beginning of the body of an entry.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Body {
    api_version: String,
    kind: String,
}

/// Reads an entry as a bundle would contain it.
pub(super) fn promised_entry(value: &Value) -> Result<TransparencyLogEntry, KeylessError> {
    let invalid = |detail: String| KeylessError::Evidence { what: "log entry", detail };
    let Promised { signed_entry_timestamp, payload } =
        Promised::deserialize(value).map_err(|error| invalid(error.to_string()))?;
    let body = decode_base64(&payload.body).ok_or_else(|| invalid("its body is not valid base64".to_owned()))?;
    let Body { api_version, kind } = serde_json::from_slice(&body).map_err(|error| invalid(error.to_string()))?;
    // It is the SHA-256 of the key of the log.
    let log = Digest::from_hex(&payload.log).ok_or_else(|| invalid("its log has no valid ID".to_owned()))?;
    let entry = json!({
        "logIndex": payload.log_index.to_string(),
        "logId": { "keyId": STANDARD.encode(log.bytes()) },
        "kindVersion": { "kind": kind, "version": api_version },
        "integratedTime": payload.integrated_time.to_string(),
        "inclusionPromise": { "signedEntryTimestamp": signed_entry_timestamp },
        "canonicalizedBody": payload.body,
    });
    TransparencyLogEntry::deserialize(entry).map_err(|error| invalid(error.to_string()))
}
