//! The format in which a layer stores its files.

use std::fmt;
use std::str::FromStr;

/// The format of the bytes of a layer before compression.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// A tar archive.
    #[default]
    Tar,
    /// The bytes of a single file, so that the layer has the digest of the file. KitOps supports it since a release
    /// after 1.7.
    Raw,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Tar => "tar",
            Self::Raw => "raw",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that is not a layer format.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid layer format: must be either 'tar' or 'raw', not `{0}`")]
pub struct UnknownFormat(String);

impl FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let known = [Self::Tar, Self::Raw].into_iter().find(|format| format.name() == name);
        known.ok_or_else(|| UnknownFormat(name.to_owned()))
    }
}
