//! `kit update`

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::arguments::kitfile::{KitfileText, find_kitfile};
use crate::commands::inspect::short;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Code, ExitWithDifferences, ExitWithTrouble, Failure, Format, one_line, tidy, tidy_in};
use kit_core::kitfile::{self, LOCK_FILE};
use kit_core::limits;
use kit_core::ops::{self, Lookup, Pin, Unpinned, UpdateOptions};
use kit_core::sys::{read_regular_text, replace_file};

/// Update the pinned digests in a Kitfile to the current targets of their tags
///
/// A model or dataset that comes from another ModelKit is pinned if its reference has a digest after the tag, as in
/// `path: registry.example/base:v1@sha256:…`. A pinned reference keeps using that ModelKit when the tag moves. This
/// command asks the registries for the current digests of the tags and writes them into the Kitfile; everything else
/// in the file is left unchanged. Prints a line for each pin that moved.
#[derive(Debug, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
#[command(after_help = "\
Examples:
  kit update
  kit update --pin
  kit update . registry.example/base
  kit update --dry-run --exit-code
  kit update models/sentiment model.path --format json")]
pub(crate) struct UpdateArgs {
    /// Folder of the project
    #[arg(value_name = "FOLDER", default_value = ".")]
    folder: PathBuf,
    /// Update only these: a field such as model.path, the name of a model or dataset, or a repository [default: all]
    #[arg(value_name = "NAME")]
    names: Vec<String>,
    /// Path to the Kitfile [default: Kitfile, kitfile or .kitfile in FOLDER]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Pin references without a digest as well
    #[arg(long)]
    pin: bool,
    /// Look up tags in the local store instead of the registries
    #[arg(long)]
    local: bool,
    /// Show which pins would move, without changing the Kitfile
    #[arg(long)]
    dry_run: bool,
    /// Exit with 1 if a pin moved or would move, 0 if not, and another code on failure
    #[arg(long)]
    exit_code: bool,
    /// Output format: table, json, yaml, or a Go template, which is applied to each reference
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl UpdateArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let moved = self.update(context).map_err(|error| self.trouble(error))?;
        if self.exit_code && moved { Err(ExitWithDifferences.into()) } else { Ok(()) }
    }

    /// Moves the pins, and returns true if any pin moved or, with --dry-run, would move.
    fn update(&self, context: &Context) -> Result<bool> {
        let folder = context.folder(&self.folder)?;
        let path = match &self.file {
            Some(path) => context.environment.absolute(path),
            None => find_kitfile(&folder, &self.folder)?,
        };
        let given = self.given(&path);
        let text = KitfileText::read(&path, given.display().to_string())?.into_text()?;
        let pins = self.pins(context, folder, &given, &text)?;
        let moved: Vec<_> = pins.iter().filter_map(|pin| Some((pin.field, pin.moved_to()?))).collect();
        if !moved.is_empty() && !self.dry_run {
            let edited = kitfile::pin(&text, &moved)?;
            if read_regular_text(&path, limits::KITFILE_BYTES)? != text {
                let changed = format!("`{}` was changed by another process in the meantime", given.display());
                return Err(Failure::error(Code::Precondition, changed));
            }
            replace_file(&path, edited.as_bytes())?;
        }
        context.output.result(self.format.render_rows(&pins, to_json, || lines(&pins))?)?;
        self.say(context, &given, &pins, moved.len());
        let lock = path.with_file_name(LOCK_FILE);
        if !moved.is_empty() && !self.dry_run && lock.is_file() {
            context.output.say(&format!("{LOCK_FILE} still contains the old digests; `kit pack --lock` updates it"));
        }
        Ok(!moved.is_empty())
    }

    /// The Kitfile at `path` as the user named it.
    fn given(&self, path: &Path) -> PathBuf {
        let in_folder = || tidy_in(&self.folder, path.file_name().unwrap_or_default());
        self.file.as_ref().map_or_else(in_folder, |file| tidy(file)).into()
    }

    fn pins(&self, context: &Context, folder: PathBuf, path: &Path, text: &str) -> Result<Vec<Pin>> {
        let kitfile = kitfile::parse(text).map_err(|invalid| invalid.in_file(&path.display().to_string()))?;
        let options = UpdateOptions {
            context: folder,
            names: self.names.clone(),
            place: if self.local { Lookup::Local } else { Lookup::Remote },
            unpinned: if self.pin { Unpinned::Pinned } else { Unpinned::Left },
            jobs: ops::jobs(),
        };
        Ok(ops::pins(&context.session(&self.network)?, &kitfile, &options)?)
    }

    fn say(&self, context: &Context, path: &Path, pins: &[Pin], moved: usize) {
        let path = path.display();
        for pin in pins.iter().filter(|pin| pin.now.is_none()) {
            let Pin { field, reference, .. } = pin;
            context.output.say(&match reference.tag {
                Some(_) => format!("{field} is not pinned: `{reference}` follows its tag; --pin pins it"),
                None => format!("{field} is unchanged: `{reference}` has no tag"),
            });
        }
        let pins = if moved == 1 { "1 pin" } else { &format!("{moved} pins") };
        context.output.say(&match (moved, self.dry_run) {
            (0, _) => format!("No pins to update in {path}"),
            (_, true) => format!("{pins} would move in {path}; nothing was changed"),
            (_, false) => format!("Moved {pins} in {path}"),
        });
    }

    fn trouble(&self, error: anyhow::Error) -> anyhow::Error {
        let text = format!("cannot update the pins of `{}`", tidy(self.file.as_ref().unwrap_or(&self.folder)));
        if self.exit_code { error.context(ExitWithTrouble(text)) } else { error.context(text) }
    }
}

/// A line for each pin that moved.
fn lines(pins: &[Pin]) -> String {
    let moved: Vec<_> = pins.iter().filter(|pin| pin.moved_to().is_some()).collect();
    let widest = |text: fn(&Pin) -> String| moved.iter().map(|pin| text(pin).len()).max().unwrap_or_default();
    let (fields, references) =
        (widest(|pin| one_line(&pin.field.to_string())), widest(|pin| pin.reference.to_string()));
    let line = |pin: &&Pin| {
        let (field, reference) = (one_line(&pin.field.to_string()), pin.reference.to_string());
        let before = if pin.before.is_some() { short(pin.before) } else { "not pinned".to_owned() };
        format!("{field:<fields$}  {reference:<references$}  {before} → {}\n", short(pin.now))
    };
    moved.iter().map(line).collect()
}

fn to_json(pin: &Pin) -> Value {
    json!({
        "field": pin.field.to_string(),
        "reference": pin.reference.to_string(),
        "before": pin.before,
        "now": pin.now,
        "moved": pin.moved_to().is_some(),
    })
}
