//! The record of a collection: facts that the next collection need not read from many small files again.
//!
//! The file `.kit/collected` lists the blobs of each manifest, and the blob of each remembered layer. The first are
//! facts about digests, so they never become wrong. It ends with the digest of its content: if it is incomplete or
//! damaged, or missing, the files are read again; there is no other loss.

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::ops::Range;

use crate::digest::Digest;
use crate::limits;
use crate::oci::Descriptor;
use crate::store::collect::remove_if_there;
use crate::store::error::Error;
use crate::store::layout::Store;
use crate::sys;

/// The number of manifests from which there is a record; fewer are read as quickly.
#[cfg(not(test))]
const RECORDED_FROM: usize = 256;
#[cfg(test)]
const RECORDED_FROM: usize = 2;

/// The first bytes of the file, with the version of its form.
const HEAD: &[u8] = b"kit record 1\n";

const DIGEST_BYTES: usize = 32;

/// The facts that are known, and the facts of this collection.
#[derive(Debug, Default)]
pub(in crate::store) struct Record {
    manifests: HashMap<Digest, Range<usize>>,
    /// The blobs of all manifests, one after the other.
    blobs: Vec<Digest>,
    layers: HashMap<Digest, Digest>,
    /// The manifests and remembered layers of this collection.
    used: HashSet<Digest>,
    has_new: bool,
}

impl Record {
    /// Returns the blobs of a manifest, if they are known.
    pub(in crate::store) fn blobs(&mut self, manifest: &Digest) -> Option<&[Digest]> {
        let range = self.manifests.get(manifest)?;
        self.used.insert(*manifest);
        Some(&self.blobs[range.clone()])
    }

    /// Notes what a manifest leads to, unless it leads to other manifests: those have to be read with it.
    pub(in crate::store) fn note_manifest(&mut self, manifest: &Digest, children: &[Descriptor]) {
        if children.iter().any(|child| child.media_type.is_manifest()) {
            return;
        }
        let start = self.blobs.len();
        self.blobs.extend(children.iter().map(|child| child.digest));
        self.manifests.insert(*manifest, start..self.blobs.len());
        self.used.insert(*manifest);
        self.has_new = true;
    }

    /// Returns the blob of the layer that is remembered under `key`, if it is known.
    pub(in crate::store) fn layer(&mut self, key: &Digest) -> Option<Digest> {
        let blob = self.layers.get(key).copied()?;
        self.used.insert(*key);
        Some(blob)
    }

    /// Notes the blob of the layer that is remembered under `key`.
    pub(in crate::store) fn note_layer(&mut self, key: &Digest, blob: Digest) {
        self.layers.insert(*key, blob);
        self.used.insert(*key);
        self.has_new = true;
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let (content, digest) = bytes.split_last_chunk::<DIGEST_BYTES>()?;
        let rest = &mut content.strip_prefix(HEAD)?;
        if Digest::of(content).bytes() != digest {
            return None;
        }
        let mut record = Self::default();
        for _ in 0..take_count(rest)? {
            let (manifest, count, start) = (take_digest(rest)?, take_count(rest)?, record.blobs.len());
            for _ in 0..count {
                record.blobs.push(take_digest(rest)?);
            }
            record.manifests.insert(manifest, start..record.blobs.len());
        }
        for _ in 0..take_count(rest)? {
            let (key, blob) = (take_digest(rest)?, take_digest(rest)?);
            record.layers.insert(key, blob);
        }
        rest.is_empty().then_some(record)
    }

    /// Encodes the facts that this collection used.
    fn encode(&self) -> Vec<u8> {
        let manifests: Vec<_> = self.manifests.iter().filter(|(manifest, _)| self.used.contains(*manifest)).collect();
        let layers: Vec<_> = self.layers.iter().filter(|(key, _)| self.used.contains(*key)).collect();
        let mut bytes = HEAD.to_vec();
        put_count(&mut bytes, manifests.len());
        for (manifest, range) in manifests {
            bytes.extend_from_slice(manifest.bytes());
            put_count(&mut bytes, range.len());
            self.blobs[range.clone()].iter().for_each(|blob| bytes.extend_from_slice(blob.bytes()));
        }
        put_count(&mut bytes, layers.len());
        for (key, blob) in layers {
            bytes.extend_from_slice(key.bytes());
            bytes.extend_from_slice(blob.bytes());
        }
        let digest = Digest::of(&bytes);
        bytes.extend_from_slice(digest.bytes());
        bytes
    }

