//! Names of ModelKits and the patterns that match them.

use std::fmt;
use std::net::Ipv6Addr;
use std::path::{Component, Path, PathBuf};

use crate::oci::{DOCKER_HUB, Reference};

/// The name of a ModelKit, as the user gives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Name {
    /// A repository in a registry.
    Repository {
        /// The host, with a port if it is not that of https.
        host: String,
        /// The repository.
        repository: String,
    },
    /// A name without a host, which only the local store has.
    Local,
    /// An image layout: its absolute path, and the same path without symbolic links if it is known.
    Layout(Vec<PathBuf>),
}

impl Name {
    /// The name of `reference`. Its tag and its digest do not matter.
    pub fn of(reference: &Reference) -> Self {
        if reference.is_local() {
            return Self::Local;
        }
        Self::Repository { host: canonical_host(&reference.registry), repository: reference.repository.clone() }
    }
}

/// The name of a registry with one spelling: in lower case, without the port of https, IPv6 addresses in their shortest
/// form, and one name for Docker Hub.
fn canonical_host(host: &str) -> String {
    let lower = host.to_ascii_lowercase();
    let host = lower.strip_suffix(":443").unwrap_or(&lower);
    if let Some((address, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().map_or_else(|_| host.to_owned(), |address| format!("[{address}]{port}"));
    }
    if DOCKER_HUB.contains(&host) { DOCKER_HUB[0].to_owned() } else { host.to_owned() }
}

/// A pattern of names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    text: String,
    form: Form,
    /// The line of the file that contains the pattern.
    pub line: usize,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Form {
    Repository {
        host: String,
        repository: String,
    },
    /// The prefix has components without a slash at its end; an empty one stands for the whole host.
    Below {
        host: String,
        prefix: String,
    },
    /// The subdomains of this domain.
    Domain(String),
    Local,
    Layout(PathBuf),
    LayoutsBelow(PathBuf),
}

impl Pattern {
    /// Parses `text`. The error says what a pattern looks like.
    pub(super) fn parse(text: &str, line: usize) -> Result<Self, String> {
        Ok(Self { form: Form::parse(text)?, text: text.to_owned(), line })
    }

    /// Returns true if `name` matches.
    pub fn matches(&self, name: &Name) -> bool {
        match (&self.form, name) {
            (Form::Repository { host, repository }, Name::Repository { host: own_host, repository: own }) => {
                host == own_host && repository == own
            }
            (Form::Below { host, prefix }, Name::Repository { host: own_host, repository }) => {
                host == own_host && is_below(repository, prefix)
            }
            (Form::Domain(domain), Name::Repository { host, .. }) => {
                let without_port = host.rsplit_once(':').map_or(host.as_str(), |(host, _)| host);
                without_port.strip_suffix(domain).is_some_and(|rest| rest.len() > 1 && rest.ends_with('.'))
            }
            (Form::Local, Name::Local) => true,
            (Form::Layout(path), Name::Layout(paths)) => paths.iter().any(|own| own == path),
            (Form::LayoutsBelow(path), Name::Layout(paths)) => {
                paths.iter().any(|own| own.starts_with(path) && own != path)
            }
            _ => false,
        }
    }

    /// The order of patterns that match the same name: the greater one is more specific.
    pub(super) fn specificity(&self) -> (u8, usize) {
        match &self.form {
            Form::Domain(domain) => (0, domain.len()),
            Form::Below { prefix, .. } => (1, prefix.len()),
            Form::LayoutsBelow(path) => (1, path.components().count()),
            Form::Repository { .. } | Form::Local | Form::Layout(_) => (2, 0),
        }
    }

    /// Returns true if both match the same names.
    pub(super) fn equals(&self, other: &Self) -> bool {
        self.form == other.form
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// Returns true for a repository below `prefix`, but not for `prefix` itself.
fn is_below(repository: &str, prefix: &str) -> bool {
    prefix.is_empty() || repository.strip_prefix(prefix).is_some_and(|rest| rest.starts_with('/'))
}

impl Form {
    fn parse(text: &str) -> Result<Self, String> {
        if let Some(path) = text.strip_prefix("oci:") {
            return Self::of_path(path);
        }
        if text == "local/" {
            return Ok(Self::Local);
        }
        if let Some(domain) = text.strip_prefix("*.") {
            return Self::of_domain(domain);
        }
        let Some((host, path)) = text.split_once('/') else {
            return Err(format!("a pattern begins with a host and a `/`, as in `{text}/`"));
        };
        if text.contains('*') {
            return Err("`*` stands only at the beginning, as in `*.example/`".to_owned());
        }
        let prefix = path.strip_suffix('/').unwrap_or(path);
        // Of a repository, a parsed reference has the host and the repository that it is given.
        let sample = if path.is_empty() { format!("{host}/x") } else { format!("{host}/{prefix}") };
        let parsed = sample.parse::<Reference>().map_err(|error| error.to_string())?;
        if parsed.tag.is_some() || parsed.digest.is_some() {
            return Err("a pattern cannot contain a tag or a digest".to_owned());
        }
        if parsed.is_local() {
            return Err(format!("`{host}` is not a registry; write `local/` for names without one"));
        }
        let host = canonical_host(&parsed.registry);
        if path.is_empty() || path.ends_with('/') {
            return Ok(Self::Below { host, prefix: prefix.to_owned() });
        }
        Ok(Self::Repository { host, repository: parsed.repository })
    }

    fn of_domain(domain: &str) -> Result<Self, String> {
        let wrong = || "a pattern for subdomains looks like `*.example/`, without a port or a repository".to_owned();
        let host = domain.strip_suffix('/').filter(|host| !host.contains(['/', ':', '*'])).ok_or_else(wrong)?;
        let sample = format!("x.{host}/x").parse::<Reference>().map_err(|_| wrong())?;
        Ok(Self::Domain(sample.registry[2..].to_ascii_lowercase()))
    }

    fn of_path(path: &str) -> Result<Self, String> {
        let parsed = Path::new(path);
        let is_plain = |part: Component<'_>| !matches!(part, Component::ParentDir | Component::CurDir);
        if !parsed.is_absolute() || !parsed.components().all(is_plain) {
            return Err("the path of a layout is absolute, as in `oci:/srv/models/`".to_owned());
        }
        let is_folder = path.ends_with(std::path::is_separator);
        // Components, because `/a/b/` and `/a/b` have the same ones.
        let path = parsed.components().collect();
        Ok(if is_folder { Self::LayoutsBelow(path) } else { Self::Layout(path) })
    }
}
