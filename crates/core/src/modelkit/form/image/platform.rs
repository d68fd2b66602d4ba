//! The platform of an image.

use std::fmt;
use std::str::FromStr;

use serde_json::Value;

/// The platform of an image in Go's notation: `linux/amd64`, `linux/arm64/v8`. Models do not depend on it, but
/// container runtimes require it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Platform {
    pub(super) os: String,
    pub(super) architecture: String,
    pub(super) variant: Option<String>,
}

/// A text that is not a platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a platform; use OS/ARCHITECTURE, such as linux/arm64")]
pub struct InvalidPlatform(String);

impl Platform {
    /// Linux on the architecture of this machine.
    pub fn host() -> Self {
        let architecture = match std::env::consts::ARCH {
            "x86_64" => "amd64",
            "aarch64" => "arm64",
            "x86" => "386",
            "powerpc64" if cfg!(target_endian = "little") => "ppc64le",
            "loongarch64" => "loong64",
            other => other,
        };
        Self { os: "linux".to_owned(), architecture: architecture.to_owned(), variant: None }
    }

    /// Reads the fields of an image config, or of the platform of an entry in an image index.
    pub(crate) fn read(object: &Value) -> Option<Self> {
        let text = |field: &str| object[field].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Self { os: text("os")?, architecture: text("architecture")?, variant: text("variant") })
    }

    /// Returns true if an image for `self` is one for `wanted`, which may leave the variant open.
    pub(crate) fn fits(&self, wanted: &Self) -> bool {
        (&self.os, &self.architecture) == (&wanted.os, &wanted.architecture)
            && wanted.variant.as_ref().is_none_or(|variant| self.variant.as_ref() == Some(variant))
    }
}

impl FromStr for Platform {
    type Err = InvalidPlatform;

    fn from_str(text: &str) -> Result<Self, InvalidPlatform> {
        let is_word = |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let words: Vec<_> = text.split('/').filter(is_word).map(str::to_owned).collect();
        match words.as_slice() {
            _ if words.len() != text.split('/').count() => Err(InvalidPlatform(text.to_owned())),
            [os, architecture] => Ok(Self { os: os.clone(), architecture: architecture.clone(), variant: None }),
            [os, architecture, variant] => {
                Ok(Self { os: os.clone(), architecture: architecture.clone(), variant: Some(variant.clone()) })
            }
            _ => Err(InvalidPlatform(text.to_owned())),
        }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)?;
        self.variant.iter().try_for_each(|variant| write!(f, "/{variant}"))
    }
}
