//! Listing layers: the members and their contents, equal for seeking and for reading.

use std::io::Read;

use kit_core::archive::{LayerMember, Listing};
use kit_core::oci::{Content, RangedReader};

use crate::scenery::{Context, shape};

/// Returns the members, and the bytes that the listing returned of each of them.
fn list<R: Read>(mut listing: Listing<R>, read: impl Fn(&LayerMember) -> u64) -> Vec<(LayerMember, Vec<u8>)> {
    let mut members = Vec::new();
    while let Some(member) = listing.next_member().unwrap() {
        let mut content = Vec::new();
        listing.by_ref().take(read(&member)).read_to_end(&mut content).unwrap();
        members.push((member, content));
    }
    members
}

fn layer() -> Vec<u8> {
    let context = Context::with_files(&["d/a", "d/e/b"]);
    context.file("d/large", &vec![7; 300_000]);
    context.file(&format!("d/{}", "long".repeat(40)), b"x");
    context.file("d/z", b"");
    context.pack("d").unwrap()
}

#[test]
fn hopping_and_reading_list_the_same() {
    let layer = layer();
    let content = &&layer[..];
    for wanted in [0, 1, 100_000, u64::MAX] {
        let hopped = Listing::hopping(RangedReader::new(content, layer.len() as u64), shape("d"));
        let hopped = list(hopped, |_| wanted);
        assert_eq!(hopped, list(Listing::reading(&layer[..], shape("d")), |_| wanted), "{wanted}");
        assert_eq!(hopped.len(), 7);
    }
}

#[test]
fn the_listing_gives_the_offset_of_each_file() {
    let layer = layer();
    let content = &&layer[..];
    let listed = list(Listing::hopping(RangedReader::new(content, layer.len() as u64), shape("d")), |_| u64::MAX);
    let large = listed.iter().find(|(member, _)| member.path.as_str() == "d/large").unwrap();
    assert_eq!((large.0.mode, large.0.size, large.0.is_directory), (0o644, 300_000, false));
    for (member, expected) in listed {
        let mut found = Vec::new();
        content.open_range(member.offset, member.size).unwrap().read_to_end(&mut found).unwrap();
        assert_eq!(found, expected, "{}", member.path);
    }
}

#[test]
fn a_layer_that_ends_too_early_does_not_look_complete() {
    let layer = layer();
    let cut = &layer[..200_000];
    let last = |mut listing: Listing<RangedReader>| loop {
        match listing.next_member() {
            Ok(Some(_)) => {}
            Ok(None) => panic!("a truncated layer was listed completely"),
            Err(error) => return error.to_string(),
        }
    };
    let content = &cut;
    let error = last(Listing::hopping(RangedReader::new(content, cut.len() as u64), shape("d")));
    assert_eq!(error, "malformed layer: the archive ends within a member, at `d/large`");
}

proptest::proptest! {
    #[test]
    fn arbitrary_bytes_are_listed_or_refused(places: [proptest::sample::Index; 4], bytes: [u8; 4]) {
        let mut layer = Context::with_files(&["d/a", "d/b"]).pack("d").unwrap();
        for (place, byte) in places.iter().zip(bytes) {
            let place = place.index(layer.len());
            layer[place] = byte;
        }
        let content = &&layer[..];
        let mut hopping = Listing::hopping(RangedReader::new(content, layer.len() as u64), shape("d"));
        let mut reading = Listing::reading(&layer[..], shape("d"));
        loop {
            let (hopped, read) = (hopping.next_member().ok(), reading.next_member().ok());
            proptest::prop_assert_eq!(&hopped, &read);
            if hopped.flatten().is_none() {
                break;
            }
        }
    }
}
