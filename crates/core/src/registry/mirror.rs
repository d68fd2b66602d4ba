//! A mirror, which is a registry with copies of another registry's content: its syntax, and the mirrors that failed
//! in this run.

use std::collections::HashSet;
use std::fmt::{self, Display};
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};

use reqwest::Url;
use tracing::warn;

use crate::oci::Reference;
use crate::registry::http::host_and_port;

/// The location of copies of a registry's repositories: `https://HOST[:PORT][/PREFIX]`. The prefix is prepended to
/// each repository's name, as in podman's `location` and as proxies do for their projects: `team/model` is
/// `PREFIX/team/model` on the mirror.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Mirror {
    /// Host and port.
    pub(super) registry: String,
    prefix: String,
    /// Set by the scheme of the mirror's URL alone.
    pub(super) plain_http: bool,
}

/// An error for a text that is not the URL of a mirror.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{problem}: write https://HOST[:PORT][/PREFIX]")]
pub struct InvalidMirror {
    problem: &'static str,
}

impl FromStr for Mirror {
    type Err = InvalidMirror;

    fn from_str(text: &str) -> Result<Self, InvalidMirror> {
        let wrong = |problem| Err(InvalidMirror { problem });
        let Ok(url) = Url::parse(text) else { return wrong("this is not a URL") };
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return wrong("this is not the URL of a registry");
        }
        if !url.username().is_empty() || url.password().is_some() {
            return wrong("a user name and a password belong to `kit login`");
        }
        if url.query().is_some() || url.fragment().is_some() {
            return wrong("a mirror must not have a query");
        }
        let prefix = url.path().trim_matches('/');
        if prefix == "v2" || prefix.starts_with("v2/") {
            return wrong("`/v2` is added automatically");
        }
        let mirror =
            Self { registry: host_and_port(&url), prefix: prefix.to_owned(), plain_http: url.scheme() == "http" };
        let is_named = format!("r.io/{}", mirror.repository("x")).parse::<Reference>().is_ok();
        if is_named { Ok(mirror) } else { wrong("the path is not a valid prefix of a repository's name") }
    }
}

impl Display for Mirror {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.plain_http { "http" } else { "https" };
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        write!(f, "{scheme}://{}{slash}{}", self.registry, self.prefix)
    }
}

impl Mirror {
    /// The name of the repository `name` on this mirror.
    pub(super) fn repository(&self, name: &str) -> String {
        if self.prefix.is_empty() { name.to_owned() } else { format!("{}/{name}", self.prefix) }
    }
}

/// The mirrors that are not used any more.
#[derive(Default)]
pub(super) struct Failed(Mutex<HashSet<Mirror>>);

impl Failed {
    pub(super) fn contains(&self, mirror: &Mirror) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(mirror)
    }

    /// Records a failed mirror. The first time, a warning gives the reason.
    pub(super) fn insert(&self, mirror: &Mirror, failure: &dyn Display) {
        if self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(mirror.clone()) {
            warn!(%mirror, %failure, "a mirror is not used any more in this run");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mirror_is_a_host_and_perhaps_a_prefix() {
        for (text, registry, repository, plain_http) in [
            ("https://mirror.example", "mirror.example", "team/model", false),
            ("https://mirror.example:5000/", "mirror.example:5000", "team/model", false),
            ("http://[::1]:5000/hub/", "[::1]:5000", "hub/team/model", true),
            ("https://mirror.example/a/b", "mirror.example", "a/b/team/model", false),
        ] {
            let mirror: Mirror = text.parse().unwrap();
            let found = (mirror.registry.as_str(), mirror.repository("team/model"), mirror.plain_http);
            assert_eq!(found, (registry, repository.to_owned(), plain_http));
            assert_eq!(mirror.to_string(), text.trim_end_matches('/'));
        }
    }

    #[test]
    fn an_invalid_mirror_is_explained() {
        for (text, problem) in [
            ("mirror.example", "this is not a URL"),
            ("ftp://mirror.example", "this is not the URL of a registry"),
            ("https://me:secret@mirror.example", "a user name and a password belong to `kit login`"),
            ("https://mirror.example/?x=y", "a mirror must not have a query"),
            ("https://mirror.example/v2/hub", "`/v2` is added automatically"),
            ("https://mirror.example/UPPER", "the path is not a valid prefix of a repository's name"),
            ("https://mirror.example/a/../../b%2f", "the path is not a valid prefix of a repository's name"),
        ] {
            assert_eq!(text.parse::<Mirror>(), Err(InvalidMirror { problem }), "{text}");
        }
    }
}
