//! The member headers of a tar layer. Checksums are corrected first, because a parser stops at a wrong one.

#![no_main]

use kit_core::archive::{LayerShape, Listing};
use kit_core::relative_path::RelativePath;
use libfuzzer_sys::fuzz_target;

const BLOCK: usize = 512;
const CHECKSUM: std::ops::Range<usize> = 148..156;

fuzz_target!(|data: &[u8]| {
    let mut tar = data.to_vec();
    tar.chunks_exact_mut(BLOCK).for_each(correct_checksum);
    let shape = LayerShape { path: RelativePath::root(), base: RelativePath::root() };
    let mut listing = Listing::reading(&tar[..], shape);
    while let Ok(Some(member)) = listing.next_member() {
        assert!(member.path.components().all(|name| name != ".."), "`{}` leaves the target", member.path);
        assert!(member.offset <= tar.len() as u64);
    }
});

/// Corrects the checksum of a header, except in the empty blocks at the end of an archive.
fn correct_checksum(block: &mut [u8]) {
    if block.iter().any(|byte| *byte != 0) {
        block[CHECKSUM].fill(b' ');
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[CHECKSUM].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    }
}
