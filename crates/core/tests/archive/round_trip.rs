//! Packing an unpacked layer results in the same layer.

use std::collections::BTreeMap;

use kit_core::archive::Overwrite;
use proptest::prelude::*;

use crate::scenery::{Context, set_mode, unpack};

/// The content of a file, or none for a folder, and a mode that no usual umask changes.
type Entry = (Option<Vec<u8>>, u32);

fn trees() -> impl Strategy<Value = BTreeMap<String, Entry>> {
    let path = "[abé.~]{0,2}[a-c](/[ab]{1,60}){0,3}(/é{1,40})?";
    let content = prop::option::weighted(0.8, prop::collection::vec(any::<u8>(), 0..1500));
    let mode = prop::sample::select(vec![0o644, 0o755, 0o600, 0o700, 0o500, 0o555]);
    prop::collection::btree_map(path, (content, mode), 0..12)
}

fn build(tree: &BTreeMap<String, Entry>) -> Context {
    let context = Context::new();
    let mut made = Vec::new();
    for (path, (content, mode)) in tree {
        let above = path.match_indices('/').map(|(end, _)| &path[..end]);
        if above.clone().any(|path| context.root().join(path).is_file()) || context.root().join(path).exists() {
            continue;
        }
        match content {
            Some(bytes) => context.file(path, bytes),
            None => context.directory(path),
        }
        made.push((path, mode));
    }
    // Last and from inside out: not even the owner can write into a folder of mode 0500.
    for (path, mode) in made.into_iter().rev() {
        context.set_mode(path, *mode);
    }
    context
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn a_layer_that_was_unpacked_packs_to_itself(tree in trees()) {
        let context = build(&tree);
        let target = Context::new();
        let layer = context.pack(".").unwrap();
        let placed = unpack(target.root(), Overwrite::Refuse, &[(".", &layer)]).unwrap();
        prop_assert_eq!(target.pack(".").unwrap(), layer.clone());
        let again = unpack(target.root(), Overwrite::Refuse, &[(".", &layer)]).unwrap();
        prop_assert_eq!((again.files, again.already_right), (0, placed.files));
        for place in [context.root(), target.root()] {
            allow_removal(place);
        }
    }

    #[test]
    fn replacing_any_existing_tree_gives_the_layer(old in trees(), new in trees()) {
        let (target, context) = (build(&old), build(&new));
        let layer = context.pack(".").unwrap();
        if unpack(target.root(), Overwrite::Replace, &[(".", &layer)]).is_ok() {
            let again = unpack(target.root(), Overwrite::Refuse, &[(".", &layer)]).unwrap();
            prop_assert_eq!(again.files, 0);
        }
        for place in [context.root(), target.root()] {
            allow_removal(place);
        }
    }
}

/// Makes folders writable, because read-only ones can be emptied only by root.
fn allow_removal(place: &std::path::Path) {
    for entry in fs_err::read_dir(place).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            set_mode(&path, 0o755);
            allow_removal(&path);
        }
    }
}
