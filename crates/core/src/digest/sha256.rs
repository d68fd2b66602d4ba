//! SHA-256 (FIPS 180-4), built on the compression functions of the `sha2` crate and of [`twin`](super::twin).
//!
//! Two computations can take the same bytes at the cost of one, which the hashers of existing crates cannot do.

use sha2::block_api::compress256;

use super::twin;

pub(super) const BLOCK: usize = 64;

/// FIPS 180-4, 5.3.3.
const INITIAL: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

/// The state of one computation.
#[derive(Clone)]
pub(super) struct Sha256 {
    state: [u32; 8],
    length: u64,
    /// The first `length % 64` bytes are those of an incomplete block.
    block: [u8; BLOCK],
}

impl Default for Sha256 {
    fn default() -> Self {
        Self { state: INITIAL, length: 0, block: [0; BLOCK] }
    }
}

impl Sha256 {
    /// Adds the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) {
        let (first, bytes) = bytes.split_at(bytes.len().min(self.missing()));
        self.collect(first);
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        compress256(&mut self.state, blocks);
        self.length += blocks.as_flattened().len() as u64;
        self.collect(rest);
    }

    /// Adds the next bytes to `self` and to `other`. Costs as much as adding them once if both have an equally filled
    /// block.
    pub(super) fn update_both(&mut self, other: &mut Self, bytes: &[u8]) {
        if self.missing() != other.missing() {
            self.update(bytes);
            other.update(bytes);
            return;
        }
        let (first, bytes) = bytes.split_at(bytes.len().min(self.missing()));
        let (blocks, rest) = bytes.as_chunks::<BLOCK>();
        for hash in [&mut *self, &mut *other] {
            hash.collect(first);
        }
        twin::compress(&mut self.state, &mut other.state, blocks);
        for hash in [self, other] {
            hash.length += blocks.as_flattened().len() as u64;
            hash.collect(rest);
        }
    }

    /// Returns the 32 bytes of the digest.
    pub(super) fn finish(mut self) -> [u8; 32] {
        // FIPS 180-4, 5.1.1: a one, zeros, and the length in bits, up to the end of a block.
        let bits = self.length.wrapping_mul(8).to_be_bytes();
        let zeros = (BLOCK - 1 + BLOCK - bits.len() - self.filled()) % BLOCK;
        let mut padding = [0; 2 * BLOCK];
        padding[0] = 0x80;
        padding[1 + zeros..][..bits.len()].copy_from_slice(&bits);
        self.update(&padding[..1 + zeros + bits.len()]);
        let mut digest = [0; 32];
        for (bytes, word) in digest.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
        digest
    }

    fn filled(&self) -> usize {
        usize::try_from(self.length % BLOCK as u64).expect("a remainder of a division by 64 is small")
    }

    /// The number of bytes that complete the current block; 0 if none has begun.
    fn missing(&self) -> usize {
        (BLOCK - self.filled()) % BLOCK
    }

    /// Adds at most as many bytes as complete the current block.
    fn collect(&mut self, bytes: &[u8]) {
        let filled = self.filled();
        self.block[filled..][..bytes.len()].copy_from_slice(bytes);
        self.length += bytes.len() as u64;
        if !bytes.is_empty() && self.filled() == 0 {
            compress256(&mut self.state, &[self.block]);
        }
    }
}

#[cfg(test)]
mod tests {
    use sha2::Digest as _;

    use super::*;

    proptest::proptest! {
        #[test]
        fn it_is_sha256_whatever_the_pieces(
            content in proptest::collection::vec(0_u8.., 0..700),
            piece in 1_usize..300,
        ) {
            let mut hash = Sha256::default();
            content.chunks(piece).for_each(|bytes| hash.update(bytes));
            let expected: [u8; 32] = sha2::Sha256::digest(&content).into();
            proptest::prop_assert_eq!(hash.finish(), expected);
        }

        #[test]
        fn two_take_the_same_bytes(
            before in proptest::collection::vec(0_u8.., 0..200),
            content in proptest::collection::vec(0_u8.., 0..700),
            piece in 1_usize..300,
        ) {
            let (mut whole, mut part) = (Sha256::default(), Sha256::default());
            whole.update(&before);
            content.chunks(piece).for_each(|bytes| whole.update_both(&mut part, bytes));
            let expected: [u8; 32] = sha2::Sha256::digest(&content).into();
            proptest::prop_assert_eq!(part.finish(), expected);
            let expected: [u8; 32] = sha2::Sha256::digest([before, content].concat()).into();
            proptest::prop_assert_eq!(whole.finish(), expected);
        }
    }
}
