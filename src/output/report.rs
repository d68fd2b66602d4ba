//! A failure in words: the error, its causes, a hint; and the exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use super::streams::{Output, is_reader_gone, printable};
use kit_core::archive;
use kit_core::git;
use kit_core::modelkit::{UnsupportedForm, Variant};
use kit_core::oci::ContentError;
use kit_core::ops::{self, Lacking, TagState};
use kit_core::recipe::Changed;
use kit_core::registry;
use kit_core::upstream::{hub, lfs};

/// The exit code of arguments that make no sense.
pub(crate) const WRONG_USAGE: u8 = 2;

/// Wrong usage that clap cannot see.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) anyhow::Error);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Usage {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// A registry that was not convinced by what `kit login` was given.
#[derive(Debug, thiserror::Error)]
#[error("cannot log in to `{registry}`")]
pub(crate) struct NotLoggedIn {
    /// The registry.
    pub(crate) registry: String,
    /// What it said.
    pub(crate) source: registry::Error,
}

/// An answer that is an exit code: what was compared differs.
#[derive(Debug, thiserror::Error)]
#[error("they differ")]
pub(crate) struct ExitWithDifferences;

/// What a failure is called by a command whose exit code 1 is an answer. As with diff(1), trouble has 2.
#[derive(Debug)]
pub(crate) struct ExitWithTrouble(pub(crate) String);

impl fmt::Display for ExitWithTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Wrong usage, in a sentence.
pub(crate) fn usage(message: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> anyhow::Error {
    Usage(anyhow::Error::msg(message)).into()
}

/// Reports a failure and tells the exit code. A reader that has gone away is no failure.
pub(crate) fn failure(output: &Output, error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_reader_gone) {
        return ExitCode::SUCCESS;
    }
    if error.is::<ExitWithDifferences>() {
        return ExitCode::FAILURE;
    }
    let hint = error.chain().find_map(hint);
    output.fail(&error.to_string(), &causes(error), hint.as_deref());
    if error.is::<Usage>() || error.is::<ExitWithTrouble>() { ExitCode::from(WRONG_USAGE) } else { ExitCode::FAILURE }
}

/// Reports that the program could not even begin.
#[allow(clippy::print_stderr, reason = "there is no output yet")]
pub(crate) fn unready(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", printable(&format!("{error:#}")));
    ExitCode::FAILURE
}

/// The causes, outermost first. An error that only wraps another says the same words, which are told once.
fn causes(error: &anyhow::Error) -> Vec<String> {
    let mut texts: Vec<String> = error.chain().map(ToString::to_string).collect();
    texts.dedup();
    texts.remove(0);
    texts
}

/// What likely helps against one cause.
fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(error) = cause.downcast_ref::<ops::Error>() {
        return hint_for_operation(error);
    }
    if let Some(NotLoggedIn { source: registry::Error::Unauthorized { .. }, .. }) = cause.downcast_ref() {
        return Some("check the user name and the password; some registries want a token for a password".to_owned());
    }
    if let Some(error) = cause.downcast_ref::<registry::Error>() {
        return hint_for_registry(error);
    }
    if let Some(error) = cause.downcast_ref::<hub::Error>() {
        return hint_for_hub(error);
    }
    if let Some(error) = cause.downcast_ref::<git::Error>() {
        return hint_for_git(error);
    }
    if let Some(error) = cause.downcast_ref::<lfs::Error>() {
        return hint_for_lfs(error);
    }
    match cause.downcast_ref::<ContentError>()? {
        ContentError::Unauthorized(inner) | ContentError::Denied(inner) | ContentError::Other(inner) => {
            inner.downcast_ref().map_or_else(|| inner.downcast_ref().and_then(hint_for_hub), hint_for_registry)
        }
        ContentError::Mismatch(_) => {
            Some("the content is damaged; `kit fsck --repair` drops what is damaged here, then pull again".to_owned())
        }
        ContentError::Io(error) => Changed::in_io(error).map(hint_for_change),
        ContentError::NotFound(_) => None,
    }
}

fn hint_for_change(changed: &Changed) -> String {
    match changed {
        Changed::Content(_) => "pack again, when nothing writes to the file any more".to_owned(),
        Changed::Gone(_) => "pack again from where the files are now".to_owned(),
    }
}

