//! `kit sign`

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, ValueEnum};
use serde_json::json;

use super::annotations::AnnotationArgs;
use super::certificates::CertificateArgs;
use super::folder::{FolderArgs, folder};
use super::keys::private_key;
use super::network::TrustNetworkArgs;
use crate::arguments::ReceiptArgs;
use crate::context::Context;
use crate::output::{tidy, usage};
use kit_core::ops::{
    self, Attached, FilesSigning, FolderError, Location, Lookup, SignForm, SignOptions, Signable, SignedManifest,
};
use kit_core::sys::replace_file;

/// Sign a ModelKit or a folder
///
/// An argument that is an existing folder is a folder, and so is ./NAME. Otherwise it is a ModelKit.
///
/// The signature of a ModelKit is a Sigstore bundle, which is attached to the ModelKit: in the local store if that has
/// the ModelKit, otherwise in the registry. It is of the digest, so it is valid for every name and every copy of the
/// ModelKit, and `kit push`, `kit pull` and `kit copy` transfer it. cosign 3 verifies it with `cosign verify --key`.
///
/// --as legacy writes a signature that cosign 2 reads, under the tag sha256-DIGEST.sig. cosign 2.6 and later look at
/// bundles only as soon as there is one, so --as both helps only older versions and other programs that read the tag.
///
/// --files also signs the list of the files in the ModelKit (OpenSSF Model Signing), from its tables of contents.
/// `kit attest --get model-signing --bundle` prints it as the signature of the unpacked folder.
///
/// The signature of a folder (OpenSSF Model Signing) is a file that lists every file below the folder with its digest;
/// `model_signing verify key` verifies it. It does not cover the Kitfile, Kitfile.lock, .kitignore and the files of
/// git. The key must be an ECDSA key.
///
/// Signing again with the same key and the same annotations changes nothing. Neither the ModelKit nor existing
/// signatures are verified, and no policy is asked.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit sign sentiment:v2 --key release.key
  kit sign registry.example/team/sentiment:v2 --remote --key env://RELEASE_KEY -a env=prod
  kit sign registry.example/team/sentiment:v2 --key release.key --as both
  kit sign sentiment:v2 --key release.key --files
  kit sign sentiment:v2 --key ada.key --certificate ada.pem --certificate-chain intermediate.pem
  kit sign ./model --key release.key
  kit sign ./model --key release.key --signature model.sig --ignore cache")]
pub(crate) struct SignArgs {
    /// ModelKit or folder to sign
    #[arg(value_name = "NAME:TAG|FOLDER")]
    reference: String,
    /// Private key: a file, or `env://NAME` for a variable that contains it; COSIGN_PASSWORD is its password
    #[arg(id = "signing_key", long = "key", value_name = "FILE")]
    key: String,
    #[command(flatten)]
    annotations: AnnotationArgs,
    #[command(flatten)]
    certificates: CertificateArgs,
    /// Also sign the list of the files in the ModelKit
    #[arg(long)]
    files: bool,
    #[command(flatten)]
    folder: FolderArgs,
    /// Form of the signature
    #[arg(long = "as", value_name = "FORM", default_value = "bundle")]
    form: FormName,
    /// Sign the members of an index of ModelKits, too
    #[arg(long)]
    recursive: bool,
    /// Sign in the registry, even if the ModelKit is in the local store
    #[arg(short, long)]
    remote: bool,
    /// Write the bundle to this file, too
    #[arg(long, value_name = "FILE")]
    bundle: Option<PathBuf>,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

/// The forms of a signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum FormName {
    /// A Sigstore bundle, as cosign 3 writes it
    Bundle,
    /// A signature under a tag, as cosign 2 writes it
    Legacy,
    /// Both forms
    Both,
}

