//! `kit import`

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::Args;

use super::attestation::Attestation;
use super::origin::{Origin, Tool, hub, own_hub, tool};
use super::publisher::PublisherArgs;
use super::{folder, mlflow};
use crate::arguments::{AllowedArgs, DepthArgs, DigestReceiptArgs};
use crate::commands::create::names::references;
use crate::commands::create::pack;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Code, Failure, counted, usage};
use kit_core::digest::Digest;
use kit_core::layer_format::Format;
use kit_core::oci::Reference;
use kit_core::ops::{
    self, FolderFiles, ImportOptions, Location, Lookup, MlflowFolder, PackOptions, ScannedFolder, Session,
};
use kit_core::progress::human;
use kit_core::registry::Client;
use kit_core::sys::real_path;
use kit_core::upstream::{About, GitRemote, HubUpstream, Upstream};

/// Import a repository, an MLflow model or another tool's artifact as a ModelKit
///
/// The branch or tag is pinned to its commit. Large files are downloaded in ranges and verified against their LFS ids.
/// Without --file and without a Kitfile in a git repository, a Kitfile is generated from the file names. The commit
/// and the URL are recorded in the provenance attestation, which `kit log` shows.
///
/// An interrupted import resumes when it is run again. With --push, large files are not stored locally: the LFS id of
/// a file is the digest of its layer, so only files that the registry does not have yet are transferred.
///
/// Runs and models of an MLflow tracking server are downloaded through it. MLFLOW_TRACKING_URI names the server of
/// addresses that do not contain one.
///
/// Artifacts in a registry whose layers are files, such as those of oras, Docker Model Runner and Ollama, are named
/// with `oci://`. Layers without a file name get one by their media type.
///
/// --publisher-key and --publisher-identity require a signature of the publisher (OpenSSF Model Signing): the file
/// model.sig, which lists the files with their digests. Nothing is packed if it is missing, or if a file is not covered
/// or differs. The provenance attestation records the signer.
///
/// A folder with a model, such as a snapshot in the cache of the Hugging Face hub, is packed in place with its Kitfile,
/// or with a generated one. Links in the cache are followed.
///
/// Folders of MLflow runs and models are packed in place. The parameters, the last values of the metrics and the tags
/// of a run become parameters of the model, and its artifacts become the files; paths in a Kitfile are relative to the
/// artifacts.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit import openai/whisper-tiny
  kit import openai/whisper-tiny --ref v1.0 -t whisper:v1
  kit import https://huggingface.co/datasets/ada/texts -t texts:v1
  kit import https://github.com/ada/net --ref v1.0
  kit import ./checkout -t net:v1
  kit import ~/.cache/huggingface/hub/models--openai--whisper-tiny
  kit import oci://registry.ollama.ai/library/smollm:135m -t smollm:135m
  kit import oci://docker.io/ai/smollm2 -t smollm:v2
  kit import mlruns/0/5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9 -t net:v1
  kit import mlflow://tracking.example:5000/runs/5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9
  kit import models:/net@champion -t net:v1
  kit import openai/whisper-tiny --push registry.example/team/whisper:v1
  kit import ada/net --publisher-key ada.pub
  kit import ada/net --publisher-identity ada@models.example --publisher-ca models.pem")]
