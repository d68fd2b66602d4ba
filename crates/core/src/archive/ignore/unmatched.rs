//! Lines of a `.kitignore` that match nothing, most of them written as for git, whose patterns match at any depth.

use std::path::Path;

use fs_err as fs;

use super::left_out::has_name_of_tool;
use super::pattern::Pattern;
use super::rules::{Rule, clean};
use crate::relative_path::RelativePath;
use crate::sys::name_of;

/// The number of files and folders that are compared with the patterns. In a folder with more of them, only paths
/// without wildcards are found not to exist.
const COMPARED: usize = 20_000;

/// A line that matches nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnmatchedLine {
    /// The number of the line, from 1.
    pub line: usize,
    /// The pattern as it was written.
    pub pattern: String,
    /// A pattern that does match something.
    pub meant: Option<String>,
}

/// A line that may match nothing.
struct Candidate {
    line: UnmatchedLine,
    pattern: Pattern,
    /// The same pattern at any depth.
    deeper: Pattern,
    is_path: bool,
}

/// Returns the lines of the `.kitignore` `text` that match nothing in the folder `context`: paths that do not exist,
/// and patterns that would match something at another depth.
///
/// Other patterns are usually a precaution, such as `*.tmp` or `**/private`. So are names of tools and the patterns for
/// which `is_precaution` returns true. A line that includes files again is never returned.
pub fn unmatched_lines(text: &str, context: &Path, is_precaution: impl Fn(&str) -> bool) -> Vec<UnmatchedLine> {
    let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate();
    let candidates = lines.filter_map(|(at, line)| candidate(at + 1, line));
    let is_new = |candidate: &Candidate| {
        let clean = clean(&candidate.line.pattern);
        let exists = || candidate.is_path && context.join(&clean).symlink_metadata().is_ok();
        !is_precaution(&candidate.line.pattern) && !clean.rsplit('/').next().is_some_and(has_name_of_tool) && !exists()
    };
    let mut candidates: Vec<_> = candidates.filter(is_new).collect();
    if !candidates.is_empty() && compare(&mut candidates, context).is_none() {
        candidates.retain(|candidate| candidate.is_path);
    }
    candidates.retain(|candidate| candidate.is_path || candidate.line.meant.is_some());
    candidates.into_iter().map(|candidate| candidate.line).collect()
}

fn candidate(number: usize, line: &str) -> Option<Candidate> {
    let Rule { pattern, keeps, .. } = Rule::parse(line).ok()??;
    let text = line.trim();
    let cleaned = clean(text);
    if keeps || cleaned.starts_with("**") || [".", "/"].contains(&&*cleaned) {
        return None;
    }
    let is_path = matches!(pattern, Pattern::Exact(_)) && !cleaned.contains('\\');
    let deeper = Pattern::parse(&format!("**/{cleaned}"))?;
    let line = UnmatchedLine { line: number, pattern: text.to_owned(), meant: None };
    Some(Candidate { line, pattern, deeper, is_path })
}

/// Removes the lines that match something, and notes what others may mean. Returns none if there are too many files.
/// Files and folders of tools are not compared: they are not packed anyway.
fn compare(candidates: &mut Vec<Candidate>, context: &Path) -> Option<()> {
    let (mut folders, mut left) = (vec![RelativePath::root()], COMPARED);
    while let Some(folder) = folders.pop() {
        // Packing reports a folder that cannot be read.
        for entry in fs::read_dir(folder.join_to(context)).into_iter().flatten().flatten() {
            left = left.checked_sub(1)?;
            let Some(path) = name_of(&entry).and_then(|name| folder.child(&name).ok()) else { continue };
            candidates.retain(|candidate| !candidate.pattern.matches(path.as_str()));
            for candidate in candidates.iter_mut().filter(|candidate| candidate.deeper.matches(path.as_str())) {
                candidate.line.meant = Some(format!("**/{}", clean(&candidate.line.pattern)));
            }
            let is_of_tool = path.file_name().is_some_and(has_name_of_tool);
            if !is_of_tool && entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(path);
            }
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_that_match_nothing_are_found() {
        let folder = tempfile::tempdir().unwrap();
        let context = folder.path().join("project");
        for path in ["a/private/key", "a/x.log", "b.log", "data/raw/r.csv", ".venv/lib/gone"] {
            let path = context.join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        for (line, expected) in [
            ("private/", Some(Some("**/private"))),
            ("/private", Some(Some("**/private"))),
            ("x.*", Some(Some("**/x.*"))),
            ("privat", Some(None)),
            ("gone", Some(None)),
            ("data/ra", Some(None)),
            ("../a", Some(None)),
            ("a/private", None),
            ("./data//raw/", None),
            ("*.log", None),
            ("data/*.csv", None),
            ("*.tmp", None),
            ("**/private", None),
            ("**/nothing", None),
            ("!private", None),
            ("# private", None),
            (".git", None),
            ("expected", None),
            (".", None),
            ("[", None),
        ] {
            let text = format!("\n{line}\n");
            let found = unmatched_lines(&text, &context, |pattern| pattern == "expected");
            let expected = expected.map(|meant: Option<&str>| UnmatchedLine {
                line: 2,
                pattern: line.to_owned(),
                meant: meant.map(str::to_owned),
            });
            assert_eq!(found, Vec::from_iter(expected), "{line}");
        }
    }
}
