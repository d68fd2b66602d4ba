//! The keys of `config.toml` as the command line names them: `concurrency`, `defaults.concurrency`,
//! `registry."HOST".concurrency`.

use std::fmt;
use std::str::FromStr;

use super::file::{is_host, keys_of};
use super::keys::KEYS;
use super::setting::{Key, TableKind};
use kit_core::problem::{closest, quoted};

/// A key in a table of `config.toml`.
#[derive(Clone)]
pub(crate) struct KeyPath {
    /// The host that the value applies to, in lower case; `None` is the table `[defaults]`.
    pub(crate) host: Option<String>,
    pub(crate) key: &'static dyn Key,
}

/// A text that names no key of `config.toml`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidKey {
    #[error("unknown key {}; {help}", quoted(text))]
    Unknown { text: String, help: String },
    #[error("`{name}` is set for a single registry only; write registry.\"HOST\".{name}")]
    OnlyForHosts { name: &'static str },
    #[error("`{name}` is set for all registries; write defaults.{name}")]
    OnlyDefault { name: &'static str },
    #[error("`{name}` has no key in config.toml; use --{flag}")]
    OnlyFlag { name: &'static str, flag: &'static str },
    #[error("{} is not a host; write registry.\"HOST\".{name} or registry.\"HOST:PORT\".{name}", quoted(host))]
    NotAHost { host: String, name: &'static str },
}

impl FromStr for KeyPath {
    type Err = InvalidKey;

    /// Parses a key. Quotes around the host are optional, as shells remove them.
    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        let (table, name) = text.rsplit_once('.').unwrap_or(("defaults", text));
        let host = table.strip_prefix("registry.").map(unquoted);
        let kind = match host {
            Some(_) => TableKind::Host,
            None if table == "defaults" => TableKind::Defaults,
            None => return Err(unknown(text, None)),
        };
        let key = KEYS.iter().copied().find(|key| key.name() == name).ok_or_else(|| unknown(text, Some(kind)))?;
        if !key.tables().contains(&kind) {
            return Err(misplaced(key, text));
        }
        match host {
            Some(host) if !is_host(host) => Err(InvalidKey::NotAHost { host: host.to_owned(), name: key.name() }),
            host => Ok(Self { host: host.map(str::to_ascii_lowercase), key }),
        }
    }
}

impl fmt::Display for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.host {
            Some(host) => write!(f, "registry.\"{host}\".{}", self.key.name()),
            None => write!(f, "defaults.{}", self.key.name()),
        }
    }
}

impl fmt::Debug for KeyPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyPath({self})")
    }
}

fn unquoted(text: &str) -> &str {
    ['"', '\''].into_iter().find_map(|quote| text.strip_prefix(quote)?.strip_suffix(quote)).unwrap_or(text)
}

/// The error for a key in the wrong table.
fn misplaced(key: &'static dyn Key, text: &str) -> InvalidKey {
    let name = key.name();
    match (key.tables(), key.flag()) {
        ([TableKind::Defaults], _) => InvalidKey::OnlyDefault { name },
        ([TableKind::Host], _) => InvalidKey::OnlyForHosts { name },
        (_, Some(flag)) => InvalidKey::OnlyFlag { name, flag },
        _ => unknown(text, None),
    }
}

/// The error for a name that does not exist in tables of `kind`, or in a table that does not exist.
fn unknown(text: &str, kind: Option<TableKind>) -> InvalidKey {
    let Some(kind) = kind else {
        let help = "write defaults.KEY, or registry.\"HOST\".KEY for one registry".to_owned();
        return InvalidKey::Unknown { text: text.to_owned(), help };
    };
    let names: Vec<_> = keys_of(kind).map(Key::name).collect();
    let start = text.rfind('.').map_or(0, |dot| dot + 1);
    let help = match closest(&text[start..], &names) {
        Some(meant) => format!("did you mean `{}{meant}`?", &text[..start]),
        None => format!("known keys are `{}`", names.join("`, `")),
    };
    InvalidKey::Unknown { text: text.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_written_as_in_the_file_with_or_without_quotes() {
        for (text, expected) in [
            ("concurrency", "defaults.concurrency"),
            ("defaults.concurrency", "defaults.concurrency"),
            ("registry.\"localhost:5000\".plain-http", "registry.\"localhost:5000\".plain-http"),
            ("registry.localhost:5000.plain-http", "registry.\"localhost:5000\".plain-http"),
            ("registry.'ghcr.io'.mirrors", "registry.\"ghcr.io\".mirrors"),
            ("registry.GHCR.io.ca", "registry.\"ghcr.io\".ca"),
        ] {
            assert_eq!(text.parse::<KeyPath>().unwrap().to_string(), expected, "{text}");
        }
    }

    #[test]
    fn a_wrong_key_is_refused_with_the_right_spelling() {
        for (text, expected) in [
            ("concurency", "unknown key `concurency`; did you mean `concurrency`?"),
            ("registry.a.io.mirors", "unknown key `registry.a.io.mirors`; did you mean `registry.a.io.mirrors`?"),
            (
                "nothing-like-it",
                "unknown key `nothing-like-it`; known keys are `ca`, `client-cert`, `client-key`, `concurrency`, \
                 `retry-for`, `lock-timeout`, `sync`",
            ),
            (
                "default.concurrency",
                "unknown key `default.concurrency`; write defaults.KEY, or registry.\"HOST\".KEY for one registry",
            ),
            ("plain-http", "`plain-http` is set for a single registry only; write registry.\"HOST\".plain-http"),
            ("registry.a.io.retry-for", "`retry-for` is set for all registries; write defaults.retry-for"),
            ("tls-verify", "`tls-verify` has no key in config.toml; use --tls-verify"),
            ("registry.a b.ca", "`a b` is not a host; write registry.\"HOST\".ca or registry.\"HOST:PORT\".ca"),
        ] {
            assert_eq!(text.parse::<KeyPath>().unwrap_err().to_string(), expected);
        }
    }
}
