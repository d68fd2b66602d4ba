//! `kit diff`

use std::path::PathBuf;
use std::str::FromStr;

use anyhow::Result;
use clap::Args;
use fs_err as fs;
use serde_json::{Value, json};

use super::{diff_markdown, diff_table, pack};
use crate::archive::Links;
use crate::cli::context::Context;
use crate::cli::format::Format;
use crate::cli::network::NetworkArgs;
use crate::cli::report::{Differs, Trouble};
use crate::cli::template::InvalidTemplate;
use crate::compression::Compression;
use crate::kitfile;
use crate::ops::{
    self, Concern, DiffOptions, Difference, FieldDiff, FileChange, FileDiff, FileState, Found, Keeping, LayerRow,
    Locking, PackOptions, Place, Places, Reading, TensorChange, TensorDiff, TensorsDiff,
};

/// Compare two ModelKits, or a ModelKit with a folder
///
/// The first line tells whom the differences concern. Below it come the fields of the Kitfile, the files, the tensors in files of
/// weights, and the layers.
///
/// A folder with a Kitfile is compared as it would be packed. Any other name is looked for in the local store, then in its
/// registry; `local://` or `remote://` in front decides. Layers that both have are not opened. Of others in a registry, the
/// headers are read, and the content of files of equal size up to --read-limit; compressed layers have to be read as a whole.
/// What is read of a layer is not verified.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit diff sentiment:v1 sentiment:v2
  kit diff registry.example/team/sentiment:v2 . --exit-code
  kit diff sentiment:v1 sentiment:v2 --only model --format markdown
  kit diff local://registry.example/team/sentiment:v2 remote://registry.example/team/sentiment:v2")]
pub(crate) struct DiffArgs {
    /// The first: a ModelKit, or a folder with a Kitfile
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
    /// How large files in a registry may be to be read; larger ones of equal size are not compared, but by the headers of weights
    #[arg(long, value_name = "BYTES", default_value_t = 1024 * 1024)]
    read_limit: u64,
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
        if self.exit_code && differs { Err(Differs.into()) } else { Ok(()) }
    }

    /// Prints the comparison, and tells whether anything differs.
    fn show(&self, context: &Context) -> Result<bool> {
        let difference = self.compare(context)?;
        let names = (self.first.as_str(), self.second.as_str());
        let text = match &self.format {
            DiffFormat::Markdown => diff_markdown::render(names, &difference),
            DiffFormat::Common(format) => {
                let table = || diff_table::render(names, &difference, self.only);
                format.render(&self.to_json(&difference), table)?
            }
        };
        context.output.result(text)?;
        Ok(!difference.fields.is_empty() || !difference.files.is_empty())
    }

    fn compare(&self, context: &Context) -> Result<Difference> {
        let store = context.store()?;
        let client = self.network.client(&context.environment)?;
        let places = Places { store: &store, client: &client };
        let first = find(context, &places, &self.first)?;
        let second = find(context, &places, &self.second)?;
        let options = DiffOptions { only: self.only, jobs: ops::jobs(), remote_limit: self.read_limit };
        Ok(ops::diff(&first, &second, &options)?)
    }

    fn trouble(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("cannot compare `{}` with `{}`", self.first, self.second);
        if self.exit_code { error.context(Trouble(text)) } else { error.context(text) }
    }

    fn to_json(&self, difference: &Difference) -> Value {
        let rows = |rows: &[LayerRow]| -> Value {
            rows.iter()
                .map(|row| json!({ "mediaType": row.media_type, "path": row.path, "digest": row.digest, "size": row.size }))
                .collect()
        };
        let side = |name: &str, inspected: &ops::Inspected| {
            json!({
                "reference": name,
                "digest": inspected.descriptor.digest,
                "config": inspected.modelkit.manifest.config.digest,
                "annotations": inspected.modelkit.manifest.annotations,
            })
        };
        json!({
            "identical": difference.is_none(),
            "concerns": difference.concerns().into_iter().map(Concern::word).collect::<Value>(),
            "first": side(&self.first, &difference.first),
            "second": side(&self.second, &difference.second),
            "kitfile": difference.fields.iter().map(field_to_json).collect::<Value>(),
            "files": difference.files.iter().map(file_to_json).collect::<Value>(),
            "sharedLayers": rows(&difference.shared),
            "uniqueToFirst": rows(&difference.only_first),
            "uniqueToSecond": rows(&difference.only_second),
        })
    }
}

fn field_to_json(field: &FieldDiff) -> Value {
    json!({ "path": field.path, "concern": field.concern().word(), "before": field.before, "after": field.after })
}

fn file_to_json(file: &FileDiff) -> Value {
    let state = |state: &FileState| json!({ "mode": format!("{:04o}", state.mode), "size": state.size, "digest": state.digest });
    let from = if let FileChange::Moved(from) = &file.change { Some(from.as_str()) } else { None };
    json!({
        "path": file.path.as_str(),
        "concern": file.concern.word(),
        "change": file.change.word(),
        "from": from,
        "before": file.before.as_ref().map(state),
        "after": file.after.as_ref().map(state),
        "tensors": file.tensors.as_ref().map(tensors_to_json),
    })
}

fn tensors_to_json(tensors: &TensorsDiff) -> Value {
    let change = |change: &TensorDiff| {
        let word = match change.change {
            TensorChange::Added => "added",
            TensorChange::Removed => "removed",
            TensorChange::Retyped => "retyped",
            TensorChange::Reshaped => "reshaped",
            TensorChange::Changed => "changed",
        };
        json!({ "name": change.name, "change": word, "before": change.before, "after": change.after })
    };
    let changes: Value = tensors.changes.iter().map(change).collect();
    json!({ "total": tensors.total, "contentCompared": tensors.is_compared, "changes": changes })
}

fn find(context: &Context, places: &Places<'_>, text: &str) -> Result<Found> {
    let (place, text) = match (text.strip_prefix("local://"), text.strip_prefix("remote://")) {
        (Some(rest), _) => (Place::Local, rest),
        (_, Some(rest)) => (Place::Remote, rest),
        _ => match folder(context, text) {
            Some(folder) => return find_in_folder(context, places, folder),
            None => (Place::Anywhere, text),
        },
    };
    Ok(places.find(&context.location(text)?, place)?)
}

/// The folder that `text` means: none if it can be a reference and no folder with a Kitfile is there.
fn folder(context: &Context, text: &str) -> Option<PathBuf> {
    let path = context.environment.absolute(text.as_ref());
    let is_path = text.starts_with(['.', '/']);
    (path.is_dir() && (is_path || pack::find_kitfile(&path).is_ok())).then_some(path)
}

/// The ModelKit that the folder would become.
fn find_in_folder(context: &Context, places: &Places<'_>, folder: PathBuf) -> Result<Found> {
    let path = pack::find_kitfile(&folder)?;
    let parsed = kitfile::parse(&fs::read_to_string(&path)?);
    let options = PackOptions {
        context: folder,
        kitfile: parsed.map_err(|invalid| invalid.in_file(&path.display().to_string()))?,
        references: Vec::new(),
        compression: Compression::None,
        links: Links::default(),
        reading: Reading::Everything,
        format: ops::Format::Tar,
        keeping: Keeping::Blobs,
        locking: Locking::Off,
        recording: None,
        jobs: ops::jobs(),
        cli_version: env!("CARGO_PKG_VERSION").to_owned(),
    };
    Ok(ops::find_in_folder(places, &options, &context.bars)?)
}
