//! Scanning a ModelKit, in the local store, a layout or a registry.

use std::io::{self, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use super::entry::scan_entry;
use super::first_bytes::FirstBytes;
use super::licenses::{LicenseFile, license_file, licenses};
use super::result::{ScanOptions, Scanned, SkippedPath, code_among_weights};
use super::spool::Spool;
use crate::compression::Compression;
use crate::kitfile::{Model, Section};
use crate::modelkit::{Layer, ModelKit};
use crate::oci::{Content, RangedReader, Source};
use crate::ops::artifact::{Inspected, check_filters, entries};
use crate::ops::error::Error;
use crate::ops::files::{Member, kitfile, read_members, read_through};
use crate::ops::workers;
use crate::progress::{Phase, Progress, Task};
use crate::scan::{self, Report};

/// Scans the files of a ModelKit, which `source` holds under the title `name`.
///
/// Of uncompressed layers only what the rules look at is read: of weights, their headers. These bytes are not compared
/// with the digest of the layer. Compressed layers are read completely, and verified. Nothing is stored.
///
/// Files of another ModelKit that the model refers to are not scanned, which the result says.
pub fn scan_modelkit(
    source: &dyn Source,
    inspected: &Inspected,
    name: &str,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Scanned, Error> {
    let ModelKit { layers, .. } = &inspected.modelkit;
    check_filters(&options.selection, name, &entries(&inspected.modelkit), progress)?;
    let layers: Vec<_> = layers.iter().filter(|layer| options.selection.takes(layer)).collect();
    let mut scanned = Scanned { digest: Some(inspected.descriptor.digest), ..Scanned::new(name, options) };
    let mut outside = scan_outside_layers(&inspected.modelkit, options)?;
    let unread = std::mem::take(&mut outside.skipped);
    scanned.merge(outside);
    for of_layer in workers::run(options.jobs, &layers, |layer| scan_layer(source, layer, options, progress))? {
        scanned.merge(of_layer);
    }
    scanned.skipped.extend(unread);
    if inspected.modelkit.has_kitfile() {
        scanned.licenses = licenses(&inspected.modelkit.config.kitfile, &scanned.license_files);
    }
    Ok(scanned)
}

/// Scans the Kitfile, and lists the parts of a ModelKit that are not scanned because they are in no layer of a known
/// kind.
pub(crate) fn scan_outside_layers(modelkit: &ModelKit, options: &ScanOptions) -> Result<Scanned, Error> {
    let mut scanned = Scanned { skipped: unread(modelkit), ..Scanned::default() };
    if options.selection.takes_kitfile()
        && let Some((member, text)) = kitfile(modelkit)
    {
        let report = scan_entry(&mut text.as_bytes(), member.path.as_str(), &options.rules, &options.scratch)?;
        scanned.add(member.path.as_str(), text.len() as u64, report);
    }
    Ok(scanned)
}

/// Returns the parts of a ModelKit that no layer of a known kind holds.
fn unread(modelkit: &ModelKit) -> Vec<SkippedPath> {
    let parent = modelkit.config.kitfile.model.iter().filter_map(Model::reference);
    let parent = parent.map(|reference| SkippedPath {
        path: reference.to_string(),
        reason: "another ModelKit, which has the model".to_owned(),
    });
    let unreadable = modelkit.unreadable.iter().map(|entry| SkippedPath {
        path: entry.path_as_written.clone(),
        reason: "no layer that can be read belongs to this entry of the Kitfile".to_owned(),
    });
    let others = modelkit.other_layers().map(|layer| SkippedPath {
        path: layer.digest.to_string(),
        reason: format!("a layer of the type {}, which is not unpacked", layer.media_type),
    });
    parent.chain(unreadable).chain(others).collect()
}

/// Scans the files of a layer.
pub(crate) fn scan_layer(
    source: &dyn Source,
    layer: &Layer,
    options: &ScanOptions,
    progress: &dyn Progress,
) -> Result<Scanned, Error> {
    let mut scanned = Scanned::default();
    let task = progress.start(Phase::Scanning, layer.path.as_str(), Some(layer.descriptor.size));
    let blob = source.blob(&layer.descriptor);
    let mut visit = |member: &Member, content: &mut dyn Read| {
        if !member.is_directory {
            scan_member(&*blob, (layer, member), content, options, &mut scanned)?;
            note_progress(&*task, layer, member);
        }
        Ok(ControlFlow::Continue(()))
    };
    if layer.compression == Compression::None {
        read_members(&*blob, layer, &mut visit)?;
    } else {
        read_through(source, layer, &mut visit)?;
    }
    task.set(layer.descriptor.size);
    Ok(scanned)
}

/// Shows how much of an uncompressed layer is done.
fn note_progress(task: &dyn Task, layer: &Layer, member: &Member) {
    if let Some((offset, size)) = member.offset.zip(member.size) {
        task.set(offset.saturating_add(size).min(layer.descriptor.size));
    }
}

/// Scans a file of a layer: a small one as it passes by, and a large one at its place in an uncompressed layer.
fn scan_member(
    blob: &dyn Content,
    (layer, member): (&Layer, &Member),
    content: &mut dyn Read,
    options: &ScanOptions,
    scanned: &mut Scanned,
) -> Result<(), Error> {
    let name = member.path.as_str();
    let place = member.offset.zip(member.size).filter(|(_, size)| !Spool::is_in_memory(*size));
    let (size, report, license, first) = match place {
        Some((offset, size)) => {
            let mut reader = Part { reader: RangedReader::new(blob, layer.descriptor.size), offset, size, position: 0 };
            let report = scan::scan_file(&mut reader, size, name, &options.rules);
            let report = report.map_err(|error| member.failed(error))?;
            let first = FirstBytes::read(&mut reader).map_err(|error| member.failed(error))?;
            (size, report, None, first)
        }
        None => scan_stream(member, content, options).map_err(|error| member.failed(error))?,
    };
    let code = code_among_weights(&member.path, layer.section);
    let findings = report.findings.into_iter().chain(code).collect();
    scanned.add(name, size, Report { findings, ..report });
    scanned.license_files.extend(license);
    if matches!(layer.section, Section::Model | Section::ModelPart) {
        scanned.model_files.push((name.to_owned(), first));
    }
    Ok(())
}

/// Scans a file as it passes by, and returns its size.
fn scan_stream(
    member: &Member,
    content: &mut dyn Read,
    options: &ScanOptions,
) -> io::Result<(u64, Report, Option<LicenseFile>, FirstBytes)> {
    let mut content = Spool::of(content, &options.scratch)?;
    let size = content.size()?;
    if member.size.is_some_and(|expected| expected != size) {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    let report = scan::scan_file(&mut content, size, member.path.as_str(), &options.rules)?;
    let license = license_file(&mut content, size, &member.path)?;
    Ok((size, report, license, FirstBytes::read(&mut content)?))
}

/// A file in a layer that is not compressed.
struct Part<'a> {
    reader: RangedReader<'a>,
    offset: u64,
    size: u64,
    position: u64,
}

impl Read for Part<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.size.saturating_sub(self.position);
        let wanted = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        if wanted == 0 {
            return Ok(0);
        }
        self.reader.seek(SeekFrom::Start(self.offset + self.position))?;
        let read = self.reader.read(&mut buffer[..wanted])?;
        self.position += read as u64;
        Ok(read)
    }
}

impl Seek for Part<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::Current(distance) => self.position.checked_add_signed(distance),
            SeekFrom::End(distance) => self.size.checked_add_signed(distance),
        };
        self.position = position.ok_or_else(|| io::Error::from(io::ErrorKind::InvalidInput))?;
        Ok(self.position)
    }
}
