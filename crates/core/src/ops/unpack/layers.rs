//! Writing layers, remote datasets and the Kitfile to the destination.

use std::io::{BufReader, Read};

use super::choice::Wanted;
use super::into_folder::{Stop, UnpackOptions};
use super::pieces::{LayerInPieces, Part};
use crate::archive::{self, Destination, FindPart, SingleFile};
use crate::compression::Compression;
use crate::kitfile::{self, FILE_NAMES, Section};
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::{Layer, ModelKit};
use crate::oci::{ContentError, Descriptor, PartFinder, Source};
use crate::ops::error::Error;
use crate::ops::files::{Depth, PLAIN_FILE, TrackedBlobReader, shape, tables, verifying};
use crate::ops::remote_data::RemoteFile;
use crate::ops::workers;
use crate::progress::{Event, Phase, Progress, Silent, Warning};
use crate::relative_path::RelativePath;

pub(super) struct Unpacker<'a> {
    pub(super) destination: &'a Destination,
    pub(super) progress: &'a dyn Progress,
    pub(super) options: &'a UnpackOptions,
    /// True if layers may be unpacked by chunks, and selected files by their ranges.
    pub(super) by_pieces: bool,
}

/// A unit of work for one thread.
enum Work<'a> {
    Layer(&'a Layer),
    Part(Part<'a>),
}

impl Work<'_> {
    fn bytes(&self) -> u64 {
        match self {
            Self::Layer(layer) => layer.descriptor.size,
            Self::Part(_) => u64::MAX,
        }
    }
}

impl<'a> Unpacker<'a> {
    pub(super) fn new(
        destination: &'a Destination,
        progress: &'a dyn Progress,
        options: &'a UnpackOptions,
        by_pieces: bool,
    ) -> Self {
        Self { destination, progress, options, by_pieces }
    }

    /// Unpacks the layers of `wanted`; several layers, or parts of them, at the same time.
    pub(super) fn unpack_layers(&self, wanted: &Wanted<'_>) -> Result<(), Stop> {
        let jobs = self.options.jobs;
        let begun = workers::run(jobs.large, &wanted.layers, |layer| self.begin(wanted.source, layer))?;
        let layers = wanted.layers.iter().zip(&begun).filter(|(_, begun)| begun.is_none());
        let parts = begun.iter().flatten().flat_map(LayerInPieces::parts);
        let work: Vec<Work> = layers.map(|(layer, _)| Work::Layer(layer)).chain(parts.map(Work::Part)).collect();
        let unpacked = jobs.run(&work, Work::bytes, |work| match work {
            Work::Layer(layer) => self.unpack_layer(wanted.source, layer),
            Work::Part(part) => self.unpack_part(part),
        });
        unpacked.map(drop)
    }

    fn unpack_layer(&self, source: &dyn Source, layer: &Layer) -> Result<(), Stop> {
        if self.by_pieces && self.unpack_selected(source, layer)? {
            return Ok(());
        }
        let label = title(layer);
        let blob = source.blob(&layer.descriptor);
        let task = self.progress.start(Phase::Unpacking, &label, Some(layer.descriptor.size));
        let opened = blob.open_at(0).map_err(|error| Error::reading(&label, error))?;
        // Nothing uses the chunks of a table that is not recorded as compared.
        let depth = if source.checked_tables().is_some() { Depth::Chunks } else { Depth::Files };
        let mut check = tables::passing_check(source, &layer.descriptor, depth)?;
        let mut reader = TrackedBlobReader::new(verifying(opened, &layer.descriptor, check.as_mut()), &*task);
        let parts = blob.parts().map_err(|error| Error::reading(&label, error))?;
        let extracted = self.extract(&mut reader, parts, layer);
        match reader.read_to_end_of_blob() {
            Err(ContentError::Mismatch(_)) if blob.report_mismatch() => Err(Stop::Refuted),
            Err(error) => Err(Error::reading(&label, error).into()),
            Ok(()) => {
                extracted.map_err(|source| Error::Unpack(label.clone(), source))?;
                drop(reader);
                if let Some(check) = check {
                    check.finish().map_err(|error| Error::reading(&label, error))?;
                    source.checked_tables().inspect(|tables| tables::note_checked(*tables, &layer.descriptor));
                }
                Ok(())
            }
        }
    }

