//! The annotations of a layer that hold its table of contents, or name the blob with it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::digest::Digest;
use crate::limits;
use crate::oci::{Descriptor, MediaType};

/// The annotation with the bytes of a small table in base64.
const DATA: &str = "ml.kitops.modelkit.contents.data";
/// The annotations with the digest of the blob of a larger table and its size in bytes.
const DIGEST: &str = "ml.kitops.modelkit.contents";
const SIZE: &str = "ml.kitops.modelkit.contents.size";
/// The media type of a table of contents.
const MEDIA_TYPE: MediaType = MediaType::of("application/vnd.kit.contents.v1.jsonl+zstd");

/// The table of contents of a layer: in the manifest if it is small, otherwise a blob that the manifest names. In both
/// cases, the digest of the manifest covers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContentsTable {
    /// The media type, the digest and the size of the compressed table.
    pub descriptor: Descriptor,
    inline: Option<Vec<u8>>,
}

impl ContentsTable {
    /// Describes the compressed table `bytes`.
    pub fn new(bytes: &[u8]) -> Self {
        let inline = (bytes.len() <= limits::INLINE_TABLE_BYTES).then(|| bytes.to_vec());
        Self { descriptor: Descriptor::of(MEDIA_TYPE, bytes), inline }
    }

    /// Reads the annotations of `layer`.
    pub fn of(layer: &Descriptor) -> Option<Self> {
        if let Some(data) = layer.annotations.get(DATA) {
            let bytes = STANDARD.decode(data).ok()?;
            return Some(Self { descriptor: Descriptor::of(MEDIA_TYPE, &bytes), inline: Some(bytes) });
        }
        let digest = layer.annotations.get(DIGEST)?.parse().ok()?;
        let size = layer.annotations.get(SIZE)?.parse().ok()?;
        Some(Self { descriptor: Descriptor::new(MEDIA_TYPE, digest, size), inline: None })
    }

    /// Writes the annotations of `layer`.
    pub fn annotate(&self, layer: &mut Descriptor) {
        let mut insert = |key: &str, value| layer.annotations.insert(key.to_owned(), value);
        if let Some(bytes) = &self.inline {
            insert(DATA, STANDARD.encode(bytes));
        } else {
            insert(DIGEST, self.descriptor.digest.to_string());
            insert(SIZE, self.descriptor.size.to_string());
        }
    }

    /// The digest of the compressed table.
    pub fn digest(&self) -> Digest {
        self.descriptor.digest
    }

    /// The compressed table, if the manifest contains it.
    pub fn inline(&self) -> Option<&[u8]> {
        self.inline.as_deref()
    }

    /// The blob with the table, if it has one.
    pub fn blob(&self) -> Option<&Descriptor> {
        self.inline.is_none().then_some(&self.descriptor)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn layer() -> Descriptor {
        Descriptor::of(MediaType::of("t"), b"")
    }

    #[test]
    fn the_table_of_a_layer_is_found() {
        assert_eq!(ContentsTable::of(&layer()), None);
        for (size, is_inline) in
            [(0, true), (limits::INLINE_TABLE_BYTES, true), (limits::INLINE_TABLE_BYTES + 1, false)]
        {
            let (table, mut layer) = (ContentsTable::new(&vec![7; size]), layer());
            table.annotate(&mut layer);
            assert_eq!(ContentsTable::of(&layer), Some(table.clone()));
            assert_eq!((table.inline().is_some(), table.blob().is_none()), (is_inline, is_inline));
        }
    }

    #[test]
    fn invalid_annotations_are_no_table() {
        for annotations in [&[(DIGEST, "sha256:1")][..], &[(DATA, "*")], &[(SIZE, "-1")]] {
            let mut layer = layer();
            ContentsTable::new(&[7; limits::INLINE_TABLE_BYTES + 1]).annotate(&mut layer);
            layer.annotations.extend(annotations.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())));
            assert_eq!(ContentsTable::of(&layer), None, "{annotations:?}");
        }
    }
}
