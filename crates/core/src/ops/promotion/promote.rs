//! Preparing a promotion: everything that is read before the first byte is written.

use jiff::Timestamp;

use super::checklist::Checklist;
use super::record::Recorder;
use crate::oci::{Descriptor, Reference, Tag};
use crate::ops::error::Error;
use crate::ops::session::{Located, Location, Session};
use crate::ops::tag_state::TagState;
use crate::ops::transfer::{CopyOptions, OtherForm, Plan, other_forms, plan};
use crate::ops::trust::{admit, admit_form, warn_of_recalls};

/// Options of a promotion.
#[derive(Debug, Clone)]
pub struct PromoteOptions {
    /// Options for copying what the destination does not have.
    pub copying: CopyOptions,
    /// The required state of the tag; without it, the tag must only not move during the promotion.
    pub expected: Option<TagState>,
    /// The author of the promotion.
    pub recorder: Recorder,
}

/// The move of one tag.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagMove {
    /// The tag with its repository and registry.
    pub tag: String,
    /// The manifest that it is moved to.
    pub manifest: Descriptor,
    /// Its state before.
    pub before: TagState,
}

impl TagMove {
    /// Returns false if the tag already points to the manifest.
    pub fn changes(&self) -> bool {
        self.before != TagState::At(self.manifest.digest)
    }
}

/// A promotion that is ready to be made.
pub struct Promotion<'a> {
    pub(super) session: &'a Session<'a>,
    /// The ModelKit.
    pub found: Located,
    /// The name that the record of a promotion contains.
    pub(super) source: Option<String>,
    pub(super) destination: Reference,
    /// The move of the tag.
    pub main: TagMove,
    /// The moves of the tags of other forms.
    pub forms: Vec<(OtherForm, TagMove)>,
    /// The requirements of the policies for the destination.
    pub checklist: Checklist,
    pub(super) is_rollback: bool,
    /// The time of the rollback that a rollback undoes.
    pub undone: Option<Timestamp>,
    pub(super) options: PromoteOptions,
}

/// Prepares the promotion of `found`, which has the name `source`, to the tag `destination`. Fails if the tag does not
/// have the expected state. If a policy does not allow it, the checklist says so, and the promotion cannot be made.
pub fn prepare_promotion<'a>(
    session: &'a Session<'a>,
    found: Located,
    source: &Location,
    destination: &Reference,
    options: PromoteOptions,
) -> Result<Promotion<'a>, Error> {
    let destination = named(destination)?;
    let manifest = found.resolve()?;
    let at = Location::Artifact(destination.clone());
    let (name, tag) = (at.policy_name(), destination.to_string());
    if found.policy_names != [name.clone()] {
        admit(session, &found)?;
    }
    warn_of_recalls(session, &found)?;
    let checklist = Checklist::of(session, &found, (&name, &tag))?;
    let before = TagState::read(session, &destination, "")?;
    let mut forms = Vec::new();
    let other_forms = if checklist.is_refused() {
        Vec::new()
    } else {
        before.expect(&destination, options.expected.unwrap_or(before))?;
        other_forms(&*found.source, &found.name, &manifest, session.progress)?
    };
    for form in other_forms {
        admit_form(session, &found, &form.manifest, &[source, &at])?;
        let before = TagState::read(session, &destination, form.suffix)?;
        let tag = format!("{destination}{}", form.suffix);
        let manifest = form.manifest.clone();
        forms.push((form, TagMove { tag, manifest, before }));
    }
    // A path in the file system means nothing to other readers of the record.
    let source = if let Location::Artifact(reference) = source { Some(reference.to_string()) } else { None };
    let main = TagMove { tag, manifest, before };
    let (is_rollback, undone) = (false, None);
    Ok(Promotion { session, found, source, destination, main, forms, checklist, is_rollback, undone, options })
}

impl Promotion<'_> {
    /// Returns the plan of copying the ModelKit, without changing anything.
    pub fn plan(&self) -> Result<Plan, Error> {
        self.checklist.admit()?;
        let target = self.session.look(&Location::Artifact(self.destination.clone()))?;
        plan(&*self.found.source, &self.found.name, &target, &self.options.copying)
    }

    /// The state that the tag must have when it is moved.
    pub(super) fn expected(&self) -> TagState {
        self.options.expected.unwrap_or(self.main.before)
    }
}

/// The destination with its tag, which must be in a registry.
pub(super) fn named(destination: &Reference) -> Result<Reference, Error> {
    if destination.is_local() {
        return Err(Error::NoRegistry(destination.clone()));
    }
    Ok(destination.with_tag(destination.tag.clone().unwrap_or_else(Tag::latest)))
}
