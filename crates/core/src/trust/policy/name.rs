//! Names of ModelKits and the patterns that match them.

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};
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

/// The ports of https and http. Without a port, the setting `plain-http` decides between them.
const DEFAULT_PORTS: [&str; 2] = [":443", ":80"];

/// A host of Docker Hub that redirects to the others.
const DOCKER_HUB_ALIAS: &str = "registry.hub.docker.com";

/// The name of a registry with one spelling: in lower case, without the port of https or http, addresses in their usual
/// form, and one name for Docker Hub.
fn canonical_host(host: &str) -> String {
    let lower = host.to_ascii_lowercase();
    let host = DEFAULT_PORTS.iter().find_map(|port| lower.strip_suffix(port)).unwrap_or(&lower);
    if let Some((address, port)) = host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return address.parse::<Ipv6Addr>().map_or_else(|_| host.to_owned(), |address| format!("[{address}]{port}"));
    }
    if DOCKER_HUB.contains(&host) || host == DOCKER_HUB_ALIAS {
        return DOCKER_HUB[0].to_owned();
    }
    let (address, port) = host.find(':').map_or((host, ""), |colon| host.split_at(colon));
    ipv4(address).map_or_else(|| host.to_owned(), |address| format!("{address}{port}"))
}

/// Reads an IPv4 address in any spelling that an HTTP client accepts: with fewer parts, and with octal or hexadecimal
/// numbers (WHATWG URL, "IPv4 parser").
fn ipv4(text: &str) -> Option<Ipv4Addr> {
    let number = |part: &str| match part.strip_prefix("0x") {
        Some("") => Some(0),
        Some(digits) => u64::from_str_radix(digits, 16).ok(),
        None if part.len() > 1 && part.starts_with('0') => u64::from_str_radix(part, 8).ok(),
        None => part.parse().ok(),
    };
    let numbers = text.split('.').map(number).collect::<Option<Vec<u64>>>()?;
    let (last, first) = numbers.split_last().filter(|(_, first)| first.len() < 4)?;
    let rest = 8 * (4 - first.len());
    if first.iter().any(|number| *number > 255) || *last >> rest != 0 {
        return None;
    }
    let high = first.iter().zip([24, 16, 8]).fold(0, |address, (number, shift)| address | number << shift);
    u32::try_from(high | last).ok().map(Ipv4Addr::from)
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
