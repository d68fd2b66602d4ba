//! Layers of files whose permission bits are recorded elsewhere, as on Windows.

use std::sync::Arc;

use kit_core::archive::Modes;
use kit_core::compression::Compression;

use crate::scenery::Context;

/// The files of the tree with the permission bits that a checkout has on Linux.
const TREE: [(&str, u32); 4] =
    [("README.md", 0o644), ("bin/run", 0o755), ("bin/data/table.csv", 0o644), ("src/deep/train.py", 0o755)];

/// A context of the files of [`TREE`]; `mode` returns the bits on the disk.
fn tree(mode: impl Fn(u32) -> u32) -> Context {
    let context = Context::with_files(&TREE.map(|(path, _)| path));
    for (path, recorded) in TREE {
        context.set_mode(path, mode(recorded));
    }
    context
}

fn layer(context: &Context) -> Vec<u8> {
    context.pack_with(".", &[], Compression::None).unwrap().1
}

#[test]
fn a_tree_with_recorded_modes_is_packed_as_on_a_system_that_has_modes() {
    let mut without_modes = tree(|_| 0o600);
    without_modes.set_mode("bin", 0o700);
    let expected = layer(&tree(|recorded| recorded));
    assert_ne!(layer(&without_modes), expected);
    let executables = TREE.iter().filter(|(_, mode)| mode & 0o111 != 0).map(|(path, _)| path.parse().unwrap());
    without_modes.modes = Modes::Recorded(Arc::new(executables.collect()));
    assert_eq!(layer(&without_modes), expected);
}

#[test]
fn files_are_not_executable_without_a_record() {
    let mut context = tree(|recorded| recorded);
    let expected = layer(&tree(|_| 0o644));
    context.modes = Modes::Recorded(Arc::default());
    assert_eq!(layer(&context), expected);
}
