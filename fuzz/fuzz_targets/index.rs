//! An image index, and an index of ModelKits. What is written for a parsed index is parsed as an equal index.

#![no_main]

use kit_core::modelkit::ModelKitIndex;
use kit_core::oci::{Descriptor, Index, MediaType};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    drop(serde_json::from_slice::<Index>(data));
    if let Ok(Some(index)) = ModelKitIndex::read(&Descriptor::of(MediaType::IMAGE_INDEX, data), data) {
        let (descriptor, bytes) = index.to_bytes();
        assert_eq!(ModelKitIndex::read(&descriptor, &bytes).ok(), Some(Some(index)));
    }
});
