//! The values of `--format`.

use std::io::Write;
use std::str::FromStr;

use anyhow::Result;

use super::{lines, sarif};
use crate::output::{Format, InvalidFormat};
use kit_core::ops::Scanned;

/// The output format.
#[derive(Debug, Clone)]
pub(super) enum ScanFormat {
    /// SARIF 2.1.0, which code hosts show.
    Sarif,
    /// A format that every command supports.
    Common(Format),
}

impl FromStr for ScanFormat {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        if text == "sarif" { Ok(Self::Sarif) } else { text.parse().map(Self::Common) }
    }
}

impl ScanFormat {
    /// Fails if this is a template with an unknown field.
    pub(super) fn check(&self) -> Result<()> {
        match self {
            Self::Sarif => Ok(()),
            Self::Common(format) => format.expect_fields(&[
                "name", "digest", "scanner", "files", "bytes", "level", "findings", "skipped", "licenses",
            ]),
        }
    }

    pub(super) fn write(&self, out: &mut dyn Write, scanned: &Scanned) -> Result<()> {
        match self {
            Self::Sarif => Format::Json.write_document(out, &sarif::log(scanned), String::new),
            Self::Common(format) => format.write_document(out, &scanned.to_json(), || lines::render(scanned)),
        }
    }
}
