//! Verifying the signature of a ModelKit, for `kit verify`: flags, report and error.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use super::annotations::AnnotationArgs;
use super::identity::Purpose;
use super::not_signed::{Beside, NotSigned};
use super::predicate_types;
use super::signers::SignerArgs;
use crate::context::Context;
use crate::output::counted;
use kit_core::ops::{self, Located, SignatureCheck, SignatureOptions};
use kit_core::problem::printable;
use kit_core::trust::{
    Candidate, Certificate, CertificateError, Claim, Form, KeyName, KeylessError, Material, NotCounted, NotVerified,
    Signer, Verifier,
};

/// The signatures that count.
#[derive(Debug, Args)]
pub(crate) struct SignatureArgs {
    #[command(flatten)]
    signers: SignerArgs,
    #[command(flatten)]
    annotations: AnnotationArgs,
    /// Type of an attestation that is required instead of a signature: a URI, or a word as for `kit attest --type`
    /// (repeatable)
    #[arg(long = "type", value_name = "TYPE")]
    types: Vec<String>,
}

/// The members of the JSON document.
pub(crate) const MEMBERS: [&str; 4] = ["name", "digest", "verified", "signatures"];

impl SignatureArgs {
    /// Returns true if a flag asks for a signature.
    pub(crate) fn are_given(&self) -> bool {
        self.name_signers() || !self.types.is_empty() || !self.annotations.is_empty()
    }

    /// Returns true if the flags say whose signatures count.
    pub(crate) fn name_signers(&self) -> bool {
        self.signers.are_given()
    }

    /// Returns true if a flag applies to signatures of ModelKits only.
    pub(crate) fn are_of_modelkits(&self) -> bool {
        !self.types.is_empty() || !self.annotations.is_empty()
    }

    /// The signers whose signatures count, and the words for them.
    pub(crate) fn verifiers(&self, context: &Context, purpose: Purpose) -> Result<(Vec<Verifier>, String)> {
        self.signers.verifiers(context, purpose)
    }

    fn options(&self, context: &Context) -> Result<(SignatureOptions, String)> {
        let (verifiers, names) = self.verifiers(context, Purpose::ModelKit)?;
        let predicate_types = self.types.iter().map(|word| predicate_types::uri(word)).collect::<Result<_>>()?;
        let options = SignatureOptions { verifiers, predicate_types, annotations: self.annotations.all() };
        Ok((options, names))
    }
}

/// A signature check with the words of its report.
pub(crate) struct Checked {
    name: String,
    signers: String,
    wanted: Vec<String>,
    check: SignatureCheck,
}

/// Verifies the signature of `found`, which is called `name`.
pub(crate) fn check_signature(context: &Context, found: &Located, name: &str, args: &SignatureArgs) -> Result<Checked> {
    let (options, signers) = args.options(context)?;
    let check = ops::verify_signature(found, &options);
    let check = check.with_context(|| format!("could not find out if `{name}` is signed"))?;
    Ok(Checked { name: name.to_owned(), signers, wanted: options.predicate_types, check })
}

impl Checked {
    /// Fails if something that was asked for is missing.
    pub(crate) fn expect_verified(&self) -> Result<()> {
        if self.check.is_verified() {
            return Ok(());
        }
        if let (true, Some(other)) = (self.check.missing.is_empty(), self.check.other_files()) {
            let (name, signer) = (self.name.clone(), &other.signer);
            let source = Beside(other.compared.as_ref().err().map(ToString::to_string).unwrap_or_default());
            return Err(NotSigned { name, missing: format!("what {signer} signed as a list of files"), source }.into());
        }
        let missing = match (&self.wanted[..], self.check.judged.is_empty()) {
            ([], true) => "signed".to_owned(),
            ([], false) if self.has_attestation_of_signer() => "signed".to_owned(),
            ([], false) => format!("signed by {}", self.signers),
            _ => {
                let types: Vec<_> = self.check.missing.iter().map(|uri| predicate_types::word(uri)).collect();
                format!("attested as {} by {}", types.join(" and "), self.signers)
            }
        };
        Err(NotSigned { name: self.name.clone(), missing, source: Beside(self.reasons()) }.into())
    }

