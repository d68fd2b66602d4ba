//! Warnings of operations as lines for people.

use super::lines::packing_word;
use super::recalls::notice_line;
use crate::output::words::counted;
use kit_core::progress::{IgnoreLine, LayerPlace, Paths, PolicyConsequence, Warning, human};
/// One line for `warning`.
#[allow(clippy::too_many_lines, reason = "a table with one entry for each warning")]
pub(in crate::output) fn warning_line(warning: &Warning<'_>) -> String {
    match warning {
        Warning::WaitingForLock { lock, process } => {
            let holder = process.map_or_else(|| "another process".to_owned(), |process| format!("process {process}"));
            format!("waiting for the lock `{}`, which {holder} holds", lock.display())
        }
        Warning::WaitingForDownload { digest, bytes } => {
            format!("waiting for another kit process, which is downloading {digest} ({})", human(*bytes))
        }
        Warning::CheckingAfterRestart { digest, bytes } => {
            format!("checking {digest} ({}) once, because the machine was restarted", human(*bytes))
        }
        Warning::LostInCrash { modelkit } => {
            format!("`{modelkit}` lost layers in a crash; pull or pack it again")
        }
        Warning::IndexRestored => {
            "a crash has damaged the index of the local store; an earlier one is used, and the ModelKits that were \
             stored last may be missing"
                .to_owned()
        }
        Warning::WaitingForRegistry { seconds, remaining_seconds, reason } => {
            format!("trying again in {seconds} s{}: {reason}", for_up_to(*remaining_seconds))
        }
        Warning::WaitingForAnswer { registry, seconds } => {
            format!("waiting for an answer of `{registry}` ({seconds} s)")
        }
        Warning::FromRegistry { registry, text } => format!("`{registry}` warns: {text}"),
        Warning::LayerIgnored(LayerPlace { kind, path }) => {
            format!("{} layer path {path} ignored by kitignore", packing_word(kind))
        }
        Warning::IgnoreLinesUnmatched { lines, more } => unmatched_lines(lines, *more),
        Warning::NoLayers => "ModelKit contains no layers".to_owned(),
        Warning::NothingToUse { problem } => problem.clone(),
        Warning::LayerEmpty(LayerPlace { kind, path }) => {
            format!("No files detected in {} layer with path {path}", packing_word(kind))
        }
        Warning::CompressionSavesLittle { kind, path } => {
            format!("{kind} {path}: compression saves less than 3 %; `--compression none` packs it faster")
        }
        Warning::NotebooksUnreadable(Paths { paths, more }) => {
            format!("packed as they are, because they cannot be read as notebooks: {}", named(paths, *more))
        }
        Warning::SecretNames(Paths { paths, more }) => secret_names(paths, *more),
        Warning::PasswordsInAddresses { places, more } => {
            format!("addresses with a password: {} (revoke it if it is real)", named(places, *more))
        }
        Warning::SecretLiterals { places, more } => {
            format!(
                "literals that look like secrets: {} (read them from the environment instead)",
                named(places, *more)
            )
        }
        Warning::SecretsInData(Paths { paths, more }) => {
            format!("texts in datasets that look like secrets: {} (revoke them if they are real)", named(paths, *more))
        }
        Warning::DangerousPickles(Paths { paths, more }) => {
            let more = if *more > 0 { format!(", {more} more") } else { String::new() };
            format!("loading these files runs code: {}{more}; `kit scan` reports everything", paths.join(", "))
        }
        Warning::NotSearched { files, more } => {
            let more = if *more > 0 { format!(", {more} more") } else { String::new() };
            format!("not searched for secrets: {}{more}", files.join(", "))
        }
        Warning::OnlyPointers { path, more } => {
            let others = if *more == 0 { String::new() } else { format!(" (and so are {more} more)") };
            format!("`{path}` is only a pointer of git LFS{others}; run `git lfs pull` to fetch the content")
        }
        Warning::ContentAmongCode { kind, path, files, more } => content_among_code(kind, path, files, *more),
        Warning::FilterMatchesNothing { filter } => format!("nothing matches the filter `{filter}`"),
        Warning::EarlierFilesRemain(Paths { paths, more }) => {
            let (verb, them) = if paths.len() + more == 1 { ("is", "it") } else { ("are", "them") };
            format!("{} {verb} left from an earlier version; --delete removes {them}", named(paths, *more))
        }
        Warning::NoUnpackRecord { folder } => {
            format!("no record of `{folder}`: nothing was deleted; `kit verify --exact` lists files of no version")
        }
        Warning::ChangedFilesKept(Paths { paths, more }) => {
            let (were, they) = if paths.len() + more == 1 { ("was", "it") } else { ("were", "they") };
            format!("{} {were} not deleted, because {they} {were} changed after unpacking", named(paths, *more))
        }
        Warning::ChangedFilesReplaced { files: Paths { paths, more }, is_dry_run } => {
            let count = paths.len() + more;
            let (verb, were) =
                (if *is_dry_run { "would replace" } else { "replaced" }, if count == 1 { "was" } else { "were" });
            let (files, it) = (counted(count, "file"), if count == 1 { "it was" } else { "they were" });
            format!("{verb} {files} that {were} changed since {it} unpacked: {}", named(paths, *more))
        }
        Warning::DamagedFilesReplaced { files } => {
            let were = if *files == 1 { "was" } else { "were" };
            format!("{} damaged in a crash {were} replaced", counted(*files, "file"))
        }
        Warning::DamagedInCrash(Paths { paths, more }) => {
            let them = if paths.len() + more == 1 { "it" } else { "them" };
            format!("damaged in a crash: {}; `kit unpack` replaces {them}", named(paths, *more))
        }
        Warning::FilesNotPacked(Paths { paths, more }) => not_packed(paths, *more),
        Warning::LittleSpace { folder, free_bytes, needed_bytes } => {
            let (free, needed) = (human(*free_bytes), human(*needed_bytes));
            format!("`{}` has {free} free, but up to {needed} may be written", folder.display())
        }
        Warning::RemoteDatasetNotPacked { name, address } => {
            format!("the remote dataset `{name}` is not packed; the ModelKit refers to `{address}`")
        }
        Warning::ReferenceInModelPack { reference } => {
            format!("the model is a reference to `{reference}`, which other tools do not follow")
        }
        Warning::NotInImage { path } => {
            format!("`{path}` is not in the image: it is a raw layer, and an image consists of tar archives")
        }
        Warning::ImageHasModelsFolder => {
            "the image has a folder `models` beside other files: KServe will find only the files below `models`"
                .to_owned()
        }
        Warning::ImageHasModelsFile => {
            "the image has a file `models`, so KServe cannot mount it: it needs a folder of that name".to_owned()
        }
        Warning::FormOfAnother { tag } => {
            format!("`{tag}` has other layers than the ModelKit and was not copied")
        }
        Warning::FormNotMoved { tag, is_rollback: true } => {
            format!("`{tag}` stays at another version: the rollback does not move it")
        }
        Warning::FormNotMoved { tag, is_rollback: false } => {
            let form = tag.rsplit('-').next().unwrap_or_default();
            format!("`{tag}` still holds another version; `--also {form}` of `kit push` and `kit promote` moves it")
        }
        Warning::RemoteDatasetSkipped { name, address } => {
            format!("the dataset `{name}` at `{address}` is not downloaded; use --include-remote to download it")
        }
        Warning::UnknownLayerSkipped { media_type, .. } => format!("Unknown media type {media_type}: skipping unpack"),
        Warning::UnknownSkillSkipped { media_type, .. } => format!("Unknown media type {media_type}: skipping"),
        Warning::LayerNotUnpacked { media_type, digest } => {
            format!("layer {digest} is not unpacked: no entry of the Kitfile names it (type {media_type})")
        }
        Warning::LayerNotListed { media_type, digest } => {
            format!("the files of layer {digest} are not listed: no entry of the Kitfile names it (type {media_type})")
        }
        Warning::LayerLeftOut { media_type, digest } => {
            format!("layer {digest} is left out, because an image cannot contain its type, {media_type}")
        }
        Warning::EntryNotListed { place, reason } => format!("the files of {place} are not listed: {reason}"),
        Warning::OnlyETag { address } => {
            format!("`{address}` cannot be verified: its remoteHash is an ETag, not a SHA-256 digest")
        }
        Warning::TableNotVerified { path, more: 0 } => {
            format!(
                "`{path}` is shown by its table of contents, which is not verified against the layer; \
                 `kit pull` verifies it"
            )
        }
        Warning::TableNotVerified { path, more } => {
            format!(
                "`{path}` and {more} more are shown by their tables of contents, which are not verified against the \
                 layers; `kit pull` verifies them"
            )
        }
        Warning::LinkNotImported { path } => format!("`{path}` is a symbolic link or a submodule and is not imported"),
        Warning::SecretNotImported { name } => format!("`{name}` looks like a secret and is not imported"),
        Warning::MetricIncomplete { path, line: None } => format!("`{path}` is empty, so the metric is left out"),
        Warning::MetricIncomplete { path, line: Some(line) } => {
            format!("line {line} of `{path}` is left out: it should be TIMESTAMP VALUE STEP")
        }
        Warning::LayerWithoutTable { kind, path } => {
            format!("{kind} {path} has too many files for a table of contents, so reading single files takes longer")
        }
        Warning::PolicyNotSatisfied { modelkit, reason, consequence } => {
            let begin = match consequence {
                PolicyConsequence::Warned => format!("the policy does not allow `{modelkit}`, but its rule only warns"),
                PolicyConsequence::RefusedLater => format!("the policy would not allow the use of `{modelkit}`"),
                PolicyConsequence::NotEvaluated => format!("the policy for `{modelkit}` was not evaluated"),
            };
            let lines: Vec<_> = reason.lines().map(without_columns).collect();
            format!("{begin}: {}", lines.join("; "))
        }
        Warning::Recalled(notice) => notice_line(notice),
        Warning::TagPointsElsewhere { tag, found, used } => format!("`{tag}` points to {found}; {used} is used"),
        Warning::PlainHttp { registry } => {
            format!(
                "`{registry}` on this machine does not speak https; using http (to silence this: `kit config set \
                 registry.{registry}.plain-http true`)"
            )
        }
        Warning::TagRestored { tag } => {
            format!("the registry also deleted the tag `{tag}` of the same ModelKit; it is restored")
        }
        Warning::SpaceNotFreed { reason } => {
            format!("disk space was not freed: {reason}; `kit fsck` shows what is damaged")
        }
        Warning::ReferrersCutOff { subject, limit } => {
            format!("`{subject}` has more than {limit} referrers; the others are left out")
        }
        Warning::VersionsCutOff { name, what, limit } => {
            format!("`{name}` has more than {limit} {what}; the others are left out")
        }
        Warning::DifferencesCutOff { total, limit } => {
            format!("{total} files differ; those after the first {limit} are left out")
        }
        Warning::Unreadable { name, reason } => format!("cannot read `{name}`: {reason}"),
        Warning::RecordsUnreadable { subject, count } => {
            let records = counted(*count, "record");
            format!(
                "{records} of promotions of {subject} cannot be read; the registry may have deleted untagged manifests"
            )
        }
        Warning::ReferrersUnreadable { what, subject, reason } => {
            format!("cannot read the {what} of `{subject}`: {reason}")
        }
        Warning::NotAttached { artifact_type, reason } => {
            format!("cannot attach `{artifact_type}` to the ModelKit: {reason}")
        }
        Warning::ReferrerNotSaved { name, reason } => format!("the referrer `{name}` is not saved: {reason}"),
        Warning::ReferrersNotCopied { failures, reason } => {
            format!("not all referrers of the ModelKit were copied ({failures} failed): {reason}")
        }
    }
}

