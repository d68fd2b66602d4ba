//! The hints below an error: the next step, if there is one that is likely to help.

use crate::commands::NotSigned;
use kit_core::archive::{self, Danger};
use kit_core::digest::Digest;
use kit_core::git;
use kit_core::modelkit::{UnsupportedForm, Variant};
use kit_core::oci::ContentError;
use kit_core::ops::{self, BundleError, ImportError, IndexError, Lacking, PolicyError, RemoteDataError, TagState};
use kit_core::recipe::Changed;
use kit_core::registry;
use kit_core::store;
use kit_core::upstream::{self, hub, lfs};

use super::full_disk;
use super::import::{hint_for_git, hint_for_hub, hint_for_mlflow};
use super::names::{hint_for_missing, hint_for_patterns, hint_for_tags, hint_for_usage};
use super::policy::hint_for_policy;
use super::registry::hint_for_registry;
use super::store::hint_for_store;
use crate::output::report::{NotLoggedIn, Usage};

/// The hint for a cause, if there is one that is likely to help.
pub(in crate::output) fn hint(cause: &(dyn std::error::Error + 'static)) -> Option<String> {
    if let Some(Usage(error)) = cause.downcast_ref() {
        return hint_for_usage(error);
    }
    if let Some(NotSigned { name, .. }) = cause.downcast_ref() {
        return Some(format!("`kit inspect {name} --trust` lists everything that is attached to it"));
    }
    if let Some(error) = cause.downcast_ref::<ops::Error>() {
        return hint_for_operation(error);
    }
    if let Some(error) = cause.downcast_ref::<PolicyError>() {
        return Some(hint_for_policy(error));
    }
    if let Some(error) = cause.downcast_ref::<BundleError>() {
        return hint_for_bundle(error);
    }
    if let Some(error) = cause.downcast_ref::<ImportError>() {
        return hint_for_import(error);
    }
    if let Some(error) = cause.downcast_ref::<IndexError>() {
        return hint_for_index(error);
    }
    if let Some(error) = cause.downcast_ref::<store::Error>() {
        return hint_for_store(error);
    }
    if let Some(NotLoggedIn { source: registry::Error::Unauthorized { .. }, .. }) = cause.downcast_ref() {
        return Some(
            "check the user name and the password; some registries require a token instead of a password".to_owned(),
        );
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
    if let Some(changed) = cause.downcast_ref().and_then(Changed::in_io) {
        return Some(hint_for_change(changed));
    }
    match cause.downcast_ref::<ContentError>()? {
        ContentError::Unauthorized(inner) | ContentError::Denied(inner) | ContentError::Other(inner) => {
            let of_hub = || inner.downcast_ref().and_then(hint_for_hub);
            let of_store = || inner.downcast_ref().and_then(hint_for_store);
            inner.downcast_ref().map_or_else(|| of_hub().or_else(of_store), hint_for_registry)
        }
        ContentError::Mismatch(_) => {
            Some("the content is damaged; run `kit fsck --repair` to remove damaged blobs, then pull again".to_owned())
        }
        ContentError::Io(error) => Changed::in_io(error).map(hint_for_change),
        ContentError::NotFound(name) if name.parse::<Digest>().is_ok() => {
            Some("the ModelKit is incomplete; pull or pack it again; `kit fsck` lists what is missing".to_owned())
        }
        ContentError::NotFound(name) => hint_for_missing(name),
    }
}

fn hint_for_change(changed: &Changed) -> String {
    match changed {
        Changed::Content(_) => "pack again when no process is writing to the file".to_owned(),
        Changed::WhileRead(_) => "run the command again when no process is writing to the file".to_owned(),
        Changed::Gone(_) => "pack again from the current location of the files".to_owned(),
    }
}

fn hint_for_operation(error: &ops::Error) -> Option<String> {
    match error {
        ops::Error::Policy(error) => Some(hint_for_policy(error)),
        ops::Error::NotHere { reference, similar } if !similar.is_empty() => {
            Some(hint_for_tags(&reference.without_selector().to_string(), similar))
        }
        ops::Error::NoSuchTag { repository, similar, .. } if !similar.is_empty() => {
            Some(hint_for_tags(repository, similar))
        }
        ops::Error::NotHere { reference, .. } if reference.is_local() => Some(
            "`kit list` shows local ModelKits; to use a registry, put its host in front: REGISTRY/REPOSITORY:TAG"
                .to_owned(),
        ),
        ops::Error::NotAModelKit { name, found } if found.contains("image") && name.ends_with(ops::IMAGE_SUFFIX) => {
            let modelkit = name.trim_end_matches(ops::IMAGE_SUFFIX);
            Some(format!("if it is the image form of a ModelKit, use the name of that: `{modelkit}`"))
        }
        ops::Error::NotAModelKit { name, found } if found.starts_with("an artifact") => {
            Some(format!("if its layers are files, `kit import oci://{name}` makes a ModelKit of them"))
        }
        ops::Error::DamagedInRegistry(_) => Some(
            "the registry delivers damaged content; push the ModelKit again, or ask its publisher to do that"
                .to_owned(),
        ),
        ops::Error::NotHere { .. } => Some("`kit list` shows local ModelKits".to_owned()),
        ops::Error::OtherTags { .. } => Some("use --all-tags to remove the ModelKit with all its tags".to_owned()),
        ops::Error::OnlyWholeRemoval { .. } => {
            Some("use --force --all-tags to remove the ModelKit with all its tags".to_owned())
        }
        ops::Error::NoRegistry(reference) => {
            Some(format!("put the registry host in front, as in `registry.example/{reference}`"))
        }
        ops::Error::Index(error) => hint_for_index(error),
        ops::Error::RemoteData(error) => hint_for_remote_data(error),
        ops::Error::Upstream(error) => hint_for_upstream(error),
        ops::Error::NoSuchReference(_) => Some(
            "give a field as shown by `kit update --dry-run --format json`, the name of a model or dataset, or a \
             repository"
                .to_owned(),
        ),
        ops::Error::IsFolder(path) if path.is_root() => {
            Some("append the path of a file, as in NAME:TAG//PATH; `kit ls NAME:TAG` shows the files".to_owned())
        }
        ops::Error::NoFolder(path) => {
            Some(format!("check the path, or create the folder with `mkdir -p {}`", path.display()))
        }
        ops::Error::NoPathMatches { patterns, filters, elsewhere, .. } => {
            Some(hint_for_patterns(patterns, !filters.is_empty(), elsewhere.as_deref()))
        }
        ops::Error::NoPathMatchesEither { patterns, elsewhere } => {
            Some(hint_for_patterns(patterns, false, elsewhere.as_deref()))
        }
        ops::Error::NoSuchFile(_) | ops::Error::IsFolder(_) => {
            Some("`kit ls NAME:TAG` shows the files in a ModelKit".to_owned())
        }
        ops::Error::UnsupportedForm(UnsupportedForm::LayerType { .. }) => Some(
            "use `kit pack --layer-format tar` for layers that a ModelKit, a ModelPack and an image can share"
                .to_owned(),
        ),
        ops::Error::UnsupportedForm(UnsupportedForm::TooLarge { .. }) => {
            Some("use one entry of the Kitfile for a whole folder instead of one for each file".to_owned())
        }
        ops::Error::Store(error) => hint_for_store(error),
        ops::Error::TooManyFiles { .. } => {
            Some("select a part: `kit ls NAME:TAG//PATH` lists a folder, and --filter selects layers".to_owned())
        }
        ops::Error::UnsupportedForm(UnsupportedForm::OldLayout(_)) => {
            Some("unpack the ModelKit and pack it again".to_owned())
        }
        ops::Error::Secrets(_) => Some(
            "exclude them with a line in .kitignore. If one was published, revoke it. To pack anyway: --allow-secrets"
                .to_owned(),
        ),
        ops::Error::IncompleteSnapshot { download, .. } => {
            Some(format!("download it again: `{download}` completes the cache"))
        }
        ops::Error::Empty(_) => Some("to pack it anyway, use --allow-empty".to_owned()),
        ops::Error::Drift(_) => Some("if the changes are intended, update the lock with `kit pack --lock`".to_owned()),
        ops::Error::Registry(error) => hint_for_registry(error),
        ops::Error::TagMoved { found: TagState::At(digest), .. } => {
            Some(format!("check what the tag points to now, then use `--expect {digest}` to move it"))
        }
        ops::Error::TagMoved { found: TagState::Absent, .. } => {
            Some("use `--expect none` to create a new tag".to_owned())
        }
        ops::Error::NotPromoted { .. } | ops::Error::MovedUnrecorded { .. } => Some(
            "`kit log --remote` lists the versions and promotions of the repository; promote one of them by its digest"
                .to_owned(),
        ),
        ops::Error::NoRoom { .. } => Some(full_disk::HINT.to_owned()),
        ops::Error::Parent { source, .. } => hint_for_operation(source),
        ops::Error::Unpack(_, error) | ops::Error::Archive(error) => hint_for_archive(error),
        _ => None,
    }
}

fn hint_for_index(error: &IndexError) -> Option<String> {
    match error {
        IndexError::IsIndex { variants, .. } if !variants.is_empty() => Some(format!(
            "select a ModelKit by digest (NAME@DIGEST), or by label with `kit pull` or `kit unpack`: -l {}",
            distinguishing_label(variants)
        )),
        IndexError::SeveralVariants { variants, .. } => {
            Some(format!("add labels until one ModelKit is left, such as -l {}", distinguishing_label(variants)))
        }
        IndexError::NameTaken(_) => {
            Some("use `kit index add` to add to an existing index, or `kit index delete` to free the name".to_owned())
        }
        IndexError::NotHere(_) => {
            Some("use `kit index create` to create it; `kit index list` shows local indexes".to_owned())
        }
        IndexError::MemberNotHere(modelkit) if modelkit.is_local() => {
            Some("`kit list` shows local ModelKits".to_owned())
        }
        IndexError::MemberNotHere(modelkit) => {
            Some(format!("fetch it with `kit pull {modelkit}`, or add it with `kit index add --remote`"))
        }
        IndexError::Incomplete { .. } => {
            Some("use `kit index pull --with-modelkits` to get an index with all its ModelKits".to_owned())
        }
        IndexError::Rejected { .. } => {
            Some("push those ModelKits first, or use `kit index push --with-modelkits`, then retry".to_owned())
        }
        IndexError::NotAnIndex(_) => Some(
            "`kit index list` shows local indexes; without -l, `kit pull` and `kit unpack` take a single ModelKit"
                .to_owned(),
        ),
        IndexError::Member { source, .. } => hint_for_operation(source),
        _ => None,
    }
}

fn hint_for_remote_data(error: &RemoteDataError) -> Option<String> {
    match error {
        RemoteDataError::ReadRemote { address, source } => hint_for_remote(address, source),
        RemoteDataError::Unproven(_) => Some(
            "create a lock with `kit pack --lock` and pass it with --lock, or set `remoteHash` in the Kitfile"
                .to_owned(),
        ),
        RemoteDataError::OtherObject { tag, .. } => {
            Some(format!("if the new object is right, set `remoteHash` to {tag} in the Kitfile"))
        }
        RemoteDataError::OtherRemote { .. } | RemoteDataError::NoETag => None,
    }
}

fn hint_for_bundle(error: &BundleError) -> Option<String> {
    match error {
        BundleError::Incomplete(Lacking { since: Some(since), .. }) => {
            Some(format!("the archive omits blobs of {since}; load that first, or save again without --since"))
        }
        BundleError::Incomplete(_) | BundleError::Damaged(_) => {
            Some("the archive is truncated or damaged; copy it again".to_owned())
        }
        BundleError::ManyInArchive(_) => {
            Some("use `--push REGISTRY`, without a repository, to keep their names".to_owned())
        }
        BundleError::OtherFile(_) => Some("give another name, or remove the file if nothing needs it".to_owned()),
        BundleError::Compressed(tool) => {
            let program = if *tool == "xz" { "unxz" } else { "bunzip2" };
            Some(format!("decompress it first: `{program} FILE`; gzip and zstd are read as they are"))
        }
        BundleError::Operation(error) => hint_for_operation(error),
        BundleError::Store(error) => hint_for_store(error),
        _ => None,
    }
}

fn hint_for_import(error: &ImportError) -> Option<String> {
    match error {
        ImportError::Git(error) => hint_for_git(error),
        ImportError::Lfs(error) => hint_for_lfs(error),
        ImportError::OnlyPointer(_) => Some("run `git lfs fetch` in the repository, then try again".to_owned()),
        ImportError::IsModelKit(name) => Some(format!("use `kit pull {name}`")),
        ImportError::UnnamedLayer(_) => {
            Some("only artifacts whose layers are files can be imported; container images and charts cannot".to_owned())
        }
        ImportError::NotMlflow(_) => Some("a run is a folder mlruns/EXPERIMENT/RUN with a `meta.yaml`".to_owned()),
        ImportError::NoArtifacts(_) => Some(
            "download the run first if its files are on a server or in a bucket; MLflow 3 stores a model in \
             models/ID/artifacts next to the runs, which can be imported"
                .to_owned(),
        ),
        ImportError::NoModel => Some(
            "use `kit init` and `kit pack` for other folders, and `--tool hf` for the repository of the hub".to_owned(),
        ),
        ImportError::SeveralSnapshots(_) => Some("add `/snapshots/` and the name of one of them".to_owned()),
        ImportError::FolderAsFile(_) => {
            Some("remove --push and --layer-format raw to pack it as a tar layer".to_owned())
        }
        ImportError::Mlflow(error) => hint_for_mlflow(error),
        ImportError::Upstream(error) => hint_for_upstream(error),
        ImportError::Archive(error) => hint_for_archive(error),
        ImportError::Operation(error) => hint_for_operation(error),
        ImportError::Store(error) => hint_for_store(error),
        _ => None,
    }
}

fn hint_for_upstream(error: &upstream::Error) -> Option<String> {
    match error {
        upstream::Error::Hub(error) => hint_for_hub(error),
        upstream::Error::Io(_) => None,
    }
}

/// The hint for a download from a server that is not a registry, where `kit login` does not apply.
fn hint_for_remote(address: &str, error: &ContentError) -> Option<String> {
    let hint = match error {
        ContentError::Mismatch(_) => {
            "the file has changed; if the new one is right, update its digest in the Kitfile or in the lock"
        }
        ContentError::Unauthorized(_) | ContentError::Denied(_) if address.starts_with("s3://") => {
            "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_PROFILE, to access the object store"
        }
        ContentError::Unauthorized(_) | ContentError::Denied(_) => {
            "no credentials are sent to this server; use a signed URL to read private files"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// A label that distinguishes some of `variants` from the others, preferably with a key that all of them have.
fn distinguishing_label(variants: &[Variant]) -> String {
    // The index is untrusted and may be large: only the first variants are searched.
    let variants = &variants[..variants.len().min(20)];
    let have = |is_it: &dyn Fn(&(&str, String)) -> bool| {
        variants.iter().filter(|variant| variant.labels.iter().any(|label| is_it(&label))).count()
    };
    let labels = variants.iter().flat_map(|variant| variant.labels.iter());
    let distinguishing = labels.filter(|label| have(&|other| other == label) < variants.len());
    let best = distinguishing.max_by_key(|(key, _)| have(&|(other, _)| other == key));
    best.map_or_else(|| "KEY=VALUE".to_owned(), |(key, value)| format!("{key}={value}"))
}

fn hint_for_archive(error: &archive::Error) -> Option<String> {
    match error {
        archive::Error::MissingPath { advice: Some(advice), .. } => Some(advice.clone()),
        archive::Error::MissingPath { advice: None, .. } => {
            Some("correct the path in the Kitfile; `kit validate` lists all problems of a project".to_owned())
        }
        archive::Error::LinkLeavesContext { .. } => {
            Some("`kit pack --follow-symlinks` and `kit scan --follow-symlinks` follow the link".to_owned())
        }
        archive::Error::DanglingLink { target, .. } if target.components().any(|part| part.as_os_str() == "blobs") => {
            Some(
                "in the cache of the Hugging Face hub, `hf download REPOSITORY` fetches missing files again".to_owned(),
            )
        }
        archive::Error::UnsafePath { danger, .. } => Some(hint_for_danger(*danger).to_owned()),
        archive::Error::NotAFile { path } => Some(format!("add a line `{path}` to .kitignore to exclude it")),
        archive::Error::TargetChanged { .. } => {
            Some("another `kit unpack` may be running in this folder; unpack again when it has finished".to_owned())
        }
        archive::Error::Conflicts(_) => {
            Some("use -o to overwrite or -i to keep existing files; nothing was written".to_owned())
        }
        _ => None,
    }
}

fn hint_for_danger(danger: Danger) -> &'static str {
    match danger {
        Danger::Git => {
            "KitOps packs `.git` if the path of a layer is the whole project; if you trust the ModelKit, add \
             --allow-unsafe-paths"
        }
        Danger::Ssh => "if you trust the ModelKit, add --allow-unsafe-paths",
        Danger::Home => "unpack into another folder, or if you trust the ModelKit, add --allow-unsafe-paths",
        Danger::Temporary => {
            "the packed folder contained the remains of an interrupted run; pack the project again, or copy single \
             files with `kit cp`"
        }
    }
}

fn hint_for_lfs(error: &lfs::Error) -> Option<String> {
    match error {
        lfs::Error::Locked { .. } => {
            Some("`git credential fill` shows the credentials that git has for the server".to_owned())
        }
        lfs::Error::OtherHost { host } => {
            Some(format!("if you trust this host with the credentials that git has for it, use `--lfs-host {host}`"))
        }
        lfs::Error::HttpService(error) => hint_for_registry(error),
        _ => None,
    }
}
