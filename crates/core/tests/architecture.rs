//! Checks the arrows between the rooms, and the size of files and directories. The tables of allowed arrows and the
//! limits are the constants below.

#![allow(clippy::unwrap_used, reason = "a test may stop where it stands")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// `(room, rooms it may name)`, top floor first. `lib.rs` may name every room. The program is a separate package, which
/// no room of the library can name.
const ARROWS: &[(&str, &[&str])] = &[
    (
        "ops",
        &[
            "archive",
            "store",
            "registry",
            "upstream",
            "git",
            "modelkit",
            "trust",
            "scan",
            "sbom",
            "verdict",
            "owners",
            "kitfile",
            "draft",
            "notebook",
            "file_kind",
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
            "sys",
            "blocks",
            "version",
            "limits",
        ],
    ),
    (
        "archive",
        &[
            "notebook",
            "contents",
            "digest",
            "compression",
            "layer_format",
            "recipe",
            "relative_path",
            "problem",
            "progress",
            "sys",
            "limits",
        ],
    ),
    ("store", &["blocks", "digest", "recipe", "oci", "progress", "sys", "limits"]),
    ("registry", &["digest", "oci", "progress", "sys", "version", "limits"]),
    ("upstream", &["registry", "kitfile", "oci", "provenance", "digest", "relative_path", "limits"]),
    ("git", &["sys", "limits"]),
    (
        "modelkit",
        &["digest", "compression", "layer_format", "relative_path", "oci", "kitfile", "file_kind", "problem", "limits"],
    ),
    ("sbom", &["modelkit", "kitfile", "contents", "tensors", "provenance", "oci", "digest", "version", "limits"]),
    ("trust", &["scan", "contents", "relative_path", "oci", "provenance", "digest", "problem", "limits"]),
    ("scan", &["tensors", "file_kind", "relative_path", "problem", "limits"]),
    ("verdict", &["tensors", "kitfile", "yaml", "relative_path", "progress"]),
    ("owners", &["kitfile", "relative_path", "problem", "limits"]),
    ("kitfile", &["yaml", "digest", "file_kind", "relative_path", "oci", "problem", "limits"]),
    ("notebook", &["relative_path", "limits"]),
    ("draft", &["yaml", "kitfile", "file_kind", "problem"]),
    ("oci", &["digest", "limits"]),
    ("contents", &["digest", "relative_path", "tensors", "limits"]),
    ("tensors", &["limits"]),
    ("provenance", &["digest", "limits"]),
    ("yaml", &["problem", "limits"]),
    ("digest", &["blocks"]),
    ("compression", &["limits"]),
    ("layer_format", &[]),
    ("recipe", &["sys", "limits"]),
    ("file_kind", &[]),
    ("relative_path", &[]),
    ("progress", &["digest"]),
    ("problem", &[]),
    ("limits", &[]),
    ("sys", &["blocks"]),
    ("blocks", &[]),
    ("version", &[]),
];

/// `(sub-room of ops, sub-rooms it may name)`. Every sub-room may name the modules and types at the root of `ops`.
const ARROWS_IN_OPS: &[(&str, &[&str])] = &[
    ("artifact", &[]),
    ("files", &["artifact"]),
    ("owners", &["artifact"]),
    ("impact", &["artifact", "files"]),
    ("scan", &["artifact", "files"]),
    ("remote_data", &["artifact", "files"]),
    ("trust", &["artifact", "files", "scan", "remote_data"]),
    ("evaluation", &["artifact", "files", "trust"]),
    ("skills", &["artifact", "files"]),
    ("transfer", &["artifact", "files", "trust"]),
    ("deploy", &["artifact", "files", "transfer"]),
    ("notices", &["artifact", "transfer", "trust"]),
    ("unpack", &["artifact", "files", "remote_data", "transfer", "trust"]),
    ("guard", &["artifact", "files", "scan"]),
    ("init", &["files", "guard"]),
    ("pack", &["artifact", "files", "owners", "remote_data", "transfer", "guard", "init", "scan", "trust"]),
    ("sbom", &["artifact", "files", "guard", "pack"]),
    ("subset", &["artifact", "files", "transfer", "pack"]),
    ("promotion", &["artifact", "owners", "transfer", "pack", "trust"]),
    ("bundle", &["artifact", "files", "transfer", "trust"]),
    ("keep", &["artifact", "files", "transfer", "trust"]),
    ("diff", &["artifact", "files", "owners", "evaluation", "guard", "pack", "unpack"]),
    ("verdict", &["artifact", "files", "evaluation", "diff"]),
    ("validate", &["files", "owners", "pack", "guard", "diff"]),
    ("history", &["artifact", "files", "owners", "evaluation", "transfer", "diff"]),
    ("watch", &[]),
    ("report", &["artifact", "files", "scan", "sbom", "trust", "diff", "history"]),
    ("import", &["artifact", "files", "transfer", "pack", "guard", "init", "scan", "trust"]),
];

