//! The last layer of an image with the layout [`Link`](super::ImageLayout::Link): the symbolic link `models -> .`.
//!
//! The bytes are constant, so that a registry stores them once for all images. The target is relative: containerd
//! refuses an absolute link below a mounted subfolder ("path escapes from parent").

use super::assemble::LAYER_TYPE;
use crate::oci::{Descriptor, Manifest, MediaType};

const BLOCK_BYTES: usize = 512;

/// The fields of the header in bytes from its start (POSIX.1-2017, pax, "ustar Interchange Format").
const FIELDS: [(usize, &[u8]); 11] = [
    (0, b"models"),
    (100, b"0000777\0"),
    (108, b"0000000\0"),
    (116, b"0000000\0"),
    (124, b"00000000000\0"),
    (136, b"00000000000\0"),
    (156, b"2"),
    (157, b"."),
    (257, b"ustar\0\x30\x30"),
    (329, b"0000000\0"),
    (337, b"0000000\0"),
];
const CHECKSUM: std::ops::Range<usize> = 148..156;

/// Returns the layer and its bytes. It is not compressed, so its digest is its diff ID.
pub(super) fn layer() -> (Descriptor, Vec<u8>) {
    let mut bytes = vec![0; BLOCK_BYTES * 3];
    for (start, value) in FIELDS {
        bytes[start..start + value.len()].copy_from_slice(value);
    }
    bytes[CHECKSUM].fill(b' ');
    let sum: u32 = bytes[..BLOCK_BYTES].iter().map(|byte| u32::from(*byte)).sum();
    bytes[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    (Descriptor::of(MediaType::of(LAYER_TYPE), &bytes), bytes)
}

/// Returns true if the image has this layer.
pub(crate) fn has_models_link(image: &Manifest) -> bool {
    let (link, _) = layer();
    image.layers.iter().any(|layer| layer.digest == link.digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_link_layer_never_changes() {
        let (descriptor, bytes) = layer();
        assert_eq!(
            descriptor.digest.to_string(),
            "sha256:dd034bfeea2d7a6f828dbd99bb9426bd7ed79947c1880bcbce5a5029c9026eb9"
        );
        assert_eq!((bytes.len(), descriptor.size), (1536, 1536));
    }
}
