//! `kit diff`

use std::io::Write;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;

use super::json::DiffData;
use super::table::Style;
use super::{markdown, table};
use crate::arguments::kitfile::{KitfileText, find_kitfile};
use crate::arguments::{PathArgs, Size, always_report_local_store, lock_file, report_local_store};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{ExitWithDifferences, ExitWithTrouble, Format, InvalidFormat, tidy, usage};
use kit_core::limits;
use kit_core::oci::Reference;
use kit_core::ops::{
    self, Comparable, Concern, DiffOptions, Difference, Location, Lookup, PackOptions, Reading, Session,
};

/// Compare ModelKits, folders and lock files
///
/// The first line lists the affected areas: model, datasets, code, configuration, docs or deployment. It is followed by
/// changed Kitfile fields, changed files with details (lines of UTF-8 texts up to 1 MiB, rows and columns of .csv and
/// .tsv files, tensors of weights). With --layers, or if the output is not a terminal, the manifests, annotations and
/// layers follow in the form of KitOps.
///
/// A folder with a Kitfile is compared as it would be packed. Other names are looked up in the local store, then in
/// the registry; prefix a name with `local://` or `remote://` to choose. Layers that both sides share are not read. Of
/// other layers in a registry, only file headers are read, and the content of files up to --read-limit if it is needed
/// for the comparison; compressed layers have to be read completely. Data read in this way is verified only with a
/// table of contents, which layers of other tools lack. Lock files record digests only, so the content of their files
/// is not compared.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit diff sentiment:v1 sentiment:v2
  kit diff registry.example/team/sentiment:v2 . --remote --exit-code
  kit diff registry.example/team/sentiment:v2 . --only code --patch
  kit diff sentiment:v1 sentiment:v2 --path config.json --path 'tokenizer*' --exit-code
  kit diff Kitfile.lock registry.example/team/sentiment:v2
  kit diff sentiment:v1 sentiment:v2 --only model --stats --read-limit 200MiB
  kit diff sentiment:v1 sentiment:v2 --only model --format markdown
  kit diff local://registry.example/team/sentiment:v2 remote://registry.example/team/sentiment:v2")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct DiffArgs {
    /// ModelKit, folder with a Kitfile, or Kitfile.lock
    #[arg(value_name = "FIRST")]
    first: String,
    /// ModelKit, folder or Kitfile.lock to compare with
    #[arg(value_name = "SECOND")]
    second: String,
    /// Output format: table, json, yaml, markdown, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: DiffFormat,
    /// Show only differences in this area
    #[arg(long, value_name = "KIND")]
    only: Option<Concern>,
    #[command(flatten)]
    paths: PathArgs,
    /// Show manifests, annotations and layers as well, as KitOps does [default: only if the output is not a terminal,
    /// and without --only and --path]
    #[arg(long)]
    layers: bool,
    /// Exit with 1 if the Kitfile or files differ, 0 if not, and another code on failure
    #[arg(long)]
    exit_code: bool,
    /// Maximum size of files to read from a registry, such as 200MiB; larger files of equal size are compared by their
    /// headers only, if they are weights
    #[arg(long, value_name = "SIZE", default_value_t = Size(limits::DIFF_REMOTE_BYTES))]
    read_limit: Size,
    /// Show line-by-line differences of small text files, and the content of added and removed ones. Control characters
    /// are escaped, except in JSON and YAML
    #[arg(long, short_alias = 'p')]
    patch: bool,
    /// For changed tensors, show the largest difference of an element and the norm of the difference relative to the
    /// norm of the tensor. Reads both files completely; files in a registry only up to --read-limit
    #[arg(long)]
    stats: bool,
    /// Read from the registry, even if the ModelKit is in the local store; applies to names with a registry
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// The value of --format.
#[derive(Debug, Clone)]
enum DiffFormat {
    /// Markdown for a comment on a pull request.
    Markdown,
    /// A format that every command supports.
    Common(Format),
}

impl FromStr for DiffFormat {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        if text == "markdown" { Ok(Self::Markdown) } else { text.parse().map(Self::Common) }
    }
}

