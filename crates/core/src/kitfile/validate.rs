//! Checks of a Kitfile that could be parsed, without access to the disk.

use std::collections::{BTreeMap, BTreeSet};

use super::document::{Kitfile, McpServer, is_reference};
use super::entries::{Entry, Section};
use super::remote_data;
use crate::file_kind::MCP_BUNDLE;
use crate::problem::{Problem, quoted};
use crate::relative_path::RelativePath;

/// The version of the format that this module implements.
pub const MANIFEST_VERSION: &str = "1.0.0";

/// The maximum length of a part type in bytes (Kitfile format, `model.parts`).
const LONGEST_PART_TYPE: usize = 64;

/// All problems that prevent the Kitfile from being packed; empty if there are none.
///
/// Paths must stay inside the folder, and no two entries may have the same path, even in different spellings. The
/// problems have a field and no position; [`super::parse`] adds the position.
pub fn validate(kitfile: &Kitfile) -> Vec<Problem> {
    let mut problems: Vec<Problem> =
        paths(kitfile).filter_map(|(field, kind, path)| path_problem(&field, kind, path)).collect();
    problems.extend(shared_paths(&kitfile.entries()));
    problems.extend(part_types(kitfile));
    problems.extend(mcp_servers(&kitfile.mcp_servers));
    problems.extend(remote_data::problems(kitfile));
    problems
}

/// Warnings about fields that are harmless but have no effect: another manifest version than `1.0.0`, and a hash of
/// data that has a digest of its own.
pub fn warnings(kitfile: &Kitfile) -> Vec<Problem> {
    manifest_version(kitfile).into_iter().chain(remote_data::warnings(kitfile)).collect()
}

fn manifest_version(kitfile: &Kitfile) -> Option<Problem> {
    let message = match &*kitfile.manifest_version {
        MANIFEST_VERSION => return None,
        "" => format!("`manifestVersion` is missing; write `manifestVersion: {MANIFEST_VERSION}`"),
        other => format!("Unrecognized manifestVersion {other}: treating Kitfile as {MANIFEST_VERSION}"),
    };
    Some(Problem::of("manifestVersion", message))
}

/// Every path that refers to a file or folder, with its field and the word for its kind.
fn paths(kitfile: &Kitfile) -> impl Iterator<Item = (String, &'static str, &str)> {
    let owned = kitfile.entries().into_iter().map(|entry| (path_field(&entry), kind_word(entry.section), entry.path));
    let remote = kitfile.datasets.iter().enumerate().filter(|(_, dataset)| dataset.is_remote());
    let word = kind_word(Section::Dataset);
    let remote = remote.map(move |(index, dataset)| (format!("datasets[{index}].path"), word, &*dataset.path));
    owned.chain(remote)
}

/// The word of KitOps for an entry of `section` in messages about paths.
fn kind_word(section: Section) -> &'static str {
    match section {
        Section::Model => "model",
        Section::ModelPart => "model part",
        Section::Code => "code",
        Section::Dataset => "dataset",
        Section::Docs => "docs",
        Section::Prompt => "prompt",
        Section::McpServer => "mcpServer",
    }
}

fn path_problem(field: &str, kind: &str, path: &str) -> Option<Problem> {
    let (shown, place) = (quoted(path), field.trim_end_matches(".path"));
    let is_model = kind == kind_word(Section::Model);
    let message = if path.starts_with('/') || has_drive(path) {
        format!("absolute paths are not supported in a Kitfile (path {shown} in {place})")
    } else if kind == kind_word(Section::McpServer) && (has_scheme(path) || is_reference(path)) {
        format!("invalid path for {kind} ({path}): only local paths are permitted")
    } else if is_web_address(path) {
        format!("HTTP urls are not supported in paths ({path})")
    } else if has_scheme(path) {
        "unrecognized URL in path".to_owned()
    } else if !is_model && is_reference(path) {
        format!("invalid path for {kind} ({path}): only local paths are permitted")
    } else if path.contains('\0') {
        format!("the path {shown} contains a NUL character, which file systems do not allow ({place})")
    } else if path.parse::<RelativePath>().is_err() {
        format!("the path {shown} leads outside the folder of the Kitfile ({place})")
    } else {
        return None;
    };
    Some(Problem::of(field, message))
}

fn is_web_address(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    lower.starts_with("http://") || lower.starts_with("https://")
}

