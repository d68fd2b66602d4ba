//! Signing the files of a ModelKit by its tables of contents, and comparing them with a signed list.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use jiff::Timestamp;

use super::error::FolderError;
use super::folder::sign_files;
use crate::digest::Digest;
use crate::limits;
use crate::modelkit::{Layer, ModelKit};
use crate::oci::Source;
use crate::ops::artifact;
use crate::ops::error::Error;
use crate::ops::files::{Headers, Held, buffer, digest, read_through, skim};
use crate::ops::trust::candidates::candidates;
use crate::ops::trust::place::Signable;
use crate::ops::trust::publish::attach_bundle;
use crate::ops::trust::sign::{Attached, SignedManifest};
use crate::ops::workers;
use crate::progress::Silent;
use crate::relative_path::RelativePath;
use crate::trust::{CertificateChain, Form, MODEL_SIGNATURE, PrivateKey, default_ignored, model_statement};

/// Settings for signing the files of a ModelKit.
#[derive(Debug)]
pub struct FilesSigning<'a> {
    /// The key.
    pub key: &'a PrivateKey,
    /// The certificate of the key, if the signature contains one.
    pub certificates: Option<&'a CertificateChain>,
    /// The time that the manifest of the bundle contains.
    pub time: Timestamp,
    /// The number of layers that are read at once.
    pub jobs: usize,
}

/// Signs the list of the files of a ModelKit, and attaches the bundle. Layers with a table of contents are not read.
pub fn sign_modelkit_files(signable: &Signable, options: &FilesSigning<'_>) -> Result<SignedManifest, FolderError> {
    let FilesSigning { key, certificates, time, jobs } = options;
    let (source, subject) = (&*signable.found.source, &signable.subject);
    let inspected = artifact::read(source, subject.clone(), &signable.found.title)?;
    let files = file_digests(source, &inspected.modelkit, *jobs)?;
    let package = Some(&*inspected.modelkit.config.kitfile.package.name).filter(|name| !name.is_empty());
    let repository = signable.repository.as_deref().and_then(|name| name.rsplit('/').next());
    let name = repository.or(package).unwrap_or("model");
    let ignored = default_ignored(None);
    let statement = model_statement(name, &files, &ignored).map_err(FolderError::Unsignable)?.to_bytes();
    let signer = key.public_key().name();
    let result = |attached, bundle| SignedManifest {
        subject: subject.clone(),
        signer,
        attached: vec![attached],
        bundle: Some(bundle),
    };
    let there = candidates(source, subject, &[])?;
    if let Some(same) = there.found.iter().find(|candidate| candidate.repeats(key.public_key(), &statement))
        && let Ok(document) = &same.document
    {
        let attached = Attached { form: Form::Bundle, manifest: same.manifest, is_new: false };
        return Ok(result(attached, document.bytes.clone()));
    }
    let bundle = sign_files(name, &files, &ignored, key, *certificates)?;
    let manifest = attach_bundle(&*signable.target, subject, &bundle, MODEL_SIGNATURE, *time)?;
    Ok(result(Attached { form: Form::Bundle, manifest, is_new: true }, bundle))
}

/// Returns the digests of the files that unpacking a ModelKit would write, except for the Kitfile. Only layers without
/// a table of contents are read.
pub fn file_digests(
    source: &dyn Source,
    modelkit: &ModelKit,
    jobs: usize,
) -> Result<BTreeMap<RelativePath, Digest>, Error> {
    let held = Held::new(limits::LISTED_FILES);
    let of_layers = workers::run(jobs, &modelkit.layers, |layer| digests_of(source, layer, &held))?;
    // Of two layers with the same file, the later one counts.
    Ok(of_layers.into_iter().flatten().collect())
}

fn digests_of(source: &dyn Source, layer: &Layer, held: &Held) -> Result<Vec<(RelativePath, Digest)>, Error> {
    let mut files = Vec::new();
    let skimmed = skim(source, layer, Headers::Compare, &mut |member, _| match member.digest {
        _ if member.is_directory => Ok(ControlFlow::Continue(())),
        Some(digest) => {
            held.add(&member.path)?;
            files.push((member.path.clone(), digest));
            Ok(ControlFlow::Continue(()))
        }
        None => Ok(ControlFlow::Break(())),
    })?;
    if skimmed.is_continue() {
        return Ok(files);
    }
    for (path, _) in files.drain(..) {
        held.remove(&path);
    }
    read_through(source, layer, &mut |member, content| {
        if !member.is_directory {
            held.add(&member.path)?;
            let read = digest(content, &mut buffer(member.size), &Silent).map_err(|error| member.failed(error))?;
            files.push((member.path.clone(), read.0));
        }
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(files)
}