fn hint_for_operation(error: &ops::Error) -> Option<String> {
    match error {
        ops::Error::NotHere(reference) if reference.is_local() => {
            Some("`kit list` shows what is here; a registry is part of the name: REGISTRY/REPOSITORY:TAG".to_owned())
        }
        ops::Error::NotHere(_) => Some("`kit list` shows what is here".to_owned()),
        ops::Error::NoRegistry(reference) => {
            Some(format!("put the registry in front, as in `registry.example/{reference}`"))
        }
        ops::Error::ReadRemote { address, source } => hint_for_remote(address, source),
        ops::Error::Unproven(_) => Some(
            "`kit pack --lock` notes its digest: --lock gives that lock, or write the digest as remoteHash into the Kitfile".to_owned(),
        ),
        ops::Error::NoSuchReference(_) => Some(
            "it may be a field as `kit update --dry-run --format json` shows them, the name of a model or dataset, or a repository"
                .to_owned(),
        ),
        ops::Error::NoSuchFile(_) | ops::Error::IsFolder(_) => {
            Some("`kit ls NAME:TAG` shows the files in a ModelKit".to_owned())
        }
        ops::Error::IsIndex { variants, .. } => Some(format!(
            "NAME@DIGEST names one of them everywhere; `kit pull` and `kit unpack` choose by label: -l {}",
            telling_label(variants)
        )),
        ops::Error::SeveralVariants { variants, .. } => {
            Some(format!("add labels until one is left, such as -l {}", telling_label(variants)))
        }
        ops::Error::NameTaken(_) => {
            Some("`kit index add` adds to an index that is there; `kit remove` makes the name free".to_owned())
        }
        ops::Error::NameOfIndex(name) => Some(format!(
            "`kit unpack {name} -l …` takes a ModelKit from it; `kit pull` with another name behind keeps both"
        )),
        ops::Error::NotAnIndex(_) => {
            Some("`kit index list` shows the indexes here; `kit index create` makes one".to_owned())
        }
        ops::Error::UnsupportedForm(UnsupportedForm::LayerType { .. }) => Some(
            "`kit pack --layer-format tar` makes layers that a ModelKit, a ModelPack and an image can share".to_owned(),
        ),
        ops::Error::UnsupportedForm(UnsupportedForm::OldLayout(_)) => Some("unpack it, and pack it again".to_owned()),
        ops::Error::Drift(_) => Some("if that is as it should be, `kit pack --lock` locks it".to_owned()),
        ops::Error::Registry(error) => hint_for_registry(error),
        ops::Error::Hub(error) => hint_for_hub(error),
        ops::Error::Git(error) => hint_for_git(error),
        ops::Error::Lfs(error) => hint_for_lfs(error),
        ops::Error::OnlyPointer(_) => Some("`git lfs fetch` there brings what is missing".to_owned()),
        ops::Error::NotMlflow(_) => Some("a run is the folder with `meta.yaml` in mlruns/EXPERIMENT/RUN".to_owned()),
        ops::Error::NoArtifacts(_) => Some(
            "a run whose files are on a server or in a bucket is downloaded first; MLflow 3 keeps a model in the folder models/ID/artifacts \
             beside the runs, which can be imported"
                .to_owned(),
        ),
        ops::Error::FolderAsFile(_) => Some("without --push and --layer-format raw it becomes a tar".to_owned()),
        ops::Error::TagMoved { found: TagState::At(digest), .. } => {
            Some(format!("look at what it points to now; `--expect {digest}` moves it from there"))
        }
        ops::Error::TagMoved { found: TagState::Absent, .. } => Some("`--expect none` makes a new tag".to_owned()),
        ops::Error::Incomplete(Lacking { since: Some(since), .. }) => Some(format!(
            "it was saved without what {since} has; load that first, or save it once more without --since"
        )),
        ops::Error::Incomplete(_) => Some("it was cut off or damaged on its way; get it once more".to_owned()),
        ops::Error::ManyInArchive(_) => {
            Some("`--push REGISTRY`, without a repository, keeps their names apart".to_owned())
        }
        ops::Error::NoRoom { .. } => {
            Some("make room there, or take another disk: KIT_HOME or --config for the store, -d to unpack".to_owned())
        }
        ops::Error::Parent { source, .. } | ops::Error::Member { source, .. } => hint_for_operation(source),
        ops::Error::Unpack(_, error) | ops::Error::Archive(error) => hint_for_archive(error),
        _ => None,
    }
}

