//! Preparing a rollback: the tag is moved back to the manifest that it pointed to before its latest promotion.

use jiff::Timestamp;

use super::promote::{PromoteOptions, Promotion, TagMove, named};
use super::record::{Previous, explained, previous};
use crate::oci::Reference;
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Session};
use crate::ops::tag_state::TagState;
use crate::ops::transfer::{OtherForm, own_forms};
use crate::ops::trust::{admit_copy, admit_form};
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
    let Previous { digest: previous, time, is_rollback } =
        previous(&repository, &destination.to_string(), &current, session.progress)
            .map_err(|error| explained(error, &repository, session.progress))?;
    let title = destination.without_selector().with_digest(previous).to_string();
    let found = Located::of(Box::new(repository.clone()), previous.to_string(), title, true);
    let at = Location::Artifact(destination.clone());
    admit_copy(session, &found, &at)?;
    let manifest = found.source.resolve(&found.name);
    let manifest = manifest.map_err(|error| Error::reading("the version before the promotion", error))?;
    let main = TagMove { tag: destination.to_string(), manifest, before };
    let undone = time.filter(|_| is_rollback);
    let mut forms = Vec::new();
    for form in own_forms(&repository, &tag, &current, session.progress)? {
        forms.extend(form_before(session, (&repository, &destination), &form, time)?);
    }
    forms.iter().try_for_each(|(form, _)| admit_form(session, &found, &form.manifest, &[&at]))?;
    Ok(Promotion { session, found, source: None, destination, main, forms, is_rollback: true, undone, options })
}

/// The form that the tag of `current`, a form of the current version, pointed to before the promotion at the time
/// `promoted`, and the move to it. `None` if the tag stays, because the promotion did not move it, or because it did
/// not exist before: not every registry can delete a tag.
fn form_before(
    session: &Session<'_>,
    (repository, destination): (&Repository, &Reference),
    OtherForm { suffix, manifest: current, .. }: &OtherForm,
    promoted: Option<Timestamp>,
) -> Result<Option<(OtherForm, TagMove)>, Error> {
    let (tag, before) = (format!("{destination}{suffix}"), TagState::At(current.digest));
    // A mirror may have listed an earlier form.
    if TagState::read(session, destination, suffix)? != before {
        return Ok(None);
    }
    let previous = match previous(repository, &tag, current, session.progress) {
        Err(Error::NotPromoted { .. } | Error::MovedUnrecorded { .. } | Error::FirstPromotion { .. }) => {
            return Ok(None);
        }
        previous => previous?,
    };
    // Tags of forms are moved after the tag of the ModelKit. An earlier record is that of an earlier promotion:
    // versions can have the same form, and then a promotion does not move its tag.
    if previous.time < promoted {
        return Ok(None);
    }
    let form = OtherForm::read(repository, &previous.digest, suffix)?;
    let manifest = form.manifest.clone();
    Ok(Some((form, TagMove { tag, manifest, before })))
}
