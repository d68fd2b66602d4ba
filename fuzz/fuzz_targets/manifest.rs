//! The documents of a ModelKit: a manifest, a NUL byte, which JSON cannot contain, and a config.

#![no_main]

use kit_core::modelkit::ModelKit;
use kit_core::oci::{Descriptor, Manifest, MediaType, Referrer};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut documents = data.splitn(2, |byte| *byte == 0);
    let (manifest, config) = (documents.next().unwrap_or_default(), documents.next().unwrap_or_default());
    drop(Referrer::read(&Descriptor::of(MediaType::IMAGE_MANIFEST, manifest), manifest));
    if let Ok(manifest) = Manifest::parse(manifest) {
        assert_eq!(Manifest::parse(&manifest.to_bytes()).ok().as_ref(), Some(&manifest));
        if let Err(error) = ModelKit::read(manifest, config) {
            drop(error.to_string());
        }
    }
});
