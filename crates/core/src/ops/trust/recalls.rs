//! The recalls beside a manifest: those of the keys that may recall it, and others, which are only reported.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::gate::Applied;
use crate::oci::{Descriptor, Source};
use crate::ops::artifact::{SignedRecord, listed_referrers, signed_records};
use crate::ops::error::{Error, reason};
use crate::ops::session::{Located, Session};
use crate::progress::{Progress, RecallNotice, Warning};
use crate::provenance::{RECALL_PREDICATE_TYPE, Recall};
use crate::trust::Verifier;
use crate::trust::policy::{Name, Rule};

/// A recall that was not withdrawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recalled {
    /// The reason.
    pub reason: String,
    /// The name of a version to use in its place.
    pub instead: Option<String>,
    /// The time of the notice, as its signer states it.
    pub time: Option<Timestamp>,
    /// The proof of the signature.
    pub proof: RecallProof,
}

/// The proof that a recall has its signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RecallProof {
    /// The signature of a key that may recall, with its description.
    Verified(String),
    /// Keys that may recall are known, and it is not a signature of them.
    OtherKey,
    /// No keys are known, so the signature was not verified.
    NotVerified,
}

impl Recalled {
    fn new(recall: &Recall, proof: RecallProof) -> Self {
        Self { reason: recall.reason.clone(), instead: recall.instead.clone(), time: recall.time, proof }
    }

    /// Returns true if the recall counts: by a key that may recall, or because no such key is known.
    pub fn counts(&self) -> bool {
        self.proof != RecallProof::OtherKey
    }
}

/// A key that may recall, with its description.
pub type Recaller = (String, Verifier);

/// Reads the recalls of `subject`, which has the names `names`. Those by the keys of the policies for these names, and
/// by the keys `more`, are verified. Policies are read only if there are any recalls.
pub fn recalls(
    session: &Session<'_>,
    (source, subject): (&dyn Source, &Descriptor),
    names: &[Name],
    more: &[Recaller],
) -> Result<Vec<Recalled>, Error> {
    let listed = listed_referrers(source, subject, session.progress);
    let listed = listed.map_err(|error| Error::reading("the recalls", error))?;
    let mut found = signed_records(source, subject, &listed, &[RECALL_PREDICATE_TYPE]).found;
    found.retain(|record| record.is_about(&subject.digest));
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let mut recallers = recallers(session, names)?;
    recallers.extend(more.iter().cloned());
    Ok(standing(&found, &recallers, session.policies.time()))
}

/// The keys that may recall a ModelKit with these names, by the rules of the policies.
fn recallers(session: &Session<'_>, names: &[Name]) -> Result<Vec<Recaller>, Error> {
    let mut recallers = Vec::new();
    for loaded in session.policies.load()? {
        let rules = names.iter().filter_map(|name| Applied::of(loaded, name)?.rule());
        for key in rules.flat_map(Rule::recall_keys) {
            if let Some(loaded) = loaded.keys.get(key) {
                recallers.push((format!("`{key}` ({})", loaded.description), loaded.verifier.clone()));
            }
        }
    }
    Ok(recallers)
}

/// The recalls that count at the time `now`. Of the notices by keys that may recall, the newest counts. Others are
/// grouped by what they say about their key, and of each group the newest counts.
fn standing(found: &[SignedRecord], recallers: &[Recaller], now: Timestamp) -> Vec<Recalled> {
    let (mut verified, mut others) = (Vec::new(), BTreeMap::<_, Vec<_>>::new());
    for record in found {
        let Some(recall) = Recall::parse(record.predicate()) else { continue };
        let is_by = |(_, verifier): &&Recaller| record.signer(std::slice::from_ref(verifier)).is_some();
        match recallers.iter().find(is_by) {
            Some((description, _)) => verified.push((recall, description)),
            None => others.entry(record.hint()).or_default().push(recall),
        }
    }
    let standing = Recall::standing(verified.iter().map(|(recall, _)| recall), now);
    let by = verified.iter().find(|(recall, _)| standing.is_some_and(|standing| std::ptr::eq(recall, standing)));
    let mut recalls: Vec<_> =
        by.into_iter().map(|(recall, by)| Recalled::new(recall, RecallProof::Verified((*by).clone()))).collect();
    let proof = if recallers.is_empty() { RecallProof::NotVerified } else { RecallProof::OtherKey };
    let others = others.values().filter_map(|notices| Recall::standing(notices, now));
    recalls.extend(others.map(|recall| Recalled::new(recall, proof.clone())));
    recalls
}

/// Warns of recalls of `found` that no policy decides about: without a policy that names keys, of all of them.
pub(crate) fn warn_of_recalls(session: &Session<'_>, found: &Located) -> Result<(), Error> {
    let subject = found.resolve()?;
    warn_of_recalls_of(session, (&*found.source, &subject), (&found.policy_names, &found.title))
}

/// Like [`warn_of_recalls`], for a manifest with these names and this title. If its referrers cannot be listed, that is
/// a warning, too.
pub(crate) fn warn_of_recalls_of(
    session: &Session<'_>,
    (source, subject): (&dyn Source, &Descriptor),
    (names, title): (&[Name], &str),
) -> Result<(), Error> {
    let found = match recalls(session, (source, subject), names, &[]) {
        Err(error @ Error::Policy(_)) => return Err(error),
        Err(error) => {
            let reason = reason(&error);
            let what = "recalls";
            session.progress.warn(&Warning::ReferrersUnreadable { what, subject: subject.digest, reason });
            return Ok(());
        }
        Ok(found) => found,
    };
    // About those of the other keys, the rule decides: it refused them, warned of them, or allows them.
    let others = found.iter().filter(|recalled| !matches!(recalled.proof, RecallProof::Verified(_)));
    others.for_each(|recalled| warn_of(session.progress, title, recalled));
    Ok(())
}

/// Warns that the ModelKit `title` was recalled.
pub(crate) fn warn_of(progress: &dyn Progress, title: &str, recalled: &Recalled) {
    progress.warn(&Warning::Recalled(RecallNotice {
        modelkit: title,
        reason: &recalled.reason,
        instead: recalled.instead.as_deref(),
        date: recalled.time.map(|time| time.strftime("%Y-%m-%d").to_string()),
        signer: if let RecallProof::Verified(signer) = &recalled.proof { Some(signer) } else { None },
        is_of_other_key: recalled.proof == RecallProof::OtherKey,
    }));
}
