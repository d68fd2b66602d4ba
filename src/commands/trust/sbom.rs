//! `kit sbom`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::Value;

use crate::arguments::OpenArgs;
use crate::arguments::folder::{is_folder, packing};
use crate::context::Context;
use crate::output::tidy;
use kit_core::ops::{self, Location, Lookup, SbomFormat, Session, Signable};
use kit_core::sbom::CycloneDxVersion;
use kit_core::sys::{real_path, replace_file};
use kit_core::trust::read_json;

/// Print the bill of materials of a ModelKit or a project folder
///
/// It lists the model with its properties, the datasets, all files with their digests, the licences as the Kitfile
/// states them, and the ModelKit that the model is taken from. The same ModelKit gives the same bytes. The weights are
/// not read, only their headers; on a registry, files are read completely only if their layer has no table of contents.
///
/// Of a project folder, the document has the files that `kit pack` would pack, with their digests, and what the Kitfile
/// declares. Fields that are not known before packing are left out: the digests of the ModelKit and its layers, its
/// address and its time.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit sbom sentiment:v2
  kit sbom registry.example/team/sentiment:v2 --remote --format spdx --output sentiment.spdx.json
  kit sbom . --format cyclonedx-1.7
  kit sbom sentiment:v2 --output sentiment.cdx.json
  kit attach sentiment:v2 --type application/vnd.cyclonedx+json sentiment.cdx.json")]
pub(crate) struct SbomArgs {
    /// ModelKit or project folder
    #[arg(value_name = "NAME:TAG|FOLDER")]
    target: String,
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
pub(super) enum FormatName {
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

    /// The type of a predicate that is a document in this format.
    fn predicate_type(self) -> &'static str {
        match self {
            Self::Cyclonedx | Self::Cyclonedx17 => "https://cyclonedx.org/bom",
            Self::Spdx => "https://spdx.dev/Document",
        }
    }
}

impl SbomArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let failed = || format!("cannot make the bill of materials of `{}`", tidy(Path::new(&self.target)));
        let document = self.document(context).with_context(failed)?;
        if self.output.as_os_str() == "-" {
            return context.output.write(|out| Ok(out.write_all(&document)?));
        }
        let written = replace_file(&context.environment.absolute(&self.output), &document);
        written.with_context(|| format!("cannot write `{}`", tidy(&self.output)))
    }

    fn document(&self, context: &Context) -> Result<Vec<u8>> {
        let path = context.environment.absolute(self.target.as_ref());
        let session = self.open.session(context)?;
        if self.open.place() != Lookup::Remote && is_folder(&session, &self.target, &path) {
            let pack = packing(real_path(&path)?, self.target.as_ref())?;
            return Ok(ops::sbom_of_folder(&session, &pack, self.format.format())?);
        }
        let location = context.location(&self.target)?;
        let (found, inspected, jobs) = self.open.open(context, &location)?;
        let format = self.format.format();
        Ok(ops::sbom((&found, &inspected), &location, format, jobs.small, &context.bars)?)
    }
}

/// Makes the bill of materials of the ModelKit at `location`, and returns the type of the predicate with it, and the
/// predicate: the document of `kit sbom`.
pub(super) fn sbom_to_attest(
    context: &Context,
    session: &Session<'_>,
    signable: &Signable,
    location: &Location,
    format: FormatName,
) -> Result<(String, Value)> {
    let inspected = ops::inspect(&signable.found)?;
    let jobs = session.jobs_to_read(location).small;
    let document = ops::sbom((&signable.found, &inspected), location, format.format(), jobs, &context.bars)?;
    let predicate = read_json(&document).context("the bill of materials is not valid JSON")?;
    Ok((format.predicate_type().to_owned(), predicate))
}
