//! The name of a file in a ModelKit: `NAME:TAG//PATH`.

use std::fmt;
use std::str::FromStr;

use crate::oci::InvalidReference;
use crate::ops::session::Location;
use crate::relative_path::{PathEscapes, RelativePath};

/// A ModelKit and a path in it, which is the root where none is given.
///
/// The path begins behind the first `//`, which no reference holds. The folder of `oci:FOLDER:NAME//PATH` may hold one, so what
/// stands before the colon that ends the folder does not count; where there is no name, neither folder nor path may hold `//`
/// or a colon.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLocation {
    /// The ModelKit.
    pub location: Location,
    /// Where the file would be unpacked, or the folder.
    pub path: RelativePath,
}

/// A text that names no file in a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidFileLocation {
    /// The ModelKit has no such name.
    #[error(transparent)]
    Reference(#[from] InvalidReference),
    /// Nothing in a ModelKit has such a path.
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
    fn the_path_begins_behind_two_slashes() {
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
    fn neither_a_wrong_reference_nor_a_path_that_climbs_out_is_taken() {
        for text in ["Demo:v1//a", "demo:v1///etc/passwd", "demo:v1//../a", "//a", "demo:v1/a", "oci:kits:no name//a"] {
            assert!(text.parse::<FileLocation>().is_err(), "{text}");
        }
    }
}
