//! The other forms of a ModelKit that is copied.

use anyhow::Result;

use crate::arguments::dry_run;
use crate::context::Context;
use kit_core::oci::{Descriptor, Target};
use kit_core::ops::{self, CopyOptions, Located, Location, Session};

/// Fails if a policy does not allow one of the other forms of the ModelKit `found` under the names `locations`.
pub(super) fn admit(context: &Context, session: &Session<'_>, found: &Located, locations: &[&Location]) -> Result<()> {
    if !ops::is_policy_asked(session, locations)? {
        return Ok(());
    }
    let modelkit = found.source.resolve(&found.name)?;
    for form in ops::other_forms(&*found.source, &found.name, &modelkit, &context.bars)? {
        ops::admit_form(session, found, &form.manifest, locations)?;
    }
    Ok(())
}

/// Copies the other forms of the ModelKit `modelkit`, which was copied from `found` to the tag at the target.
pub(super) fn copy(
    context: &Context,
    found: &Located,
    (target, tag): (&dyn Target, Option<&str>),
    destination: &Location,
    modelkit: &Descriptor,
    options: &CopyOptions,
) -> Result<()> {
    let Some(tag) = tag else { return Ok(()) };
    for form in ops::other_forms(&*found.source, &found.name, modelkit, &context.bars)? {
        let tag = form.copy(&*found.source, (target, tag), options, &context.bars)?;
        let digest = form.manifest.digest;
        context.receipt.note("copied", digest, &[destination.name_of(&tag)]);
        context.receipt.line(&context.output, format!("Copied {digest} {tag}"))?;
    }
    Ok(())
}

/// Shows the other forms that would be copied.
pub(super) fn show(context: &Context, found: &Located, modelkit: &Descriptor) -> Result<()> {
    for form in ops::other_forms(&*found.source, &found.name, modelkit, &context.bars)? {
        dry_run::show_addition(context, &form.manifest, &format!("{}{}", found.name, form.suffix))?;
    }
    Ok(())
}
