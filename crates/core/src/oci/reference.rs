//! The name of an artifact: registry, repository, and a tag or a digest or both.
//!
//! The grammar is that of KitOps (users of `kit` type `demo:v1`), not that of docker: Docker Hub is not the default.

use std::fmt;
use std::str::FromStr;

use crate::digest::Digest;

/// A parsed reference such as `registry.example/team/model:v1`.
///
/// Without a registry it refers to the local store, [`Reference::LOCAL`]; a bare digest refers to the unnamed local
/// repository.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Host and optional port.
    pub registry: String,
    /// The lower-case path in the registry.
    pub repository: String,
    /// The tag. If there is a digest, the tag is only informative.
    pub tag: Option<Tag>,
    /// The digest, which takes precedence over the tag.
    pub digest: Option<Digest>,
}

impl Reference {
    /// The registry of references that have none: only the local store.
    pub const LOCAL: &'static str = "localhost";
    /// The repository of ModelKits that were packed without a name.
    pub const UNNAMED: &'static str = "_";

    /// Returns true if the reference does not contain a remote registry.
    pub fn is_local(&self) -> bool {
        self.registry == Self::LOCAL
    }

    /// Returns true if this is the repository of ModelKits without a name.
    pub fn is_unnamed(&self) -> bool {
        self.is_local() && self.repository == Self::UNNAMED
    }

    /// The name to resolve: the digest if there is one, else the tag.
    pub fn selector(&self) -> Option<String> {
        let digest = self.digest.as_ref().map(ToString::to_string);
        digest.or_else(|| self.tag.as_ref().map(ToString::to_string))
    }

    /// The same repository with `tag` and no digest.
    #[must_use]
    pub fn with_tag(&self, tag: Tag) -> Self {
        Self { tag: Some(tag), digest: None, ..self.clone() }
    }

    /// The same repository with `digest` and no tag.
    #[must_use]
    pub fn with_digest(&self, digest: Digest) -> Self {
        Self { tag: None, digest: Some(digest), ..self.clone() }
    }

    /// The same reference without the digest.
    #[must_use]
    pub fn without_digest(&self) -> Self {
        Self { digest: None, ..self.clone() }
    }

    /// The repository without tag and digest.
    #[must_use]
    pub fn without_selector(&self) -> Self {
        Self { tag: None, digest: None, ..self.clone() }
    }

    /// The full registry and repository, as in `localhost/demo`.
    pub fn full_repository(&self) -> String {
        format!("{}/{}", self.registry, self.repository)
    }

    /// Returns true if the repository, written alone, would be parsed as a registry and a shorter repository.
    fn reads_as_registry(&self) -> bool {
        self.repository.split_once('/').is_some_and(|(head, _)| names_registry(head))
    }

    /// Returns true if repository and tag, written alone, would be parsed as a digest.
    fn reads_as_digest(&self) -> bool {
        let tag = self.tag.as_ref().filter(|_| self.digest.is_none());
        tag.is_some_and(|tag| format!("{}:{tag}", self.repository).parse::<Digest>().is_ok())
    }

    /// Parses `reference[,tag…]`, the form accepted by `pack` and `remove`, into one reference for each tag.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, InvalidReference> {
        let mut pieces = text.split(',');
        let first: Self = pieces.next().unwrap_or_default().parse()?;
        let mut all = vec![first];
        for tag in pieces {
            // The unnamed repository does not have tags.
            let tag = Tag::new(tag).filter(|_| !all[0].is_unnamed());
            let next = all[0].with_tag(tag.ok_or_else(|| InvalidReference::new(text, Part::Tag))?);
            all.push(next);
        }
        Ok(all)
    }
}

impl FromStr for Reference {
    type Err = InvalidReference;

    fn from_str(text: &str) -> Result<Self, InvalidReference> {
        let invalid = |part| InvalidReference::new(text, part);
        let local = |repository: &str| (Self::LOCAL.to_owned(), repository.to_owned());
        if let Ok(digest) = text.parse() {
            let (registry, repository) = local(Self::UNNAMED);
            return Ok(Self { registry, repository, tag: None, digest: Some(digest) });
        }
        let (name, digest) = match text.split_once('@') {
            Some((name, digest)) => (name, Some(digest.parse().map_err(|_| invalid(Part::Digest))?)),
            None => (text, None),
        };
        let (registry, path) = match name.split_once('/') {
            Some((head, rest)) if names_registry(head) => (head, rest),
            _ => (Self::LOCAL, name),
        };
        let (repository, tag) = match path.split_once(':') {
            Some((repository, tag)) => (repository, Some(Tag::new(tag).ok_or_else(|| invalid(Part::Tag))?)),
            None => (path, None),
        };
        if !is_registry(registry) {
            return Err(invalid(Part::Registry));
        }
        if repository.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(invalid(Part::UpperCase));
        }
        let unnamed = registry == Self::LOCAL && repository == Self::UNNAMED && tag.is_none() && digest.is_some();
        if !unnamed && !is_repository(repository) {
            return Err(invalid(Part::Repository));
        }
        Ok(Self { registry: registry.to_owned(), repository: repository.to_owned(), tag, digest })
    }
}

