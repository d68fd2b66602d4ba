//! The report of a ModelKit that was imported into the local store.

use std::time::Instant;

use anyhow::Result;

use crate::context::Context;
use crate::output::Moved;
use kit_core::oci::Reference;
use kit_core::ops::Packed;

/// Reports a ModelKit that was saved in the store.
pub(super) fn say_saved(context: &Context, references: &[Reference], packed: &Packed, start: Instant) -> Result<()> {
    let digest = packed.manifest.digest;
    let line = format!("Model saved: {digest}");
    context.receipt.made(&context.output, ("saved", digest), &texts(references), line)?;
    context.receipt.packed(packed);
    say_done(context, references, &Moved::packed(packed, "written"), start);
    Ok(())
}

pub(super) fn say_done(context: &Context, references: &[Reference], moved: &Moved, start: Instant) {
    context.output.say(&format!("{} · tagged {}", moved.in_words(start), texts(references).join(", ")));
}

/// The texts of `references`.
pub(super) fn texts(references: &[Reference]) -> Vec<String> {
    references.iter().map(ToString::to_string).collect()
}