    fn extract(
        &self,
        reader: &mut (dyn Read + Send),
        mut parts: Option<PartFinder>,
        layer: &Layer,
    ) -> Result<(), archive::Error> {
        match layer.format {
            Format::Tar => {
                let parts = parts.as_mut().map(|find| &mut **find as FindPart<'_>);
                archive::extract_cloning(reader, layer.compression, &shape(layer), parts, self.destination, &Silent)
                    .map(drop)
            }
            Format::Raw => {
                let decoder = layer.compression.decoder(BufReader::new(reader));
                let decoder = decoder.map_err(|source| archive::Error::ReadLayer { source })?;
                let mode = layer.file_mode.unwrap_or(PLAIN_FILE);
                let size = (layer.compression == Compression::None).then_some(layer.descriptor.size);
                let original = parts.as_mut().zip(size).map_or(Ok(None), |(find, size)| find(0, size));
                let original = original.map_err(|source| archive::Error::ReadLayer { source })?;
                let file = SingleFile { path: &layer.path, mode, size, original };
                archive::extract_file(decoder, file, self.destination, &Silent).map(drop)
            }
        }
    }

    pub(super) fn unpack_file(&self, file: &RemoteFile) -> Result<(), Error> {
        let RemoteFile { path, address, size, digest, .. } = file;
        if digest.is_none() {
            self.progress.warn(&Warning::OnlyETag { address });
        }
        let task = self.progress.start(Phase::Unpacking, &format!("dataset {path}"), Some(*size));
        let mut reader = TrackedBlobReader::new(file.reader(&self.options.folder, self.progress)?, &*task);
        let single = SingleFile { path, mode: PLAIN_FILE, size: Some(*size), original: None };
        let extracted = archive::extract_file(&mut reader, single, self.destination, &Silent);
        reader.read_to_end_of_blob().map_err(|error| file.failed(error))?;
        extracted.map(drop).map_err(|source| Error::Unpack(format!("dataset {path}"), source))?;
        if address.starts_with("s3://") {
            self.progress.report(&Event::ObjectDownloaded { path: path.as_str() });
        }
        Ok(())
    }

    pub(super) fn write_kitfile(&self, modelkit: &ModelKit) -> Result<(), Error> {
        let yaml = kitfile::to_yaml(&modelkit.config.kitfile);
        let path = RelativePath::root().child(FILE_NAMES[0]).expect("the name of a Kitfile is a name");
        if self.destination.keep_file(&path, limits::KITFILE_BYTES, |existing| is_same_kitfile(existing, &yaml))? {
            return Ok(());
        }
        let file = SingleFile { path: &path, mode: PLAIN_FILE, size: Some(yaml.len() as u64), original: None };
        archive::extract_file(yaml.as_bytes(), file, self.destination, &Silent)?;
        Ok(())
    }
}

/// Returns true if `existing` is the Kitfile `yaml` in the words of its author: a ModelKit keeps neither comments nor
/// the order of fields.
pub(super) fn is_same_kitfile(existing: Vec<u8>, yaml: &str) -> bool {
    let parsed = kitfile::decode(existing).ok().and_then(|text| kitfile::parse(&text).ok());
    parsed.is_some_and(|kitfile| kitfile::to_yaml(&kitfile) == yaml)
}

/// The event that unpacking `layer` begins. Code and documentation have no names in the Kitfile.
fn event(layer: &Layer) -> Event<'_> {
    let has_name = !matches!(layer.section, Section::Code | Section::Docs) && !layer.name.is_empty();
    let Descriptor { digest, size: bytes, .. } = layer.descriptor;
    let (kind, name) = (layer.section.key(), has_name.then_some(layer.name.as_str()));
    Event::UnpackingLayer { kind, name, path: layer.path.as_str(), digest, bytes }
}

/// The event that the files of `layer` have their names.
fn unpacked_event(layer: &Layer) -> Event<'_> {
    Event::LayerUnpacked { kind: layer.section.key(), path: layer.path.as_str(), bytes: layer.descriptor.size }
}

/// Reports the layers of `wanted`, once no existing file conflicts: a failure must not look as if they were unpacked.
/// `placed` is the number of files that got their names.
pub(super) fn report_layers(wanted: &[Wanted<'_>], placed: u64, progress: &dyn Progress) {
    for Wanted { other, layers, .. } in wanted {
        if let Some(reference) = other {
            progress.report(&Event::UnpackingReference { reference: &reference.to_string() });
        }
        for layer in layers {
            progress.report(&event(layer));
        }
    }
    if placed > 0 {
        let layers = wanted.iter().flat_map(|wanted| &wanted.layers);
        layers.for_each(|layer| progress.report(&unpacked_event(layer)));
    }
}

/// The name of a layer in errors and progress bars.
pub(super) fn title(layer: &Layer) -> String {
    format!("{} {}", layer.section.key(), layer.path)
}
