//! Compares the lines of two versions of a small text.

use std::collections::HashMap;
use std::fmt::Write;
use std::io::{self, Read};
use std::time::{Duration, Instant};

use similar::{ChangeTag, TextDiff as Lines};

use super::compare::DiffOptions;
use super::files::{FileChange, FileDiff};
use super::listing::{File, Files, look_into};
use crate::digest::VerifyingReader;
use crate::limits;
use crate::ops::error::Error;
use crate::relative_path::RelativePath;
use crate::tensors::Format;

/// The differences between two texts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextDiff {
    /// The number of lines that only the second text has.
    pub added: usize,
    /// The number of lines that only the first text has.
    pub removed: usize,
    /// The differences as hunks of a unified diff with three lines of context, if patches were requested.
    pub hunks: Option<String>,
}

/// The number of bytes in which git looks for a zero byte, which marks a file as binary (`FIRST_FEW_BYTES` in its
/// `xdiff-interface.c`).
const BEGINNING: usize = 8000;
/// The lines of context around a change, as in `git diff` and `diff -u`.
const CONTEXT: usize = 3;
/// The time after which the differences that are found are no longer minimal. A text whose lines all differ slightly
/// would otherwise take minutes.
const TIME: Duration = Duration::from_secs(10);

/// The small texts among files that differ.
pub(super) struct Texts {
    before: HashMap<RelativePath, String>,
    after: HashMap<RelativePath, String>,
}

impl Texts {
    /// Returns both versions of a file, if they are texts. A version that does not exist is empty.
    pub(super) fn pair(&self, diff: &FileDiff) -> Option<(&str, &str)> {
        let before = self.before.get(&diff.path).map(String::as_str);
        let after = self.after.get(&diff.path).map(String::as_str);
        match diff.change {
            FileChange::Added => Some(("", after?)),
            FileChange::Removed => Some((before?, "")),
            _ => before.zip(after),
        }
    }
}

/// Reads the small texts among the files in `found`.
pub(super) fn read(
    found: &[FileDiff],
    (before, after): (&Files, &Files),
    options: &DiffOptions,
) -> Result<Texts, Error> {
    let is_wanted = |diff: &FileDiff| match diff.change {
        FileChange::Changed => true,
        FileChange::Added | FileChange::Removed => options.with_patches,
        FileChange::Moved(_) | FileChange::Mode | FileChange::NotCompared => false,
    };
    let is_of_weights = |path: &RelativePath| path.file_name().and_then(Format::of).is_some();
    let is_small = |file: Option<&File>| {
        file.is_none_or(|file| file.state.size <= limits::DIFF_TEXT_BYTES && file.can_be_read_again())
    };
    let mut left = limits::DIFF_TEXTS_BYTES;
    let mut wanted = Vec::new();
    for FileDiff { path, .. } in found.iter().filter(|diff| is_wanted(diff) && !is_of_weights(&diff.path)) {
        let files = [before.get(path), after.get(path)];
        let bytes: u64 = files.iter().flatten().map(|file| file.state.size).sum();
        if files.into_iter().all(is_small) && bytes <= left {
            left -= bytes;
            wanted.push(path.clone());
        }
    }
    Ok(Texts { before: read_side(before, &wanted, options)?, after: read_side(after, &wanted, options)? })
}

fn read_side(
    files: &Files,
    wanted: &[RelativePath],
    options: &DiffOptions,
) -> Result<HashMap<RelativePath, String>, Error> {
    let wanted: Vec<_> = wanted.iter().filter(|path| files.contains_key(*path)).cloned().collect();
    let digest_of = |file: &File| file.state.digest.filter(|_| !file.is_local());
    let texts = look_into(files, &wanted, options.jobs, |file, content| match digest_of(file) {
        // The rest of a file that is not a text is read as well, so that the digest is verified.
        Some(digest) => {
            let mut verified = VerifyingReader::new(content, digest, file.state.size);
            let text = read_text(&mut verified)?;
            io::copy(&mut verified, &mut io::sink()).map(|_| text)
        }
        None => read_text(content),
    });
    let texts = texts.map_err(|error| error.of_place(true))?;
    Ok(texts.into_iter().filter_map(|(path, text)| Some((path, text?))).collect())
}

/// Reads `content` and returns its text, or `None` if it is not a text. After a zero byte at the beginning, nothing
/// more is read.
fn read_text(content: &mut dyn Read) -> io::Result<Option<String>> {
    let mut bytes = Vec::new();
    content.take(BEGINNING as u64).read_to_end(&mut bytes)?;
    if bytes.contains(&0) {
        return Ok(None);
    }
    content.take(limits::DIFF_TEXT_BYTES).read_to_end(&mut bytes)?;
    Ok(String::from_utf8(bytes).ok())
}

/// Returns the time until which the comparison of all texts looks for minimal differences.
pub(super) fn deadline() -> Instant {
    Instant::now() + TIME
}

/// Compares the lines of two texts. Returns `None` if there are too many lines.
pub(super) fn compare((before, after): (&str, &str), deadline: Instant, options: &DiffOptions) -> Option<TextDiff> {
    if [before, after].into_iter().any(|text| lines_of(text).nth(limits::DIFF_LINES).is_some()) {
        return None;
    }
    let lines = align(lines_of(before), lines_of(after), deadline);
    let count = |tag| lines.iter_all_changes().filter(|change| change.tag() == tag).count();
    let (added, removed) = (count(ChangeTag::Insert), count(ChangeTag::Delete));
    Some(TextDiff { added, removed, hunks: options.with_patches.then(|| hunks(&lines)) })
}

/// Splits a text into lines. Only a line feed ends a line in a patch; `similar` also splits at carriage returns.
pub(super) fn lines_of(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive('\n')
}

