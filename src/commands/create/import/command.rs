//! `kit import`

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::{Args, ValueEnum};

use super::mlflow;
use crate::arguments::AllowedArgs;
use crate::commands::create::pack;
use crate::config::NetworkArgs;
use crate::context::{Context, parse};
use crate::output::{Moved, counted, usage};
use kit_core::layer_format::Format;
use kit_core::oci::{Reference, Target};
use kit_core::ops::{self, CopyOptions, ImportOptions, Location, MlflowFolder, Origins, Packed, Session};
use kit_core::progress::{Phase, human};
use kit_core::registry::{Client, Credentials};
use kit_core::store::Names;
use kit_core::upstream::hub::{Address, Hub};
use kit_core::upstream::{About, GitRemote, HubUpstream, Upstream};

/// Import a Hugging Face or git repository, or an MLflow run or model, as a ModelKit
///
/// The branch or tag is pinned to its commit. Large files are downloaded in ranges and verified against their LFS ids.
/// Without --file and without a Kitfile in a git repository, a Kitfile is generated from the file names. The commit
/// and the URL are recorded in the provenance attestation, which `kit log` shows.
///
/// An interrupted import resumes when it is run again. With --push, large files are not stored locally: the LFS id of
/// a file is the digest of its layer, so only files that the registry does not have yet are transferred.
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
  kit import mlruns/0/5e1d7a0c5a2f4a0f8f3ad0b1b8a1b0c9 -t net:v1
  kit import openai/whisper-tiny --push registry.example/team/whisper:v1")]
pub(crate) struct ImportArgs {
    /// OWNER/NAME or datasets/OWNER/NAME on the hub, the URL of its page, a git repository, or an MLflow folder
    #[arg(value_name = "REPOSITORY")]
    repository: String,
    /// Branch, tag or commit [default: the one in REPOSITORY, or main; for a git repository, its HEAD]
    #[arg(long = "ref", value_name = "REVISION")]
    revision: Option<String>,
    /// Name and tag of the ModelKit; add more tags after commas [default: OWNER/NAME:latest, or the name of the run]
    #[arg(short, long, value_name = "NAME:TAG[,TAG]", conflicts_with = "push")]
    tag: Option<String>,
    /// Push the ModelKit to a registry or an OCI image layout (oci:FOLDER:TAG) without storing it locally; files of a
    /// repository become raw layers
    #[arg(long, value_name = "NAME:TAG")]
    push: Option<String>,
    /// Path to a Kitfile, or `-` for standard input; only the files it lists are downloaded [default: the Kitfile of
    /// the git repository, or a generated one]
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Format of the layers: tar, or raw, which makes each file a layer [default: tar; raw with --push of a repository]
    #[arg(long, value_name = "FORMAT")]
    layer_format: Option<Format>,
    /// Access token of the hub, for private and gated repositories [default: HF_TOKEN, for the hub in HF_ENDPOINT, or
    /// huggingface.co]
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
    allowed: AllowedArgs,
    #[command(flatten)]
    network: NetworkArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    Hf,
    Git,
    Mlflow,
}

/// The repository to import.
enum Origin {
    Hub(Address),
    Git(GitRemote),
}

/// The hub, unless HF_ENDPOINT names another one.
const PUBLIC_HUB: &str = "https://huggingface.co";
/// Other addresses of the public hub.
const PUBLIC_ALIASES: [&str; 3] = ["https://hf.co", "https://www.huggingface.co", "http://huggingface.co"];

fn own_hub(context: &Context) -> &str {
    context.environment.hub.as_deref().unwrap_or(PUBLIC_HUB).trim_end_matches('/')
}

/// Names without a host belong to the hub, as in KitOps, unless they are folders. A host serves git unless it is known
/// as a hub.
fn tool(text: &str, own_hub: &str) -> Tool {
    let Some((scheme, rest)) = text.split_once("://") else {
        let is_git = text.starts_with(['.', '/']) || text.split('/').next().is_some_and(|host| host.contains(':'));
        return if is_git { Tool::Git } else { Tool::Hf };
    };
    let host = format!("{scheme}://{}", rest.split('/').next().unwrap_or_default());
    let is_hub = scheme == "hf" || host == own_hub || PUBLIC_ALIASES.contains(&&*host) || host.contains("huggingface");
    if is_hub { Tool::Hf } else { Tool::Git }
}

impl Origin {
    /// Owner and name, or the name alone if the repository has no owner.
    fn name(&self) -> String {
        match self {
            Self::Hub(address) => address.name.clone(),
            Self::Git(remote) => {
                let (owner, name) = remote.names();
                owner.into_iter().chain([name]).collect::<Vec<_>>().join("/")
            }
        }
    }
}

