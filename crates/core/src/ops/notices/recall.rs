//! Recalling a ModelKit, and withdrawing a recall.

use super::publish::{expect_newest, notices};
use crate::modelkit::Variant;
use crate::oci::Descriptor;
use crate::ops::error::Error;
use crate::ops::session::Session;
use crate::ops::transfer::{OtherForm, other_forms};
use crate::ops::trust::{AttestOptions, Signable, SignedManifest, attest_about};
use crate::provenance::{RECALL_PREDICATE_TYPE, Recall};
use crate::trust::{CertificateChain, PrivateKey};

/// Options of [`recall`].
#[derive(Debug)]
pub struct RecallOptions<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// The certificate of the key, if bundles contain one.
    pub certificates: Option<&'a CertificateChain>,
    /// The recall, or the withdrawal, with its time.
    pub recall: Recall,
}

/// Signs the notice for everything that `signable` consists of, and attaches it: the manifest, its other forms beside
/// it, whose tags deployments use, and the members of an index. Returns the manifests with the tags of forms.
///
/// A withdrawal is attached only where a recall is. If there is none anywhere, the result is empty.
pub fn recall(
    session: &Session<'_>,
    signable: &Signable,
    options: &RecallOptions<'_>,
) -> Result<Vec<SignedManifest>, Error> {
    let RecallOptions { key, certificates, recall } = options;
    let mut signed = Vec::new();
    let subjects = subjects(session, signable)?;
    let time = recall.time.unwrap_or_else(|| session.policies.time());
    let mut wanted = Vec::new();
    // Before the first notice is attached.
    for subject in &subjects {
        let found = notices(session, (signable, subject), RECALL_PREDICATE_TYPE)?;
        let read = found.into_iter().filter_map(|record| Some((Recall::parse(record.predicate())?, record)));
        let read: Vec<_> = read.collect();
        if recall.is_withdrawn && !read.iter().any(|(earlier, _)| !earlier.is_withdrawn) {
            continue;
        }
        expect_newest(key, time, read.into_iter().map(|(earlier, record)| (record, earlier.time)))?;
        wanted.push(subject);
    }
    for subject in wanted {
        let options = AttestOptions {
            key,
            certificates: *certificates,
            predicate_type: RECALL_PREDICATE_TYPE.to_owned(),
            predicate: recall.to_predicate(),
            time,
        };
        signed.push(attest_about(signable, subject, options)?);
    }
    Ok(signed)
}

/// The manifest, its forms and the members of an index, each once.
fn subjects(session: &Session<'_>, signable: &Signable) -> Result<Vec<Descriptor>, Error> {
    let Signable { found, subject, .. } = signable;
    let mut all = vec![subject.clone()];
    let forms = other_forms(&*found.source, &found.name, subject, session.progress)?;
    all.extend(forms.into_iter().map(|OtherForm { manifest, .. }| manifest));
    if let Some(index) = signable.index()? {
        all.extend(index.variants().iter().map(Variant::descriptor));
    }
    let mut seen = std::collections::HashSet::new();
    all.retain(|manifest| seen.insert(manifest.digest));
    Ok(all)
}
