//! `kit ls`

use std::borrow::Cow;
use std::io::{self, Write};

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::arguments::{OpenArgs, PathArgs};
use crate::context::{Context, parse};
use crate::output::{Format, table};
use kit_core::modelkit::{Filter, Selection};
use kit_core::ops::{self, ListOptions, ListedFile};
use kit_core::progress::human;

/// List the files in a ModelKit in the local store or a registry
///
/// If the ModelKit is not in the local store, only the tables of contents of its layers are downloaded. Of a layer
/// without one, as other tools write it, the file headers are downloaded, or all of it if it is compressed. Files of
/// another ModelKit that the model refers to are not listed.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit ls sentiment:v2
  kit ls registry.example/team/sentiment:v2//data/train
  kit ls --remote registry.example/team/sentiment:v2 --filter model,docs
  kit ls oci:/mnt/usb/kits:v2//src --format '{{.Mode}} {{.SizeBytes}} {{.Path}}'")]
pub(crate) struct LsArgs {
    /// ModelKit, optionally with the path of a file or folder in it
    #[arg(value_name = "NAME:TAG[//PATH]")]
    reference: String,
    /// Path of the file or folder, if it is not part of the first argument
    #[arg(value_name = "PATH")]
    path: Option<String>,
    /// List only matching parts: TYPES[:NAMES], both comma-separated; types are kitfile, model, model.parts, datasets,
    /// code, docs, prompts and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    #[command(flatten)]
    paths: PathArgs,
    /// Output format: table, json, yaml, or a Go template with `.Path`, `.Mode`, `.Size`, `.SizeBytes`, `.Layer`,
    /// `.Offset`
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    open: OpenArgs,
}

impl LsArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.format.expect_fields(&["path", "mode", "size", "sizeBytes", "layer", "offset"])?;
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<_>>()?;
        let wanted = context.file_in(&self.reference, self.path.as_deref())?;
        let mut options = ListOptions {
            selection: Selection::new(filters),
            path: wanted.path.clone(),
            paths: self.paths.patterns()?,
            jobs: ops::jobs(),
        };
        let failed = || format!("cannot list the files of `{wanted}`");
        let (found, inspected, jobs) = self.open.open(context, &wanted.location).with_context(failed)?;
        options.jobs = jobs.small;
        let name = wanted.location.to_string();
        let files =
            ops::ls(&*found.source, &inspected.modelkit, &name, &options, &context.bars).with_context(failed)?;
        context.output.write(|out| self.format.write_rows(out, &files, to_json, |out| write_table(out, &files)))
    }
}

fn write_table(out: &mut dyn Write, files: &[ListedFile<'_>]) -> io::Result<()> {
    let row = |file: &ListedFile<'_>| [permissions(file.mode), size(file), file.path.to_string()].map(Cow::Owned);
    table::write(out, ["MODE", "SIZE", "PATH"], files.iter().map(row))
}

fn to_json(file: &ListedFile<'_>) -> Value {
    json!({
        "path": file.path.as_str(),
        "mode": format!("{:04o}", file.mode),
        "size": size(file),
        "sizeBytes": file.size,
        "layer": file.layer,
        "offset": file.offset,
    })
}

fn size(file: &ListedFile<'_>) -> String {
    file.size.map_or_else(|| "?".to_owned(), human)
}

/// The permissions as `ls -l` shows them: `rw-r--r--`.
fn permissions(mode: u32) -> String {
    let letter = |bit: u32| if mode & (1 << bit) == 0 { '-' } else { ['x', 'w', 'r'][bit as usize % 3] };
    (0..9).rev().map(letter).collect()
}

#[cfg(test)]
mod tests {
    use super::permissions;

    #[test]
    fn permissions_are_shown_as_ls_shows_them() {
        for (mode, expected) in [(0o644, "rw-r--r--"), (0o755, "rwxr-xr-x"), (0, "---------"), (0o4421, "r---w---x")] {
            assert_eq!(permissions(mode), expected);
        }
    }
}