pub(crate) struct ImportArgs {
    /// OWNER/NAME or datasets/OWNER/NAME on the hub, the URL of its page, a git repository, an MLflow run or model on a
    /// server, an MLflow folder, or an artifact (`oci://REGISTRY/NAME:TAG` or `oci:FOLDER:TAG`)
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    /// Branch, tag or commit [default: the one in REPOSITORY, or main; for a git repository, its HEAD]
    #[arg(long = "ref", value_name = "REVISION")]
    revision: Option<String>,
    /// Name and tag of the ModelKit; add more tags after commas, or repeat the flag [default: OWNER/NAME:latest, or the
    /// name of the run or of the artifact]
    #[arg(short, long, value_name = "NAME:TAG[,TAG]", conflicts_with = "push")]
    tag: Vec<String>,
    /// Push the ModelKit to a registry or an OCI image layout (oci:FOLDER:TAG) without storing it locally; files of a
    /// repository become raw layers
    #[arg(long, value_name = "NAME:TAG")]
    push: Option<String>,
    /// Path to a Kitfile, or `-` for standard input; only the files it lists are downloaded [default: the Kitfile of
    /// the git repository, or a generated one]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    depth: DepthArgs,
    /// Write a SLSA provenance predicate of the import to this file, or `-` for standard output; for repositories of a
    /// hub and git repositories
    #[arg(long, value_name = "FILE")]
    attestation_output: Option<PathBuf>,
    /// Format of the layers: tar, or raw, which makes each file a layer [default: tar; raw with --push of a repository]
    #[arg(long, value_name = "FORMAT")]
    layer_format: Option<Format>,
    /// Access token of the hub, for private and gated repositories [default: HF_TOKEN, for the hub in HF_ENDPOINT, or
    /// huggingface.co], or of the MLflow server [default: MLFLOW_TRACKING_TOKEN]
    #[arg(long, value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Fetch LFS files from this host as well if the git repository keeps them on it (`.lfsconfig`), with the
    /// credentials that git has for it (repeatable)
    #[arg(long, value_name = "HOST[:PORT]")]
    lfs_host: Vec<String>,
    /// Type of REPOSITORY [default: detected from its host or its files]
    #[arg(long, value_name = "TOOL")]
    tool: Option<Tool>,
    #[command(flatten)]
    publisher: PublisherArgs,
    #[command(flatten)]
    allowed: AllowedArgs,
    #[command(flatten)]
    receipt: DigestReceiptArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

impl ImportArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        self.receipt.begin(context)?;
        if self.writes_to_stdout() && context.receipt.is_document() {
            return Err(usage("--format and `--attestation-output -` both write to standard output"));
        }
        if let Some(place) = mlflow::place(context, &self.repository, self.tool)? {
            return self.run_mlflow(context, &place, start);
        }
        if let Some(folder) = self.model_folder(context) {
            return self.run_folder(context, &folder, start);
        }
        let origin = self.origin(context)?;
        let destination = self.push.as_deref().map(|push| context.location(push)).transpose()?;
        if destination.is_some() && self.layer_format == Some(Format::Tar) {
            return Err(usage(
                "--push requires raw layers, as only their digests are LFS ids; remove `--layer-format tar`",
            ));
        }
        let references = self.references(context, &origin.name(), destination.as_ref())?;
        let attestation = self.attestation(context, &origin)?;
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let options = self.options(context, references)?;
        let failure = || format!("cannot import `{origin}`");
        let session = context.session_with(client.clone())?;
        let upstream = &*self.upstream(context, &session, &origin).with_context(failure)?;
        let About { url, commit, .. } = upstream.about();
        let (count, bytes) = (upstream.files().len(), upstream.files().iter().map(|file| file.size).sum());
        context.output.say(&format!("Importing {url} at {commit} ({}, {})", counted(count, "file"), human(bytes)));
        let imported = match (&destination, self.layer_format) {
            (Some(destination), _) => self.push(context, &session, upstream, &options, destination, start),
            (None, Some(Format::Raw)) => self.save_raw(context, &session, upstream, &options, start),
            (None, _) => self.save(context, &session, upstream, &options, start),
        };
        let manifest = imported.with_context(failure)?;
        let Some(attestation) = attestation else { return Ok(()) };
        let (place, lookup) = match destination {
            Some(destination) => (destination, Lookup::Remote),
            None => (Location::Artifact(options.references[0].clone()), Lookup::Local),
        };
        let source = (origin.uri(), &**commit);
        attestation.write(context, &session, (&place, lookup, manifest), source, start).with_context(failure)
    }

    /// Opens the file for the attestation, before anything is fetched.
    fn attestation(&self, context: &Context, origin: &Origin) -> Result<Option<Attestation>> {
        let Some(path) = &self.attestation_output else { return Ok(None) };
        if matches!(origin, Origin::Artifact(_)) {
            return Err(usage("--attestation-output requires a repository with commits"));
        }
        Attestation::open(context, path).map(Some)
    }

    fn writes_to_stdout(&self) -> bool {
        self.attestation_output.as_deref() == Some(Path::new("-"))
    }

    /// Reports the ModelKit: on standard error if standard output is for the attestation.
    pub(super) fn made(
        &self,
        context: &Context,
        made: (&str, Digest),
        references: &[String],
        text: String,
    ) -> Result<()> {
        if self.writes_to_stdout() {
            context.output.say(&text);
            context.receipt.note(made.0, made.1, references);
            return Ok(());
        }
        context.receipt.made(&context.output, made, references, text)
    }

    fn run_mlflow(&self, context: &Context, place: &mlflow::Place, start: Instant) -> Result<()> {
        if self.revision.is_some() {
            return Err(usage("--ref applies to repositories only, not to an MLflow run or model"));
        }
        if self.attestation_output.is_some() {
            return Err(usage("--attestation-output requires a repository with commits"));
        }
        if self.publisher.is_given() {
            return Err(usage("--publisher-key and --publisher-identity do not apply to an MLflow run or model"));
        }
        if self.token.is_some() && matches!(place, mlflow::Place::Folder(_)) {
            return Err(usage("--token does not apply to an MLflow folder"));
        }
        let failure = || format!("cannot import `{place}`");
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        let (found, address) = match place {
            mlflow::Place::Folder(folder) => (MlflowFolder::read(folder).with_context(failure)?, None),
            mlflow::Place::Server(address) => {
                let found = mlflow::download(context, &client, address, self.token.as_deref());
                (found.with_context(failure)?, Some(address))
            }
        };
        let destination = self.push.as_deref().map(|push| context.location(push)).transpose()?;
        let references =
            self.references(context, &format!("{}:latest", mlflow::name(&found, address)), destination.as_ref())?;
        let options = self.options(context, references)?;
        mlflow::say(context, &found);
        let format = self.layer_format.unwrap_or(Format::Tar);
        let pack = found.pack_options(&options, format, &context.bars).with_context(failure)?;
        Self::pack_in_place(context, &pack, (client, destination.as_ref()), start).with_context(failure)
    }

    /// The folder that REPOSITORY names, if it is neither a git repository nor an MLflow run. A folder is never looked
    /// for elsewhere: the hub would learn its name.
    fn model_folder(&self, context: &Context) -> Option<PathBuf> {
        let text = &self.repository;
        let is_address = text.contains("://") || text.starts_with("oci:");
        let folder = context.environment.absolute(Path::new(text));
        (self.tool.is_none() && !is_address && folder.is_dir() && !folder::is_git(&folder)).then_some(folder)
    }

    fn run_folder(&self, context: &Context, folder: &Path, start: Instant) -> Result<()> {
        if self.revision.is_some() || self.token.is_some() || self.attestation_output.is_some() {
            return Err(usage("--ref, --token and --attestation-output apply to repositories only, not to a folder"));
        }
        let failure = || format!("cannot import `{}`", self.repository);
        let found = folder::open(&self.repository, folder).with_context(failure)?;
        let destination = self.push.as_deref().map(|push| context.location(push)).transpose()?;
        let name = format!("{}:latest", folder::name(&found));
        let mut options = self.options(context, self.references(context, &name, destination.as_ref())?)?;
        if options.kitfile.is_none() {
            options.kitfile = folder::own_kitfile(context, found.path())?;
        }
        context.output.say(&format!("Importing {}", found.path().display()));
        let pack = found
            .pack_options(&options, self.layer_format.unwrap_or(Format::Tar), &context.bars)
            .with_context(failure)?;
        let client = self.network.client(&context.environment, context.bars.notifier())?;
        Self::pack_in_place(context, &pack, (client, destination.as_ref()), start).with_context(failure)
    }

    /// Packs the files of a local folder, into the local store unless there is a destination.
    fn pack_in_place(
        context: &Context,
        pack: &PackOptions,
        (client, destination): (Client, Option<&Location>),
        start: Instant,
    ) -> Result<()> {
        let session = context.session_with(client)?;
        let folder = ScannedFolder {
            path: pack.context.clone(),
            kitfile: Some(pack.kitfile.clone()),
            links: pack.links,
            notebooks: pack.notebooks,
            files: FolderFiles::All,
        };
        ops::admit_packing(&session, &folder, &pack.references, destination)?;
        match destination {
            Some(destination) => mlflow::push(context, &session, pack, destination, start),
            None => mlflow::save(context, &session, pack, start),
        }
    }

    /// Parses REPOSITORY.
    fn origin(&self, context: &Context) -> Result<Origin> {
        let text = &self.repository;
        let tool = self.tool.unwrap_or_else(|| tool(text, own_hub(context)));
        if tool == Tool::Oci {
            if self.revision.is_some() || self.token.is_some() {
                return Err(usage("--ref and --token do not apply to an artifact; give its tag, and use `kit login`"));
            }
            return Ok(Origin::Artifact(context.location(text)?));
        }
        // A folder is never looked for elsewhere: the hub would learn its name.
        let is_folder =
            tool == Tool::Hf && self.tool.is_none() && context.environment.absolute(Path::new(text)).is_dir();
        if tool == Tool::Hf && self.tool.is_none() && context.environment.absolute(Path::new(text)).is_file() {
            return Err(usage(format!("`{text}` is a file; to pack it, run `kit init` and `kit pack` in its folder")));
        }
        if tool == Tool::Hf && !is_folder {
            return Ok(Origin::Hub(parse(text)?));
        }
        if self.token.is_some() {
            return Err(usage("--token applies to hubs only; git uses its own credentials"));
        }
        Ok(Origin::Git(match GitRemote::parse(text) {
            GitRemote::Folder(path) => {
                let path = context.environment.absolute(&path);
                if !path.exists() {
                    let missing = format!("cannot import `{text}`: it does not exist");
                    return Err(Failure::error(Code::NotFound, missing));
                }
                if path.is_dir() && !folder::is_git(&path) {
                    bail!("cannot import `{text}`: it is a folder, but not a git repository");
                }
                // So that `.` has a name.
                GitRemote::Folder(real_path(&path)?)
            }
            remote @ GitRemote::Url { .. } => remote,
        }))
    }

    fn upstream(&self, context: &Context, session: &Session<'_>, origin: &Origin) -> Result<Box<dyn Upstream>> {
        let client = &session.client;
        let revision = self.revision.as_deref();
        Ok(match origin {
            Origin::Hub(address) => {
                let revision = revision.or(address.revision.as_deref()).unwrap_or("main");
                Box::new(HubUpstream::from(
                    hub(context, client, address, self.token.as_deref())?.snapshot(address, revision)?,
                ))
            }
            Origin::Git(remote) => {
                let imports = context.environment.imports_folder();
                Box::new(ops::fetch_git(client, &imports, remote, revision, &self.lfs_host, &context.bars)?)
            }
            Origin::Artifact(location) => Box::new(ops::open_artifact(session, location, self.depth.levels())?),
        })
    }

    /// The names of the ModelKit in the local store, or in a registry.
    fn references(&self, context: &Context, name: &str, destination: Option<&Location>) -> Result<Vec<Reference>> {
        match (destination, &self.tag[..]) {
            (Some(Location::Artifact(Reference { digest: Some(_), .. })), _) => {
                Err(usage("the destination contains a digest; a ModelKit that is about to be packed needs a tag"))
            }
            (Some(Location::Artifact(reference)), _) => Ok(vec![reference.clone()]),
            (Some(Location::Layout { .. }), _) => Ok(Vec::new()),
            (None, []) => references(context, &[name.to_lowercase()]),
            (None, tags) => references(context, tags),
        }
    }

    fn options(&self, context: &Context, references: Vec<Reference>) -> Result<ImportOptions> {
        Ok(ImportOptions {
            depth: self.depth.levels(),
            kitfile: self.file.as_deref().map(|file| pack::read_kitfile(context, file)).transpose()?,
            references,
            folder: context.environment.imports_folder(),
            builder: context.environment.builder.clone(),
            time: context.environment.time,
            allowed: self.allowed.choice(),
            publishers: self.publisher.verifiers(context)?,
        })
    }
}
