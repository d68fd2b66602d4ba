//! `kit diff`

use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use fs_err as fs;

use super::{json, markdown, table};
use crate::arguments::lock_file;
use crate::commands::create::pack;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{ExitWithDifferences, ExitWithTrouble, Format, InvalidTemplate};
use kit_core::archive::Links;
use kit_core::compression::Compression;
use kit_core::kitfile;
use kit_core::modelkit::Family;
use kit_core::ops::{
    self, Comparable, Concern, DiffOptions, Difference, Keeping, Locking, Lookup, PackOptions, Reading, Session,
};

/// Compare two of ModelKits, folders and locks
///
/// The first line tells whom the differences concern. Below it come the fields of the Kitfile, the files with what
/// changed in them (lines of UTF-8 texts up to 1 MiB, rows and columns of .csv and .tsv, tensors of weights), and the
/// layers.
///
/// A folder with a Kitfile is compared as it would be packed, and of a Kitfile.lock what it lists. Any other name is
/// looked for in the local store, then in its registry; `local://` or `remote://` in front decides. Layers that both
/// have are not opened. Of others in a registry, the headers are read, and the content of files up to --read-limit
/// where it tells whether or how they differ; compressed layers have to be read as a whole. What is read of a layer is
/// not verified. A lock tells that files differ, and not in what.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit diff sentiment:v1 sentiment:v2
  kit diff registry.example/team/sentiment:v2 . --exit-code
  kit diff registry.example/team/sentiment:v2 . --only code --patch
  kit diff Kitfile.lock registry.example/team/sentiment:v2
  kit diff sentiment:v1 sentiment:v2 --only model --stats
  kit diff sentiment:v1 sentiment:v2 --only model --format markdown
  kit diff local://registry.example/team/sentiment:v2 remote://registry.example/team/sentiment:v2")]
pub(crate) struct DiffArgs {
    /// The first: a ModelKit, a folder with a Kitfile, or a Kitfile.lock
    #[arg(value_name = "FIRST")]
    first: String,
    /// The second
    #[arg(value_name = "SECOND")]
    second: String,
    /// table, json, yaml, markdown, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: DiffFormat,
    /// Show only what concerns model, data, code, configuration, docs or deployment
    #[arg(long, value_name = "KIND")]
    only: Option<Concern>,
    /// Exit with 1 if Kitfile or files differ, with 0 if not, and with 2 if that cannot be told
    #[arg(long)]
    exit_code: bool,
    /// How large files in a registry may be to be read; larger ones of equal size are not compared, but by the headers
    /// of weights
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024)]
    read_limit: u64,
    /// Show the differences of small texts themselves, line by line, and texts that are new or gone. Control
    /// characters in them are escaped, but for JSON and YAML
    #[arg(short, long)]
    patch: bool,
    /// Of tensors that changed, tell the largest difference of a number, and the length of all differences relative to
    /// that of the tensor. Reads both to the end, of files in a registry up to --read-limit
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    network: NetworkArgs,
}

/// What --format says.
#[derive(Debug, Clone)]
enum DiffFormat {
    /// For a comment on a pull request.
    Markdown,
    /// What every command prints.
    Common(Format),
}

impl FromStr for DiffFormat {
    type Err = InvalidTemplate;

    fn from_str(text: &str) -> Result<Self, InvalidTemplate> {
        if text == "markdown" { Ok(Self::Markdown) } else { text.parse().map(Self::Common) }
    }
}

impl DiffArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let differs = self.show(context).map_err(|error| self.trouble(error))?;
        if self.exit_code && differs { Err(ExitWithDifferences.into()) } else { Ok(()) }
    }

    /// Prints the comparison, and tells whether anything differs.
    fn show(&self, context: &Context) -> Result<bool> {
        let difference = self.compare(context)?;
        let names = (self.first.as_str(), self.second.as_str());
        let text = match &self.format {
            DiffFormat::Markdown => markdown::render(names, &difference),
            DiffFormat::Common(format) => {
                let table = || table::render(names, &difference, self.only);
                format.render(&json::render(names, &difference), table)?
            }
        };
        context.output.result(text)?;
        Ok(!difference.is_empty())
    }

    fn trouble(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("cannot compare `{}` with `{}`", self.first, self.second);
        if self.exit_code { error.context(ExitWithTrouble(text)) } else { error.context(text) }
    }

    fn compare(&self, context: &Context) -> Result<Difference> {
        let store = context.store()?;
        let client = self.network.client(&context.environment)?;
        let session = Session { store: &store, client: &client };
        let first = comparable(context, &session, &self.first)?;
        let second = comparable(context, &session, &self.second)?;
        let options = DiffOptions {
            only: self.only,
            jobs: ops::jobs(),
            remote_limit: self.read_limit,
            with_patches: self.patch,
            with_statistics: self.stats,
        };
        Ok(ops::diff(&session, (first, second), &options, &context.bars)?)
    }
}

/// What `text` names.
fn comparable(context: &Context, session: &Session<'_>, text: &str) -> Result<Comparable> {
    let (place, text) = match (text.strip_prefix("local://"), text.strip_prefix("remote://")) {
        (Some(rest), _) => (Lookup::Local, rest),
        (_, Some(rest)) => (Lookup::Remote, rest),
        _ => (Lookup::Anywhere, text),
    };
    let path = context.environment.absolute(text.as_ref());
    if place == Lookup::Anywhere && is_lock(text, &path) {
        return Ok(Comparable::Lock(lock_file::read(&path)?));
    }
    if place == Lookup::Anywhere && is_folder(text, &path) {
        return Ok(Comparable::Folder(Box::new(packing(path)?)));
    }
    Ok(Comparable::ModelKit(session.find(&context.location(text)?, place)?))
}

/// Whether `text` is no reference.
fn is_path(text: &str) -> bool {
    text.starts_with(['.', '/'])
}

fn is_lock(text: &str, path: &Path) -> bool {
    path.is_file() && (is_path(text) || path.extension().is_some_and(|extension| extension == "lock"))
}

/// Whether `text` is a folder: if it can be a reference, too, a Kitfile must be in that.
fn is_folder(text: &str, path: &Path) -> bool {
    path.is_dir() && (is_path(text) || pack::find_kitfile(path).is_ok())
}

/// How a folder is packed to be compared.
fn packing(folder: PathBuf) -> Result<PackOptions> {
    let path = pack::find_kitfile(&folder)?;
    let parsed = kitfile::parse(&fs::read_to_string(&path)?);
    Ok(PackOptions {
        context: folder,
        kitfile: parsed.map_err(|invalid| invalid.in_file(&path.display().to_string()))?,
        references: Vec::new(),
        family: Family::ModelKit,
        compression: Compression::None,
        links: Links::default(),
        reading: Reading::Everything,
        format: ops::Format::Tar,
        keeping: Keeping::Blobs,
        locking: Locking::Off,
        recording: None,
        jobs: ops::jobs(),
        cli_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
