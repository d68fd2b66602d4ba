//! The parts of a ModelKit: entries of the Kitfile with their layers, and the documents in them that describe it.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use crate::compression::Compression;
use crate::digest::Digest;
use crate::kitfile::{Kitfile, Section};
use crate::layer_format::Format;
use crate::limits;
use crate::modelkit::{ContentsTable, Layer, ModelKit};
use crate::oci::Source;
use crate::ops::artifact::{Inspected, model_reference};
use crate::ops::error::{Error, reason};
use crate::ops::files::{Headers, Held, Member, skim};
use crate::ops::sbom::task;
use crate::ops::scan::{LicenseFile, is_license_name, license_file};
use crate::provenance::without_secrets;

/// A part of a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportedPart {
    /// The key of its section in the Kitfile; `None` for a layer without an entry.
    pub section: Option<&'static str>,
    /// The name in the Kitfile; may be empty.
    pub name: String,
    /// The path in the Kitfile; for a part that is stored elsewhere, its address.
    pub path: String,
    /// The media type of the layer; `None` if the part has no layer.
    pub media_type: Option<String>,
    /// The digest of the layer, or the digest of remote data in the Kitfile.
    pub digest: Option<Digest>,
    /// The size of the layer in bytes.
    pub size: Option<u64>,
    /// The word for the compression of the layer; `None` without compression.
    pub compression: Option<&'static str>,
    /// The number of files, if it is known without reading much of the layer.
    pub files: Option<u64>,
    /// The size of these files in bytes.
    pub unpacked_size: Option<u64>,
}

/// The contents of layers that describe the ModelKit.
#[derive(Debug, Default)]
pub(super) struct Found {
    pub(super) license_files: Vec<LicenseFile>,
    /// The task in a model card.
    pub(super) task: Option<String>,
    /// The parts whose files were not listed, each with the reason.
    pub(super) unlisted: Vec<(String, String)>,
}

/// Lists the parts of a ModelKit in the order of the manifest, then those that are stored elsewhere.
pub(super) fn list(source: &dyn Source, inspected: &Inspected) -> (Vec<ReportedPart>, Found) {
    let modelkit = &inspected.modelkit;
    let mut found = Found::default();
    let held = Held::new(limits::LISTED_FILES);
    let mut parts: Vec<_> = modelkit.layers.iter().map(|layer| part(source, layer, &held, &mut found)).collect();
    parts.extend(modelkit.other_layers().map(|layer| ReportedPart {
        media_type: Some(layer.media_type.to_string()),
        digest: Some(layer.digest),
        size: Some(layer.size),
        ..elsewhere(None, "", "")
    }));
    parts.extend(stored_elsewhere(modelkit));
    (parts, found)
}

fn elsewhere(section: Option<Section>, name: &str, path: &str) -> ReportedPart {
    ReportedPart {
        section: section.map(Section::key),
        name: name.to_owned(),
        path: path.to_owned(),
        media_type: None,
        digest: None,
        size: None,
        compression: None,
        files: None,
        unpacked_size: None,
    }
}

/// The model in another ModelKit, and remote datasets.
fn stored_elsewhere(modelkit: &ModelKit) -> Vec<ReportedPart> {
    let Kitfile { model, .. } = &modelkit.config.kitfile;
    let reference = model_reference(modelkit).zip(model.as_ref());
    let model = reference.map(|(reference, model)| ReportedPart {
        digest: reference.digest,
        ..elsewhere(Some(Section::Model), &model.name, &reference.to_string())
    });
    let datasets = modelkit.config.kitfile.remote_datasets().map(|dataset| ReportedPart {
        digest: dataset.remote_digest(),
        ..elsewhere(Some(Section::Dataset), &dataset.name, &without_secrets(&dataset.remote_path))
    });
    model.into_iter().chain(datasets).collect()
}

fn part(source: &dyn Source, layer: &Layer, held: &Held, found: &mut Found) -> ReportedPart {
    let Layer { section, name, path_as_written, descriptor, .. } = layer;
    let mut part = ReportedPart {
        media_type: Some(descriptor.media_type.to_string()),
        digest: Some(descriptor.digest),
        size: Some(descriptor.size),
        compression: word(layer.compression),
        ..elsewhere(Some(*section), name, path_as_written)
    };
    if !is_cheap(layer) {
        let reason = "its layer has no table of contents, so that listing its files would read much of it";
        found.unlisted.push((path_as_written.clone(), reason.to_owned()));
        return part;
    }
    match look(source, layer, held, found) {
        Ok((files, size)) => (part.files, part.unpacked_size) = (Some(files), size),
        Err(error) => found.unlisted.push((path_as_written.clone(), reason(&error))),
    }
    part
}

fn word(compression: Compression) -> Option<&'static str> {
    match compression {
        Compression::None => None,
        Compression::Gzip | Compression::GzipFastest => Some("gzip"),
        Compression::Zstd => Some("zstd"),
    }
}

/// Returns true if the files of `layer` are known without reading much of it.
fn is_cheap(layer: &Layer) -> bool {
    let is_of_model = matches!(layer.section, Section::Model | Section::ModelPart);
    let is_plain = layer.compression == Compression::None;
    ContentsTable::of(&layer.descriptor).is_some()
        || layer.descriptor.size <= limits::DIFF_REMOTE_BYTES
        || is_plain && (is_of_model || layer.format == Format::Raw)
}

/// Returns the number and the size of the files of a layer, and reads its documents.
fn look(source: &dyn Source, layer: &Layer, held: &Held, found: &mut Found) -> Result<(u64, Option<u64>), Error> {
    let (mut files, mut size) = (0, Some(0_u64));
    let done = skim(source, layer, Headers::Leave, &mut |member, content| {
        if !member.is_directory {
            held.add(&member.path)?;
            files += 1;
            size = size.zip(member.size).map(|(sum, size)| sum.saturating_add(size));
            if layer.section != Section::Dataset {
                found.read(member, content)?;
            }
        }
        Ok(ControlFlow::Continue(()))
    });
    done.map(|_| (files, size))
}

impl Found {
    /// Reads a file if it is a licence or a model card.
    fn read(&mut self, member: &Member, content: &mut dyn Read) -> Result<(), Error> {
        let name = member.path.file_name().unwrap_or_default();
        let is_card = name == "README.md";
        let size = member.size.filter(|size| *size <= limits::LICENSE_BYTES);
        let Some(size) = size.filter(|_| is_card || is_license_name(name)) else { return Ok(()) };
        let mut text = Vec::new();
        content.read_to_end(&mut text).map_err(|error| member.failed(error))?;
        if is_card {
            self.task = self.task.take().or_else(|| task(&String::from_utf8_lossy(&text)));
            return Ok(());
        }
        let license = license_file(&mut Cursor::new(text), size, &member.path);
        self.license_files.extend(license.map_err(|error| member.failed(error))?);
        Ok(())
    }
}
