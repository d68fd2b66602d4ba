//! The facts about a ModelKit that the rules of policies are evaluated with.

use std::ops::ControlFlow;

use super::disguised::disguised;
use super::model_signing::{FilesMismatch, file_digests, signature_of};
use crate::digest::Digest;
use crate::file_kind::{is_license_file, is_model_file};
use crate::kitfile::{Kitfile, Section};
use crate::modelkit::{ContentsTable, Layer, ModelKit};
use crate::oci::Source;
use crate::ops::artifact::{Inspected, model_reference};
use crate::ops::error::Error;
use crate::ops::examined::Examined;
use crate::ops::files::{Headers, skim};
use crate::ops::policies::LoadedPolicy;
use crate::ops::scan::{self, ScanOptions, Scanned, ScannedFolder, scan_folder, scan_layer, scan_outside_layers};
use crate::ops::workers;
use crate::progress::Progress;
use crate::trust::policy::{
    AttestationFact, ContentFacts, DocumentFacts, FileFinding, FilesFact, LicenceFact, Rule, SignatureFact, WeightFact,
    WeightFormat,
};
use crate::trust::{
    Candidate, CertificateError, Form, KeylessError, ModelSignature, ModelSignatureError, ModelStatement, NotCounted,
    NotVerified, PLAIN_SIGNATURE, Verifier, Wanted,
};

/// The facts that the documents beside a manifest show, for one rule.
pub(super) struct Beside<'a> {
    pub(super) policy: &'a LoadedPolicy,
    pub(super) rule: &'a Rule,
    pub(super) subject: Digest,
    pub(super) candidates: &'a [Candidate],
}

impl Beside<'_> {
    /// Adds the signatures and attestations to `facts`.
    pub(super) fn add_to(&self, facts: &mut DocumentFacts) {
        for name in self.rule.keys() {
            if let Some(key) = self.policy.keys.get(name) {
                facts.keys.insert(name.to_owned(), key.description.clone());
            }
        }
        for candidate in self.candidates {
            match candidate.document.as_ref().ok().map(|signed| &signed.claim) {
                Some(claim) if claim.predicate_type() != PLAIN_SIGNATURE => facts.attestations.push(AttestationFact {
                    predicate_type: claim.predicate_type().to_owned(),
                    signers: self.signers(candidate, claim.predicate_type()),
                    predicate: claim.predicate().cloned().unwrap_or_default(),
                }),
                _ => facts.signatures.push(self.signature(candidate)),
            }
        }
    }

    fn signature(&self, candidate: &Candidate) -> SignatureFact {
        let signers = self.signers(candidate, PLAIN_SIGNATURE);
        let wanted = Wanted::signature(self.subject);
        let flaw = |verifier: &Verifier| match candidate.judge(std::slice::from_ref(verifier), &wanted) {
            Err(NotCounted::NotVerified(NotVerified::Certificate(error))) if is_of_known(&error) => {
                Some(error.to_string())
            }
            Err(NotCounted::NotVerified(NotVerified::Keyless(error))) if is_of_service(&error) => {
                Some(error.to_string())
            }
            // Another key, which says nothing about the signature.
            Ok(_) | Err(NotCounted::NotVerified(_)) => None,
            Err(reason) => Some(reason.to_string()),
        };
        let flaw = if signers.is_empty() { self.verifiers().find_map(|(_, verifier)| flaw(verifier)) } else { None };
        SignatureFact { signers, is_legacy: candidate.form != Form::Bundle, flaw }
    }

    /// The names of the keys for which `candidate` is a valid statement of this type about the manifest.
    fn signers(&self, candidate: &Candidate, predicate_type: &str) -> Vec<String> {
        let wanted = Wanted::attestation(self.subject, predicate_type);
        let is_by = |verifier: &Verifier| candidate.judge(std::slice::from_ref(verifier), &wanted).is_ok();
        self.verifiers().filter(|(_, verifier)| is_by(verifier)).map(|(name, _)| name.to_owned()).collect()
    }

    /// The signed lists of files, each with the names of the keys that signed it, or the reason why it is not accepted.
    pub(super) fn signed_files(&self) -> Vec<(Vec<String>, Result<ModelStatement, String>)> {
        self.candidates.iter().filter_map(|candidate| self.files_of(candidate)).collect()
    }

    /// Returns `None` for a candidate that is not a list of files, or not one of a key of the rule.
    fn files_of(&self, candidate: &Candidate) -> Option<(Vec<String>, Result<ModelStatement, String>)> {
        let mut found: Option<(Vec<String>, Result<ModelStatement, String>)> = None;
        for (name, verifier) in self.verifiers() {
            let read = match signature_of(candidate, std::slice::from_ref(verifier))? {
                Ok(ModelSignature { statement, .. }) => Ok(statement),
                Err(ModelSignatureError::NotVerified(_) | ModelSignatureError::OtherKey(_)) => continue,
                Err(error) => Err(error.to_string()),
            };
            match &mut found {
                Some((signers, _)) => signers.push(name.to_owned()),
                None => found = Some((vec![name.to_owned()], read)),
            }
        }
        found
    }

    fn verifiers(&self) -> impl Iterator<Item = (&str, &Verifier)> {
        let keys = self.rule.keys().into_iter();
        keys.filter_map(|name| Some((name, &self.policy.keys.get(name)?.verifier)))
    }
}

