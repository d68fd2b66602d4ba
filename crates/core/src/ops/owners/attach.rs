//! Attaching the `KITOWNERS` of a folder to the ModelKit that is packed from it.

use std::io;
use std::path::Path;

use jiff::Timestamp;

use super::read::{CONTENT, newest};
use crate::digest::Digest;
use crate::limits;
use crate::oci::{Annotations, CREATED, Descriptor, MediaType, Subject, Target};
use crate::ops::artifact::Attachment;
use crate::ops::error::Error;
use crate::owners::{FILE_NAME, MEDIA_TYPE, Owners};
use crate::sys;

/// The annotation by which other tools name the file of a blob (image-spec 1.1, "Pre-Defined Annotation Keys").
const TITLE: &str = "org.opencontainers.image.title";

/// Reads the `KITOWNERS` of the folder `context`: its text, and what it says. Fails if it is not valid.
pub(crate) fn of_folder(context: &Path) -> Result<Option<(String, Owners)>, Error> {
    match sys::read_regular_text(&context.join(FILE_NAME), limits::OWNERS_BYTES) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.into()),
        Ok(text) => {
            let owners = Owners::parse(&text)?;
            Ok(Some((text, owners)))
        }
    }
}

/// Returns the attachment with the owners in the folder `context`. Returns none if the folder has no `KITOWNERS`, or if
/// the newest one that `target` has for `subject` is the same.
pub(crate) fn attachment(
    context: &Path,
    (target, subject): (&dyn Target, &Subject<'_>),
    time: Option<Timestamp>,
) -> Result<Option<Attachment<'static>>, Error> {
    let Some((text, _)) = of_folder(context)? else { return Ok(None) };
    let digest = Digest::of(text.as_bytes()).to_string();
    // A list that cannot be read is reported when the documents are attached.
    let attached = if subject.is_new { Vec::new() } else { target.attached(subject.descriptor).unwrap_or_default() };
    if newest(&attached).is_some_and(|newest| newest.annotations.get(CONTENT) == Some(&digest)) {
        return Ok(None);
    }
    let mut blob = Descriptor::of(MediaType::of("text/plain"), text.as_bytes());
    blob.annotations = Annotations::from([(TITLE.to_owned(), FILE_NAME.to_owned())]);
    let mut annotations = Annotations::from([(CONTENT.to_owned(), digest)]);
    annotations.extend(time.map(|time| (CREATED.to_owned(), time.to_string())));
    let blobs: Vec<(Descriptor, Box<dyn crate::oci::Content>)> = vec![(blob, Box::new(text.into_bytes()))];
    Ok(Some(Attachment { artifact_type: MediaType::of(MEDIA_TYPE), blobs, annotations }))
}
