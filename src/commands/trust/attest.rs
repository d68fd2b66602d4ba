//! `kit attest`

use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use clap::Args;
use fs_err as fs;
use serde_json::Value;

use super::certificates::CertificateArgs;
use super::identity::{IdentityArgs, Purpose};
use super::keys::{private_key, public_key};
use super::network::TrustNetworkArgs;
use super::not_signed::{Beside, NotSigned};
use super::predicate_types::{self, MODEL_SIGNING};
use super::sbom::{FormatName, sbom_to_attest};
use super::scan::scan_to_attest;
use super::sign::{report, say_where};
use crate::arguments::{ReceiptArgs, always_report_local_store};
use crate::context::Context;
use crate::output::{Code, Failure, counted, tidy, usage};
use kit_core::limits;
use kit_core::ops::{self, AttestOptions, Attestation, Location, Lookup, Session, Signable};
use kit_core::trust::{PLAIN_SIGNATURE, Verifier, read_json};

/// Attach a signed statement to a ModelKit, or print one
///
/// The statement is an in-toto attestation in a Sigstore bundle: a predicate, such as the result of a test, about the
/// digest of the ModelKit. TYPE is a URI, or one of slsaprovenance1, slsaprovenance, slsaprovenance02, cyclonedx, spdx,
/// spdxjson, vuln, openvex, link, custom, test-result, scan, approval, recall and promotion. cosign 3 verifies it with
/// `cosign verify-attestation`.
///
/// --provenance signs the record that `kit pack` attached. --scan signs the result of a scan, with the time. --sbom
/// signs the bill of materials that `kit sbom` prints; its type is cyclonedx or spdx.
///
/// --get verifies an attestation of this type with the public key, and prints its predicate. Attestations of cosign 2
/// can be printed as well. The type model-signing is the list of files that `kit sign --files` signs; with --bundle it
/// is the signature of the unpacked folder.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit attest sentiment:v2 --key ci.key --type test-result --predicate result.json
  kit attest registry.example/team/sentiment:v2 --key ci.key --provenance --remote
  kit attest sentiment:v2 --key ci.key --scan
  kit attest sentiment:v2 --key ci.key --sbom
  kit attest sentiment:v2 --key ci.key --sbom=spdx
  kit attest registry.example/team/sentiment:v2 --key ci.pub --get test-result
  kit attest registry.example/team/sentiment:v2 --key ci.pub --get cyclonedx --bundle > bundle.json
  kit attest registry.example/team/sentiment:v2 --key ci.pub --get model-signing --bundle > model.sig")]
#[allow(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub(crate) struct AttestArgs {
    /// ModelKit
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    /// Private key, or with --get the public key: a file, or `env://NAME` for a variable that contains it;
    /// COSIGN_PASSWORD is the password of a private key
    #[arg(id = "signing_key", long = "key", value_name = "FILE")]
    key: Option<String>,
    #[command(flatten)]
    certificates: CertificateArgs,
    #[command(flatten)]
    identity: IdentityArgs,
    /// Type of the predicate: a URI, or one of the words above
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// File with the predicate, a JSON object; `-` for standard input
    #[arg(long, value_name = "FILE")]
    predicate: Option<PathBuf>,
    /// Sign the provenance that `kit pack` recorded
    #[arg(long)]
    provenance: bool,
    /// Scan all files as `kit scan` does, and sign the result
    #[arg(long)]
    scan: bool,
    /// Make the bill of materials as `kit sbom` does, and sign it
    #[arg(long, value_name = "FORMAT", num_args = 0..=1, require_equals = true, default_missing_value = "cyclonedx")]
    sbom: Option<FormatName>,
    /// Verify the attestation of this type, and print its predicate
    #[arg(long, value_name = "TYPE")]
    get: Option<String>,
    /// Print the bundle instead of the predicate
    #[arg(long)]
    bundle: bool,
    /// Use the registry, even if the ModelKit is in the local store
    #[arg(short, long)]
    remote: bool,
    #[command(flatten)]
    receipt: ReceiptArgs,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

