//! A local store with many ModelKits, made quickly: many with each change of the index.

use std::path::Path;

use kit_core::oci::{Content, Descriptor, MediaType, Publication, Reference, Target};
use kit_core::store::{Names, Store};
use serde_json::{Value, json};

/// The number of ModelKits that are stored at once. Each takes three open files.
const AT_ONCE: usize = 100;

/// Adds copies of the only ModelKit in the store, `net:v0`, under the names `net:v1`, `net:v2` and so on. Each has two
/// referrers, as `kit pack` makes them.
pub(crate) fn fill(folder: &Path, number: usize) {
    let store = Store::open(folder).unwrap();
    let repository: Reference = "net".parse().unwrap();
    let first = store.find(&Names::Of(repository.clone()), "v0").unwrap().unwrap().descriptor;
    let manifest: Value = serde_json::from_slice(&store.read_document(&first).unwrap()).unwrap();
    let writer = store.writer(Names::Of(repository)).unwrap();
    let (empty, content) = (Descriptor::of(MediaType::EMPTY, b"{}"), &&b"{}"[..] as &dyn Content);
    let numbers: Vec<_> = (1..=number).collect();
    for numbers in numbers.chunks(AT_ONCE) {
        let mut manifests: Vec<(Descriptor, Vec<u8>, Option<String>)> = Vec::new();
        for number in numbers {
            let mut copy = manifest.clone();
            copy["annotations"]["number"] = json!(number.to_string());
            let modelkit = described(&copy);
            for kind in ["application/vnd.kit.contents.v1", "application/vnd.in-toto+json"] {
                let referrer = json!({
                    "schemaVersion": 2, "mediaType": MediaType::IMAGE_MANIFEST, "artifactType": kind,
                    "config": empty, "layers": [], "subject": modelkit.0,
                });
                let (descriptor, bytes) = described(&referrer);
                manifests.push((descriptor, bytes, None));
            }
            manifests.push((modelkit.0, modelkit.1, Some(format!("v{number}"))));
        }
        let publications = manifests.iter().map(|(descriptor, manifest, tag)| Publication {
            descriptor,
            manifest,
            tag: tag.as_deref(),
            documents: vec![(&empty, content)],
        });
        writer.publish_all(&publications.collect::<Vec<_>>()).unwrap();
    }
}

/// Returns the descriptor and the bytes of a manifest.
fn described(manifest: &Value) -> (Descriptor, Vec<u8>) {
    let bytes = serde_json::to_vec(manifest).unwrap();
    (Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes), bytes)
}
