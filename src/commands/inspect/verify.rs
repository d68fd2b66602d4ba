//! `kit verify`

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use clap::Args;
use serde_json::{Value, json};

use crate::arguments::{LookupArgs, PathArgs, always_report_local_store, lock_file};
use crate::commands::trust::{self, FolderSignatureArgs, SignatureArgs, TrustNetworkArgs};
use crate::context::{Context, parse};
use crate::output::{Code, Failure, Format, Moved, counted, one_line, table, tidy, tidy_in, usage};
use kit_core::kitfile::LOCK_FILE;
use kit_core::modelkit::{Change, Drift, Filter, Selection, Subject};
use kit_core::ops::{self, Belonging, ExtraFiles, SubsetProof, Verified, VerifyOptions};

/// Verify the signature of a ModelKit, or a folder against a lock or a ModelKit
///
/// An argument that is an existing folder is a folder, and so is ./NAME. Otherwise it is a ModelKit, and its signature
/// is verified: --key names the public keys whose signatures count. Bundles and signatures of cosign 2 are read from
/// the local store, an image layout or the registry; no other server is asked. Exits with 1 if the ModelKit is not
/// signed.
///
/// --certificate-identity, --certificate-oidc-issuer and --trusted-root name a signer without a key, such as a workflow
/// of GitHub Actions. The certificate, its log entry and the time of the signature are verified offline, with what the
/// signature and the trusted root contain; `cosign trusted-root create` writes a trusted root.
///
/// Without a key or an identity, a ModelKit is checked by the policies for its name, as `kit policy check` does.
///
/// Lists files that are missing, files that differ in size, content or mode, and additional files within the paths of
/// the Kitfile that .kitignore does not exclude. Exits with 3 if there are any. Permission bits that an umask masks
/// are ignored, and the Kitfile is compared by content, not by formatting.
///
/// --model-signature verifies the signature of a folder (OpenSSF Model Signing) instead: the files must be exactly
/// those that a signer listed. Exits with 1 if the signature does not count, and with 3 if files differ.
///
/// With a lock, only FOLDER is read; files of a model that comes from another ModelKit are not covered. With a
/// ModelKit, its layers are read and verified as well, from the local store or directly from the registry. The layers
/// of a ModelKit that `kit subset` made are also compared with the manifest of its original.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit verify .
  kit verify ./work sentiment:v2
  kit verify /srv/model registry.example/team/sentiment:v2 --filter model
  kit verify /srv/model registry.example/team/sentiment:v2 --remote
  kit verify ./work sentiment:v2 --exact
  kit verify ./work --lock sentiment.lock --format json
  kit verify registry.example/team/sentiment:v2 --key release.pub
  kit verify registry.example/team/sentiment:v2 --key ci.pub --type test-result
  kit verify registry.example/team/sentiment:v2 --ca models.pem --certificate-identity ada@models.example
  kit verify registry.example/team/sentiment:v2 --trusted-root trusted_root.json \\
    --certificate-identity https://github.com/acme/models/.github/workflows/release.yml@refs/heads/main \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com
  kit verify /srv/model registry.example/team/sentiment:v2 --key release.pub
  kit verify ./model --key release.pub --model-signature
  kit verify ./model --ca models.pem --model-signature ada.sig --ignore-unsigned-files")]
pub(crate) struct VerifyArgs {
    /// Folder to verify, or ModelKit whose signature is verified
    #[arg(value_name = "FOLDER|NAME:TAG", default_value = ".")]
    folder: PathBuf,
    /// ModelKit to compare the folder with
    #[arg(value_name = "NAME:TAG", conflicts_with = "lock")]
    reference: Option<String>,
    /// Lock file to compare the folder with [default: Kitfile.lock in FOLDER]
    #[arg(long, value_name = "FILE")]
    lock: Option<PathBuf>,
    /// Compare only matching parts: TYPES[:NAMES], both comma-separated; types are kitfile, model, model.parts,
    /// datasets, code, docs, prompts and mcpServers (repeatable)
    #[arg(short, long, value_name = "FILTER")]
    filter: Vec<String>,
    #[command(flatten)]
    signatures: SignatureArgs,
    #[command(flatten)]
    model_signature: FolderSignatureArgs,
    #[command(flatten)]
    paths: PathArgs,
    /// Report all additional files in the folder, not only those within the paths of the Kitfile
    #[arg(long)]
    exact: bool,
    /// Output format: table, json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
    #[command(flatten)]
    lookup: LookupArgs,
    #[command(flatten)]
    network: TrustNetworkArgs,
}

