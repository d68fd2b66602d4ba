//! The checklist of a promotion: the requirements of the policies for the destination, and whom to ask for what is
//! missing.

use super::promote::Promotion;
use crate::ops::error::Error;
use crate::ops::owners;
use crate::ops::policies::PolicyError;
use crate::ops::session::{Located, Session};
use crate::ops::trust::{Judged, enforce, examine_as};
use crate::provenance::AskedPolicy;
use crate::trust::policy::{Name, Row};

/// The requirements of the policies for the destination of a promotion.
#[derive(Debug, Clone, Default)]
pub struct Checklist {
    /// The verdict of each policy that has a rule for it, for each manifest.
    pub judged: Vec<Judged>,
    refusal: Option<PolicyError>,
}

impl Checklist {
    /// Judges `found` as `name`, which is the tag `title`. A rule that only warns is reported.
    pub(super) fn of(session: &Session<'_>, found: &Located, (name, title): (&Name, &str)) -> Result<Self, Error> {
        let mut judged = examine_as(session, found, name)?;
        add_owners(session, found, &mut judged)?;
        let refusal = match enforce(session, title, judged.iter()) {
            Err(Error::Policy(refusal)) => Some(refusal),
            enforced => enforced.map(|()| None)?,
        };
        Ok(Self { judged, refusal })
    }

    /// Fails if a policy does not allow the promotion.
    pub fn admit(&self) -> Result<(), Error> {
        self.refusal.clone().map_or(Ok(()), |refusal| Err(refusal.into()))
    }

    /// Returns true if a policy does not allow the promotion.
    pub(super) fn is_refused(&self) -> bool {
        self.refusal.is_some()
    }
}

impl Promotion<'_> {
    /// The policies that were asked, for the record.
    pub(super) fn asked_policies(&self) -> Vec<AskedPolicy> {
        let mut asked: Vec<AskedPolicy> = Vec::new();
        for judged in &self.checklist.judged {
            let is_warned = !judged.allows() || judged.verdict.warnings().next().is_some();
            let verdict = if is_warned { "warned" } else { "allowed" };
            let (digest, pattern) = (judged.policy, judged.pattern.clone());
            match asked.iter_mut().find(|other| other.digest == digest && other.pattern == pattern) {
                // An index has one verdict for each of its ModelKits.
                Some(other) if is_warned => verdict.clone_into(&mut other.verdict),
                Some(_) => {}
                None => asked.push(AskedPolicy { digest, pattern, verdict: verdict.to_owned() }),
            }
        }
        asked
    }
}

/// Adds the owners in the attached `KITOWNERS` to the approvals that are missing.
fn add_owners(session: &Session<'_>, found: &Located, judged: &mut [Judged]) -> Result<(), Error> {
    let rows = judged.iter_mut().flat_map(|judged| &mut judged.verdict.rows);
    let missing: Vec<(&mut Row, String)> = rows.filter_map(|row| row.role.clone().map(|role| (row, role))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let subject = found.resolve()?;
    let owners = owners::read(&*found.source, &subject, session.progress).unwrap_or_default();
    for (row, role) in missing {
        row.ask = owners.with_role(&role).into_iter().map(ToString::to_string).collect();
    }
    Ok(())
}