/// Returns true if the text before the first `/` is a registry and not part of the repository.
fn names_registry(head: &str) -> bool {
    head.contains([':', '.']) || head == Reference::LOCAL
}

/// Accepts a host name, an IPv4 address or an IPv6 address in brackets, with an optional port.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (text, None),
    };
    let host_is_valid = match host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => host.split('.').all(is_host_label),
    };
    // A port has one spelling, because policies compare names as text.
    host_is_valid && port.is_none_or(|text| text.parse::<u16>().is_ok_and(|port| port.to_string() == text))
}

fn is_host_label(label: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    !label.is_empty() && label.bytes().all(inner) && !label.starts_with('-') && !label.ends_with('-')
}

/// Accepts components of `[a-z0-9]+` joined by `.`, `_`, `__` or dashes (distribution-spec 1.1, "Pulling manifests").
fn is_repository(text: &str) -> bool {
    text.len() <= 255 && text.split('/').all(is_repository_component)
}

fn is_repository_component(component: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let mut separators =
        component.split(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit()).filter(|run| !run.is_empty());
    let bytes = component.as_bytes();
    bytes.first().is_some_and(|byte| is_word(*byte))
        && bytes.last().is_some_and(|byte| is_word(*byte))
        && separators.all(|run| matches!(run, "." | "_" | "__") || run.bytes().all(|byte| byte == b'-'))
}

impl fmt::Display for Reference {
    /// Writes the short form: without `localhost/` where that is not ambiguous, and only the digest for the unnamed
    /// repository.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (true, Some(digest)) = (self.is_unnamed(), &self.digest) {
            return write!(f, "{digest}");
        }
        if !self.is_local() || self.reads_as_registry() || self.reads_as_digest() {
            write!(f, "{}/", self.registry)?;
        }
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        if let Some(digest) = &self.digest {
            write!(f, "@{digest}")?;
        }
        Ok(())
    }
}

/// A tag by the distribution grammar: a word character, then up to 127 word characters, `.` and `-`.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Tag(String);

impl Tag {
    /// Returns `text` as a tag, if it is valid.
    pub fn new(text: &str) -> Option<Self> {
        let is_word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        let valid = text.len() <= 128
            && text.bytes().next().is_some_and(is_word)
            && text.bytes().all(|byte| is_word(byte) || byte == b'.' || byte == b'-');
        valid.then(|| Self(text.to_owned()))
    }

    /// The name of the tag used if none is given.
    pub const LATEST: &str = "latest";

    /// The tag used if none is given.
    pub fn latest() -> Self {
        Self(Self::LATEST.to_owned())
    }

    /// The tag as a string.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Tag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A text that is not a reference, and its invalid part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid reference: {part} in `{text}`")]
pub struct InvalidReference {
    text: String,
    part: Part,
}

impl InvalidReference {
    fn new(text: &str, part: Part) -> Self {
        Self { text: text.to_owned(), part }
    }
}

impl InvalidReference {
    /// Returns the scheme with its colon if the text is a URL of the web.
    pub fn scheme(&self) -> Option<&str> {
        ["https:", "http:"].into_iter().find(|scheme| self.text.starts_with(scheme))
    }