    /// Returns true if a file with these facts would be the one that was read.
    fn is_unchanged(&self) -> bool {
        !self.has_new && self.used.len() == self.manifests.len() + self.layers.len()
    }
}

impl Store {
    /// Reads the record of the last collection. One that cannot be read is empty.
    pub(in crate::store) fn read_record(&self) -> Record {
        let bytes = sys::read_regular(&self.private(FILE), limits::INDEX_READ_BYTES).unwrap_or_default();
        Record::parse(&bytes).unwrap_or_default()
    }

    /// Replaces the record by the facts that `record` used, if it has enough of them.
    pub(in crate::store) fn write_record(&self, record: &Record) -> Result<(), Error> {
        if record.used.len() < RECORDED_FROM {
            return Ok(remove_if_there(&self.private(FILE))?);
        }
        if record.is_unchanged() {
            return Ok(());
        }
        let mut file = self.temporary_file()?;
        file.write_all(&record.encode())?;
        // Not synced: an incomplete file does not match its digest.
        Ok(file.persist(&self.private(FILE))?)
    }
}

const FILE: &str = "collected";

fn take_digest(rest: &mut &[u8]) -> Option<Digest> {
    let (bytes, after) = rest.split_first_chunk::<DIGEST_BYTES>()?;
    *rest = after;
    Some(Digest::from_bytes(*bytes))
}

fn take_count(rest: &mut &[u8]) -> Option<usize> {
    let (bytes, after) = rest.split_first_chunk()?;
    *rest = after;
    usize::try_from(u32::from_le_bytes(*bytes)).ok()
}

fn put_count(bytes: &mut Vec<u8>, count: usize) {
    let count = u32::try_from(count).expect("an index of at most 256 MiB has less than 2^32 entries and blobs");
    bytes.extend_from_slice(&count.to_le_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oci::MediaType;

    fn digest(number: u8) -> Digest {
        Digest::of(&[number])
    }

    fn record() -> Record {
        let mut record = Record::default();
        let blob = |number: u8| Descriptor::of(MediaType::of("m"), &[number]);
        record.note_manifest(&digest(1), &[blob(2), blob(3)]);
        record.note_manifest(&digest(4), &[]);
        record.note_layer(&digest(5), digest(2));
        record
    }

    #[test]
    fn a_record_reads_as_it_was_written() {
        let mut read = Record::parse(&record().encode()).unwrap();
        assert!(!read.is_unchanged(), "nothing is used yet");
        assert_eq!(read.blobs(&digest(1)), Some(&[digest(2), digest(3)][..]));
        assert_eq!(read.blobs(&digest(4)), Some(&[][..]));
        assert_eq!(read.blobs(&digest(5)), None);
        let only_manifests = Record::parse(&read.encode()).unwrap();
        assert!(only_manifests.layers.is_empty(), "what is not used is left out");
        assert_eq!(read.layer(&digest(5)), Some(digest(2)));
        assert!(read.is_unchanged());
    }

    #[test]
    fn a_manifest_that_leads_to_manifests_is_not_recorded() {
        let mut record = Record::default();
        record.note_manifest(&digest(1), &[Descriptor::of(MediaType::IMAGE_MANIFEST, b"")]);
        assert_eq!(record.blobs(&digest(1)), None);
    }

    #[test]
    fn a_damaged_record_is_not_used() {
        let good = record().encode();
        for length in 0..good.len() {
            assert!(Record::parse(&good[..length]).is_none(), "{length}");
        }
        for at in 0..good.len() {
            let mut damaged = good.clone();
            damaged[at] ^= 1;
            assert!(Record::parse(&damaged).is_none(), "{at}");
        }
    }
}
