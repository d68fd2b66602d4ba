//! Errors of a hub.

use super::address::{Address, Kind};
use crate::oci::ContentError;
use crate::registry::{self, Answer};

/// An error of reading from a hub.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The owner of the repository decides who may read it.
    #[error("the {kind} `{name}` is gated, and {reader} may not read it")]
    Gated {
        /// The kind of the repository.
        kind: Kind,
        /// The name of the repository.
        name: String,
        /// The user that asked, as a phrase.
        reader: &'static str,
        /// The hub's answer.
        source: Option<Answer>,
    },
    /// The repository is missing or private: a hub does not reveal private repositories to other users.
    #[error("there is no {kind} `{name}` at `{hub}`, or it is private")]
    NoRepository {
        /// The kind that was asked for.
        kind: Kind,
        /// The name that was asked for.
        name: String,
        /// The hub.
        hub: String,
        /// The hub's answer.
        source: Option<Answer>,
    },
    /// The repository has no such branch, tag or commit.
    #[error("reference `{revision}` not found: the {kind} `{name}` has no such branch, tag or commit")]
    NoRevision {
        /// The kind of the repository.
        kind: Kind,
        /// The name of the repository.
        name: String,
        /// The missing branch, tag or commit.
        revision: String,
    },
    /// The token is invalid.
    #[error("`{hub}` refused the token")]
    TokenRefused {
        /// The hub.
        hub: String,
        /// The hub's answer.
        source: Option<Answer>,
    },
    /// An answer violates the API.
    #[error("`{hub}` gave a wrong answer about `{name}`: {problem}")]
    WrongAnswer {
        /// The hub.
        hub: String,
        /// The repository.
        name: String,
        /// A description of the violation.
        problem: String,
    },
    /// Any other failure of an HTTP request.
    #[error(transparent)]
    HttpService(#[from] registry::Error),
}

/// Explains `refusal` by its error code, by which the hub distinguishes kinds of refusals (`huggingface_hub`,
/// `hf_raise_for_status`).
pub(super) fn explain(hub: &str, address: &Address, revision: &str, refusal: registry::Error) -> Error {
    let (kind, name, hub) = (address.kind, address.name.clone(), hub.to_owned());
    let source = refusal.answer().cloned();
    let has_code = |code| source.as_ref().is_some_and(|answer: &Answer| answer.has_code(code));
    match refusal {
        registry::Error::NoCredentials { .. } if has_code("GatedRepo") => {
            Error::Gated { kind, name, reader: "a user without a token", source }
        }
        _ if has_code("GatedRepo") => Error::Gated { kind, name, reader: "the owner of this token", source },
        _ if has_code("RevisionNotFound") => Error::NoRevision { kind, name, revision: revision.to_owned() },
        _ if has_code("RepoNotFound") => Error::NoRepository { kind, name, hub, source },
        registry::Error::NoCredentials { .. } => Error::NoRepository { kind, name, hub, source },
        registry::Error::Unauthorized { .. } => Error::TokenRefused { hub, source },
        other => Error::HttpService(other),
    }
}

impl From<Error> for ContentError {
    fn from(error: Error) -> Self {
        match error {
            Error::HttpService(error) => error.into(),
            Error::Gated { .. } => Self::Denied(Box::new(error)),
            Error::TokenRefused { .. } => Self::Unauthorized(Box::new(error)),
            error => Self::Other(Box::new(error)),
        }
    }
}