    /// Returns the reference and the path if the text is probably `NAME:TAG/PATH` or `NAME:TAG//PATH`.
    pub fn with_path(&self) -> Option<(Reference, &str)> {
        if matches!(self.part, Part::Digest) && !self.text.contains("//") {
            return None;
        }
        let splits = self.text.match_indices('/').rev();
        let mut readings = splits.map(|(at, _)| (self.text[..at].parse::<Reference>(), &self.text[at + 1..]));
        readings.find_map(|(reference, path)| reference.ok().filter(|found| found.tag.is_some()).zip(Some(path)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Registry,
    Repository,
    UpperCase,
    Tag,
    Digest,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Registry => "invalid registry (a host name and an optional port)",
            Self::Repository => {
                "invalid repository (lower-case letters and digits, joined by `.`, `_`, `__`, `-` or `/`)"
            }
            Self::UpperCase => "invalid repository: the name must be lowercase",
            Self::Tag => "invalid tag (up to 128 letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`)",
            Self::Digest => "invalid digest (sha256: and 64 lower-case hexadecimal digits)",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    #[test]
    fn references_are_parsed_by_the_rules_of_kitops() {
        for (text, registry, repository, tag) in [
            ("a", "localhost", "a", None),
            ("a/b", "localhost", "a/b", None),
            ("a.b/c", "a.b", "c", None),
            ("a:B", "localhost", "a", Some("B")),
            ("localhost/a:b", "localhost", "a", Some("b")),
            ("localhost:5000/a", "localhost:5000", "a", None),
            ("docker.io/library/x", "docker.io", "library/x", None),
            ("[::1]:5000/a:b", "[::1]:5000", "a", Some("b")),
            ("registry.example/team/model-x__y:v1.0", "registry.example", "team/model-x__y", Some("v1.0")),
        ] {
            let reference: Reference = text.parse().unwrap();
            assert_eq!((&*reference.registry, &*reference.repository), (registry, repository), "{text}");
            assert_eq!(reference.tag.as_ref().map(Tag::as_str), tag, "{text}");
        }
    }

    #[test]
    fn bad_references_name_the_part() {
        for (text, part) in [
            ("", Part::Repository),
            ("A:b", Part::UpperCase),
            ("reg.io/a:b:c", Part::Tag),
            ("_:x", Part::Repository),
            (&format!("_:x@{DIGEST}"), Part::Repository),
            ("a:b/c", Part::Registry),
            ("a.b/", Part::Repository),
            ("a/../b", Part::Repository),
            ("a:", Part::Tag),
            ("a@sha256:1", Part::Digest),
            ("a.b:99999/c", Part::Registry),
            ("a.b:0443/c", Part::Registry),
            ("http://x/y", Part::Registry),
        ] {
            assert_eq!(text.parse::<Reference>(), Err(InvalidReference::new(text, part)));
        }
    }

    #[test]
    fn a_path_behind_a_tag_is_found() {
        for (text, expected) in [
            ("a:v1/config.json", Some(("a:v1", "config.json"))),
            ("localhost:5000/team/a:v1/x/y", Some(("localhost:5000/team/a:v1", "x/y"))),
            ("r.io/A/b", None),
            ("a:b:c", None),
            ("a:v1//config.json", Some(("a:v1", "/config.json"))),
            ("localhost:5000/team/a@sha256:44b6", None),
        ] {
            let error = text.parse::<Reference>().unwrap_err();
            let found = error.with_path().map(|(reference, path)| (reference.to_string(), path));
            assert_eq!(found, expected.map(|(reference, path)| (reference.to_owned(), path)), "{text}");
        }
    }

    #[test]
    fn a_bare_digest_is_the_unnamed_repository() {
        let reference: Reference = DIGEST.parse().unwrap();
        assert!(reference.is_unnamed());
        assert_eq!(reference.to_string(), DIGEST);
    }

    #[test]
    fn a_repository_and_a_tag_that_look_like_a_digest_are_printed_in_full() {
        let text = format!("localhost/{DIGEST}");
        let reference: Reference = text.parse().unwrap();
        assert_eq!((reference.repository.as_str(), reference.digest), ("sha256", None));
        assert_eq!(reference.to_string(), text);
    }

    #[test]
    fn a_digest_beside_a_tag_decides() {
        let reference: Reference = format!("r.io/a:v1@{DIGEST}").parse().unwrap();
        assert_eq!(reference.selector().as_deref(), Some(DIGEST));
        assert_eq!(reference.to_string(), format!("r.io/a:v1@{DIGEST}"));
    }

    #[test]
    fn a_list_of_tags_gives_a_reference_each() {
        let all = Reference::parse_list("r.io/a:v1,v2,latest").unwrap();
        let shown: Vec<_> = all.iter().map(ToString::to_string).collect();
        assert_eq!(shown, ["r.io/a:v1", "r.io/a:v2", "r.io/a:latest"]);
        for text in ["a:b,".to_owned(), format!("{DIGEST},v1")] {
            assert_eq!(Reference::parse_list(&text), Err(InvalidReference::new(&text, Part::Tag)));
        }
    }

    proptest::proptest! {
        #[test]
        fn a_printed_reference_parses_to_itself(
            registry in "(localhost|[a-z]{1,5}\\.[a-z]{2}(:[1-9][0-9]{0,3})?)",
            repository in "[a-z0-9]{1,4}(([._]|__|-{1,3})[a-z0-9]{1,3}){0,2}(/[a-z0-9]{1,4}){0,2}",
            tag in proptest::option::of("[A-Za-z0-9_][A-Za-z0-9_.-]{0,9}"),
            has_digest: bool,
        ) {
            let tag = tag.as_deref().map(|tag| Tag::new(tag).unwrap());
            let digest = has_digest.then(|| Digest::of(b""));
            let reference = Reference { registry, repository, tag, digest };
            assert_eq!(reference.to_string().parse(), Ok(reference));
        }

        #[test]
        fn arbitrary_text_never_panics(text: String) {
            drop(Reference::parse_list(&text));
        }
    }
}