/// Aligns two lists of texts. All comparisons use this function, because `similar` is compiled again for each type of
/// item, to 150 kB.
pub(super) fn align<'text>(
    before: impl Iterator<Item = &'text str>,
    after: impl Iterator<Item = &'text str>,
    deadline: Instant,
) -> Lines<'text, 'text, str> {
    let (before, after) = (before.collect::<Vec<_>>(), after.collect::<Vec<_>>());
    Lines::configure().deadline(deadline).diff_slices(&before, &after)
}

fn hunks(lines: &Lines<str>) -> String {
    let mut text = String::new();
    for hunk in lines.unified_diff().context_radius(CONTEXT).iter_hunks() {
        writeln!(text, "{}", hunk.header()).expect("writing to a string does not fail");
        for change in hunk.iter_changes() {
            let end = if change.value().ends_with('\n') { "" } else { "\n\\ No newline at end of file\n" };
            write!(text, "{}{}{end}", change.tag(), change.value()).expect("writing to a string does not fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    fn compare_texts(before: &str, after: &str) -> Option<TextDiff> {
        let options = DiffOptions {
            only: None,
            paths: Arc::default(),
            jobs: 1,
            remote_limit: 0,
            with_patches: true,
            with_statistics: false,
            with_contents: true,
        };
        compare((before, after), deadline(), &options)
    }

    fn check(before: &str, after: &str, (added, removed): (usize, usize), hunks: &str) {
        let expected = TextDiff { added, removed, hunks: Some(hunks.to_owned()) };
        assert_eq!(compare_texts(before, after), Some(expected), "{before:?} {after:?}");
    }

    #[test]
    fn lines_are_compared_as_diff_does() {
        check("a\nb\n", "a\nc\nd\n", (2, 1), "@@ -1,2 +1,3 @@\n a\n-b\n+c\n+d\n");
        check("", "a\n", (1, 0), "@@ -0,0 +1 @@\n+a\n");
        check("a", "", (0, 1), "@@ -1 +0,0 @@\n-a\n\\ No newline at end of file\n");
        check("a\n", "a", (1, 1), "@@ -1 +1 @@\n-a\n+a\n\\ No newline at end of file\n");
        check("a\r\n", "a\n", (1, 1), "@@ -1 +1 @@\n-a\r\n+a\n");
        let lines = |changed: &str| format!("1\n2\n3\n4\n{changed}\n6\n7\n8\n9\n");
        check(&lines("5"), &lines("five"), (1, 1), "@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n");
    }

    #[test]
    fn a_carriage_return_in_a_line_does_not_begin_a_line_of_the_patch() {
        check(
            "a\n",
            "a\r+++ b/evil\nb",
            (2, 1),
            "@@ -1 +1,2 @@\n-a\n+a\r+++ b/evil\n+b\n\\ No newline at end of file\n",
        );
    }

    #[test]
    fn only_small_texts_are_texts() {
        for (bytes, expected) in [
            (&b"text"[..], Some("text")),
            (b"", Some("")),
            (b"\xff\xfe", None),
            (b"binary\0", None),
            ("ü".as_bytes(), Some("ü")),
        ] {
            assert_eq!(read_text(&mut &*bytes).unwrap().as_deref(), expected);
        }
        let mut late = vec![b'a'; BEGINNING];
        late.extend([0, b'b']);
        assert!(read_text(&mut &late[..]).unwrap().is_some(), "as for git");
        assert_eq!(compare_texts(&"\n".repeat(limits::DIFF_LINES + 1), ""), None);
        assert!(compare_texts(&"\n".repeat(limits::DIFF_LINES), "").is_some());
    }

    #[test]
    fn after_the_deadline_the_differences_are_larger_but_still_correct() {
        let text = |step: usize| (0..9000).map(|line| (line * step % 8999).to_string()).collect::<Vec<_>>().join("\n");
        let options = DiffOptions {
            only: None,
            paths: Arc::default(),
            jobs: 1,
            remote_limit: 0,
            with_patches: false,
            with_statistics: false,
            with_contents: true,
        };
        let found = compare((&text(2), &text(3)), Instant::now(), &options).unwrap();
        assert_eq!(found.added, found.removed);
    }

    /// Applies the hunks to `before` as `patch` does. Deleted lines and context must match.
    fn patched(before: &str, hunks: &str) -> String {
        let mut old = before.split_inclusive('\n');
        let (mut new, mut passed) = (String::new(), 0);
        let mut lines = hunks.split_inclusive('\n').peekable();
        while let Some(line) = lines.next() {
            let has_end = lines.next_if(|next| next.starts_with('\\')).is_none();
            let text = if has_end { &line[1..] } else { line[1..].trim_end_matches('\n') };
            if let Some(range) = line.strip_prefix("@@ -") {
                let (start, rest) = range.split_once([',', ' ']).unwrap();
                let is_empty = rest.starts_with("0 ") && range.contains(&format!("{start},0 "));
                let start: usize = start.parse().unwrap();
                let context = if is_empty { start } else { start - 1 };
                new.extend(old.by_ref().take(context - passed));
                passed = context;
            } else if line.starts_with('+') {
                new.push_str(text);
            } else {
                assert_eq!(old.next(), Some(text));
                passed += 1;
                new.push_str(if line.starts_with('-') { "" } else { text });
            }
        }
        new.extend(old);
        new
    }

    proptest::proptest! {
        #[test]
        fn a_patch_makes_the_second_of_the_first(before in "([ab\r]?\n){0,12}[a]?", after in "([ab\r]?\n){0,12}[a]?") {
            let found = compare_texts(&before, &after).unwrap();
            proptest::prop_assert_eq!(patched(&before, &found.hunks.unwrap()), after);
        }
    }
}
