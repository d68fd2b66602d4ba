//! The other forms of a ModelKit that is copied.

use anyhow::Result;

use crate::arguments::dry_run;
use crate::context::Context;
use kit_core::oci::Target;
use kit_core::ops::{self, Carry, CopyOptions, Located, Location, OtherForm, Session};

/// Returns the other forms of the ModelKit `found`. Fails if a policy does not allow one of them under the names
/// `locations`.
///
/// The forms are read once: a tag that appears later was not judged, and is not copied.
pub(super) fn admitted(
    context: &Context,
    session: &Session<'_>,
    found: &Located,
    locations: &[&Location],
) -> Result<Vec<OtherForm>> {
    let modelkit = found.source.resolve(&found.name)?;
    let forms = ops::other_forms(&*found.source, &found.name, &modelkit, &context.bars)?;
    forms.iter().try_for_each(|form| ops::admit_form(session, found, &form.manifest, locations))?;
    Ok(forms)
}

/// Copies the other forms of a ModelKit, which was copied from `found` to the tag at the target.
pub(super) fn copy(
    context: &Context,
    (found, forms): (&Located, &[OtherForm]),
    (target, tag): (&dyn Target, Option<&str>),
    destination: &Location,
    (options, carry): (&CopyOptions, Carry),
) -> Result<()> {
    let Some(tag) = tag else { return Ok(()) };
    for form in forms {
        let tag = form.copy(&*found.source, (target, tag), (options, carry), &context.bars)?;
        let digest = form.manifest.digest;
        context.receipt.note("copied", digest, &[destination.name_of(&tag)]);
        context.receipt.line(&context.output, format!("Copied {digest} {tag}"))?;
    }
    Ok(())
}

/// Shows the other forms that would be copied.
pub(super) fn show(context: &Context, found: &Located, forms: &[OtherForm]) -> Result<()> {
    forms
        .iter()
        .try_for_each(|form| dry_run::show_addition(context, &form.manifest, &format!("{}{}", found.name, form.suffix)))
}
