//! The meaning of the errors that a registry answers to an upload.

use super::session::Session;
use crate::registry::error::Error;

/// Returns true if the size or one PUT in general is refused, so that chunks may succeed.
pub(super) fn is_whole_refused(failure: &Error) -> bool {
    match failure {
        Error::Status { status: 404 | 413 | 416, .. } | Error::Unsupported { .. } => true,
        Error::Status { status: 400, source, .. } => {
            source.as_ref().is_some_and(|answer| answer.has_code("SIZE_INVALID"))
        }
        _ => false,
    }
}

/// Returns true if the first part was refused as unsupported, or if the parts did not become the blob (Artifactory
/// kept the last one only: wasmCloud#3405). A lost session is a different case.
pub(super) fn are_parts_refused(session: &Session, failure: &Error) -> bool {
    match failure {
        Error::Unsupported { .. } => session.acknowledged == 0,
        _ if is_digest_refused(failure) => true,
        Error::Status { status: 400 | 404 | 501, .. } => session.acknowledged == 0 && !is_session_named(failure),
        _ => false,
    }
}

pub(super) fn is_digest_refused(failure: &Error) -> bool {
    matches!(failure, Error::Status { source: Some(answer), .. } if answer.has_code("DIGEST_INVALID"))
}

pub(super) fn is_part_refused(failure: &Error) -> bool {
    matches!(failure, Error::Status { status: 413 | 416, .. })
}

/// Returns true if the body of a request was too large, for the registry or for a proxy in front of it.
pub(super) fn is_too_large(failure: &Error) -> bool {
    matches!(failure, Error::Status { status: 413, .. })
}

/// Names a registry that does not open any upload as read-only.
pub(super) fn read_only(failure: Error) -> Error {
    match failure {
        Error::Unsupported { registry, attempt, source } => Error::ReadOnly { registry, attempt, source },
        Error::Denied { registry, attempt, source: Some(answer) } if answer.has_code("UNSUPPORTED") => {
            Error::ReadOnly { registry, attempt, source: Some(answer) }
        }
        failure => failure,
    }
}

pub(super) fn is_session_lost(failure: &Error) -> bool {
    match failure {
        Error::Status { status: 404, .. } => true,
        _ => is_session_named(failure),
    }
}

/// Returns true if the error code is about the session.
pub(super) fn is_session_named(failure: &Error) -> bool {
    match failure {
        Error::Status { source: Some(answer), .. } => {
            answer.has_code("BLOB_UPLOAD_UNKNOWN") || answer.has_code("BLOB_UPLOAD_INVALID")
        }
        _ => false,
    }
}
