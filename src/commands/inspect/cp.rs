//! `kit cp`

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;

use crate::arguments::{OpenArgs, OverwriteArgs, UnsafePathArgs};
use crate::commands::transfer::moved;
use crate::context::{Context, parse};
use crate::output::{counted, tidy, usage};
use kit_core::archive::Placed;
use kit_core::ops::{self, CpOptions, FileLocation, Jobs, Nesting};

/// Copy a file or folder out of a ModelKit in the local store or a registry
///
/// As with cp and `docker cp`, a folder that is copied into an existing folder appears below its own name, so a second
/// run of the same command nests it. With `/.` after its path, its content is copied into the folder, and a second run
/// changes nothing.
///
/// If the ModelKit is not in the local store, only the requested files are downloaded. Files appear at the destination
/// when all of them are complete; existing files that differ are not overwritten without -o. Files are verified with
/// the table of contents of their layer. Of a layer without one, as other tools write it, single files cannot be
/// verified, unless it is compressed and therefore read completely; use `kit unpack` to verify.
#[derive(Debug, Args)]
#[command(override_usage = "kit cp [OPTIONS] <NAME:TAG//PATH>... <DEST>")]
#[command(after_help = "\
Examples:
  kit cp sentiment:v2//Kitfile .
  kit cp sentiment:v2//tokenizer.json sentiment:v2//config.json ./model/
  kit cp sentiment:v2 tokenizer.json config.json ./model/
  kit cp registry.example/team/sentiment:v2//model/config.json /tmp/config.json
  kit cp --remote registry.example/team/sentiment:v2//data/train ./train -o
  kit cp sentiment:v2//data/. ./train")]
pub(crate) struct CpArgs {
    /// ModelKits and paths of the files or folders in them; after NAME:TAG alone, also paths in that ModelKit. The last
    /// is an existing folder to copy into, or the path of the copy of a single file or folder in an existing folder
    // One list, because clap accepts no options between a list and another positional argument.
    #[arg(value_names = ["NAME:TAG//PATH", "DEST"], required = true, num_args = 1..)]
    paths: Vec<OsString>,
    #[command(flatten)]
    overwrite: OverwriteArgs,
    #[command(flatten)]
    unsafe_paths: UnsafePathArgs,
    #[command(flatten)]
    open: OpenArgs,
}

impl CpArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        let (destination, files) = self.paths.split_last().expect("clap requires a destination");
        if files.is_empty() {
            return Err(usage("there is no DEST: kit cp [OPTIONS] <NAME:TAG//PATH>... <DEST>"));
        }
        let given = Path::new(destination);
        let files = Self::files(context, files)?;
        let options = CpOptions {
            destination: context.environment.absolute(given),
            nesting: Nesting::Named,
            overwrite: self.overwrite.choice(),
            unsafe_paths: self.unsafe_paths.choice(&context.environment),
            jobs: Jobs::default(),
        };
        let destination = tidy(given);
        if files.len() > 1 && !ops::is_folder(&options.destination) {
            return Err(usage(format!("`{destination}` is not a folder; several files are copied into a folder")));
        }
        let mut names = HashSet::new();
        let kept = files.iter().filter(|(_, nesting)| *nesting == Nesting::Named);
        if let Some(twice) = kept.map(|(file, _)| file.path.file_name()).find(|name| !names.insert(*name)) {
            let name = twice.unwrap_or_default();
            return Err(usage(format!(
                "several files would be `{name}` in `{destination}`; copy them into different folders"
            )));
        }
        let mut placed = Placed::default();
        for (file, nesting) in files {
            placed += self
                .copy(context, &file, &CpOptions { nesting, ..options.clone() })
                .with_context(|| format!("cannot copy `{file}` to `{destination}`"))?;
        }
        let kept = if placed.kept > 0 { format!(" · {} kept", counted(placed.kept, "file")) } else { String::new() };
        let moved = moved(&placed).in_words(start);
        context.output.say(&format!("Copied {} to {destination}{kept} · {moved}", counted(placed.files, "file")));
        Ok(())
    }

    /// The files to copy. After a ModelKit without a path, arguments without `//` are paths in it.
    fn files(context: &Context, given: &[OsString]) -> Result<Vec<(FileLocation, Nesting)>> {
        let text = |given: &OsString| given.to_str().map(str::to_owned).ok_or_else(|| usage("a name is not UTF-8"));
        let given = given.iter().map(text).collect::<Result<Vec<_>>>()?;
        let (text, rest) = given.split_first().expect("clap requires a file");
        let first = context.file_location(text)?;
        let is_modelkit = first.path.is_root() && !rest.is_empty();
        let more = rest.iter().map(|text| {
            if is_modelkit && !text.contains("//") {
                let path = parse(text)?;
                return Ok((FileLocation { location: first.location.clone(), path }, nesting(text)));
            }
            Ok((context.file_location(text)?, nesting(text)))
        });
        let more = more.collect::<Result<Vec<_>>>()?;
        Ok(if is_modelkit { more } else { [vec![(first.clone(), nesting(text))], more].concat() })
    }

    fn copy(&self, context: &Context, file: &FileLocation, options: &CpOptions) -> Result<Placed> {
        let (found, inspected, jobs) = self.open.open_to_write(context, &file.location)?;
        let options = CpOptions { jobs, ..options.clone() };
        let copied = ops::cp(&*found.source, &inspected.modelkit, &file.path, &options, &context.bars);
        Ok(copied.map_err(|error| error.of_place(found.is_remote))?)
    }
}

/// The place of a folder that the argument `text` names.
fn nesting(text: &str) -> Nesting {
    if text.ends_with("/.") { Nesting::Contents } else { Nesting::Named }
}
