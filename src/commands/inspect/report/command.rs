//! `kit report`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};

use super::{html, json, markdown};
use crate::arguments::{LookupArgs, report_local_store};
use crate::commands::trust::{SignerArgs, TrustNetworkArgs};
use crate::config::Config;
use crate::context::Context;
use crate::output::{self, tidy};
use kit_core::modelkit::Selection;
use kit_core::ops::{self, Location, Report, ReportOptions, ScanOptions, Session};
use kit_core::scan::Rules;
use kit_core::sys::replace_file;

/// Write a report on a ModelKit for people: a page, a model card or JSON
///
/// The page is a single HTML file without scripts that loads nothing, so it can be sent, printed and archived. It shows
/// the parts and sizes, the model, the lineage, the earlier versions with their metrics, the changes since the previous
/// version, licences, signatures, attestations, approvals, scans and recalls. Markdown has the form of a model card of
/// Hugging Face.
///
/// Only documents, tables of contents and headers are read, also from a registry: less than 20 MB, however large the
/// ModelKit is. With --scan, the files are scanned as `kit scan` does. Signatures are verified if --key,
/// --certificate-identity or a policy names their signers. All that could not be determined is listed at the end.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit report sentiment:v2 -o report.html
  kit report --remote registry.example/team/sentiment:v2 --key release.pub -o report.html
  kit report sentiment:v2 --since sentiment:v1 --scan -o report.html
  kit report sentiment:v2 --format markdown -o README.md")]
pub(crate) struct ReportArgs {
    /// ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Output file, or `-` for standard output; an existing file is replaced
    #[arg(short, long, value_name = "FILE", default_value = "-", hide_default_value = true)]
    output: PathBuf,
    /// Output format [default: by the extension of FILE (.html, .md, .json), otherwise html]
    #[arg(long, value_name = "FORMAT")]
    format: Option<ReportFormat>,
    /// Version to compare with [default: the previous version]
    #[arg(long, value_name = "NAME:TAG")]
    since: Option<String>,
    /// Scan the files, which reads more of the layers
    #[arg(long)]
    scan: bool,
    #[command(flatten)]
    signers: SignerArgs,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

/// The formats of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ReportFormat {
    /// A page
    Html,
    /// A model card
    Markdown,
    /// JSON for scripts
    Json,
}

impl ReportFormat {
    /// The format that the extension of a file stands for.
    fn of_file(path: &Path) -> Self {
        let extension = path.extension().and_then(|it| it.to_str()).unwrap_or_default().to_ascii_lowercase();
        match extension.as_str() {
            "md" | "markdown" => Self::Markdown,
            "json" => Self::Json,
            _ => Self::Html,
        }
    }
}

impl ReportArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let location = context.location(&self.reference)?;
        let report = self.gather(context, &location);
        let report = report.with_context(|| format!("cannot make a report on `{location}`"))?;
        let text = match self.format.unwrap_or_else(|| ReportFormat::of_file(&self.output)) {
            ReportFormat::Html => html::page(&report, context.environment.time),
            ReportFormat::Markdown => markdown::render(&report),
            ReportFormat::Json => output::to_json(&json::to_json(&report)?)?,
        };
        if self.output.as_os_str() == "-" {
            return Ok(context.output.result(text)?);
        }
        let written = replace_file(&context.environment.absolute(&self.output), text.as_bytes());
        written.with_context(|| format!("cannot write `{}`", tidy(&self.output)))?;
        context.output.say(&format!("Wrote `{}`", tidy(&self.output)));
        Ok(())
    }

    fn gather(&self, context: &Context, location: &Location) -> Result<Report> {
        let session = context.session(&self.network)?;
        let place = self.lookup.place();
        let found = session.find(location, place)?;
        report_local_store(context, location, &found);
        ops::admit_to_read(&session, &found)?;
        let options = ReportOptions {
            since: self
                .since
                .as_ref()
                .map(|since| Ok::<_, anyhow::Error>((context.location(since)?, place)))
                .transpose()?,
            verifiers: self.signers.of_modelkits(context)?,
            scan: self.scan.then(|| self.scanning(context, &session)).transpose()?,
            jobs: session.jobs_to_read(location).small,
        };
        Ok(ops::report(&session, location, found, &options)?)
    }

    fn scanning(&self, context: &Context, session: &Session<'_>) -> Result<ScanOptions> {
        let config = Config::read(&self.network, &context.environment)?;
        let store = session.store.root();
        Ok(ScanOptions {
            rules: Rules { allowed_globals: config.allowed_globals().to_vec() },
            selection: Selection::default(),
            jobs: ops::jobs(),
            scratch: if store.is_dir() { store.to_owned() } else { std::env::temp_dir() },
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_extension_selects_the_format() {
        for (file, expected) in [
            ("-", ReportFormat::Html),
            ("report.html", ReportFormat::Html),
            ("README.md", ReportFormat::Markdown),
            ("a.b/REPORT.JSON", ReportFormat::Json),
            ("report", ReportFormat::Html),
        ] {
            assert_eq!(ReportFormat::of_file(Path::new(file)), expected, "{file}");
        }
    }
}
