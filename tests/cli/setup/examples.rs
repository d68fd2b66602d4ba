//! The texts in `examples` are correct: their YAML is valid, and their commands and flags exist.

use std::path::{Path, PathBuf};

use fs_err as fs;
use regex::Regex;

use kit_testkit::sandbox::{Sandbox, repository};

/// Returns the files below a folder whose names have the given ending.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_str().unwrap().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[test]
fn the_yaml_of_the_examples_is_yaml() {
    let files = files(&repository().join("examples"), ".yaml");
    assert!(files.len() > 5, "{files:?}");
    for file in files {
        let text = fs::read_to_string(&file).unwrap();
        let broken = granit_parser::Parser::new_from_str(&text).find_map(Result::err);
        assert!(broken.is_none(), "{}: {broken:?}", file.display());
    }
}

/// Returns the commands in a text, each as its name and its flags. A command is a YAML list, or a line with at least
/// one flag.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let command = Regex::new(r#"\bkit(?:, "?| )([a-z]+)\b(.*)"#).unwrap();
    let flag = Regex::new("--[a-z][a-z-]*").unwrap();
    let read = |line: &str| {
        let found = command.captures(line)?;
        let flags: Vec<_> = flag.find_iter(&found[2]).map(|flag| flag.as_str().to_owned()).collect();
        (!flags.is_empty() || line.contains("[kit, ")).then(|| (found[1].to_owned(), flags))
    };
    text.lines().filter_map(read).collect()
}

#[test]
fn the_commands_of_the_examples_exist_with_their_flags() {
    let sandbox = Sandbox::new();
    let mut checked = 0;
    for file in files(&repository().join("examples/deploy"), "") {
        for (command, flags) in commands(&fs::read_to_string(&file).unwrap()) {
            let help = sandbox.kit(&[&command, "--help"]).ok().stdout;
            for flag in &flags {
                let is_there = Regex::new(&format!("{flag}\\b")).unwrap().is_match(&help);
                assert!(is_there, "{}: kit {command} has no {flag}", file.display());
            }
            checked += 1;
        }
    }
    assert!(checked >= 8, "{checked}");
}
