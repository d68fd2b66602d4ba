//! The address of an LFS server, which a repository may choose.

use std::fmt;

/// The address of an LFS server without a user name, parsed once: git is asked for the credentials of its parts, and
/// requests go to the same parts.
///
/// The syntax is a strict subset of URLs, so that every parser finds the same host: parsers differ about backslashes,
/// missing slashes, control characters and repeated `@`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    scheme: &'static str,
    host: String,
    path: String,
}

impl Address {
    /// Parses `http[s]://[USER[:PASSWORD]@]HOST[:PORT][/PATH]`.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = [("https", "https://"), ("http", "http://")]
            .into_iter()
            .find_map(|(scheme, prefix)| Some((scheme, text.strip_prefix(prefix)?)))?;
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
        let is_good = user.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%:".contains(&byte))
            && is_host(host)
            && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%/+@:,=".contains(&byte));
        is_good.then(|| Self { scheme, host: host.to_ascii_lowercase(), path: path.to_owned() })
    }

    /// The scheme: `http` or `https`.
    pub fn scheme(&self) -> &'static str {
        self.scheme
    }

    /// The host, with its port if the address has one.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The path, without the slash before it.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// Returns true if both addresses lead to the same server in the same way.
    pub fn has_origin_of(&self, other: &Self) -> bool {
        (self.scheme, &self.host) == (other.scheme, &other.host)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}/{}", self.scheme, self.host, self.path)
    }
}

/// Recognizes `name`, `name:port`, `[address]` and `[address]:port`.
fn is_host(host: &str) -> bool {
    let (name, port) = match host.strip_prefix('[').and_then(|host| host.split_once(']')) {
        Some((address, rest)) if address.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b':') => {
            (address, if rest.is_empty() { Some("0") } else { rest.strip_prefix(':') })
        }
        _ => {
            let (name, port) = host.split_once(':').unwrap_or((host, "0"));
            let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte));
            (if is_name { name } else { "" }, Some(port))
        }
    };
    !name.is_empty()
        && port.is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()) && port.parse::<u16>().is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_with_one_meaning_are_accepted() {
        for (text, expected) in [
            ("https://h/ada/net.git/info/lfs", Some("https://h/ada/net.git/info/lfs")),
            ("http://H.example:8080", Some("http://h.example:8080/")),
            ("https://ada:s3cret@h/x", Some("https://h/x")),
            ("https://[::1]:80/x", Some("https://[::1]:80/x")),
            ("http:\\\\evil\\://trusted/x", None),
            ("http:/\\evil/://trusted/x", None),
            ("http:evil/://trusted/x", None),
            ("http://evil\\@trusted/x", None),
            ("http://evil?@trusted/", None),
            ("http://evil#@trusted/", None),
            ("http://a@b@evil/", None),
            ("http://evil:80:81/", None),
            ("http://evil:/", None),
            ("http:///x", None),
            ("https://h/a\nhost=trusted", None),
            ("HTTP://h/", None),
            ("ssh://h/x", None),
        ] {
            assert_eq!(Address::parse(text).map(|address| address.to_string()).as_deref(), expected, "{text}");
        }
    }
}