impl fmt::Display for Origin {
    /// Writes the name without secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hub(address) => f.write_str(&address.name),
            Self::Git(remote) => remote.fmt(f),
        }
    }
}

impl ImportArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let start = Instant::now();
        if let Some(folder) = self.mlflow_folder(context)? {
            return self.run_mlflow(context, &folder, start);
        }
        let origin = self.origin(context)?;
        let destination = self.push.as_deref().map(|push| context.location(push)).transpose()?;
        if destination.is_some() && self.layer_format == Some(Format::Tar) {
            return Err(usage(
                "--push requires raw layers, as only their digests are LFS ids; remove `--layer-format tar`",
            ));
        }
        let references = self.references(context, &origin.name(), destination.as_ref())?;
        let client = self.network.client(&context.environment)?;
        let options = self.options(context, references)?;
        let failure = || format!("cannot import `{origin}`");
        let upstream = &*self.upstream(context, &client, &origin).with_context(failure)?;
        let About { url, commit, .. } = upstream.about();
        let (count, bytes) = (upstream.files().len(), upstream.files().iter().map(|file| file.size).sum());
        context.output.say(&format!("Importing {url} at {commit} ({}, {})", counted(count, "file"), human(bytes)));
        let session = Session { store: context.store()?, client: client.clone(), progress: &context.bars };
        match (&destination, self.layer_format) {
            (Some(destination), _) => Self::push(context, &session, upstream, &options, destination, start),
            (None, Some(Format::Raw)) => Self::save_raw(context, &session, upstream, &options, start),
            (None, _) => Self::save(context, &session, upstream, &options, start),
        }
        .with_context(failure)
    }

    /// The path of REPOSITORY, if that is an MLflow folder.
    fn mlflow_folder(&self, context: &Context) -> Result<Option<PathBuf>> {
        let is_address = self.repository.contains("://");
        let folder = context.environment.absolute(Path::new(&self.repository));
        match self.tool {
            Some(Tool::Mlflow) if is_address => Err(usage(
                "importing from an MLflow server is not supported; download the folder of the run or model first",
            )),
            Some(Tool::Mlflow) => Ok(Some(folder)),
            None if !is_address && ops::is_mlflow(&folder) => Ok(Some(folder)),
            _ => Ok(None),
        }
    }

    fn run_mlflow(&self, context: &Context, folder: &Path, start: Instant) -> Result<()> {
        if self.revision.is_some() || self.token.is_some() {
            return Err(usage("--ref and --token apply to repositories only, not to an MLflow folder"));
        }
        let failure = || format!("cannot import `{}`", folder.display());
        let found = MlflowFolder::read(folder).with_context(failure)?;
        let destination = self.push.as_deref().map(|push| context.location(push)).transpose()?;
        let references = self.references(context, &mlflow::name(&found), destination.as_ref())?;
        let options = self.options(context, references)?;
        let client = self.network.client(&context.environment)?;
        mlflow::say(context, &found);
        let format = self.layer_format.unwrap_or(Format::Tar);
        let pack = found.pack_options(&options, format, &context.bars).with_context(failure)?;
        let session = Session { store: context.store()?, client: client.clone(), progress: &context.bars };
        match &destination {
            Some(destination) => mlflow::push(context, &session, &pack, destination, start),
            None => mlflow::save(context, &session, &pack, start),
        }
        .with_context(failure)
    }

    /// Parses REPOSITORY.
    fn origin(&self, context: &Context) -> Result<Origin> {
        let text = &self.repository;
        let looks_like_hub = tool(text, own_hub(context)) == Tool::Hf;
        // A folder is never looked for elsewhere: the hub would learn its name.
        let is_folder = looks_like_hub && context.environment.absolute(Path::new(text)).is_dir();
        if self.tool.map_or(looks_like_hub && !is_folder, |tool| tool == Tool::Hf) {
            return Ok(Origin::Hub(parse(text)?));
        }
        if self.token.is_some() {
            return Err(usage("--token applies to hubs only; git uses its own credentials"));
        }
        Ok(Origin::Git(match GitRemote::parse(text) {
            GitRemote::Folder(path) => {
                let path = context.environment.absolute(&path);
                if !path.exists() {
                    bail!("cannot import `{text}`: it does not exist");
                }
                // A bare repository has no `.git`.
                if path.is_dir() && !path.join(".git").exists() && !path.join("HEAD").exists() {
                    let elsewhere = if is_folder { ", and `--tool hf` for the repository of the hub" } else { "" };
                    bail!(
                        "cannot import `{text}`: it is a folder, but neither a git repository nor an MLflow run or \
                         model; use `kit pack` for other folders{elsewhere}"
                    );
                }
                // So that `.` has a name.
                GitRemote::Folder(fs_err::canonicalize(&path)?)
            }
            remote @ GitRemote::Url { .. } => remote,
        }))
    }

    fn upstream(&self, context: &Context, client: &Client, origin: &Origin) -> Result<Box<dyn Upstream>> {
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
        })
    }

    /// The names of the ModelKit in the local store, or in a registry.
    fn references(&self, context: &Context, name: &str, destination: Option<&Location>) -> Result<Vec<Reference>> {
        match (destination, &self.tag) {
            (Some(Location::Artifact(Reference { digest: Some(_), .. })), _) => {
                Err(usage("the destination contains a digest; a ModelKit that is about to be packed needs a tag"))
            }
            (Some(Location::Artifact(reference)), _) => Ok(vec![reference.clone()]),
            (Some(Location::Layout { .. }), _) => Ok(Vec::new()),
            (None, Some(tag)) => pack::references(context, tag),
            (None, None) => pack::references(context, &format!("{}:latest", name.to_lowercase())),
        }
    }

    fn options(&self, context: &Context, references: Vec<Reference>) -> Result<ImportOptions> {
        Ok(ImportOptions {
            kitfile: self.file.as_deref().map(|file| pack::read_kitfile(context, file)).transpose()?,
            references,
            folder: context.environment.imports_folder(),
            builder: context.environment.builder.clone(),
            time: context.environment.time,
            allowed: self.allowed.choice(),
        })
    }

    fn save(
        context: &Context,
        session: &Session<'_>,
        upstream: &dyn Upstream,
        options: &ImportOptions,
        start: Instant,
    ) -> Result<()> {
        let packed = ops::import(session, upstream, options)?;
        say_saved(context, &options.references, &packed, start)
    }

    fn save_raw(
        context: &Context,
        session: &Session<'_>,
        upstream: &dyn Upstream,
        options: &ImportOptions,
        start: Instant,
    ) -> Result<()> {
        let reference = &options.references[0];
        let writer = session.store.writer(Names::Of(reference.clone()))?;
        let copying =
            CopyOptions { jobs: upstream.concurrency(), origins: Origins::default(), phase: Phase::Downloading };
        let tag = reference.tag.as_ref().map(ToString::to_string);
        let target = (&writer as &dyn Target, tag.as_deref());
        let copied = ops::import_to(session, upstream, options, target, &copying)?;
        for tag in options.references[1..].iter().filter_map(|reference| reference.tag.as_ref()) {
            writer.enter(&copied.manifest, Some(tag.as_str()))?;
        }
        context.output.result(format!("Model saved: {}", copied.manifest.digest))?;
        say_done(
            context,
            &options.references,
            &Moved { mounted: None, done: (copied.sent_bytes, "written"), ..Moved::sent(&copied) },
            start,
        );
        Ok(())
    }

    fn push(
        context: &Context,
        session: &Session<'_>,
        upstream: &dyn Upstream,
        options: &ImportOptions,
        destination: &Location,
        start: Instant,
    ) -> Result<()> {
        let (target, tag) = session.target(destination)?;
        let jobs = session.jobs(&[destination]).min(upstream.concurrency());
        let origins = Origins::known_to(&session.store, destination)?;
        let copying = CopyOptions { jobs, origins, phase: Phase::Uploading };
        let copied = ops::import_to(session, upstream, options, (&*target, tag.as_deref()), &copying)?;
        context.output.result(format!("Pushed {}", copied.manifest.digest))?;
        context.output.say(&Moved::sent(&copied).in_words(start));
        Ok(())
    }
}

/// Opens the hub of the address, or the user's hub. A token from the environment is only sent to the latter.
pub(crate) fn hub(context: &Context, client: &Client, address: &Address, token: Option<&str>) -> Result<Hub> {
    let own = own_hub(context);
    let named = address.hub.as_deref().map(|hub| if PUBLIC_ALIASES.contains(&hub) { PUBLIC_HUB } else { hub });
    let url = named.unwrap_or(own);
    let given = token.map(|token| Credentials::Bearer(token.trim().to_owned()));
    let token = given.or_else(|| context.environment.hub_token.clone().filter(|_| url == own));
    Ok(Hub::new(client, url, token.as_ref())?)
}

/// Reports a ModelKit that was saved in the store.
pub(super) fn say_saved(context: &Context, references: &[Reference], packed: &Packed, start: Instant) -> Result<()> {
    context.output.result(format!("Model saved: {}", packed.manifest.digest))?;
    say_done(context, references, &Moved::packed(packed, "written"), start);
    Ok(())
}

fn say_done(context: &Context, references: &[Reference], moved: &Moved, start: Instant) {
    let tags: Vec<_> = references.iter().map(ToString::to_string).collect();
    context.output.say(&format!("{} · tagged {}", moved.in_words(start), tags.join(", ")));
}