impl AttestArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        self.check_flags()?;
        self.receipt.begin_with(context, &["digest", "references", "artifacts", "seconds", "signer", "signatures"])?;
        let location = context.location(&self.reference)?;
        let session = context.session(&self.network)?;
        let place = if self.remote { Lookup::Remote } else { Lookup::Anywhere };
        match &self.get {
            Some(kind) => self.print(context, &session, &location, place, kind),
            None => self.attach(context, &session, &location, place),
        }
    }

    /// Fails unless the flags name one thing to do.
    fn check_flags(&self) -> Result<()> {
        let given = [self.predicate.is_some(), self.provenance, self.scan, self.sbom.is_some(), self.get.is_some()];
        if given.into_iter().filter(|is_given| *is_given).count() != 1 {
            return Err(usage("use one of --predicate FILE, --provenance, --scan, --sbom and --get TYPE"));
        }
        if self.predicate.is_some() && self.kind.is_none() {
            return Err(usage("--predicate FILE needs --type TYPE"));
        }
        if self.predicate.is_none() && self.kind.is_some() {
            return Err(usage(
                "--type is the type of --predicate FILE; --provenance, --scan and --sbom have types of their own",
            ));
        }
        if self.bundle && self.get.is_none() {
            return Err(usage("--bundle needs --get TYPE"));
        }
        Ok(())
    }

    fn attach(&self, context: &Context, session: &Session<'_>, location: &Location, place: Lookup) -> Result<()> {
        let failed = || format!("cannot attest `{location}`");
        let given = match (&self.kind, &self.predicate) {
            (Some(kind), Some(file)) => Some((attested_type(kind)?, read_predicate(context, file)?)),
            _ => None,
        };
        let Some(key) = self.key.as_ref().filter(|_| !self.identity.is_given()) else {
            return Err(usage("an attestation is signed with a private key; use --key FILE, and --certificate FILE"));
        };
        let key = private_key(context, key)?;
        let certificates = self.certificates.chain(context, key.public_key())?;
        let signable = ops::open_signable(session, location, place).with_context(failed)?;
        let (predicate_type, predicate) = match given {
            Some(given) => given,
            None => self.make(context, session, location, &signable).with_context(failed)?,
        };
        let options = AttestOptions {
            key: &key,
            certificates: certificates.as_ref(),
            predicate_type,
            predicate,
            time: context.environment.time,
        };
        let signed = ops::attest(&signable, options).with_context(failed)?;
        report(context, location, &signed, "attested")?;
        say_where(context, location, &signable, std::slice::from_ref(&signed));
        Ok(())
    }

    /// Makes or finds the predicate that the flags name, and returns its type and it.
    fn make(
        &self,
        context: &Context,
        session: &Session<'_>,
        location: &Location,
        signable: &Signable,
    ) -> Result<(String, Value)> {
        match self.sbom {
            Some(format) => sbom_to_attest(context, session, signable, location, format),
            None if self.scan => scan_to_attest(context, session, &self.network, signable, location),
            None => ops::recorded_provenance(signable)?.ok_or_else(|| no_provenance(location)),
        }
    }

    fn print(
        &self,
        context: &Context,
        session: &Session<'_>,
        location: &Location,
        place: Lookup,
        kind: &str,
    ) -> Result<()> {
        let predicate_type = predicate_types::uri(kind)?;
        let (verifiers, signers) = self.verifiers(context)?;
        let unknown = || format!("could not find out if `{location}` is attested");
        let found = ops::find_signed(session, location, place).with_context(unknown)?;
        always_report_local_store(context, location, &found);
        let found = ops::attestations(&found, &verifiers, &predicate_type).with_context(unknown)?;
        let mut fitting = found.into_iter().filter(|attestation| !self.bundle || attestation.bundle.is_some());
        let Some(newest) = fitting.next() else {
            return Err(NotSigned {
                name: location.to_string(),
                missing: format!("attested as {} by {signers}", predicate_types::word(&predicate_type)),
                source: Beside("no attestation of this type by this signer was found".to_owned()),
            }
            .into());
        };
        let others = fitting.count();
        if others > 0 {
            let others = counted(others, "older attestation");
            context.output.warn(&format!("{others} of this type by this signer are not printed"));
        }
        print_one(context, newest, self.bundle)
    }
}

impl AttestArgs {
    /// The signers whose attestations are printed, and the words for them.
    fn verifiers(&self, context: &Context) -> Result<(Vec<Verifier>, String)> {
        let key = match &self.key {
            Some(file) => {
                let key = public_key(context, file)?;
                let name = format!("`{file}` ({})", key.name());
                Some((Verifier::Key(key), name))
            }
            None => None,
        };
        let identity = self.identity.verifier(context, Purpose::ModelKit)?;
        let (verifiers, names): (Vec<_>, Vec<_>) = key.into_iter().chain(identity).unzip();
        if verifiers.is_empty() {
            return Err(usage(
                "nothing says whose attestation is printed; add --key FILE, or --certificate-identity ID with its \
                 authority",
            ));
        }
        Ok((verifiers, names.join(" or ")))
    }
}

fn print_one(context: &Context, attestation: Attestation, is_bundle: bool) -> Result<()> {
    let text = match attestation.bundle.filter(|_| is_bundle) {
        Some(bundle) => String::from_utf8(bundle).context("the bundle is not UTF-8")?,
        None => attestation.predicate.to_string(),
    };
    context.output.write(|out| Ok(writeln!(out, "{text}")?))
}

/// The type of a predicate that a user may sign.
fn attested_type(kind: &str) -> Result<String> {
    let uri = predicate_types::uri(kind)?;
    let is_other = uri == PLAIN_SIGNATURE || kind == MODEL_SIGNING || predicate_types::word(&uri) == MODEL_SIGNING;
    if is_other {
        return Err(usage(format!("statements of the type `{kind}` are written by `kit sign`")));
    }
    Ok(uri)
}

fn no_provenance(location: &Location) -> anyhow::Error {
    let message = format!("`{location}` has no record of its provenance; `kit pack` attaches one");
    Failure::error(Code::NotFound, message)
}

/// Reads the predicate, which must be a JSON object.
fn read_predicate(context: &Context, file: &Path) -> Result<Value> {
    let is_stdin = file.as_os_str() == "-";
    let name = if is_stdin { "standard input".to_owned() } else { format!("`{}`", tidy(file)) };
    let failed = || format!("cannot read the predicate from {name}");
    let limit = limits::PREDICATE_BYTES;
    let mut bytes = Vec::new();
    if is_stdin {
        io::stdin().lock().take(limit + 1).read_to_end(&mut bytes).with_context(failed)?;
    } else {
        let opened = fs::File::open(context.environment.absolute(file)).with_context(failed)?;
        opened.take(limit + 1).read_to_end(&mut bytes).with_context(failed)?;
    }
    if bytes.len() as u64 > limit {
        bail!("the predicate in {name} has more than {limit} bytes");
    }
    let predicate: Value = read_json(&bytes).with_context(|| format!("the predicate in {name} is not valid JSON"))?;
    if !predicate.is_object() {
        bail!("the predicate in {name} is not a JSON object");
    }
    Ok(predicate)
}
