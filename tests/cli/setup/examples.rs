//! The texts in `examples` are correct: their YAML is valid, and their commands and flags exist.

use std::path::{Path, PathBuf};
use std::process::Command;

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

/// Returns the targets of the workspace in a folder that a build compiles, with their files relative to the folder.
fn built_targets(folder: &Path) -> Vec<String> {
    let mut command = Command::new(env!("CARGO"));
    command.args(["metadata", "--offline", "--no-deps", "--format-version", "1"]).current_dir(folder);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let is_built = |kind: &serde_json::Value| ["lib", "bin", "custom-build"].iter().any(|built| kind == built);
    let mut files: Vec<_> = packages
        .iter()
        .flat_map(|package| package["targets"].as_array().unwrap())
        .filter(|target| target["kind"].as_array().unwrap().iter().any(is_built))
        .map(|target| {
            Path::new(target["src_path"].as_str().unwrap()).strip_prefix(folder).unwrap().display().to_string()
        })
        .collect();
    files.sort();
    files
}

#[test]
#[cfg_attr(windows, ignore = "runs cargo and cp, which wine does not have")]
fn the_dockerfile_of_the_examples_copies_what_cargo_builds() {
    let dockerfile = fs::read_to_string(repository().join("examples/deploy/Dockerfile")).unwrap();
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("copy")).unwrap();
    let copy = sandbox.path("copy").canonicalize().unwrap();
    for line in dockerfile.lines().filter(|line| line.starts_with("COPY ") && !line.contains("--from")) {
        let paths: Vec<_> = line["COPY ".len()..].split(' ').collect();
        for path in &paths[..paths.len() - 1] {
            let source = repository().join(path);
            let copied = Command::new("cp").arg("-R").arg(source).arg(&copy).status().unwrap();
            assert!(copied.success(), "{line}");
        }
    }
    assert_eq!(built_targets(&copy), built_targets(&repository().canonicalize().unwrap()));
}

/// Returns the commands in a text, each as its name and its flags. A command is a YAML list, or a line with at least
/// one flag.
fn commands(text: &str) -> Vec<(String, Vec<String>)> {
    let command = Regex::new(r#"\bkit"?(?:, "?| )([a-z]+)\b(.*)"#).unwrap();
    let flag = Regex::new(r"\B--[a-z][a-z-]*").unwrap();
    let read = |line: &str| {
        let found = command.captures(line)?;
        let flags: Vec<_> = flag.find_iter(&found[2]).map(|flag| flag.as_str().to_owned()).collect();
        (!flags.is_empty() || line.contains("[kit, ")).then(|| (found[1].to_owned(), flags))
    };
    text.lines().filter_map(read).collect()
}

/// Returns the lines of a page that run `kit`, up to a pipe. The guides run all subcommands of `kit index`.
fn command_lines(page: &str) -> String {
    let is_command = |line: &&str| line.starts_with("$ kit ") || line.contains("[kit, ") || line.contains("[\"kit\", ");
    let lines = page.lines().filter(is_command).filter(|line| !line.starts_with("$ kit index "));
    lines.map(|line| line.split(" | ").next().unwrap_or(line).to_owned() + "\n").collect()
}

#[test]
fn the_commands_of_the_examples_and_pages_exist_with_their_flags() {
    let sandbox = Sandbox::new();
    let examples = files(&repository().join("examples/deploy"), "");
    let mut pages = files(&repository().join("docs"), ".md");
    pages.push(repository().join("README.md"));
    let read = |file: &PathBuf| fs::read_to_string(file).unwrap();
    let texts = examples.iter().map(read).chain(pages.iter().map(|page| command_lines(&read(page))));
    let mut checked = 0;
    for (file, text) in examples.iter().chain(&pages).zip(texts) {
        for (command, flags) in commands(&text) {
            let help = sandbox.kit(&[&command, "--help"]).ok().stdout;
            for flag in &flags {
                let is_there = Regex::new(&format!("{flag}\\b")).unwrap().is_match(&help);
                assert!(is_there, "{}: kit {command} has no {flag}", file.display());
            }
            checked += 1;
        }
    }
    assert!(checked >= 80, "{checked}");
}
