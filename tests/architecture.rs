//! The arrows between the rooms, checked: the table of what may name what is the constant below.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// `(room, rooms it may name)`, top floor first. `main.rs` and `lib.rs` may name every room.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "ops",
            "archive",
            "store",
            "registry",
            "hub",
            "git",
            "lfs",
            "kitfile",
            "oci",
            "compression",
            "digest",
            "progress",
            "recipe",
            "relative_path",
            "problem",
        ],
    ),
    (
        "ops",
        &[
            "archive",
            "store",
            "registry",
            "hub",
            "git",
            "lfs",
            "modelkit",
            "kitfile",
            "oci",
            "contents",
            "tensors",
            "provenance",
            "digest",
            "compression",
            "layer_format",
            "recipe",
            "relative_path",
            "progress",
            "problem",
        ],
    ),
    (
        "archive",
        &["contents", "digest", "compression", "layer_format", "recipe", "blocks", "relative_path", "progress"],
    ),
    ("store", &["digest", "recipe", "blocks", "oci"]),
    ("registry", &["digest", "oci"]),
    ("hub", &["registry", "digest", "oci", "relative_path"]),
    ("lfs", &["registry", "digest", "oci", "relative_path"]),
    ("git", &[]),
    ("modelkit", &["digest", "compression", "layer_format", "relative_path", "oci", "kitfile", "problem"]),
    ("kitfile", &["digest", "relative_path", "oci", "problem"]),
    ("oci", &["digest"]),
    ("contents", &["digest", "relative_path", "tensors"]),
    ("tensors", &[]),
    ("provenance", &["digest"]),
    ("digest", &[]),
    ("compression", &[]),
    ("layer_format", &[]),
    ("blocks", &[]),
    ("recipe", &[]),
    ("relative_path", &[]),
    ("progress", &[]),
    ("problem", &[]),
];

/// How many packages Cargo.lock may hold. Raising it is a decision that somebody makes in a commit.
const PACKAGES_CEILING: usize = 250;

#[test]
fn arrows_point_downward() {
    let wrong: Vec<String> = sources().iter().flat_map(|file| wrong_arrows(file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_file_says_what_lives_in_it() {
    let has_head = |file: &PathBuf| fs_err::read_to_string(file).unwrap().starts_with("//! ");
    let silent: Vec<_> = sources().into_iter().filter(|file| !has_head(file)).collect();
    assert!(silent.is_empty(), "these files do not start with a `//!` head: {silent:?}");
}

#[test]
fn the_dependencies_stay_under_their_ceiling() {
    let lock = fs_err::read_to_string(root().join("Cargo.lock")).unwrap();
    let packages = lock.matches("[[package]]").count();
    assert!(packages <= PACKAGES_CEILING, "{packages} packages in Cargo.lock; the ceiling is {PACKAGES_CEILING}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    let mut folders = vec![root().join("src")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs_err::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.push(path);
            }
        }
    }
    files
}

fn wrong_arrows(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let room = first.trim_end_matches(".rs");
    if matches!(room, "main" | "lib") {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("`{room}` is no room of the table in tests/architecture.rs")];
    };
    let text = fs_err::read_to_string(file).unwrap();
    let named = rooms_named_in(&text);
    let wrong = named.iter().filter(|name| **name != room && !allowed.contains(&name.as_str()));
    wrong.map(|name| format!("{}: `{room}` must not name `crate::{name}`", inside.display())).collect()
}

/// What follows `crate::` anywhere. A group, `crate::{…}`, is named `{` and so is refused everywhere: one `use` line per
/// room keeps the arrows readable at the top of a file.
fn rooms_named_in(text: &str) -> BTreeSet<String> {
    let room = |rest: &str| -> String {
        if rest.starts_with('{') {
            "{".to_owned()
        } else {
            rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        }
    };
    text.split("crate::").skip(1).map(room).collect()
}
