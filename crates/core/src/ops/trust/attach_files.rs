//! Attaching files to a ModelKit, as `oras attach` does.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use super::attachment_error::AttachmentError;
use super::place::Signable;
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Annotations, CREATED, Content, Descriptor, Manifest, MediaType, Subject, Target};
use crate::ops::artifact::EMPTY;
use crate::ops::error::Error;
use crate::ops::files::{LocalFile, digest_file};
use crate::progress::Silent;

/// The annotation with the name of a file (image-spec 1.1, "Pre-Defined Annotation Keys").
pub(super) const TITLE: &str = "org.opencontainers.image.title";

/// A file to attach.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileToAttach {
    /// Its location.
    pub path: PathBuf,
    /// Its name in the manifest.
    pub name: String,
    /// Its media type.
    pub media_type: MediaType,
}

/// The document to attach.
#[derive(Debug, Clone)]
pub struct AttachOptions {
    /// The type of the document.
    pub artifact_type: MediaType,
    /// The files. Without any, the annotations are the document.
    pub files: Vec<FileToAttach>,
    /// The annotations of the manifest.
    pub annotations: Annotations,
    /// The time of creation, unless an annotation contains it.
    pub time: Timestamp,
}

/// Attaches files to `signable`, and returns the descriptor of the manifest.
pub fn attach_files(signable: &Signable, options: &AttachOptions) -> Result<Descriptor, AttachmentError> {
    let mut names = HashSet::new();
    if let Some(twice) = options.files.iter().find(|file| !names.insert(&file.name)) {
        return Err(AttachmentError::SameName(twice.name.clone()));
    }
    let layers = options.files.iter().map(describe).collect::<Result<Vec<_>, _>>()?;
    let size = layers.iter().fold(0, |sum: u64, layer| sum.saturating_add(layer.size));
    if size > limits::REFERRER_BYTES {
        return Err(AttachmentError::TooLarge(size));
    }
    let target = &*signable.target;
    for (layer, file) in layers.iter().zip(&options.files) {
        send(target, layer, &LocalFile(file.path.clone()))?;
    }
    let config = Descriptor::of(MediaType::EMPTY, EMPTY);
    send(target, &config, &EMPTY)?;
    let layers = if layers.is_empty() { vec![config.clone()] } else { layers };
    let mut manifest = Manifest::new(options.artifact_type.clone(), config, layers);
    let Descriptor { media_type, digest, size, .. } = &signable.subject;
    manifest.subject = Some(Descriptor::new(media_type.clone(), *digest, *size));
    let time = options.time.to_string();
    manifest.annotations.insert(CREATED.to_owned(), time);
    manifest.annotations.extend(options.annotations.clone());
    publish(signable, manifest)
}

fn publish(signable: &Signable, manifest: Manifest) -> Result<Descriptor, AttachmentError> {
    let failed = |error| Error::writing("the manifest", error);
    let bytes = manifest.to_bytes();
    let descriptor = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
    let descriptor = Descriptor { artifact_type: manifest.artifact_type, ..descriptor };
    let subject = Subject { descriptor: &signable.subject, is_new: false };
    let published = signable.target.publish_referrers(&subject, &[(descriptor.clone(), bytes)]).map_err(failed)?;
    published.into_iter().collect::<Result<(), _>>().map_err(failed)?;
    Ok(descriptor)
}

fn describe(file: &FileToAttach) -> Result<Descriptor, AttachmentError> {
    let (digest, size) = hash(&file.path)?;
    let mut layer = Descriptor::new(file.media_type.clone(), digest, size);
    layer.annotations.insert(TITLE.to_owned(), file.name.clone());
    Ok(layer)
}

fn hash(path: &Path) -> Result<(Digest, u64), AttachmentError> {
    // The error of opening a file says what was attempted.
    let metadata = fs_err::metadata(path).or_else(|_| fs_err::File::open(path)?.metadata());
    let metadata = metadata.map_err(AttachmentError::Read)?;
    if !metadata.is_file() {
        return Err(AttachmentError::NotAFile(path.to_owned()));
    }
    let file = fs_err::File::open(path).map_err(AttachmentError::Read)?;
    Ok((digest_file(file, &Silent).map_err(AttachmentError::Read)?, metadata.len()))
}

fn send(target: &dyn Target, blob: &Descriptor, content: &dyn Content) -> Result<(), Error> {
    let failed = |error| Error::writing(&format!("blob `{}`", blob.digest), error);
    if target.finds_on_put(blob) || !target.contains(blob).map_err(failed)? {
        target.put_from(blob, None, content).map_err(failed)?;
    }
    Ok(())
}
