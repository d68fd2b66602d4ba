//! Lists the files of layers for `Kitfile.lock`: from their tables of contents, or by reading each layer once.
//!
//! The layers may be in any source, local or remote. Everything that is read is verified.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use super::packer::Assembled;
use crate::archive::{self, LayerMember, Listing, PathPatterns};
use crate::contents::{Entry, Kind};
use crate::layer_format::Format;
use crate::modelkit::{Layer, Lock, LockedFile, LockedFolder, LockedLayer, kitfile_digest, label};
use crate::oci::Source;
use crate::ops::error::Error;
use crate::ops::files::tables::Headers;
use crate::ops::files::{
    BUFFER_BYTES, Depth, Member, PLAIN_FILE, PassingCheck, buffer, digest, may_be_selected, read_whole, shape,
    skim_selected, tables,
};
use crate::ops::remote_data::lock_remotes;
use crate::ops::session::Session;
use crate::ops::workers;
use crate::progress::{Phase, Progress, Silent};
use crate::relative_path::RelativePath;

/// Returns the lock of a packed ModelKit, whose layers are in `source`.
pub(super) fn lock(
    session: &Session<'_>,
    source: &dyn Source,
    assembled: &Assembled,
    jobs: usize,
) -> Result<Lock, Error> {
    let modelkit = assembled.modelkit()?;
    let layers = workers::run(jobs, &modelkit.layers, |layer| read_layer(source, layer, session.progress))?;
    let kitfile = &modelkit.config.kitfile;
    let remotes = lock_remotes(session, kitfile, jobs)?;
    Ok(Lock::new(assembled.digest(), kitfile_digest(kitfile), assembled.parents.clone(), remotes, layers))
}

/// Lists the files of a layer from its table of contents, if the table was compared with the layer; otherwise by
/// reading and verifying the whole layer.
fn read_layer(source: &dyn Source, layer: &Layer, progress: &dyn Progress) -> Result<LockedLayer, Error> {
    let table = source.checked_tables().map_or(Ok(None), |_| tables::entries(source, layer, Headers::Leave))?;
    let Contents { folders, files } = match table {
        Some(table) => table.entries.into_iter().collect(),
        None => read_through(source, layer, progress)?,
    };
    Ok(LockedLayer {
        folders: folders.into_values().collect(),
        files: files.into_values().collect(),
        ..without_files(layer)
    })
}

/// Returns the members of `layer` that `paths` select, and reads as little of the layer as possible.
pub(crate) fn read_selected(
    source: &dyn Source,
    layer: &Layer,
    paths: &PathPatterns,
    progress: &dyn Progress,
) -> Result<LockedLayer, Error> {
    if !may_be_selected(source, layer, paths)? {
        return Ok(without_files(layer));
    }
    // In the local store, the table is enough.
    if source.checked_tables().is_none() {
        let mut read = without_files(layer);
        let skimmed = skim_selected(source, layer, paths, &|_| None, &mut |member, content| {
            let Member { path, mode, .. } = member.clone();
            if member.is_directory {
                read.folders.push(LockedFolder { path, mode });
            } else {
                let mut buffer = buffer(member.size);
                let (digest, size) = digest(content, &mut buffer, &Silent).map_err(|error| member.failed(error))?;
                read.files.push(LockedFile { path, mode, size, digest });
            }
            Ok(ControlFlow::Continue(()))
        });
        // After an error, reading the whole layer finds the cause.
        if matches!(skimmed, Ok(true)) {
            return Ok(read);
        }
    }
    read_layer(source, layer, progress)
}

fn without_files(layer: &Layer) -> LockedLayer {
    let Layer { section, path, name, descriptor, diff_id, .. } = layer;
    LockedLayer {
        section: *section,
        path: path.clone(),
        name: name.clone(),
        media_type: descriptor.media_type.clone(),
        digest: descriptor.digest,
        diff_id: *diff_id,
        folders: Vec::new(),
        files: Vec::new(),
    }
}

/// The entries of a layer by path. Of two entries with the same path, the later one counts.
#[derive(Default)]
struct Contents {
    folders: BTreeMap<RelativePath, LockedFolder>,
    files: BTreeMap<RelativePath, LockedFile>,
}

impl FromIterator<Entry> for Contents {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut contents = Self::default();
        for Entry { path, mode, kind } in entries {
            match kind {
                Kind::Folder => drop(contents.folders.insert(path.clone(), LockedFolder { path, mode })),
                Kind::File { size, digest, .. } => {
                    contents.files.insert(path.clone(), LockedFile { path, mode, size, digest });
                }
            }
        }
        contents
    }
}

fn read_through(source: &dyn Source, layer: &Layer, progress: &dyn Progress) -> Result<Contents, Error> {
    let what = label(&layer.descriptor);
    let mut check = tables::passing_check(source, &layer.descriptor, Depth::Chunks)?;
    let phase = (Phase::Verifying, &*what);
    let read =
        read_whole(source, &layer.descriptor, phase, progress, check.as_mut(), |reader| read_files(reader, layer))?;
    let contents = read.map_err(|source| Error::Look(what.clone(), source))?;
    check.map_or(Ok(()), PassingCheck::finish).map_err(|error| Error::reading(&what, error))?;
    Ok(contents)
}

fn read_files(reader: &mut (dyn Read + Send), layer: &Layer) -> Result<Contents, archive::Error> {
    let unreadable = |source| archive::Error::ReadLayer { source };
    let mut decoder = layer.compression.decoder(BufReader::with_capacity(BUFFER_BYTES, reader)).map_err(unreadable)?;
    let mut buffer = buffer(None);
    if layer.format == Format::Raw {
        let (digest, size) = digest(&mut decoder, &mut buffer, &Silent).map_err(unreadable)?;
        let file = LockedFile { path: layer.path.clone(), mode: layer.file_mode.unwrap_or(PLAIN_FILE), size, digest };
        return Ok(Contents { files: [(layer.path.clone(), file)].into(), ..Contents::default() });
    }
    let mut listing = Listing::reading(decoder, shape(layer));
    let mut contents = Contents::default();
    while let Some(member) = listing.next_member()? {
        let LayerMember { path, mode, is_directory, .. } = member;
        if is_directory {
            contents.folders.insert(path.clone(), LockedFolder { path, mode });
        } else {
            let (digest, size) = digest(&mut listing, &mut buffer, &Silent).map_err(unreadable)?;
            contents.files.insert(path.clone(), LockedFile { path, mode, size, digest });
        }
    }
    Ok(contents)
}
