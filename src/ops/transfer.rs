//! The one copy of an artifact from a place to another: push, pull and everything like them.

use std::io::{self, Read};
use std::sync::atomic::{AtomicBool, Ordering};

use super::{Error, workers};
use crate::modelkit::{self, is_modelkit};
use crate::oci::{Content, ContentError, Descriptor, Manifest, Source, Target};
use crate::progress::{Progress, Task, human};

/// How to copy.
#[derive(Debug, Clone, Copy)]
pub struct CopyOptions {
    /// How many blobs travel at once.
    pub jobs: usize,
}

/// What a copy did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// The manifest that is at the target now.
    pub manifest: Descriptor,
    /// Bytes of blobs that travelled.
    pub sent_bytes: u64,
    /// Bytes of blobs that were there.
    pub present_bytes: u64,
}

/// Copies the artifact called `name` with everything it needs and calls it `tag` at the target.
///
/// Blobs that the target has do not travel. The manifest goes last: the artifact appears at the target only when it is
/// whole. What is not a ModelKit is refused before anything moves.
pub fn copy(
    (source, name): (&dyn Source, &str),
    (target, tag): (&dyn Target, Option<&str>),
    options: CopyOptions,
    progress: &dyn Progress,
) -> Result<Copied, Error> {
    let descriptor = source.resolve(name).map_err(|error| Error::reading("the manifest", error))?;
    let bytes = source.manifest(&descriptor).map_err(|error| Error::reading("the manifest", error))?;
    let manifest = Manifest::parse(&bytes).map_err(Error::NotAManifest)?;
    if !is_modelkit(&manifest) {
        return Err(Error::NotAModelKit(name.to_owned()));
    }
    let mut blobs: Vec<Descriptor> = manifest.blobs().cloned().collect();
    // The largest first, so that no worker is left alone with it at the end.
    blobs.sort_by_key(|blob| std::cmp::Reverse(blob.size));
    let moved = workers::run(options.jobs, &blobs, |blob| copy_blob(source, target, blob, progress))?;
    let publish = target.publish(&descriptor, &bytes, tag);
    publish.map_err(|error| Error::writing("the manifest", error))?;
    let sum = |wanted| blobs.iter().zip(&moved).filter(|(_, moved)| **moved == wanted).map(|(blob, _)| blob.size).sum();
    Ok(Copied { manifest: descriptor, sent_bytes: sum(Moved::Sent), present_bytes: sum(Moved::Present) })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moved {
    Sent,
    Present,
}

fn copy_blob(
    source: &dyn Source,
    target: &dyn Target,
    blob: &Descriptor,
    progress: &dyn Progress,
) -> Result<Moved, Error> {
    let label = modelkit::label(blob);
    if target.contains(blob).map_err(|error| Error::writing(&label, error))? {
        progress.say(&format!("{label}: {} already there", human(blob.size)));
        return Ok(Moved::Present);
    }
    let content = source.blob(blob);
    let task = progress.start(&label, Some(blob.size));
    let tracked = Tracked { content: &*content, task: &*task, failed: AtomicBool::new(false) };
    target.put(blob, &tracked).map_err(|error| {
        if tracked.failed.load(Ordering::Relaxed) {
            Error::reading(&label, error)
        } else {
            Error::writing(&label, error)
        }
    })?;
    drop(task);
    progress.say(&format!("{label}: {} copied", human(blob.size)));
    Ok(Moved::Sent)
}

/// Counts the bytes that pass, and remembers whether it was this side that failed. Content that is opened again sets the
/// count back to where it is opened.
struct Tracked<'a> {
    content: &'a dyn Content,
    task: &'a dyn Task,
    failed: AtomicBool,
}

impl Content for Tracked<'_> {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send + '_>, ContentError> {
        self.task.set(offset);
        match self.content.open_at(offset) {
            Ok(reader) => Ok(Box::new(TrackedReader { reader, tracked: self })),
            Err(error) => {
                self.failed.store(true, Ordering::Relaxed);
                Err(error)
            }
        }
    }
}

struct TrackedReader<'a> {
    reader: Box<dyn Read + Send + 'a>,
    tracked: &'a Tracked<'a>,
}

impl Read for TrackedReader<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.reader.read(buffer) {
            Ok(read) => {
                self.tracked.task.advance(read as u64);
                Ok(read)
            }
            Err(error) => {
                if error.kind() != io::ErrorKind::Interrupted {
                    self.tracked.failed.store(true, Ordering::Relaxed);
                }
                Err(error)
            }
        }
    }
}
