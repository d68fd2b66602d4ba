//! Events of operations as lines for people.

use super::warnings::named;
use crate::output::media_types::referrer;
use crate::output::words::counted;
use kit_core::digest::Digest;
use kit_core::progress::{BlobCopied, CopyOutcome, Event, LayerPacked, PackOutcome, StoredDocument, human};

/// Returns true if `event` has a line of its own without a terminal. The others are facts for scripts, which a line
/// about several of them contains.
pub(in crate::output) fn has_line(event: &Event<'_>) -> bool {
    let is_present = matches!(event, Event::BlobCopied(BlobCopied { outcome: CopyOutcome::Present, .. }));
    !is_present && !matches!(event, Event::LayerUnpacked { .. })
}

/// One line for `event`. Scripts match the lines of `kit pack` and `kit unpack`, which are those of `KitOps`.
pub(in crate::output) fn line(event: &Event<'_>) -> String {
    match event {
        Event::LayerPacked(LayerPacked { kind, digest, outcome, .. }) => {
            format!("{} {} layer: {digest}", packed(*outcome), packing_word(kind))
        }
        Event::FilesLeftOut { paths, more } => left_out(paths, *more),
        Event::NotebooksStripped { notebooks, removed_bytes } => {
            let notebooks = counted(usize::try_from(*notebooks).unwrap_or(usize::MAX), "notebook");
            format!("Packed {notebooks} without outputs ({} less)", human(*removed_bytes))
        }
        Event::DocumentSaved { kind, digest, outcome, .. } => format!("{}: {digest}", saved(*kind, *outcome)),
        Event::BlobCopied(blob) => format!("{}: {} {}", label(blob), human(blob.bytes), copied(blob.outcome)),
        Event::LayersPresent { layers, bytes } => {
            format!("{} already there ({})", counted(*layers, "layer"), human(*bytes))
        }
        Event::ReferrerCopied { artifact_type, predicate_type, .. } => {
            format!("{}: copied", referrer(artifact_type, *predicate_type))
        }
        Event::TagMoved { tag, from, to } => format!("{tag} moved from {} to {}", short(*from), short(*to)),
        Event::FromLocalStore { name } => format!("Reading {name} from the local store; --remote reads the registry"),
        Event::ImagesNotListed { tags, more } => {
            format!("Not listed, because they are images: {}; `kit inspect` shows them", named(tags, *more))
        }
        Event::PullingReference { reference } => format!("Pulling referenced modelkit {reference}"),
        Event::UnpackingReference { reference } => format!("Unpacking referenced ModelKit {reference}"),
        Event::UnpackingLayer { kind, name: Some(name), path, .. } => {
            format!("Unpacking {} {name} to {path}", unpacking_word(kind))
        }
        Event::UnpackingLayer { kind, name: None, path, .. } => {
            format!("Unpacking {} to {path}", unpacking_word(kind))
        }
        Event::LayerUnpacked { kind, path, .. } => format!("Unpacked {} {path}", unpacking_word(kind)),
        Event::ObjectVerified { path } => format!("Verified remote S3 dataset for path {path}"),
        Event::ObjectDownloaded { path } => format!("Downloaded remote S3 dataset for path {path}"),
        Event::Watching { name, tags, versions: 0 } => format!("Watching {} of {name}", counted(*tags, "tag")),
        Event::Watching { name, tags, versions } => {
            let (tags, versions) = (counted(*tags, "tag"), counted(*versions, "version"));
            format!("Watching {tags} of {name}, and what is attached to {versions}")
        }
        Event::Recovered { name } => format!("{name} works again"),
        Event::FetchingDataset { address, path } => format!("Fetching {address} to {path}"),
    }
}

/// The first digits of a digest. Lines that KitOps prints have whole digests.
fn short(digest: Digest) -> String {
    format!("sha256:{}…", &digest.hex()[..12])
}

/// The word of `KitOps` for a section of the Kitfile in its lines about packing.
pub(super) fn packing_word(section: &str) -> &str {
    match section {
        "model.parts" => "modelpart",
        "datasets" => "dataset",
        "prompts" => "code",
        "mcpServers" => "mcpb",
        other => other,
    }
}

/// The word of `KitOps` for a section of the Kitfile in its lines about unpacking.
fn unpacking_word(section: &str) -> &str {
    match section {
        "prompts" => "prompt",
        "mcpServers" => "MCP server",
        other => packing_word(other),
    }
}

fn packed(outcome: PackOutcome) -> &'static str {
    match outcome {
        PackOutcome::Saved => "Saved",
        PackOutcome::AlreadySaved => "Already saved",
        PackOutcome::Linked => "Linked",
        PackOutcome::AlreadyLinked => "Already linked",
        PackOutcome::Hashed => "Hashed",
    }
}

fn saved(document: StoredDocument, outcome: PackOutcome) -> &'static str {
    match (document, outcome) {
        (StoredDocument::Config, PackOutcome::AlreadySaved) => "Configuration already exists in storage",
        (StoredDocument::Config, _) => "Saved configuration",
        (StoredDocument::Manifest, PackOutcome::AlreadySaved) => "Manifest already exists in storage",
        (StoredDocument::Manifest, _) => "Saved manifest to storage",
    }
}

fn label(blob: &BlobCopied<'_>) -> String {
    let shortened = || format!("sha256:{}…", &blob.digest.hex()[..12]);
    match (blob.kind, blob.path) {
        (Some("config"), _) => "config".to_owned(),
        (Some(kind), path) => format!("{kind} {}", path.map_or_else(shortened, str::to_owned)),
        (None, path) => path.map_or_else(shortened, str::to_owned),
    }
}

fn copied(outcome: CopyOutcome<'_>) -> String {
    match outcome {
        CopyOutcome::Present => "already there".to_owned(),
        CopyOutcome::Mounted { from } => format!("mounted from {from}"),
        CopyOutcome::Copied { resumed_bytes: 0 } => "copied".to_owned(),
        CopyOutcome::Copied { .. } => "copied, resumed from an earlier run".to_owned(),
    }
}

fn left_out(paths: &[&str], more: usize) -> String {
    match paths {
        [path] if more == 0 => format!("Skipped `{path}`; add `!{path}` to .kitignore to pack it"),
        _ => {
            let count = counted(paths.len() + more, "path");
            format!("Skipped {count} of tools: {} (a `!` line in .kitignore packs them)", named(paths, more))
        }
    }
}
