//! The name of a file in a ModelKit: `NAME:TAG//PATH`.

use std::fmt;
use std::str::FromStr;

use crate::oci::InvalidReference;
use crate::ops::session::Location;
use crate::relative_path::{PathEscapes, RelativePath};

/// A ModelKit and a path in it. The path is the root if the text contains none.
///
/// The path begins after the first `//`, which is never part of a reference. The directory in
/// `oci:DIRECTORY:NAME//PATH` may contain `//`, so the search begins at the colon that ends the directory; without a
/// name, neither the directory nor the path may contain `//` or a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLocation {
    /// The ModelKit.
    pub location: Location,
    /// The path to which the file or directory would be unpacked.
    pub path: RelativePath,
}

/// The error for a text that is not the location of a file in a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFileLocation {
    /// The part before the path is not a valid reference.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// The path cannot exist in a ModelKit.
    #[error(transparent)]
    Path(#[from] PathEscapes),
}

impl FromStr for FileLocation {
    type Err = InvalidFileLocation;

    fn from_str(text: &str) -> Result<Self, InvalidFileLocation> {
        let (location, path) = split(text);
        Ok(Self { location: location.parse()?, path: path.parse()? })
    }
}

impl fmt::Display for FileLocation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.location)?;
        if self.path.is_root() { Ok(()) } else { write!(f, "//{}", self.path) }
    }
}

fn split(text: &str) -> (&str, &str) {
    let begin = Location::path_end(text).unwrap_or_default();
    match text[begin..].find("//") {
        Some(length) => (&text[..begin + length], &text[begin + length + 2..]),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_begins_after_two_slashes() {
        let digest = crate::digest::Digest::of(b"").to_string();
        for (text, location, path) in [
            ("demo:v1", "demo:v1", "."),
            ("demo:v1//", "demo:v1", "."),
            ("demo:v1//config.json", "demo:v1", "config.json"),
            ("demo//data/", "demo", "data"),
            ("demo:v1//a//b/../c", "demo:v1", "a/c"),
            ("demo:v1//a:b@c", "demo:v1", "a:b@c"),
            ("localhost:5000/team/demo:v1//a/b", "localhost:5000/team/demo:v1", "a/b"),
            (&format!("kit.example/demo@{digest}//a"), &format!("kit.example/demo@{digest}"), "a"),
            (&format!("{digest}//a"), &digest, "a"),
            ("oci:kits//a/b", "oci:kits", "a/b"),
            ("oci:kits:v1//a/b", "oci:kits:v1", "a/b"),
            ("oci:/srv//kits:v1", "oci:/srv//kits:v1", "."),
            ("oci:/srv//kits:v1//a:b", "oci:/srv//kits:v1", "a:b"),
            ("oci:C:/kits//a", "oci:C:/kits", "a"),
            ("oci:store:localhost:5000/team/demo:v1//a", "oci:store:localhost:5000/team/demo:v1", "a"),
            (&format!("oci:/srv//kits@{digest}//a"), &format!("oci:/srv//kits@{digest}"), "a"),
        ] {
            let expected = FileLocation { location: location.parse().unwrap(), path: path.parse().unwrap() };
            assert_eq!(text.parse(), Ok(expected.clone()), "{text}");
            assert_eq!(expected.to_string().parse(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn invalid_references_and_paths_that_leave_the_root_are_refused() {
        for text in ["Demo:v1//a", "demo:v1///etc/passwd", "demo:v1//../a", "//a", "demo:v1/a", "oci:kits:no name//a"] {
            assert!(text.parse::<FileLocation>().is_err(), "{text}");
        }
    }
}
