//! Attestations: reading those of a signer, and the provenance that can be signed.

use std::cmp::Reverse;

use serde_json::Value;

use super::candidates::candidates;
use super::model_signing::check_files;
use super::place::Signable;
use super::verify_signature::{SignatureOptions, judge};
use crate::oci::{Annotations, Companion};
use crate::ops::artifact::provenance_statements;
use crate::ops::error::Error;
use crate::ops::session::Located;
use crate::provenance::Record;
use crate::trust::{Form, Statement, Verifier};

/// A verified attestation.
#[derive(Debug, Clone)]
pub struct Attestation {
    /// The predicate.
    pub predicate: Value,
    /// The bundle. Attestations of cosign 2 have none.
    pub bundle: Option<Vec<u8>>,
}

/// Returns the attestations of `found` with this type of predicate that one of `verifiers` signed. The newest comes
/// first, as far as their manifests, which are not signed, contain a time.
pub fn attestations(found: &Located, verifiers: &[Verifier], predicate_type: &str) -> Result<Vec<Attestation>, Error> {
    let subject = found.resolve()?;
    let candidates = candidates(&*found.source, &subject, &[Companion::Attestations])?;
    let options = SignatureOptions {
        verifiers: verifiers.to_vec(),
        predicate_types: vec![predicate_type.to_owned()],
        annotations: Annotations::new(),
    };
    let mut check = judge(subject, candidates, &options);
    check_files(found, &mut check, verifiers)?;
    let fitting = check.judged.into_iter().filter(|(_, judged)| judged.is_ok());
    let mut fitting: Vec<_> = fitting.map(|(candidate, _)| candidate).collect();
    fitting.sort_by_key(|candidate| Reverse(candidate.created));
    let read = fitting.into_iter().filter_map(|candidate| {
        let signed = candidate.document.ok()?;
        let predicate = signed.claim.predicate()?.clone();
        Some(Attestation { predicate, bundle: (candidate.form == Form::Bundle).then_some(signed.bytes) })
    });
    Ok(read.collect())
}

/// Returns the type and the predicate of the newest provenance that is attached to `signable` without a signature.
pub fn recorded_provenance(signable: &Signable) -> Result<Option<(String, Value)>, Error> {
    let source = &*signable.found.source;
    let statements = provenance_statements(source, &signable.subject);
    let statements = statements.map_err(|error| Error::reading("its provenance", error))?;
    let about_it = statements.into_iter().filter_map(|bytes| {
        let record = Record::parse(&bytes).filter(|record| record.subject == signable.subject.digest)?;
        Some((record.time, Statement::read(&bytes).ok()?))
    });
    let newest = about_it.max_by_key(|(time, _)| *time);
    Ok(newest.map(|(_, statement)| (statement.predicate_type, statement.predicate)))
}