/// The maximum number of packages in Cargo.lock. Raising it is a deliberate decision, made in a commit.
const PACKAGES_CEILING: usize = 271;

/// The maximum number of lines of a file. A longer one has two subjects.
const LINES_LIMIT: usize = 400;

/// The maximum number of Rust files in a directory, without its `mod.rs`, `lib.rs` or `main.rs`.
const FILES_LIMIT: usize = 20;

/// The directories with the code of the whole repository.
const CODE: [&str; 9] = [
    "src",
    "tests",
    "benches",
    "examples",
    "../testkit/src",
    "../../src",
    "../../build",
    "../../tests/cli",
    "../../benches",
];

#[test]
fn arrows_point_downward() {
    let wrong: Vec<String> =
        sources().iter().filter(|file| is_rust(file)).flat_map(|file| wrong_arrows(file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn arrows_between_the_sub_rooms_of_ops_point_downward() {
    let wrong: Vec<String> = sources().iter().flat_map(|file| wrong_arrows_in_ops(file)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (at, (name, allowed)) in ARROWS_IN_OPS.iter().enumerate() {
        let below: Vec<_> = ARROWS_IN_OPS[..at].iter().map(|(name, _)| name).collect();
        assert!(allowed.iter().all(|allowed| below.contains(&allowed)), "`{name}` may name only rows above its own");
    }
}

/// Names that occur only in code for one platform.
const PLATFORM_NAMES: &[&str] = &[
    "os::unix",
    "os::windows",
    "os::fd",
    "os::linux",
    "os::macos",
    "rustix",
    "windows_sys",
    "target_os",
    "target_family",
    "target_vendor",
];

#[test]
fn only_sys_differs_between_platforms() {
    let is_checked = |file: &&PathBuf| is_rust(file) && !file.starts_with(root().join("src/sys"));
    let files = files_below(&["src", "../../src"]);
    let wrong: Vec<String> = files.iter().filter(is_checked).flat_map(|file| platform_code(file)).collect();
    assert!(wrong.is_empty(), "code for one platform belongs in `kit_core::sys`:\n{}", wrong.join("\n"));
}

#[test]
fn every_file_begins_with_a_description() {
    let has_head = |file: &PathBuf| fs_err::read_to_string(file).unwrap().starts_with("//! ");
    let silent: Vec<_> = files_below(&CODE).into_iter().filter(|file| is_rust(file) && !has_head(file)).collect();
    assert!(silent.is_empty(), "these files do not start with a `//!` head: {silent:?}");
}

#[test]
fn files_and_directories_are_small() {
    let files: Vec<_> = files_below(&CODE).into_iter().chain(files_below(&["../../fuzz/fuzz_targets"])).collect();
    let files: Vec<_> = files.into_iter().filter(|file| is_rust(file)).collect();
    assert!(files.len() > 300, "the directories with the code have moved");
    let lines = |file: &Path| fs_err::read_to_string(file).unwrap().lines().count();
    let long: Vec<_> = files.iter().filter(|file| lines(file) > LINES_LIMIT).collect();
    assert!(long.is_empty(), "files with more than {LINES_LIMIT} lines: {long:?}");
    let mut counts = BTreeMap::<_, usize>::new();
    for file in files.iter().filter(|file| !["mod.rs", "lib.rs", "main.rs"].iter().any(|door| file.ends_with(door))) {
        *counts.entry(file.parent()).or_default() += 1;
    }
    counts.retain(|_, count| *count > FILES_LIMIT);
    assert!(counts.is_empty(), "directories with more than {FILES_LIMIT} files: {counts:?}");
}

#[test]
fn the_dependencies_stay_under_their_ceiling() {
    let lock = fs_err::read_to_string(root().join("../../Cargo.lock")).unwrap();
    let packages = lock.matches("[[package]]").count();
    assert!(packages <= PACKAGES_CEILING, "{packages} packages in Cargo.lock; the ceiling is {PACKAGES_CEILING}");
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The sources of the library.
fn sources() -> Vec<PathBuf> {
    files_below(&["src"])
}

fn files_below(folders: &[&str]) -> Vec<PathBuf> {
    let mut folders: Vec<_> = folders.iter().map(|folder| root().join(folder)).collect();
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

fn is_rust(file: &Path) -> bool {
    file.extension().is_some_and(|extension| extension == "rs")
}

fn wrong_arrows(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix(root().join("src")).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_str().unwrap();
    let room = first.trim_end_matches(".rs");
    if room == "lib" {
        return Vec::new();
    }
    let Some((_, allowed)) = ARROWS.iter().find(|(name, _)| *name == room) else {
        return vec![format!("`{room}` is not a room in the table of tests/architecture.rs")];
    };
    let text = fs_err::read_to_string(file).unwrap();
    let named = rooms_named_in(&text);
    let wrong = named.iter().filter(|name| **name != room && !allowed.contains(&name.as_str()));
    wrong.map(|name| format!("{}: `{room}` must not name `crate::{name}`", inside.display())).collect()
}

/// Returns the arrows from a file of `ops` to sub-rooms that its own sub-room may not name.
fn wrong_arrows_in_ops(file: &Path) -> Vec<String> {
    let Ok(inside) = file.strip_prefix(root().join("src/ops")) else { return Vec::new() };
    let room = inside.components().next().unwrap().as_os_str().to_str().unwrap().trim_end_matches(".rs");
    if room == "mod" {
        return Vec::new();
    }
    let is_sub_room = |name: &str| ARROWS_IN_OPS.iter().any(|(sub_room, _)| *sub_room == name);
    if file.parent() != Some(&root().join("src/ops")) && !is_sub_room(room) {
        return vec![format!("`{room}` is not a sub-room in the table of tests/architecture.rs")];
    }
    let allowed = ARROWS_IN_OPS.iter().find(|(name, _)| *name == room).map_or(&[][..], |(_, allowed)| allowed);
    let named = names_from_ops(&fs_err::read_to_string(file).unwrap());
    // A sub-room names another one by its own door, never through that of `ops`, where the table would not see it.
    let wrong = |name: &&String| {
        if is_sub_room(name) { *name != room && !allowed.contains(&name.as_str()) } else { !is_root_of_ops(name) }
    };
    named.iter().filter(wrong).map(|name| format!("{}: must not name `crate::ops::{name}`", inside.display())).collect()
}

/// Returns true if the root of `ops` itself defines the name: as a module, or as a type or function in one of its
/// modules.
fn is_root_of_ops(name: &str) -> bool {
    let folder = root().join("src/ops");
    let files = fs_err::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).filter(|path| path.is_file());
    let modules: Vec<_> = files.filter(|path| !path.ends_with("mod.rs")).collect();
    let defines = |path: &PathBuf| {
        let text = fs_err::read_to_string(path).unwrap();
        ["struct", "enum", "fn"].iter().any(|kind| {
            let definition = format!("pub {kind} {name}");
            let after = text.match_indices(&definition).map(|(at, found)| &text[at + found.len()..]);
            after.into_iter().any(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    folder.join(format!("{name}.rs")).exists() || modules.iter().any(defines)
}

/// Returns the first names after `crate::ops::`, alone or in a group without nested groups.
fn names_from_ops(text: &str) -> BTreeSet<String> {
    let word = |text: &str| -> String { text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect() };
    let named = text.split("crate::ops::").skip(1).flat_map(|rest| match rest.strip_prefix('{') {
        Some(group) => group.split('}').next().unwrap().split(',').map(|name| word(name.trim())).collect(),
        None => vec![word(rest)],
    });
    named.filter(|name| !name.is_empty() && name != "self").collect()
}

/// Returns what depends on the platform in a file: names, and conditions of `cfg` that ask for Unix or Windows.
fn platform_code(file: &Path) -> Vec<String> {
    let text = fs_err::read_to_string(file).unwrap();
    let names = PLATFORM_NAMES.iter().filter(|name| text.contains(**name)).map(|name| (*name).to_owned());
    let asks =
        |condition: &&str| condition.split(|c: char| !c.is_alphanumeric()).any(|w| w == "unix" || w == "windows");
    let openings = ["cfg(", "cfg!(", "cfg_attr("].into_iter().flat_map(|opening| text.split(opening).skip(1));
    let conditions = openings.map(until_closed).filter(asks).map(|condition| format!("cfg({condition})"));
    names.chain(conditions).map(|found| format!("{}: {found}", file.display())).collect()
}

/// Returns the beginning of `text` up to the parenthesis that closes one opened before it.
fn until_closed(text: &str) -> &str {
    let mut depth = 1;
    let end = text.find(|c: char| {
        depth += i32::from(c == '(') - i32::from(c == ')');
        depth == 0
    });
    &text[..end.unwrap_or(text.len())]
}

/// Returns the names after `crate::`. A group, `crate::{…}`, has the name `{` and is therefore refused everywhere: one
/// `use` line for each room keeps the arrows readable at the top of a file.
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
