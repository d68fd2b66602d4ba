//! Preparing a rollback: the tag is moved back to the manifest that it pointed to before its latest promotion.

use super::promote::{PromoteOptions, Promotion, TagMove, named};
use super::record::{Previous, previous};
use crate::oci::{Descriptor, Reference};
use crate::ops::error::Error;
use crate::ops::session::{Located, Session};
use crate::ops::tag_state::TagState;
use crate::ops::transfer::{OtherForm, other_forms};
use crate::registry::Repository;

/// Prepares to move the tag `destination` back, and the tags of other forms beside it. Fails if the tag does not have
/// the expected state, or if no record names an earlier manifest.
pub fn prepare_rollback<'a>(
    session: &'a Session<'a>,
    destination: &Reference,
    options: PromoteOptions,
) -> Result<Promotion<'a>, Error> {
    let destination = named(destination)?;
    let tag = destination.selector().unwrap_or_default();
    let repository = session.client.repository(&destination);
    let current = repository.resolve_at_registry(&tag)?;
    let before = TagState::At(current.digest);
    before.expect(&destination, options.expected.unwrap_or(before))?;
    let Previous { digest: previous, rollback: undone } =
        previous(&repository, &destination.to_string(), &current, session.progress)?;
    let title = destination.without_selector().with_digest(previous).to_string();
    let found = Located::of(Box::new(repository.clone()), previous.to_string(), title, true);
    let manifest = found.source.resolve(&found.name);
    let manifest = manifest.map_err(|error| Error::reading("the version before the promotion", error))?;
    let main = TagMove { tag: destination.to_string(), manifest, before };
    let mut forms = Vec::new();
    for form in other_forms(&repository, &tag, &current, session.progress)? {
        forms.extend(form_before(session, &repository, &destination, form.suffix, &form.manifest)?);
    }
    Ok(Promotion { session, found, source: None, destination, main, forms, is_rollback: true, undone, options })
}

/// The form that the tag with this suffix pointed to before, and the move to it. `None` if no record names one: the
/// earlier version may not have had this form.
fn form_before(
    session: &Session<'_>,
    repository: &Repository,
    destination: &Reference,
    suffix: &'static str,
    current: &Descriptor,
) -> Result<Option<(OtherForm, TagMove)>, Error> {
    let tag = format!("{destination}{suffix}");
    // A mirror may have listed an earlier form.
    if TagState::read(session, destination, suffix)? != TagState::At(current.digest) {
        return Ok(None);
    }
    let digest = match previous(repository, &tag, current, session.progress) {
        Err(Error::NotPromoted { .. } | Error::MovedUnrecorded { .. } | Error::FirstPromotion { .. }) => {
            return Ok(None);
        }
        previous => previous?.digest,
    };
    let form = OtherForm::read(repository, &digest, suffix)?;
    let manifest = form.manifest.clone();
    Ok(Some((form, TagMove { tag, manifest, before: TagState::At(current.digest) })))
}