impl SignArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.receipt.begin_with(context, &["digest", "references", "artifacts", "seconds", "signer", "signatures"])?;
        if let Some(folder) = folder(context, &self.reference)? {
            return self.sign_folder(context, &folder);
        }
        self.folder.expect_none()?;
        let location = context.location(&self.reference)?;
        let key = private_key(context, &self.key)?;
        let certificates = self.certificates.chain(context, key.public_key())?;
        if certificates.is_some() && self.form != FormName::Bundle {
            return Err(usage("--certificate requires bundles; remove --as"));
        }
        let session = context.session(&self.network)?;
        let place = if self.remote { Lookup::Remote } else { Lookup::Anywhere };
        let options = SignOptions {
            key: &key,
            certificates: certificates.as_ref(),
            form: match self.form {
                FormName::Bundle => SignForm::Bundle,
                FormName::Legacy => SignForm::Legacy,
                FormName::Both => SignForm::Both,
            },
            annotations: self.annotations.all(),
            time: context.environment.time,
            is_recursive: self.recursive,
        };
        let failed = || format!("cannot sign `{location}`");
        let signable = ops::open_signable(&session, &location, place).with_context(failed)?;
        // First, because not every key can sign a list of files.
        let files = self.files.then(|| sign_files(&signable, &options)).transpose().with_context(failed)?;
        let mut signed = ops::sign(&signable, &options).with_context(failed)?;
        for manifest in &signed {
            report(context, &location, manifest, "signed")?;
        }
        if let Some(files) = files {
            report(context, &location, &files, "files")?;
            signed.push(files);
        }
        write_bundle(context, self.bundle.as_ref(), signed.first())?;
        say_where(context, &location, &signable, &signed);
        Ok(())
    }
}

impl SignArgs {
    fn sign_folder(&self, context: &Context, folder: &Path) -> Result<()> {
        let is_of_modelkit = self.files || self.remote || self.recursive || self.form != FormName::Bundle;
        if is_of_modelkit || self.bundle.is_some() || !self.annotations.is_empty() {
            let flags = "--files, --remote, --recursive, --as, --bundle and --annotation";
            return Err(usage(format!("{flags} apply to ModelKits, but `{}` is a folder", self.reference)));
        }
        let key = private_key(context, &self.key)?;
        let certificates = self.certificates.chain(context, key.public_key())?;
        self.folder.sign(context, folder, &self.reference, (&key, certificates.as_ref()))
    }
}

fn sign_files(signable: &Signable, options: &SignOptions<'_>) -> Result<SignedManifest, FolderError> {
    let SignOptions { key, certificates, time, .. } = *options;
    ops::sign_modelkit_files(signable, &FilesSigning { key, certificates, time, jobs: ops::jobs() })
}

/// Reports a manifest that was signed, or that had the same signature already.
pub(super) fn report(context: &Context, location: &Location, signed: &SignedManifest, action: &str) -> Result<()> {
    let digest = signed.subject.digest;
    let is_new = signed.attached.iter().any(|attached| attached.is_new);
    let (action, verb) = match (action, is_new) {
        ("signed", true) => ("signed", "Signed"),
        ("signed", false) => ("unchanged", "Already signed"),
        ("files", true) => ("signed", "Signed the files of"),
        ("files", false) => ("unchanged", "Already signed the files of"),
        (_, true) => ("attested", "Attested"),
        (_, false) => ("unchanged", "Already attested"),
    };
    let line = format!("{verb} {digest} ({})", signed.signer);
    context.receipt.made(&context.output, (action, digest), &[location.to_string()], line)?;
    context.receipt.fact("signer", signed.signer.to_string());
    for Attached { form, manifest, is_new } in &signed.attached {
        context.receipt.append("signatures", json!({ "manifest": manifest, "form": form.as_str(), "new": is_new }));
    }
    Ok(())
}

/// Writes the bundle to the file that the user named.
pub(super) fn write_bundle(context: &Context, file: Option<&PathBuf>, signed: Option<&SignedManifest>) -> Result<()> {
    let (Some(file), Some(bundle)) = (file, signed.and_then(|signed| signed.bundle.as_ref())) else { return Ok(()) };
    let written = replace_file(&context.environment.absolute(file), bundle);
    written.with_context(|| format!("cannot write the bundle to `{}`", tidy(file)))
}

/// Reports the place of the signatures, if anything was written.
pub(super) fn say_where(context: &Context, location: &Location, signable: &Signable, signed: &[SignedManifest]) {
    if !signed.iter().flat_map(|signed| &signed.attached).any(|attached| attached.is_new) {
        return context.output.say("nothing was written: the same statement of this key is already attached");
    }
    let place = match location {
        Location::Layout { path, .. } => format!("stored in `{}`", tidy(path)),
        Location::Artifact(_) if signable.found.is_remote => {
            format!("stored in the registry, beside `{location}`")
        }
        Location::Artifact(reference) if reference.is_local() => "stored in the local store".to_owned(),
        Location::Artifact(_) => {
            format!("stored in the local store; `kit push {location}` transfers it with the ModelKit")
        }
    };
    context.output.say(&place);
}