/// Nobody logs in to a server that is no registry.
fn hint_for_remote(address: &str, error: &ContentError) -> Option<String> {
    let hint = match error {
        ContentError::Mismatch(_) => {
            "another file lies there by now; if that is the right one, its digest belongs into the Kitfile, or into the lock"
        }
        ContentError::Unauthorized(_) | ContentError::Denied(_) if address.starts_with("s3://") => {
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY tell the store who you are"
        }
        ContentError::Unauthorized(_) | ContentError::Denied(_) => {
            "no password is sent there; a signed URL carries the right to read in itself"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// A label that tells some of them from the others; best of a kind that all have.
fn telling_label(variants: &[Variant]) -> String {
    // A stranger may have made the index. Among the first there is one, or there is none worth telling.
    let variants = &variants[..variants.len().min(20)];
    let have = |is_it: &dyn Fn(&(&str, String)) -> bool| {
        variants.iter().filter(|variant| variant.labels.iter().any(|label| is_it(&label))).count()
    };
    let labels = variants.iter().flat_map(|variant| variant.labels.iter());
    let telling = labels.filter(|label| have(&|other| other == label) < variants.len());
    let best = telling.max_by_key(|(key, _)| have(&|(other, _)| other == key));
    best.map_or_else(|| "KEY=VALUE".to_owned(), |(key, value)| format!("{key}={value}"))
}

fn hint_for_archive(error: &archive::Error) -> Option<String> {
    match error {
        archive::Error::LinkLeavesContext { .. } => {
            Some("`kit pack --follow-symlinks` packs what it points to".to_owned())
        }
        archive::Error::NotAFile { path } => Some(format!("a line `{path}` in .kitignore leaves it out")),
        archive::Error::TargetChanged { .. } => {
            Some("is another `kit unpack` at work in this folder? Unpack again when it is done".to_owned())
        }
        archive::Error::Conflicts(_) => Some("-o overwrites them, -i keeps them; nothing was written".to_owned()),
        _ => None,
    }
}

fn hint_for_git(error: &git::Error) -> Option<String> {
    match error {
        git::Error::NotThere(source) if source.kind() == io::ErrorKind::NotFound => {
            Some("install git; only repositories of a hub are imported without it".to_owned())
        }
        _ => None,
    }
}

fn hint_for_lfs(error: &lfs::Error) -> Option<String> {
    match error {
        lfs::Error::Locked { .. } => Some("`git credential fill` shows what git knows for that server".to_owned()),
        lfs::Error::HttpService(error) => hint_for_registry(error),
        _ => None,
    }
}

fn hint_for_hub(error: &hub::Error) -> Option<String> {
    match error {
        hub::Error::Gated { .. } => {
            Some("ask for access on its page; HF_TOKEN or --token then tells the hub who you are".to_owned())
        }
        hub::Error::NoRepository { kind: hub::Kind::Model, name, .. } => Some(format!(
            "a dataset is `datasets/{name}`; for what is private, HF_TOKEN or --token tells the hub who you are"
        )),
        hub::Error::NoRepository { .. } => {
            Some("for what is private, HF_TOKEN or --token tells the hub who you are".to_owned())
        }
        hub::Error::NoRevision { .. } => Some("--ref takes a branch, a tag or a whole commit".to_owned()),
        _ => None,
    }
}

fn hint_for_registry(error: &registry::Error) -> Option<String> {
    match error {
        registry::Error::NoCredentials { registry, .. } | registry::Error::Unauthorized { registry, .. } => {
            Some(format!("run `kit login {registry}`, then try again"))
        }
        registry::Error::OverCeiling { .. } => {
            Some("name the shards of a model as `parts` in the Kitfile: each becomes a layer of its own".to_owned())
        }
        registry::Error::ManifestRefused { registry, .. } => Some(format!(
            "`kit doctor {registry}/REPOSITORY --write` tells what it takes; registries of OCI 1.1 take ModelKits, others may \
             after an update"
        )),
        registry::Error::NotTls { .. } => Some("--plain-http talks to a registry without TLS".to_owned()),
        registry::Error::Untrusted { .. } => {
            Some("--tls-cert FILE trusts its authority; --tls-verify=false trusts anybody".to_owned())
        }
        _ => None,
    }
}