    /// Returns true if a key that counts signed an attestation, and nothing else is beside the ModelKit that it signed.
    fn has_attestation_of_signer(&self) -> bool {
        let is_attestation = |judged: &Result<Signer, NotCounted>| matches!(judged, Err(NotCounted::Attestation(_)));
        self.check.judged.iter().any(|(_, judged)| is_attestation(judged))
    }

    /// The documents beside the ModelKit and why they do not count, a line each.
    fn reasons(&self) -> String {
        const LISTED: usize = 20;
        let digest = short(&self.check.subject.digest.to_string());
        let count = self.check.judged.len();
        if count == 0 {
            return format!("{digest} has no signatures and no attestations");
        }
        let mut lines = match (self.has_attestation_of_signer(), count) {
            (true, 1) => vec!["there is 1 attestation by this key, which is not a signature:".to_owned()],
            _ => vec![format!("{digest} has {}:", counted(count, "signed document"))],
        };
        let rows = self.check.judged.iter().take(LISTED).map(|(candidate, judged)| {
            let reason = judged.as_ref().map_or_else(reason, |signer| format!("signed by {signer}"));
            (place(candidate), candidate.form, reason)
        });
        let rows: Vec<_> = rows.collect();
        let width = rows.iter().map(|(place, ..)| place.chars().count()).max().unwrap_or_default();
        let form_width = rows.iter().map(|(_, form, _)| form.as_str().len()).max().unwrap_or_default();
        lines.extend(
            rows.iter()
                .map(|(place, form, reason)| format!("  {place:<width$}  {form:<form_width$}  {}", printable(reason))),
        );
        if count > LISTED {
            lines.push(format!("  and {} more", count - LISTED));
        }
        if self.check.is_cut_off {
            lines.push("  and more that were not read, because there are too many".to_owned());
        }
        lines.join("\n")
    }

    /// The text for users.
    pub(crate) fn to_text(&self) -> String {
        let mut lines = vec![format!("{} · {}", self.name, short(&self.check.subject.digest.to_string()))];
        lines.extend(self.check.counted().filter_map(|(candidate, signer)| self.line(candidate, signer)));
        let right = self.check.files.iter().filter(|files| files.compared.is_ok());
        lines.extend(
            right.map(|files| format!("  files     {}   bundle    {}", files.signer, counted(files.files, "file"))),
        );
        let ignored = self.ignored();
        if !ignored.is_empty() {
            lines.push(format!("  ignored   {}", ignored.join(", ")));
        }
        lines.join("\n")
    }

    /// The line of a candidate that counts.
    fn line(&self, candidate: &Candidate, signer: &Signer) -> Option<String> {
        let claim = &candidate.document.as_ref().ok()?.claim;
        let is_signature = self.wanted.is_empty();
        let mut facts = Vec::new();
        if !is_signature {
            facts.push(predicate_types::word(claim.predicate_type()));
        }
        let annotations = claim.annotations(&self.check.subject.digest);
        facts.extend(annotations.iter().map(|(key, value)| format!("{key}={value}")));
        facts.extend(other_name(claim, &self.name));
        let word = if is_signature { "signed" } else { "attested" };
        let line = format!("  {word:<8}  {signer}   {:<8}  {}", candidate.form, printable(&facts.join(", ")));
        Some(line.trim_end().to_owned())
    }

    /// The candidates that do not count, by reason.
    fn ignored(&self) -> Vec<String> {
        let (mut attestations, mut others) = (Vec::new(), BTreeMap::<&str, usize>::new());
        for (_, judged) in &self.check.judged {
            let Err(not_counted) = judged else { continue };
            let kind = match not_counted {
                NotCounted::Attestation(uri) | NotCounted::OtherPredicate(uri) => {
                    attestations.push(predicate_types::word(uri));
                    continue;
                }
                NotCounted::NotVerified(reason) => not_verified(reason),
                NotCounted::OtherSubject(_) => "signature of another manifest",
                NotCounted::Annotation(_) => "signature with other annotations",
                NotCounted::Files(_) => "list of other files",
                NotCounted::Broken(_) => "invalid document",
            };
            *others.entry(kind).or_default() += 1;
        }
        let mut words = Vec::new();
        if !attestations.is_empty() {
            let count = counted(attestations.len(), "attestation");
            attestations.sort();
            attestations.dedup();
            words.push(format!("{count} ({})", printable(&attestations.join(", "))));
        }
        words.extend(others.into_iter().map(|(kind, count)| counted_kind(count, kind)));
        words
    }