impl VerifyArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        if self.model_signature.is_given() {
            return self.verify_signed_folder(context);
        }
        self.model_signature.expect_none()?;
        if self.is_modelkit(context) {
            return self.verify_modelkit(context);
        }
        if self.signatures.are_given() && (self.reference.is_none() || !self.signatures.name_signers()) {
            return Err(usage(
                "a signature is verified of a ModelKit, with --key: `kit verify FOLDER NAME:TAG --key FILE`",
            ));
        }
        self.format.expect_fields(&["equal", "digest", "files", "size", "sizeBytes", "differences"])?;
        let folder = context.folder(&self.folder);
        let folder = folder.with_context(|| format!("cannot verify `{}`", tidy(&self.folder)))?;
        let filters = self.filter.iter().map(|filter| parse::<Filter>(filter)).collect::<Result<Vec<_>>>()?;
        let options = VerifyOptions {
            folder,
            selection: Selection::new(filters),
            paths: Arc::new(self.paths.patterns()?),
            extra: if self.exact { ExtraFiles::Anywhere } else { ExtraFiles::InLayers },
            records: context.store().ok(),
            jobs: ops::jobs(),
        };
        let (verified, standard) = match &self.reference {
            Some(reference) => self.by_modelkit(context, &options, reference)?,
            None => self.by_lock(context, &options)?,
        };
        let rows: Vec<_> = verified.drifts.iter().map(row).collect();
        let render = || if rows.is_empty() { String::new() } else { table::render(HEADINGS, &rows) };
        context.output.result(self.format.render(&to_json(&verified), render)?)?;
        let folder = tidy(&self.folder);
        match verified.drifts.len() {
            0 => {
                let moved = Moved {
                    done: (verified.bytes, "read"),
                    reused: Some(counted(verified.files, "file")),
                    mounted: None,
                    resumed: 0,
                };
                context.output.say(&format!("{folder} matches `{standard}` · {}", moved.in_words(start)));
                Ok(())
            }
            count => {
                let differences = counted(count, "difference");
                Err(Failure::error(Code::Differs, format!("`{folder}` differs from `{standard}`: {differences}")))
            }
        }
    }

    /// Verifies the signature of a folder, which covers its files.
    fn verify_signed_folder(&self, context: &Context) -> Result<()> {
        if self.reference.is_some() || self.lock.is_some() || self.exact || !self.filter.is_empty() {
            return Err(usage("--model-signature compares all files with the signature; remove the other standards"));
        }
        self.format.expect_fields(&trust::FOLDER_MEMBERS)?;
        let folder = context.folder(&self.folder);
        let folder = folder.with_context(|| format!("cannot verify `{}`", tidy(&self.folder)))?;
        self.model_signature.verify(context, (&folder, &self.folder), &self.signatures, &self.format)
    }

    /// Returns true if the first argument is a ModelKit: it is not an existing folder, and not `./NAME`. A word without
    /// a tag and without flags for a signature is more likely a folder with a typing mistake.
    fn is_modelkit(&self, context: &Context) -> bool {
        let is_path = self.folder.starts_with(".") || self.folder.is_absolute();
        let is_named = self.signatures.are_given() || self.folder.to_string_lossy().contains([':', '@']);
        let is_alone = self.reference.is_none() && self.lock.is_none();
        is_alone && is_named && !is_path && !context.environment.absolute(&self.folder).is_dir()
    }

    /// Verifies the signature of the ModelKit that the first argument names.
    fn verify_modelkit(&self, context: &Context) -> Result<()> {
        let name = self.folder.to_string_lossy();
        let is_plain = !self.signatures.are_given() && self.filter.is_empty() && !self.exact;
        // What is not the name of a ModelKit was meant to be a folder.
        if let Some(given) = context.location_as_given(&name).ok().filter(|_| is_plain) {
            let (location, _) = given.or_latest();
            let session = context.session(&self.network)?;
            if ops::is_policy_asked(&session, &[&location])? {
                let output = (self.lookup.place(), &self.format);
                return trust::check_policy(context, &session, &location, output, trust::Asked::IfAllHolds);
            }
        }
        if !self.signatures.name_signers() {
            return Err(usage(format!(
                "folder `{name}` does not exist, and nothing says whose signature of a ModelKit with this name counts: \
                 no rule of a policy is in force for it; use --key FILE with the public key of the signer, or write a \
                 policy: `kit policy init`"
            )));
        }
        if !self.filter.is_empty() || self.exact {
            return Err(usage("--filter and --exact compare a folder: `kit verify FOLDER NAME:TAG`"));
        }
        self.format.expect_fields(&trust::MEMBERS)?;
        let location = context.location(&name)?;
        let session = context.session(&self.network)?;
        let found = ops::find_signed(&session, &location, self.lookup.place())
            .inspect(|found| always_report_local_store(context, &location, found))
            .with_context(|| format!("could not find out if `{location}` is signed"))?;
        let checked = trust::check_signature(context, &found, &location.to_string(), &self.signatures)?;
        if !matches!(self.format, Format::Table) || checked.expect_verified().is_ok() {
            context.output.result(self.format.render(&checked.to_json(), || checked.to_text())?)?;
        }
        checked.expect_verified()
    }

    fn by_lock(&self, context: &Context, options: &VerifyOptions) -> Result<(Verified, String)> {
        let given = self.lock.as_ref().map(|path| context.environment.absolute(path));
        let path = given.unwrap_or_else(|| options.folder.join(LOCK_FILE));
        let name = self.lock.as_ref().map_or_else(|| tidy_in(&self.folder, LOCK_FILE), |path| tidy(path));
        if self.lock.is_none() && !path.exists() {
            let (folder, missing) = (tidy(&self.folder), format!("lock file `{name}` not found"));
            let advice = format!("create it with `kit pack --lock`, or compare with a ModelKit: `kit verify {folder}");
            return Err(Failure::error(Code::NotFound, format!("{missing}; {advice} NAME:TAG`")));
        }
        let lock = lock_file::read(&path, &name)?;
        let verified = ops::verify_lock(&lock, &name, options, &context.bars);
        let verified = verified.with_context(|| format!("cannot verify `{}`", tidy(&self.folder)))?;
        Ok((verified, name))
    }

    fn by_modelkit(&self, context: &Context, options: &VerifyOptions, reference: &str) -> Result<(Verified, String)> {
        let location = context.location(reference)?;
        let session = context.session(&self.network)?;
        let name = location.to_string();
        let compare = || format!("cannot compare `{}` with `{name}`", tidy(&self.folder));
        let found = session
            .find(&location, self.lookup.place())
            .inspect(|found| always_report_local_store(context, &location, found))
            .with_context(compare)?;
        if self.signatures.are_given() {
            let checked = trust::check_signature(context, &found, &name, &self.signatures)?;
            checked.expect_verified()?;
            context.output.say(&checked.to_text());
        }
        let verified = ops::verify_modelkit(&session, &found, &name, options).with_context(compare)?;
        let proof = ops::prove_subset(&session, &found).with_context(compare)?;
        proof.map_or(Ok(()), |proof| report_proof(context, &name, &proof))?;
        Ok((verified, name))
    }
}