/// Returns true if a certificate does not count although it is, or may be, of an authority that does.
fn is_of_known(error: &CertificateError) -> bool {
    matches!(
        error,
        CertificateError::Expired(_)
            | CertificateError::NotYetValid(_)
            | CertificateError::NotForSigning
            | CertificateError::OtherIdentity { .. }
    )
}

/// Returns true if a keyless signature does not count although its certificate is, or may be, of the service.
fn is_of_service(error: &KeylessError) -> bool {
    !matches!(error, KeylessError::Chain(_) | KeylessError::NoAuthority(_))
}

/// The licences of the model, its parts, the datasets and the code. A part without one has that of the package.
pub(super) fn licences(kitfile: &Kitfile) -> Vec<LicenceFact> {
    let package = &kitfile.package.license;
    let fact = |subject: &str, own: &str| {
        let licence = if own.trim().is_empty() { package } else { own };
        LicenceFact { subject: subject.to_owned(), licence: Some(licence.to_owned()).filter(|text| !text.is_empty()) }
    };
    let model = kitfile.model.iter().map(|model| fact("model", &model.license));
    let parts = kitfile.model.iter().flat_map(|model| &model.parts).map(|part| fact(&part.path, &part.license));
    let datasets = kitfile.datasets.iter().map(|dataset| fact(&dataset.path, &dataset.license));
    let code = kitfile.code.iter().map(|code| fact(&code.path, &code.license));
    let mut facts: Vec<_> = model.chain(parts).chain(datasets).chain(code).collect();
    // Prompts and documents have no licence of their own.
    if !package.trim().is_empty() && !facts.iter().any(|fact| fact.licence.as_ref() == Some(package)) {
        facts.push(fact("package", package));
    }
    facts
}

/// Compares signed lists of files with the tables of contents of a ModelKit. Layers without one are read.
pub(super) fn compared_files(
    source: &dyn Source,
    modelkit: &ModelKit,
    signed: Vec<(Vec<String>, Result<ModelStatement, String>)>,
) -> Result<Vec<FilesFact>, Error> {
    if signed.iter().all(|(_, read)| read.is_err()) {
        return Ok(signed.into_iter().map(|(signers, read)| FilesFact { signers, difference: read.err() }).collect());
    }
    let files = file_digests(source, modelkit, workers::jobs())?;
    let difference = |statement: ModelStatement| match statement.compare_digests(&files) {
        Some(differences) if differences.is_empty() => None,
        Some(differences) => Some(FilesMismatch::Differences(differences).to_string()),
        None => Some(FilesMismatch::Hash(statement.hash()).to_string()),
    };
    let compare =
        |(signers, read): (_, Result<_, _>)| FilesFact { signers, difference: read.map_or_else(Some, difference) };
    Ok(signed.into_iter().map(compare).collect())
}