    /// The JSON document.
    pub(crate) fn to_json(&self) -> Value {
        json!({
            "name": self.name,
            "digest": self.check.subject.digest,
            "verified": self.check.is_verified(),
            "signatures": self.check.judged.iter().map(|judged| self.row(judged)).collect::<Value>(),
        })
    }

    fn row(&self, (candidate, judged): &(Candidate, Result<Signer, NotCounted>)) -> Value {
        let signed = candidate.document.as_ref().ok();
        let annotations = signed.map(|signed| signed.claim.annotations(&self.check.subject.digest));
        json!({
            "manifest": candidate.manifest,
            "form": candidate.form.as_str(),
            "signer": judged.as_ref().ok().map(signer_to_json),
            "predicateType": signed.map(|signed| signed.claim.predicate_type()),
            "annotations": annotations,
            "reason": judged.as_ref().err().map(reason),
        })
    }
}

/// The kind of a signature that no verifier accepts.
fn not_verified(reason: &NotVerified) -> &'static str {
    match reason {
        NotVerified::HasCertificate => "signature with a certificate",
        NotVerified::Certificate(CertificateError::OtherIdentity { .. })
        | NotVerified::Keyless(KeylessError::OtherIdentity { .. } | KeylessError::OtherIssuer { .. }) => {
            "signature of another identity"
        }
        NotVerified::Keyless(_) => "signature without valid proofs",
        _ => "signature of another key",
    }
}

/// The signer in JSON.
pub(crate) fn signer_to_json(signer: &Signer) -> Value {
    match signer {
        Signer::Key(name) => json!({ "key": KeyName::to_string(name) }),
        Signer::Identity(identity) => json!({ "identity": identity.san, "issuer": identity.issuer }),
    }
}

/// The reason with its causes, on one line.
fn reason(not_counted: &NotCounted) -> String {
    let causes = std::iter::successors(std::error::Error::source(not_counted), |cause| cause.source());
    causes.fold(not_counted.to_string(), |text, cause| {
        let cause = cause.to_string();
        if text == cause { text } else { format!("{text}: {cause}") }
    })
}

/// The repository that a payload of simple signing names, if the ModelKit has another name now.
fn other_name(claim: &Claim, name: &str) -> Option<String> {
    let signed = claim.repository()?;
    let is_same = name.strip_prefix(signed).is_some_and(|rest| rest.is_empty() || rest.starts_with([':', '@']));
    (!is_same).then(|| format!("signed as `{signed}`"))
}

/// The place of a candidate: its tag, or the digest of its manifest.
fn place(candidate: &Candidate) -> String {
    match (&candidate.tag, candidate.form) {
        (Some(tag), Form::Legacy) => match tag.split_at_checked("sha256-".len() + 12) {
            Some((start, rest)) => format!("{start}….{}", rest.rsplit('.').next().unwrap_or_default()),
            None => tag.clone(),
        },
        _ => short(&candidate.manifest.to_string()),
    }
}

/// The hint of a bundle, or the owner that its certificate names.
pub(crate) fn material(material: &Material) -> String {
    match material {
        Material::PublicKey { hint: Some(hint) } => format!("hint {hint}"),
        Material::PublicKey { hint: None } => "a key".to_owned(),
        Material::Certificate(leaf) => owner(leaf).unwrap_or_else(|| "a certificate".to_owned()),
        Material::Chain(chain) => {
            let owner = chain.first().and_then(|leaf| owner(leaf));
            owner.unwrap_or_else(|| format!("a chain of {}", counted(chain.len(), "certificate")))
        }
    }
}

/// The first identity in a certificate, with its issuer.
fn owner(certificate: &[u8]) -> Option<String> {
    let certificate = Certificate::read(certificate).ok()?;
    let identity = certificate.identities().first()?;
    let issuer = certificate.issuer().map(|issuer| format!(" ({issuer})"));
    Some(format!("{identity}{}", issuer.unwrap_or_default()))
}

fn counted_kind(count: usize, kind: &str) -> String {
    let (noun, rest) = kind.split_once(' ').unwrap_or((kind, ""));
    match noun {
        "invalid" => counted(count, kind),
        _ => format!("{} {rest}", counted(count, noun)),
    }
}

fn short(digest: &str) -> String {
    digest.get(.."sha256:".len() + 12).map_or_else(|| digest.to_owned(), |start| format!("{start}…"))
}
