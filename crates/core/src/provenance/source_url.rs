//! The URL of a git repository, without secrets.

use std::fmt;

/// The URL of a remote repository, without user, password, query and fragment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceUrl(String);

/// The schemes that git fetches over a network (gitprotocol); `ext::` and similar run commands and are not locations.
const SCHEMES: [&str; 4] = ["https", "http", "ssh", "git"];

impl SourceUrl {
    /// Parses the URLs that git accepts: `https://host/path`, `ssh://host/path` or `user@host:path`. Returns `None` for
    /// a path on a disk, which would reveal details of the user's machine, and for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        if text.contains(|c: char| c.is_control() || c.is_whitespace()) {
            return None;
        }
        match text.split_once("://") {
            Some((scheme, rest)) => with_scheme(&scheme.to_ascii_lowercase(), rest),
            None => without_scheme(text),
        }
        .map(Self)
    }
}

/// Any address without user, password and query. The query of some addresses contains a signature.
pub fn without_secrets(address: &str) -> String {
    let address = address.split(['?', '#']).next().unwrap_or_default();
    let Some((scheme, rest)) = address.split_once("://") else { return address.to_owned() };
    let (place, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
    format!("{scheme}://{}{path}", host(place))
}

fn with_scheme(scheme: &str, rest: &str) -> Option<String> {
    let (place, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let path = path.split(['?', '#']).next().unwrap_or_default();
    SCHEMES.contains(&scheme).then(|| format!("{scheme}://{}{path}", host(place)))
}

fn without_scheme(text: &str) -> Option<String> {
    let (place, path) = text.split_once(':').filter(|(place, _)| !place.contains(['/', '\\']))?;
    // A single letter is a Windows drive.
    let is_host = host(place).len() > 1 && !path.starts_with(':');
    is_host.then(|| format!("ssh://{}/{}", host(place), path.trim_start_matches('/')))
}

fn host(place: &str) -> &str {
    place.rsplit('@').next().unwrap_or_default()
}

impl fmt::Display for SourceUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_and_facts_of_the_machine_are_left_out() {
        for (text, expected) in [
            ("https://github.com/a/b.git", Some("https://github.com/a/b.git")),
            ("https://ada:s3cret@git.example:8443/a/b?token=s3cret#s3cret", Some("https://git.example:8443/a/b")),
            ("https://s3cret@git.example", Some("https://git.example")),
            ("https://a:s3@cret@git.example/a@b", Some("https://git.example/a@b")),
            ("HTTPS://git.example?s3cret", Some("https://git.example")),
            ("git@github.com:a/b.git", Some("ssh://github.com/a/b.git")),
            ("git.example:/srv/a", Some("ssh://git.example/srv/a")),
            ("ssh://ada@git.example:22/a", Some("ssh://git.example:22/a")),
            ("/home/ada/a", None),
            ("../a", None),
            ("./a:b", None),
            ("C:/Users/Ada", None),
            ("file:///home/ada/a", None),
            ("ext::sh -c s3cret", None),
            ("transport::address", None),
            ("https://git.example/a\n", None),
            ("", None),
        ] {
            assert_eq!(SourceUrl::parse(text).map(|url| url.to_string()).as_deref(), expected, "{text}");
        }
    }
}