/// Lists the files in the layers of the model, except for texts and the files of tokenizers. With `reads_layers`, the
/// headers of layers without a table of contents are read; otherwise such a layer is an error.
pub(super) fn weights(
    source: &dyn Source,
    modelkit: &ModelKit,
    reads_layers: bool,
) -> Result<Result<Vec<WeightFact>, String>, Error> {
    let mut found = Vec::new();
    let is_of_model = |layer: &&Layer| matches!(layer.section, Section::Model | Section::ModelPart);
    for layer in modelkit.layers.iter().filter(is_of_model) {
        if ContentsTable::of(&layer.descriptor).is_none() && !reads_layers {
            return Ok(Err(format!("{}: its files are not known, because it has no table of contents", layer.path)));
        }
        let end = skim(source, layer, Headers::Compare, &mut |member, _| {
            if !member.is_directory {
                found.extend(weight(member.path.as_str()));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        debug_assert!(end.is_continue(), "no member ends the list");
    }
    let is_of_model = |section| matches!(section, Section::Model | Section::ModelPart);
    match modelkit.unreadable.iter().find(|entry| is_of_model(entry.section)) {
        Some(entry) => Ok(Err(format!("{}: its layer cannot be read", entry.path_as_written))),
        None => Ok(Ok(found)),
    }
}

/// Extensions of weights, with their formats.
const FORMATS: &[(&str, WeightFormat)] = &[
    ("safetensors", WeightFormat::Safetensors),
    ("gguf", WeightFormat::Gguf),
    ("onnx", WeightFormat::Onnx),
    ("onnx_data", WeightFormat::Onnx),
    ("pt", WeightFormat::Pytorch),
    ("pth", WeightFormat::Pytorch),
    ("bin", WeightFormat::Pytorch),
    ("ckpt", WeightFormat::Pytorch),
    ("pt2", WeightFormat::Pytorch),
    ("ptl", WeightFormat::Pytorch),
    ("mar", WeightFormat::Pytorch),
    ("pkl", WeightFormat::Pickle),
    ("pickle", WeightFormat::Pickle),
    ("joblib", WeightFormat::Pickle),
    ("dill", WeightFormat::Pickle),
    ("skops", WeightFormat::Pickle),
    ("keras", WeightFormat::Keras),
    ("h5", WeightFormat::Keras),
    ("hdf5", WeightFormat::Keras),
    ("pb", WeightFormat::Tensorflow),
    ("tflite", WeightFormat::Tensorflow),
    ("npy", WeightFormat::Numpy),
    ("npz", WeightFormat::Numpy),
];

/// Extensions of texts and of the files of tokenizers, which beside weights do not contain any.
const TEXTS: &[&str] = &[
    "json", "jsonl", "yaml", "yml", "xml", "toml", "txt", "md", "rst", "html", "csv", "tsv", "jinja", "vocab", "bpe",
    "model", "spm", "tiktoken", "py", "ini", "cfg", "lock", "log", "svg", "png", "jpg", "jpeg", "pdf",
];

/// Returns the file at `path`, unless it is a text by its name.
pub(super) fn weight(path: &str) -> Option<WeightFact> {
    let name = path.rsplit('/').next().unwrap_or(path).to_lowercase();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    let is_numbered_onnx = name.contains(".onnx_data_") || name.ends_with(".onnx.data");
    let listed = FORMATS.iter().find(|(known, _)| *known == extension).map(|(_, format)| *format);
    let format = listed.or(is_numbered_onnx.then_some(WeightFormat::Onnx));
    let is_text = TEXTS.contains(&extension) || is_license_file(&name) || name.starts_with('.') || name == "readme";
    if format.is_none() && is_text && !is_model_file(&name) {
        return None;
    }
    Some(WeightFact { path: path.to_owned(), format })
}

/// The rules whose findings mean that a part of a file was not examined.
const UNREAD: [&str; 2] = ["limit", "compressed-not-read"];

/// Scans the files of a ModelKit, except for the layers that were examined before.
pub(super) fn content(
    (source, examined): (&dyn Source, &Examined),
    inspected: &Inspected,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<ContentFacts, Error> {
    let modelkit = &inspected.modelkit;
    let mut outside = scan_outside_layers(modelkit, options)?;
    // The rules for the ModelKit that the model refers to are asked with its own name.
    let parent = model_reference(modelkit).map(|reference| reference.to_string());
    outside.skipped.retain(|skipped| Some(&skipped.path) != parent.as_ref());
    let mut facts = content_of(outside);
    let of_layer =
        |layer: &Layer| examined.facts(layer, || scan_layer(source, layer, options, progress).map(content_of));
    for of_layer in workers::run(options.jobs, &modelkit.layers, of_layer)? {
        facts.add(of_layer);
    }
    Ok(facts)
}

/// Scans the files in a folder.
pub(super) fn content_of_folder(
    folder: &ScannedFolder,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<ContentFacts, Error> {
    Ok(content_of(scan_folder(folder, &folder.path.display().to_string(), options, progress)?))
}

/// The facts that a scan shows.
pub(super) fn content_of(scanned: Scanned) -> ContentFacts {
    let mut unread: Vec<_> = scanned.skipped.into_iter().map(|skipped| (skipped.path, skipped.reason)).collect();
    let limited = scanned.findings.iter().filter(|found| UNREAD.contains(&found.finding.rule));
    unread.extend(limited.map(|found| (found.path(), found.finding.detail.clone())));
    let mut pickles = scanned.pickles;
    let suspects = scanned.findings.iter().filter(|found| found.finding.rule.starts_with("pickle-"));
    pickles.extend(suspects.map(|found| found.file.clone()));
    pickles.sort_unstable();
    pickles.dedup();
    let files = scanned.model_files.iter();
    let disguised = files.filter_map(|(path, first)| disguised(path, *first, pickles.binary_search(path).is_ok()));
    let disguised = disguised.collect();
    let finding = |found: scan::FileFinding| FileFinding { path: found.file, finding: found.finding };
    let findings = scanned.findings.into_iter().map(finding).collect();
    ContentFacts { findings, pickles, disguised, unread }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_licence_of_the_package_counts_once() {
        let subjects = |yaml: &str| -> Vec<String> {
            let kitfile = crate::kitfile::parse(&format!("manifestVersion: 1.0.0\n{yaml}")).unwrap();
            licences(&kitfile).into_iter().map(|fact| fact.subject).collect()
        };
        let package = "package:\n  name: a\n  license: GPL-3.0\n";
        assert_eq!(subjects(&format!("{package}docs:\n  - path: weights\n")), ["package"]);
        assert_eq!(subjects(&format!("{package}model:\n  path: a\n  license: MIT\n")), ["model", "package"]);
        assert_eq!(subjects(&format!("{package}model:\n  path: a\n")), ["model"]);
        assert!(subjects("docs:\n  - path: weights\n").is_empty());
    }
}