/// Reports whether the layers of a subset belong to its original. If they do not, that is a failure.
fn report_proof(
    context: &Context,
    name: &str,
    SubsetProof { original, name: known, belonging }: &SubsetProof,
) -> Result<()> {
    let original = known.as_ref().map_or_else(|| original.to_string(), |known| format!("{known} ({original})"));
    let original = one_line(&original);
    match belonging {
        Belonging::Proven { layers, of } => {
            let of = counted(*of, "layer");
            context.output.say(&format!("{name} has {layers} of the {of} of {original}"));
        }
        Belonging::Unknown(why) => {
            context.output.warn(&format!("cannot compare {name} with its original {original}: {why}"));
        }
        Belonging::Disproven => {
            let problem = format!("`{name}` is not a subset of `{original}`, which does not have all of its layers");
            return Err(Failure::error(Code::Differs, problem));
        }
    }
    Ok(())
}

const HEADINGS: [&str; 4] = ["CHANGE", "PATH", "EXPECTED", "FOUND"];

fn row(drift: &Drift) -> [String; 4] {
    let (expected, found) = values(&drift.change).unwrap_or_default();
    [drift.change.word().to_owned(), path(drift), short(expected), short(found)]
}

/// Shortens a digest to its first twelve digits; the JSON output has all of them.
fn short(value: &str) -> String {
    const LENGTH: usize = "sha256:".len() + 12;
    match value.get(..LENGTH).filter(|start| start.starts_with("sha256:")) {
        Some(start) => format!("{start}…"),
        None => value.to_owned(),
    }
}

/// The path that a difference is reported for. In a folder, only files and the Kitfile are compared.
fn path(drift: &Drift) -> String {
    match &drift.subject {
        Subject::File(path) | Subject::Folder(path) | Subject::Layer(path, _) | Subject::Remote(path, _) => {
            path.to_string()
        }
        Subject::Kitfile | Subject::Manifest => kit_core::kitfile::FILE_NAMES[0].to_owned(),
        Subject::Parent(reference) => reference.clone(),
    }
}

fn values(change: &Change) -> Option<(&str, &str)> {
    match change {
        Change::Differs { expected, found, .. } => Some((expected, found)),
        Change::Missing | Change::Extra | Change::NotAFile => None,
    }
}

fn to_json(verified: &Verified) -> Value {
    let difference = |drift: &Drift| {
        let (expected, found) = values(&drift.change).unzip();
        json!({ "change": drift.change.word(), "path": path(drift), "expected": expected, "found": found })
    };
    json!({
        "equal": verified.drifts.is_empty(),
        "digest": verified.manifest,
        "files": verified.files,
        "size": verified.bytes,
        "sizeBytes": verified.bytes,
        "differences": verified.drifts.iter().map(difference).collect::<Value>(),
    })
}