/// Returns true if `path` begins with the scheme of a URL (RFC 3986, section 3.1) and `://`.
fn has_scheme(path: &str) -> bool {
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|sign: char| sign.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+.-".contains(&byte))
    };
    path.split_once("://").is_some_and(|(scheme, _)| is_scheme(scheme))
}

/// Recognizes `C:\` and `C:/`, which are absolute paths on Windows.
fn has_drive(path: &str) -> bool {
    matches!(path.as_bytes(), [letter, b':', b'/' | b'\\', ..] if letter.is_ascii_alphabetic())
}

fn shared_paths(entries: &[Entry<'_>]) -> Vec<Problem> {
    let mut owners: BTreeMap<RelativePath, Vec<&Entry<'_>>> = BTreeMap::new();
    for entry in entries {
        if let Ok(path) = entry.relative_path() {
            owners.entry(path).or_default().push(entry);
        }
    }
    let shared = owners.values().filter(|owners| owners.len() > 1);
    shared.filter_map(|owners| Some(Problem::of(path_field(owners.last()?), shared_path(owners)))).collect()
}

fn shared_path(owners: &[&Entry<'_>]) -> String {
    const NAMED: usize = 10;
    let (owners, more) = owners.split_at(owners.len().min(NAMED));
    let mut spellings: Vec<String> = Vec::new();
    for owner in owners {
        let spelling = quoted(if owner.path.is_empty() { "." } else { owner.path });
        if !spellings.contains(&spelling) {
            spellings.push(spelling);
        }
    }
    let mut places: Vec<String> = owners.iter().map(|owner| owner.place()).collect();
    if !more.is_empty() {
        places.push(format!("{} more", more.len()));
    }
    if spellings.len() == 1 {
        return format!("{} use the same path {}", and(&places), spellings[0]);
    }
    format!("{} are the same path ({})", and(&spellings), places.join(", "))
}

fn and(names: &[String]) -> String {
    match names.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => names.concat(),
    }
}

fn path_field(entry: &Entry<'_>) -> String {
    format!("{}.path", entry.place())
}

fn part_types(kitfile: &Kitfile) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (index, part) in kitfile.model.iter().flat_map(|model| model.parts.iter().enumerate()) {
        let field = format!("{}[{index}].type", Section::ModelPart.key());
        if !part.kind.is_empty() && !is_part_type(&part.kind) {
            let rule = "use letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`";
            problems.push(Problem::of(&*field, format!("{} is not a valid part type: {rule}", quoted(&part.kind))));
        }
        if part.kind.len() > LONGEST_PART_TYPE {
            let message =
                format!("a part type has at most {LONGEST_PART_TYPE} bytes, but this one has {}", part.kind.len());
            problems.push(Problem::of(&*field, message));
        }
    }
    problems
}

/// The rules for MCP servers, with the messages of KitOps.
fn mcp_servers(servers: &[McpServer]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let mut names = BTreeSet::new();
    for (index, McpServer { name, path, .. }) in servers.iter().enumerate() {
        let field = format!("{}[{index}]", Section::McpServer.key());
        if !path.ends_with(MCP_BUNDLE) {
            let message = format!("invalid path for mcpServer ({path}): path must point to a single .mcpb file");
            problems.push(Problem::of(format!("{field}.path"), message));
        }
        if name.is_empty() {
            problems.push(Problem::of(field, format!("mcpServer with path {path} must have a name")));
        } else if !names.insert(name) {
            let message = format!("duplicate mcpServer name {name}: names must be unique");
            problems.push(Problem::of(format!("{field}.name"), message));
        }
    }
    problems
}

