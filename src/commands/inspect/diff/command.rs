//! `kit diff`

use std::io::Write;
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use clap::Args;

use super::json::DiffData;
use super::opener::Opener;
use super::table::Style;
use super::verdict::VerdictArgs;
use super::{markdown, table};
use crate::arguments::{PathArgs, Size};
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{ExitWithDifferences, ExitWithTrouble, ExitWithVerdict, Format, InvalidFormat, usage};
use kit_core::limits;
use kit_core::ops::{self, Concern, DiffOptions, Difference, Location, Session};
use kit_core::verdict::Level;

/// Compare ModelKits, folders and lock files
///
/// The first line lists the affected areas: model, datasets, code, configuration, docs or deployment. It is followed by
/// changed Kitfile fields, changed files with details (lines of UTF-8 texts up to 1 MiB, rows and columns of .csv and
/// .tsv files, tensors of weights). Notebooks are compared by cell; a notebook with the same cells and other outputs
/// or execution counts is marked `outputs only`. With --layers, or if the output is not a terminal, the manifests,
/// annotations and layers follow in the form of KitOps.
///
/// If a KITOWNERS is attached to a version or is in the folder, the owners of the changes are listed.
///
/// With --for, prints a verdict for each role instead (compatible, changed or breaking) with its reasons: tensors,
/// tokenizer, labels, signature, format, memory, licence, code of the model, packages, metrics, deployment files and
/// datasets. Only headers and small files that differ are read for it.
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
  kit diff sentiment:v1 sentiment:v2 --for app,sre --exit-code
  kit diff sentiment:v1 sentiment:v2 --for data --minimum accuracy=0.9
  kit diff sentiment:v1 . --propose-version
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
    #[command(flatten)]
    verdict: VerdictArgs,
    /// Exit with 1 if the Kitfile or files differ, 0 if not, and another code on failure; with --for, exit with 0 if
    /// compatible, 10 if changed, 20 if breaking
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
        if self.verdict.is_requested() {
            let assessed = self.assess(context);
            return assessed.map_err(|error| if error.is::<ExitWithVerdict>() { error } else { self.trouble(error) });
        }
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
        let opener = self.opener(context, &session);
        let (first, second) = (opener.open(&self.first)?, opener.open(&self.second)?);
        let options = DiffOptions {
            only: self.only,
            paths: Arc::new(self.paths.patterns()?),
            jobs: opener.jobs([&self.first, &self.second]),
            remote_limit: self.read_limit.0,
            with_patches: self.patch,
            with_statistics: self.stats,
            with_contents: true,
        };
        Ok(ops::diff(&session, (first, second), &options)?)
    }

    fn opener<'a>(&self, context: &'a Context, session: &'a Session<'a>) -> Opener<'a> {
        Opener { context, session, is_remote: self.remote, is_answer: self.exit_code }
    }

    /// Prints the verdicts.
    fn assess(&self, context: &Context) -> Result<()> {
        let session = context.session(&self.network)?;
        let opener = self.opener(context, &session);
        let sides = (opener.open(&self.first)?, opener.open(&self.second)?);
        let options = self.verdict.options(opener.jobs([&self.first, &self.second]), self.read_limit.0);
        let assessed = ops::assess(&session, sides, &options)?;
        let names = (self.first.as_str(), self.second.as_str());
        let tag = context.location(&self.first).ok().and_then(|location| tag_of(&location));
        let shown = self.verdict.show(names, &assessed, tag.as_deref())?;
        match &self.format {
            DiffFormat::Markdown => return Err(usage("for Markdown, use `kit news NAME:TAG --since NAME:TAG`")),
            DiffFormat::Common(format) => context.output.result(format.render(&shown.data, || shown.text)?)?,
        }
        let code = match assessed.level(&self.verdict.roles()) {
            Level::Compatible => return Ok(()),
            Level::Changed => 10,
            Level::Breaking => 20,
        };
        if self.exit_code { Err(ExitWithVerdict(code).into()) } else { Ok(()) }
    }
}

/// The tag in a location.
fn tag_of(location: &Location) -> Option<String> {
    match location {
        Location::Artifact(reference) => reference.tag.as_ref().map(ToString::to_string),
        Location::Layout { .. } => None,
    }
}