fn secret_names(paths: &[&str], more: usize) -> String {
    let (these, them) =
        if paths.len() + more == 1 { ("a file with this name", "it") } else { ("files with these names", "them") };
    let verb = if them == "it" { "holds" } else { "hold" };
    format!("{these} usually {verb} secrets: {} (a line in .kitignore leaves {them} out)", named(paths, more))
}

fn content_among_code(kind: &str, path: &str, files: &[&str], more: usize) -> String {
    let others = if more > 0 { format!(", {more} more") } else { String::new() };
    let (verb, them) = if files.len() + more == 1 { ("looks", "it") } else { ("look", "them") };
    format!(
        "{} in {kind} `{path}` {verb} like weights or data: list {them} under `model` or `datasets` of the Kitfile, or \
         exclude {them} in .kitignore",
        files.join(", ") + &others
    )
}

fn unmatched_lines(lines: &[IgnoreLine<'_>], more: usize) -> String {
    if let ([IgnoreLine { line, pattern, meant }], 0) = (lines, more) {
        let meant = meant.map(|meant| format!("; did you mean `{meant}`?")).unwrap_or_default();
        return format!("`.kitignore` line {line}, `{pattern}`, matches nothing{meant}");
    }
    let lines = lines.iter().map(|IgnoreLine { line, pattern, meant }| {
        let meant = meant.map(|meant| format!(" (did you mean `{meant}`?)")).unwrap_or_default();
        format!("line {line}, `{pattern}`{meant}")
    });
    let others = (more > 0).then(|| format!("{more} more"));
    format!("lines of `.kitignore` match nothing: {}", lines.chain(others).collect::<Vec<_>>().join("; "))
}

fn not_packed(paths: &[&str], more: usize) -> String {
    let names = named(paths, more);
    let them = if paths.len() + more == 1 { "it" } else { "them" };
    format!("not packed: {names}; add {them} to the Kitfile, or to .kitignore if you do not want {them}")
}

pub(super) fn named(paths: &[&str], more: usize) -> String {
    let mut names: Vec<_> = paths.iter().map(|path| format!("`{path}`")).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    names.join(", ")
}

/// The end of a sentence about a request that is repeated for a limited time.
fn for_up_to(seconds: Option<u64>) -> String {
    seconds.map(|seconds| format!(", for up to {}m{:02}s", seconds / 60, seconds % 60)).unwrap_or_default()
}

/// A line of a list of failed requirements, without the spaces that make columns.
fn without_columns(line: &str) -> String {
    match line.strip_prefix("  ").and_then(|row| row.split_once(' ')) {
        Some((requirement, reason)) => format!("{requirement}: {}", reason.trim_start()),
        None => line.to_owned(),
    }
}
