//! Listing the referrers of a ModelKit, and fetching the files of one of them.

use std::collections::HashSet;
use std::convert::Infallible;
use std::path::Path;

use super::attach_files::TITLE;
use super::attachment_error::AttachmentError;
use crate::archive::{Destination, Overwrite, Placed, SingleFile, UnsafePaths, extract_file};
use crate::oci::{CREATED, ContentError, Descriptor, Manifest, MediaType, Referrer, Source};
use crate::ops::artifact::{EMPTY, listed_referrers};
use crate::ops::error::Error;
use crate::ops::files::{PLAIN_FILE, read_whole};
use crate::ops::workers;
use crate::progress::{Phase, Progress, Silent};
use crate::relative_path::RelativePath;
use crate::trust::{PREDICATE_TYPE_ANNOTATION, is_bundle_type};

/// A referrer of a ModelKit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttachedDocument {
    /// The descriptor of its manifest, with the type of the document and the annotations of the manifest.
    pub descriptor: Descriptor,
    /// The bytes of its manifest.
    pub manifest: Vec<u8>,
    /// Its files.
    pub files: Vec<Descriptor>,
}

impl AttachedDocument {
    /// The type of the document.
    pub fn artifact_type(&self) -> &str {
        self.descriptor.artifact_type.as_ref().map_or("", MediaType::as_str)
    }

    /// The type of the predicate of a bundle, as the manifest states it. It is not verified.
    pub fn predicate_type(&self) -> Option<&str> {
        let annotations = &self.descriptor.annotations;
        is_bundle_type(self.artifact_type()).then(|| annotations.get(PREDICATE_TYPE_ANNOTATION))?.map(String::as_str)
    }

    /// The time of creation, as the manifest states it.
    pub fn created(&self) -> Option<&str> {
        self.descriptor.annotations.get(CREATED).map(String::as_str)
    }

    /// The name of one of its files; the digits of the digest if it has none.
    pub fn name_of(file: &Descriptor) -> String {
        let title = file.annotations.get(TITLE).filter(|title| !title.is_empty());
        title.cloned().unwrap_or_else(|| file.digest.hex())
    }
}

/// Reads the referrers of `subject`, each with its own result; at most `jobs` at the same time. With `artifact_type`,
/// only those of that type.
pub fn attached_documents(
    (source, subject): (&dyn Source, &Descriptor),
    artifact_type: Option<&str>,
    jobs: usize,
    progress: &dyn Progress,
) -> Result<Vec<Result<AttachedDocument, AttachmentError>>, AttachmentError> {
    let mut listed =
        listed_referrers(source, subject, progress).map_err(|error| Error::reading("its referrers", error))?;
    without_duplicates(&mut listed);
    // Some registries list a referrer without its type.
    listed.retain(|entry| {
        let listed = entry.artifact_type.as_ref().map(MediaType::as_str);
        artifact_type.is_none_or(|wanted| listed.is_none_or(|listed| listed == wanted))
    });
    let Ok(mut read) = workers::run(jobs, &listed, |entry| Ok::<_, Infallible>(read(source, subject, entry)));
    let is_wanted = |document: &AttachedDocument| artifact_type.is_none_or(|it| document.artifact_type() == it);
    read.retain(|document| document.as_ref().map_or(true, is_wanted));
    Ok(read)
}

/// Removes entries whose manifest is listed before: an index under a tag may have them.
fn without_duplicates(listed: &mut Vec<Descriptor>) {
    let mut seen = HashSet::new();
    listed.retain(|entry| seen.insert(entry.digest));
}

/// Reads the referrer of `subject` whose digest is `wanted`, or begins with these digits.
pub fn attached_document(
    (source, subject): (&dyn Source, &Descriptor),
    wanted: &str,
    progress: &dyn Progress,
) -> Result<AttachedDocument, AttachmentError> {
    let mut listed =
        listed_referrers(source, subject, progress).map_err(|error| Error::reading("its referrers", error))?;
    without_duplicates(&mut listed);
    let digits = wanted.strip_prefix("sha256:").unwrap_or(wanted);
    let mut found = listed.iter().filter(|entry| entry.digest.hex().starts_with(digits));
    match (found.next(), found.next()) {
        (Some(entry), None) => read(source, subject, entry),
        (Some(_), Some(_)) => Err(AttachmentError::Ambiguous(wanted.to_owned())),
        (None, _) => Err(AttachmentError::NoSuchReferrer { subject: subject.digest, wanted: wanted.to_owned() }),
    }
}

fn read(source: &dyn Source, subject: &Descriptor, entry: &Descriptor) -> Result<AttachedDocument, AttachmentError> {
    let failed = |error| AttachmentError::Referrer(entry.digest, error);
    let unfit = |reason: String| failed(ContentError::Other(reason.into()));
    let bytes = source.manifest(entry).map_err(failed)?;
    let referrer = Referrer::read(entry, &bytes).filter(|referrer| referrer.subject == subject.digest);
    let referrer = referrer.ok_or_else(|| unfit("it refers to another subject".to_owned()))?;
    let manifest = Manifest::parse(&bytes).map_err(|error| unfit(error.to_string()))?;
    let is_file = |layer: &Descriptor| layer.media_type != MediaType::EMPTY || layer.size != EMPTY.len() as u64;
    let files = manifest.layers.into_iter().filter(is_file).collect();
    Ok(AttachedDocument { descriptor: referrer.descriptor, manifest: bytes, files })
}

/// Writes the files of `document` into `folder`. They are verified, and appear when all of them are complete.
pub fn fetch_files(
    source: &dyn Source,
    document: &AttachedDocument,
    (folder, overwrite, unsafe_paths): (&Path, Overwrite, &UnsafePaths),
    progress: &dyn Progress,
) -> Result<Placed, AttachmentError> {
    let mut files: Vec<(RelativePath, &Descriptor)> = Vec::new();
    let mut names = HashSet::new();
    for file in &document.files {
        let name = AttachedDocument::name_of(file);
        let path: RelativePath = name.parse()?;
        if path.is_root() {
            return Err(Error::NotAName(name.into()).into());
        }
        if !names.insert(path.clone()) {
            return Err(AttachmentError::SameName(name));
        }
        files.push((path, file));
    }
    let destination = Destination::open(folder, overwrite)?.with_unsafe_paths(unsafe_paths);
    for (path, file) in files {
        let label = (Phase::Copying, path.as_str());
        let written = read_whole(source, file, label, progress, None, |content| {
            let single = SingleFile { path: &path, mode: PLAIN_FILE, size: Some(file.size), original: None };
            extract_file(content, single, &destination, &Silent)
        });
        written??;
    }
    Ok(destination.commit()?)
}