impl DiffArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let differs = self.show(context).map_err(|error| self.trouble(error))?;
        if self.exit_code && differs { Err(ExitWithDifferences.into()) } else { Ok(()) }
    }

    /// Prints the comparison, and returns true if anything differs.
    fn show(&self, context: &Context) -> Result<bool> {
        let difference = self.compare(context)?;
        let names = (self.first.as_str(), self.second.as_str());
        let is_whole = self.only.is_none() && self.paths.is_empty();
        let style = Style {
            is_complete: is_whole,
            // Scripts find the documents and layers in the output, as KitOps prints them.
            has_layers: self.layers || is_whole && context.output.result_columns().is_none(),
            colours: context.output.colours(),
        };
        context.output.write(|out| self.write(out, names, &difference, style))?;
        Ok(!difference.is_empty())
    }

    fn write(&self, out: &mut dyn Write, names: (&str, &str), difference: &Difference, style: Style) -> Result<()> {
        let format = match &self.format {
            DiffFormat::Markdown => return Ok(markdown::write(out, names, difference)?),
            DiffFormat::Common(Format::Table) => return Ok(table::write(out, names, difference, style)?),
            DiffFormat::Common(format) => format,
        };
        let data = DiffData::new(names, difference, style.is_complete);
        let (rows, limit) = (data.rows(), limits::TREE_ROWS);
        if rows > limit && !matches!(format, Format::Json) {
            bail!("cannot list {rows} files and tensors in this format: the limit is {limit}; use `--format json`");
        }
        format.write_document(out, &data, String::new)
    }

    fn trouble(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("cannot compare `{}` with `{}`", self.first, self.second);
        if self.exit_code { error.context(ExitWithTrouble(text)) } else { error.context(text) }
    }

    fn compare(&self, context: &Context) -> Result<Difference> {
        let session = context.session(&self.network)?;
        let first = self.comparable(context, &session, &self.first)?;
        let second = self.comparable(context, &session, &self.second)?;
        let options = DiffOptions {
            only: self.only,
            paths: Arc::new(self.paths.patterns()?),
            jobs: self.jobs(context, &session),
            remote_limit: self.read_limit.0,
            with_patches: self.patch,
            with_statistics: self.stats,
            with_contents: true,
        };
        Ok(ops::diff(&session, (first, second), &options)?)
    }

    /// The number of layers or files to read at the same time.
    fn jobs(&self, context: &Context, session: &Session<'_>) -> usize {
        let names =
            [&self.first, &self.second].map(|text| text.split_once("://").map_or(text.as_str(), |(_, name)| name));
        let locations = names.into_iter().filter_map(|name| context.location(name).ok());
        locations.map(|location| session.jobs_to_read(&location).small).max().unwrap_or_else(ops::jobs)
    }

    /// Opens the ModelKit, folder or lock that `text` names.
    fn comparable(&self, context: &Context, session: &Session<'_>, text: &str) -> Result<Comparable> {
        let (place, text) = match (text.strip_prefix("local://"), text.strip_prefix("remote://")) {
            (Some(rest), _) => (Some(Lookup::Local), rest),
            (_, Some(rest)) => (Some(Lookup::Remote), rest),
            _ => (None, text),
        };
        let path = context.environment.absolute(text.as_ref());
        if place.is_none() && is_lock(text, &path) {
            return Ok(Comparable::Lock(lock_file::read(&path, text)?));
        }
        if place.is_none() && is_folder(session, text, &path) {
            return Ok(Comparable::Folder(Box::new(packing(path, text.as_ref())?)));
        }
        if (is_path(text) || text.ends_with("Kitfile.lock")) && !path.exists() {
            return Err(usage(format!("`{}` does not exist", tidy(Path::new(text)))));
        }
        let location = context.location(text)?;
        let found = session.find(&location, place.unwrap_or_else(|| self.place(&location)))?;
        if place.is_none() {
            // A script that asks for an answer needs to know that it may be about an old version.
            let must_be_seen = self.exit_code && context.output.prints_digests_only();
            let report = if must_be_seen { always_report_local_store } else { report_local_store };
            report(context, &location, &found);
        }
        Ok(Comparable::ModelKit(found))
    }

    /// The places to look for a name without a prefix in. A name without a registry is in the local store.
    fn place(&self, location: &Location) -> Lookup {
        let has_registry = matches!(location, Location::Artifact(reference) if !reference.is_local());
        if self.remote && has_registry { Lookup::Remote } else { Lookup::Anywhere }
    }
}

/// Returns true if `text` is a path and cannot be a reference.
fn is_path(text: &str) -> bool {
    text.starts_with(['.', '/'])
}

fn is_lock(text: &str, path: &Path) -> bool {
    path.is_file() && (is_path(text) || path.extension().is_some_and(|extension| extension == "lock"))
}

/// Returns true if `text` is a folder. One without a Kitfile cannot be packed, so a local ModelKit of this name comes
/// first.
fn is_folder(session: &Session<'_>, text: &str, path: &Path) -> bool {
    let is_local =
        |text: &str| text.parse::<Reference>().is_ok_and(|name| ops::find_here(&session.store, &name).is_ok());
    path.is_dir() && (is_path(text) || find_kitfile(path, path).is_ok() || !is_local(text))
}

/// The options that a folder, which the user wrote as `given`, is packed with for a comparison.
fn packing(folder: PathBuf, given: &Path) -> Result<PackOptions> {
    let kitfile = KitfileText::of_folder(&folder, given)?.parse()?;
    Ok(PackOptions { reading: Reading::Everything, ..PackOptions::new(folder, kitfile) })
}
