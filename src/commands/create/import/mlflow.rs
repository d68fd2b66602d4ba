//! Import of an MLflow folder, once it is known to be one.

use std::time::Instant;

use anyhow::Result;

use super::command::say_saved;
use crate::commands::create::pack::copy;
use crate::context::Context;
use crate::output::Moved;
use kit_core::ops::{self, Location, MlflowFolder, PackOptions, Session};

/// The default name of the ModelKit: the words of the MLflow name, without characters that a repository cannot have.
pub(super) fn name(found: &MlflowFolder) -> String {
    let name = found.name();
    let words: Vec<_> = name.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).collect();
    if words.is_empty() { "model".to_owned() } else { words.join("-") }
}

pub(super) fn say(context: &Context, found: &MlflowFolder) {
    let of = found.run_id().map(|id| format!(" (run {id})")).unwrap_or_default();
    context.output.say(&format!("Importing {}{of}", found.name()));
}

/// Packs it into the local store.
pub(super) fn save(context: &Context, session: &Session<'_>, pack: &PackOptions, start: Instant) -> Result<()> {
    let packed = ops::pack(session, pack)?;
    say_saved(context, &pack.references, &packed, start)
}

/// Packs it into a registry or an image layout.
pub(super) fn push(
    context: &Context,
    session: &Session<'_>,
    pack: &PackOptions,
    destination: &Location,
    start: Instant,
) -> Result<()> {
    let copied = copy(session, pack, destination, &[])?.copied;
    context.output.result(format!("Pushed {}", copied.manifest.digest))?;
    context.output.say(&Moved::sent(&copied).in_words(start));
    Ok(())
}
