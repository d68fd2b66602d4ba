//! Imports a repository straight into a target: each file becomes a raw layer, and nothing is stored locally.

use super::choice::{Choice, entries};
use super::error::ImportError;
use super::into_store::ImportOptions;
use super::publisher::Published;
use super::source::FromUpstream;
use crate::compression::Compression;
use crate::kitfile::Entry;
use crate::layer_format::Format;
use crate::modelkit::{Assembly, LayerType, PackedLayer, PlainFile};
use crate::oci::{Descriptor, Subject, Target};
use crate::ops::artifact::attach;
use crate::ops::error::Error;
use crate::ops::guard::{self, Allowed};
use crate::ops::pack::{Assembled, clean_path, record, referenced_modelkits};
use crate::ops::session::Session;
use crate::ops::transfer::{Copied, CopyOptions, copy};
use crate::ops::trust::refuse_unread;
use crate::ops::workers;
use crate::upstream::{Upstream, UpstreamFile};
use crate::version::VERSION;

/// Makes a ModelKit of raw layers at `target` and gives it the name `tag`.
///
/// The LFS id of a large file is the digest of its layer, so kit checks whether the target has the layer before it
/// transfers the file. Small files are read into memory one by one to compute their digests. A Kitfile entry that is a
/// folder becomes one entry for each file in it.
pub fn import_to(
    session: &Session<'_>,
    upstream: &dyn Upstream,
    options: &ImportOptions,
    (target, tag): (&dyn Target, Option<&str>),
    copying: &CopyOptions,
) -> Result<Copied, ImportError> {
    refuse_unread(session, &options.references)?;
    let kitfile = Choice::of(upstream, options.kitfile.as_ref(), options.depth)?.single_files()?;
    let entries = entries(upstream, &kitfile);
    let wanted = entries.iter().map(|entry| file_of(upstream, entry)).collect::<Result<Vec<_>, _>>()?;
    let published = Published::of(upstream, &wanted, options)?;
    let signer = published.as_ref().map(Published::material);
    let pack = options.pack_options_of(upstream.about(), kitfile.clone(), options.folder.clone(), signer);
    let parents = referenced_modelkits(session, &pack, &entries)?;
    check(session, upstream, &entries, options.allowed)?;
    let requirements = (options.allowed, published.as_ref());
    let layers = workers::run(copying.jobs, &entries, |entry| layer((session, upstream), target, entry, requirements))?;
    let assembly = Assembly::new(kitfile.clone(), layers, VERSION);
    let assembled = Assembled { parents, ..Assembled::of(&assembly)? };
    let layers = assembly.layers.iter().map(|layer| (layer.blob.digest, layer.path.clone()));
    let source = FromUpstream::new(upstream).with(&assembled.documents, layers);
    let name = assembled.digest().to_string();
    let copied = copy((&source, &name), (target, tag), copying, session.progress)?;
    let record = record(session, &pack, &assembled, None)?;
    let subject = Subject { descriptor: &assembled.documents.manifest, is_new: copied.is_new };
    attach(target, &subject, record.as_slice(), copying.jobs, session.progress);
    Ok(copied)
}

/// Fails if there are files that must not be imported. What is in small files is checked when they are read.
fn check(
    session: &Session<'_>,
    upstream: &dyn Upstream,
    entries: &[Entry<'_>],
    allowed: Allowed,
) -> Result<(), ImportError> {
    let files = entries.iter().map(|entry| Ok((entry.section, file_of(upstream, entry)?)));
    let files = files.collect::<Result<Vec<_>, ImportError>>()?;
    let all: Vec<_> = files.iter().map(|(_, file)| *file).collect();
    guard::check_names(&all, allowed)?;
    guard::warn_of_names(&all, allowed, session.progress)?;
    Ok(guard::check_weights(&files, allowed)?)
}

fn file_of<'u>(upstream: &'u dyn Upstream, entry: &Entry<'_>) -> Result<&'u UpstreamFile, ImportError> {
    let path = clean_path(entry)?;
    let found = upstream.files().binary_search_by(|file| file.path.cmp(&path));
    found.map(|index| &upstream.files()[index]).map_err(|_| ImportError::NotInRepository(path))
}

fn layer(
    (session, upstream): (&Session<'_>, &dyn Upstream),
    target: &dyn Target,
    entry: &Entry<'_>,
    (allowed, published): (Allowed, Option<&Published>),
) -> Result<PackedLayer, ImportError> {
    let file = file_of(upstream, entry)?;
    let path = file.path.clone();
    let layer_type = LayerType { section: entry.section, format: Format::Raw, compression: Compression::None };
    let blob = match file.digest {
        Some(digest) => {
            published.map_or(Ok(()), |published| published.compare_digest(&path, digest))?;
            Descriptor::new(layer_type.media_type(), digest, file.size)
        }
        None => send_small((session, upstream), target, (file, layer_type), (allowed, published))?,
    };
    let file = Some(PlainFile { mode: file.mode(), size: file.size });
    Ok(PackedLayer { layer_type, index: entry.index, path, diff_id: blob.digest, blob, file })
}

/// Reads a small file to compute its digest, and sends it to `target` at once, since its bytes are then in memory.
fn send_small(
    (session, upstream): (&Session<'_>, &dyn Upstream),
    target: &dyn Target,
    (file, layer_type): (&UpstreamFile, LayerType),
    (allowed, published): (Allowed, Option<&Published>),
) -> Result<Descriptor, ImportError> {
    let bytes = upstream.read(file)?;
    guard::check_bytes(&file.path, &bytes, allowed, session.progress)?;
    let blob = Descriptor::of(layer_type.media_type(), &bytes);
    published.map_or(Ok(()), |published| published.compare_digest(&file.path, blob.digest))?;
    let failed = |error| Error::writing(&format!("`{}`", file.path), error);
    if !target.contains(&blob).map_err(failed)? {
        target.put(&blob, &bytes).map_err(failed)?;
    }
    Ok(blob)
}
