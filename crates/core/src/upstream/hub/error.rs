//! What can go wrong with a hub.

use super::address::{Address, Kind};
use crate::oci::ContentError;
use crate::registry::{self, Answer};

/// Why a hub did not give what it was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its owner decides who may read it.
    #[error("the {kind} `{name}` is gated, and {reader} may not read it")]
    Gated {
        /// What it is.
        kind: Kind,
        /// What it is called.
        name: String,
        /// Who asked, in words.
        reader: &'static str,
        /// What the hub says.
        source: Option<Answer>,
    },
    /// A hub does not tell strangers what is private.
    #[error("there is no {kind} `{name}` at `{hub}`, or it is private")]
    NoRepository {
        /// What it should be.
        kind: Kind,
        /// What it should be called.
        name: String,
        /// The hub.
        hub: String,
        /// What the hub says.
        source: Option<Answer>,
    },
    /// There is no such branch, tag or commit.
    #[error("reference `{revision}` not found: the {kind} `{name}` has no such branch, tag or commit")]
    NoRevision {
        /// What it is.
        kind: Kind,
        /// What it is called.
        name: String,
        /// What it does not have.
        revision: String,
    },
    /// The token is not one.
    #[error("`{hub}` refused the token")]
    TokenRefused {
        /// The hub.
        hub: String,
        /// What the hub says.
        source: Option<Answer>,
    },
    /// An answer is not what the API promises.
    #[error("`{hub}` gave a wrong answer about `{name}`: {problem}")]
    WrongAnswer {
        /// The hub.
        hub: String,
        /// The repository.
        name: String,
        /// What is wrong.
        problem: String,
    },
    /// Anything else that happens between two hosts.
    #[error(transparent)]
    HttpService(#[from] registry::Error),
}

/// What the hub means by `refusal`: it tells kinds of refusals apart by codes (`huggingface_hub`, `hf_raise_for_status`).
pub(super) fn explain(hub: &str, address: &Address, revision: &str, refusal: registry::Error) -> Error {
    let (kind, name, hub) = (address.kind, address.name.clone(), hub.to_owned());
    let source = refusal.answer().cloned();
    let has_code = |code| source.as_ref().is_some_and(|answer: &Answer| answer.has_code(code));
    match refusal {
        registry::Error::NoCredentials { .. } if has_code("GatedRepo") => {
            Error::Gated { kind, name, reader: "somebody without a token", source }
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
