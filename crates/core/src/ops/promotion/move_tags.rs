//! Making a promotion: copying, moving the tags, and recording what was moved.

use super::promote::{Promotion, TagMove};
use crate::modelkit::Documents;
use crate::oci::Target;
use crate::ops::error::Error;
use crate::ops::pack::{ImageBase, publish};
use crate::ops::session::Location;
use crate::ops::tag_state::TagState;
use crate::ops::transfer::{Carry, Copied, copy_attached, copy_unless, stale_forms};
use crate::ops::trust::{admit_new_form, requires_attached};
use crate::progress::Warning;

/// The result of a promotion.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Promoted {
    /// The result of copying the ModelKit; `None` if the tag already pointed to it.
    pub copied: Option<Copied>,
    /// The moves of the tags of other forms.
    pub forms: Vec<TagMove>,
}

/// A form of the ModelKit that is published at the destination in addition to those that the source has.
pub struct Addition {
    /// The suffix of its tag.
    pub suffix: &'static str,
    /// The manifest and the config.
    pub documents: Documents,
    /// The image whose layers come first.
    pub base: Option<ImageBase>,
}

impl Promotion<'_> {
    /// Copies the ModelKit to the destination and moves the tag to it, then the tags of its other forms. Each tag that
    /// moved is recorded; if the record cannot be attached, that is a warning. If the tag already points to the
    /// ModelKit, only its referrers are completed.
    ///
    /// A registry cannot compare and swap a tag (OCI distribution 1.1 has no such request), so the tag is read right
    /// before the manifest is published. A change between these two requests is not detected.
    pub fn run(&self, additions: Vec<Addition>) -> Result<Promoted, Error> {
        self.checklist.admit()?;
        let (session, copying) = (self.session, &self.options.copying);
        if let Some(addition) = additions.first() {
            admit_new_form(session, &Location::Artifact(self.destination.clone()), addition.suffix)?;
        }
        let (target, tag) = session.target(&Location::Artifact(self.destination.clone()))?;
        let (source, target) = (&*self.found.source, &*target);
        let carry = Carry::required_if(requires_attached(session, &Location::Artifact(self.destination.clone()))?);
        let copied = if self.main.changes() {
            let refuse = || TagState::read(session, &self.destination, "")?.expect(&self.destination, self.expected());
            let from = (source, self.found.name.as_str());
            let copied = copy_unless(from, (target, tag.as_deref()), (copying, carry), refuse, session.progress)?;
            self.record(target, &self.main, "");
            Some(copied)
        } else {
            copy_attached((source, target), &self.main.manifest, (copying, carry), session.progress)?;
            None
        };
        let tag = tag.unwrap_or_default();
        let mut forms = Vec::new();
        for (form, planned) in &self.forms {
            if planned.changes() {
                form.copy(source, (target, &tag), (copying, carry), session.progress)?;
                self.record(target, planned, form.suffix);
            }
            forms.push(planned.clone());
        }
        let added: Vec<_> = additions.iter().map(|addition| addition.suffix).collect();
        for addition in additions {
            forms.push(self.add(target, &tag, addition)?);
        }
        self.warn_of_stale_forms(&added)?;
        Ok(Promoted { copied, forms })
    }

    /// Publishes another form at the destination.
    fn add(&self, target: &dyn Target, tag: &str, addition: Addition) -> Result<TagMove, Error> {
        let Addition { suffix, documents, base } = addition;
        let made = self.addition(suffix, &documents)?;
        if made.changes() {
            if let Some(base) = base {
                base.send(target, &self.options.copying, self.session.progress)?;
            }
            publish(&documents, target, &format!("{tag}{suffix}"))?;
            self.record(target, &made, "");
        }
        Ok(made)
    }

    /// The move of the tag of another form with these documents.
    pub fn addition(&self, suffix: &str, documents: &Documents) -> Result<TagMove, Error> {
        let before = TagState::read(self.session, &self.destination, suffix)?;
        Ok(TagMove { tag: format!("{}{suffix}", self.destination), manifest: documents.manifest.clone(), before })
    }

    /// Warns of forms of another version beside the tag that the promotion does not move, with these forms added.
    /// Deployments of these forms would keep using the other version.
    pub fn warn_of_stale_forms(&self, added: &[&str]) -> Result<(), Error> {
        let manifest = self.found.source.manifest(&self.main.manifest);
        let manifest = manifest.map_err(|error| Error::reading("the manifest", error))?;
        let name = self.destination.selector().unwrap_or_default();
        let moved: Vec<_> = self.forms.iter().map(|(form, _)| form.suffix).chain(added.iter().copied()).collect();
        for tag in stale_forms(&self.session.client.repository(&self.destination), &name, &manifest) {
            if !moved.iter().any(|suffix| tag == format!("{name}{suffix}")) {
                self.session.progress.warn(&Warning::FormNotMoved { is_rollback: self.is_rollback, tag: &tag });
            }
        }
        Ok(())
    }
}
