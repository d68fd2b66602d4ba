//! `kit sbom`

use std::path::PathBuf;

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use crate::arguments::OpenArgs;
use crate::context::Context;
use crate::output::tidy;
use kit_core::ops::{self, SbomFormat};
use kit_core::sbom::CycloneDxVersion;
use kit_core::sys::replace_file;

/// Print the bill of materials of a ModelKit
///
/// It lists the model with its properties, the datasets, all files with their digests, the licences as the Kitfile
/// states them, and the ModelKit that the model is taken from. The same ModelKit gives the same bytes. The weights are
/// not read, only their headers; on a registry, files are read completely only if their layer has no table of contents.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit sbom sentiment:v2
  kit sbom registry.example/team/sentiment:v2 --remote --format spdx --output sentiment.spdx.json
  kit sbom sentiment:v2 --output sentiment.cdx.json
  kit attach sentiment:v2 --type application/vnd.cyclonedx+json sentiment.cdx.json")]
pub(crate) struct SbomArgs {
    /// ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Output format
    #[arg(long, value_name = "FORMAT", default_value = "cyclonedx")]
    format: FormatName,
    /// Output file, or `-` for standard output
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    output: PathBuf,
    #[command(flatten)]
    open: OpenArgs,
}

/// The formats of a bill of materials.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormatName {
    /// CycloneDX 1.6, as JSON
    Cyclonedx,
    /// CycloneDX 1.7, as JSON
    #[value(name = "cyclonedx-1.7")]
    Cyclonedx17,
    /// SPDX 3.0.1, as JSON-LD
    Spdx,
}

impl FormatName {
    fn format(self) -> SbomFormat {
        match self {
            Self::Cyclonedx => SbomFormat::CycloneDx(CycloneDxVersion::V1_6),
            Self::Cyclonedx17 => SbomFormat::CycloneDx(CycloneDxVersion::V1_7),
            Self::Spdx => SbomFormat::Spdx,
        }
    }
}

impl SbomArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let location = context.location(&self.reference)?;
        let failed = || format!("cannot make the bill of materials of `{location}`");
        let (found, inspected, jobs) = self.open.open(context, &location).with_context(failed)?;
        let format = self.format.format();
        let document = ops::sbom((&found, &inspected), &location, format, jobs.small, &context.bars);
        let document = document.with_context(failed)?;
        if self.output.as_os_str() == "-" {
            return context.output.write(|out| Ok(out.write_all(&document)?));
        }
        let written = replace_file(&context.environment.absolute(&self.output), &document);
        written.with_context(|| format!("cannot write `{}`", tidy(&self.output)))
    }
}
