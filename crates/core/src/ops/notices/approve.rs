//! Approving a ModelKit, and withdrawing an approval.

use super::publish::{expect_newest, notices};
use crate::ops::error::Error;
use crate::ops::session::Session;
use crate::ops::trust::{AttestOptions, Signable, SignedManifest, attest};
use crate::provenance::{APPROVAL_PREDICATE_TYPE, Approval};
use crate::trust::{CertificateChain, PrivateKey, Verifier};

/// Options of [`approve`].
#[derive(Debug)]
pub struct ApproveOptions<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// The certificate of the key, if bundles contain one.
    pub certificates: Option<&'a CertificateChain>,
    /// The approval, or the withdrawal, with its time.
    pub approval: Approval,
}

/// Signs the approval of the manifest of `signable`, and attaches it. Other forms beside it have digests of their own,
/// and are not approved. Returns `None` if there is no approval to withdraw.
pub fn approve(
    session: &Session<'_>,
    signable: &Signable,
    options: ApproveOptions<'_>,
) -> Result<Option<SignedManifest>, Error> {
    let ApproveOptions { key, certificates, approval } = options;
    let time = approval.time.unwrap_or_else(|| session.policies.time());
    let found = notices(session, (signable, &signable.subject), APPROVAL_PREDICATE_TYPE)?;
    let own = [Verifier::Key(key.public_key().clone())];
    let earlier: Vec<_> = found
        .into_iter()
        .filter_map(|record| Some((Approval::parse(record.predicate())?, record)))
        .filter(|(earlier, record)| earlier.role == approval.role && record.signer(&own).is_some())
        .collect();
    if approval.is_withdrawn && !earlier.iter().any(|(earlier, _)| !earlier.is_withdrawn) {
        return Ok(None);
    }
    expect_newest(key, time, earlier.into_iter().map(|(earlier, record)| (record, earlier.time)))?;
    let options = AttestOptions {
        key,
        certificates,
        predicate_type: APPROVAL_PREDICATE_TYPE.to_owned(),
        predicate: approval.to_predicate(),
        time,
    };
    attest(signable, options).map(Some)
}