fn is_part_type(text: &str) -> bool {
    let is_word = |sign: char| sign.is_ascii_alphanumeric() || sign == '_';
    text.starts_with(is_word) && text.chars().all(|sign| is_word(sign) || matches!(sign, '.' | '-'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(json: &str, expected: &[&str]) {
        let problems = validate(&serde_json::from_str(json).unwrap());
        let shown: Vec<String> = problems.iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
        assert_eq!(shown, expected, "{json}");
    }

    #[test]
    fn paths_must_differ_and_stay_inside() {
        for (json, expected) in [
            (r#"{"model":{"path":"a"},"code":[{"path":"a/b"},{"path":"ab"}],"docs":[{}]}"#, &[][..]),
            (r#"{"model":{"name":"no path"},"code":[{"path":"."}]}"#, &[]),
            (r#"{"model":{"path":"a:v1"},"code":[{"path":"a"}]}"#, &[]),
            (r#"{"datasets":[{"path":"a","remotePath":"s3://x","remoteHash":"1"},{"path":"a"}]}"#, &[]),
            (
                r#"{"datasets":[{"path":"data"},{"path":"./data"}]}"#,
                &["datasets[1].path: `data` and `./data` are the same path (datasets[0], datasets[1])"],
            ),
            (r#"{"code":[{}],"docs":[{"path":"."}]}"#, &["docs[0].path: code[0] and docs[0] use the same path `.`"]),
            (
                r#"{"model":{"path":"a","parts":[{"path":"a/"}]},"prompts":[{"path":"b/../a"}]}"#,
                &["prompts[0].path: `a`, `a/` and `b/../a` are the same path (model, model.parts[0], prompts[0])"],
            ),
            (
                r#"{"code":[{"path":"a\u0000"}]}"#,
                &["code[0].path: the path `a ` contains a NUL character, which file systems do not allow (code[0])"],
            ),
            (
                r#"{"code":[{"path":"a/../.."}]}"#,
                &["code[0].path: the path `a/../..` leads outside the folder of the Kitfile (code[0])"],
            ),
            (
                r#"{"mcpServers":[{"name":"m","path":"/.mcpb"}],"docs":[{"path":"C:\\d"}]}"#,
                &[
                    "docs[0].path: absolute paths are not supported in a Kitfile (path `C:\\d` in docs[0])",
                    "mcpServers[0].path: absolute paths are not supported in a Kitfile \
                     (path `/.mcpb` in mcpServers[0])",
                ],
            ),
            (
                r#"{"model":{"path":"HTTPS://x/y"}}"#,
                &["model.path: HTTP urls are not supported in paths (HTTPS://x/y)"],
            ),
            (
                r#"{"model":{"path":"ftp://x/y","parts":[{"path":"a:v1"}]},"code":[{"path":"x/a@v1"},{"path":"x/a:v1"}],
                    "docs":[{"path":"gs://x"}],"prompts":[{"path":"r.io/a:v1"}]}"#,
                &[
                    "model.path: unrecognized URL in path",
                    "model.parts[0].path: invalid path for model part (a:v1): only local paths are permitted",
                    "code[1].path: invalid path for code (x/a:v1): only local paths are permitted",
                    "docs[0].path: unrecognized URL in path",
                    "prompts[0].path: invalid path for prompt (r.io/a:v1): only local paths are permitted",
                ],
            ),
            (
                r#"{"mcpServers":[{"name":"a","path":"https://x/a.mcpb"},{"name":"b","path":"b:v1.mcpb"}]}"#,
                &[
                    "mcpServers[0].path: invalid path for mcpServer (https://x/a.mcpb): only local paths are permitted",
                    "mcpServers[1].path: invalid path for mcpServer (b:v1.mcpb): only local paths are permitted",
                ],
            ),
        ] {
            check(json, expected);
        }
    }

    #[test]
    fn part_types_are_words() {
        for kind in ["", "a", "_x", "9", "adapter.v1-b", &"x".repeat(64)] {
            check(&format!(r#"{{"model":{{"parts":[{{"type":"{kind}"}}]}}}}"#), &[]);
        }
        let rule = "use letters, digits, `_`, `.` and `-`, not beginning with `.` or `-`";
        for kind in [".a", "-a", "a b", "ä", "a/b"] {
            let expected = format!("model.parts[0].type: `{kind}` is not a valid part type: {rule}");
            check(&format!(r#"{{"model":{{"parts":[{{"type":"{kind}"}}]}}}}"#), &[&expected]);
        }
        let long = format!(r#"{{"model":{{"parts":[{{"type":"{}"}}]}}}}"#, "x".repeat(65));
        check(&long, &["model.parts[0].type: a part type has at most 64 bytes, but this one has 65"]);
    }

    #[test]
    fn other_manifest_versions_are_only_warned_of() {
        for (version, expected) in [("1.0.0", 0), ("v1.0.0", 1), ("", 1)] {
            let kitfile = Kitfile { manifest_version: version.to_owned(), ..Kitfile::default() };
            assert_eq!(warnings(&kitfile).len(), expected, "{version}");
            assert!(validate(&kitfile).is_empty());
        }
    }
}
