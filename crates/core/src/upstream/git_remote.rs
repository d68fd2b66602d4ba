//! Addresses of git repositories, as users write them, and the names and URLs derived from them.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::provenance::SourceUrl;

/// A git repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitRemote {
    /// A repository on another host.
    Url {
        /// The address that is passed to git; it may contain a secret.
        given: Given,
        /// The address for messages and records.
        url: SourceUrl,
    },
    /// A repository on this disk.
    Folder(PathBuf),
}

/// An address that may contain a secret; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct Given(pub(super) String);

impl GitRemote {
    /// Reads `https://host/path`, `ssh://host/path` and `user@host:path`, and takes any other text as a folder.
    pub fn parse(text: &str) -> Self {
        match SourceUrl::parse(text) {
            Some(url) => Self::Url { given: Given(text.to_owned()), url },
            None => Self::Folder(PathBuf::from(text.strip_prefix("file://").unwrap_or(text))),
        }
    }

    /// The owner, if the address contains one, and the name of the repository.
    pub fn names(&self) -> (Option<String>, String) {
        let url = match self {
            Self::Url { url, .. } => url.to_string(),
            Self::Folder(path) => return (None, name_of_folder(path)),
        };
        let path = split(&url).2.trim_end_matches('/').trim_end_matches("/.git");
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        let owner = above.rsplit('/').next().filter(|owner| !owner.is_empty());
        (owner.map(str::to_owned), without_suffix(name))
    }

    /// The default URL of its LFS server (git-lfs, docs/api/server-discovery.md), which a setting may override;
    /// `None` for a folder. The port for ssh says nothing about the port for https.
    pub(crate) fn lfs_url(&self) -> Option<String> {
        let Self::Url { url, .. } = self else { return None };
        let text = url.to_string();
        let (scheme, host, path) = split(&text);
        let (scheme, host) = match scheme {
            "http" | "https" => (scheme, host),
            _ => ("https", host.split(':').next().unwrap_or(host)),
        };
        let path = path.trim_end_matches('/');
        Some(format!("{scheme}://{host}/{}.git/info/lfs", path.strip_suffix(".git").unwrap_or(path)))
    }

    /// The address that is passed to git.
    pub(crate) fn given(&self) -> String {
        match self {
            Self::Url { given, .. } => given.0.clone(),
            Self::Folder(path) => path.display().to_string(),
        }
    }

    /// The folder, if the repository is one.
    pub(crate) fn folder(&self) -> Option<&Path> {
        match self {
            Self::Url { .. } => None,
            Self::Folder(path) => Some(path),
        }
    }
}

fn name_of_folder(path: &Path) -> String {
    let folder = path.parent().filter(|_| path.ends_with(".git")).unwrap_or(path);
    without_suffix(&folder.file_name().unwrap_or_default().to_string_lossy())
}

fn without_suffix(name: &str) -> String {
    name.strip_suffix(".git").unwrap_or(name).to_owned()
}

/// Scheme, host with port, and path.
fn split(url: &str) -> (&str, &str, &str) {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    (scheme, host, path)
}

impl fmt::Display for GitRemote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Url { url, .. } => url.fmt(f),
            Self::Folder(path) => path.display().fmt(f),
        }
    }
}

impl fmt::Debug for Given {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Given(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_the_lfs_url_follow_from_an_address() {
        let check = |text: &str, owner: Option<&str>, name: &str, lfs: Option<&str>| {
            let remote = GitRemote::parse(text);
            assert_eq!(remote.names(), (owner.map(str::to_owned), name.to_owned()), "{text}");
            assert_eq!(remote.lfs_url().as_deref(), lfs, "{text}");
        };
        check("https://h/ada/net", Some("ada"), "net", Some("https://h/ada/net.git/info/lfs"));
        check("http://h:80/g/ada/net.git/", Some("ada"), "net", Some("http://h:80/g/ada/net.git/info/lfs"));
        check("https://me:secret@h/net", None, "net", Some("https://h/net.git/info/lfs"));
        check("git@host:ada/net.git", Some("ada"), "net", Some("https://host/ada/net.git/info/lfs"));
        check("ssh://git@h:22/ada/net", Some("ada"), "net", Some("https://h/ada/net.git/info/lfs"));
        check("/home/ada/net", None, "net", None);
        check("nets/net.git/", None, "net", None);
        check("file:///home/ada/net/.git", None, "net", None);
    }

    #[test]
    fn a_secret_in_an_address_is_not_shown() {
        let remote = GitRemote::parse("https://me:s3cret@h/ada/net");
        assert_eq!(remote.to_string(), "https://h/ada/net");
        assert!(!format!("{remote:?}").contains("s3cret"));
        assert_eq!(remote.given(), "https://me:s3cret@h/ada/net");
    }
}
