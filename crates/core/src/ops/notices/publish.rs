//! Signing a notice, and attaching it to its subject.

use jiff::Timestamp;

use crate::oci::Descriptor;
use crate::ops::artifact::{SignedRecord, listed_referrers, signed_records};
use crate::ops::error::Error;
use crate::ops::session::Session;
use crate::ops::trust::{Signable, SigningError};
use crate::trust::{PrivateKey, Verifier};

/// Reads the notices of this type about `subject`.
pub(super) fn notices(
    session: &Session<'_>,
    (signable, subject): (&Signable, &Descriptor),
    predicate_type: &str,
) -> Result<Vec<SignedRecord>, Error> {
    let source = &*signable.found.source;
    let listed = listed_referrers(source, subject, session.progress);
    let listed = listed.map_err(|error| Error::reading("its referrers", error))?;
    let mut found = signed_records(source, subject, &listed, &[predicate_type]).found;
    found.retain(|record| record.is_about(&subject.digest));
    Ok(found)
}

/// Fails if one of the `earlier` notices, by the owner of `key`, is not older than a new one at `time`: the newest one
/// counts, so that the new one would have no effect.
pub(super) fn expect_newest(
    key: &PrivateKey,
    time: Timestamp,
    earlier: impl Iterator<Item = (SignedRecord, Option<Timestamp>)>,
) -> Result<(), Error> {
    let own = [Verifier::Key(key.public_key().clone())];
    let by_key = earlier.filter(|(record, _)| record.signer(&own).is_some());
    match by_key.filter_map(|(_, time)| time).max() {
        Some(newest) if newest >= time => Err(SigningError::NotNewest { newest, time }.into()),
        _ => Ok(()),
    }
}
