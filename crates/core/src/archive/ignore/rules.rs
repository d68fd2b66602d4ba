//! The rules of a `.kitignore`, which exclude files of the context folder from all layers.
//!
//! They follow `.dockerignore`, not `.gitignore`: patterns are anchored at the context folder, and the last matching
//! line decides.

use std::fmt;

use super::index::RuleIndex;
use super::pattern::Pattern;
use crate::archive::error::Error;
use crate::relative_path::RelativePath;
use crate::sys::is_temporary_name;

/// Names in the context folder that are never packed and cannot be included by a `!` line. KitOps does not know lock
/// files, and packs a file with that name; but a layer cannot contain its own digest. The owners are attached to the
/// ModelKit, so that a change of owners does not make another version of it.
const ALWAYS_IGNORED: [&str; 6] = ["Kitfile", "kitfile", ".kitfile", ".kitignore", "Kitfile.lock", "KITOWNERS"];

/// The rules of a `.kitignore`, and the names that are always ignored.
#[derive(Debug)]
pub struct IgnoreRules {
    rules: Vec<Rule>,
    index: RuleIndex,
}

/// The highest number of patterns with wildcards that have to be compared with each path one by one. With this number,
/// a path takes half a millisecond.
const WILDCARDS_LIMIT: usize = 10_000;

#[derive(Debug)]
pub(super) struct Rule {
    pub(super) pattern: Pattern,
    pub(super) keeps: bool,
    /// The components before the first one with a wildcard. A path with other components cannot match.
    fixed: Vec<String>,
}

impl Default for IgnoreRules {
    /// Returns the rules that apply without a `.kitignore`.
    fn default() -> Self {
        let exactly =
            |name: &str| Rule { pattern: Pattern::Exact(name.to_owned()), keeps: false, fixed: vec![name.to_owned()] };
        Self::of(ALWAYS_IGNORED.map(exactly).into())
    }
}

impl IgnoreRules {
    /// Parses the text of a `.kitignore`; the error contains all malformed lines.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let lines = text.strip_prefix('\u{feff}').unwrap_or(text).lines();
        let (mut rules, mut problems) = (Vec::new(), Vec::new());
        for (index, line) in lines.enumerate() {
            match Rule::parse(line) {
                Ok(rule) => rules.extend(rule),
                Err(what) => problems.push(IgnoreProblem { line: index + 1, what }),
            }
        }
        if !problems.is_empty() {
            return Err(Error::InvalidIgnoreFile(problems));
        }
        rules.extend(Self::default().rules);
        let rules = Self::of(rules);
        match rules.index.wildcards() {
            0..=WILDCARDS_LIMIT => Ok(rules),
            found => Err(Error::TooManyPatterns { found, limit: WILDCARDS_LIMIT }),
        }
    }

    fn of(rules: Vec<Rule>) -> Self {
        let mut index = RuleIndex::default();
        for (number, rule) in rules.iter().enumerate() {
            index.add(number, &rule.pattern);
            if rule.keeps {
                index.add_kept(&rule.fixed);
            }
        }
        Self { rules, index }
    }

    /// Returns true if `path` or a folder above it is ignored, and no later `!` line includes it again.
    ///
    /// Temporary files and folders of this program, which an interrupted run may have left, are always ignored.
    pub fn is_ignored(&self, path: &RelativePath) -> bool {
        if path.components().any(is_temporary_name) {
            return true;
        }
        let last = RuleIndex::ends(path.as_str()).fold(None, |above, path| self.last_match(above, path));
        self.ignores(last)
    }

    /// Returns the last rule that matches `path` or a folder above it; `above` is that of the folder that contains it.
    pub(super) fn last_match(&self, above: Option<usize>, path: &str) -> Option<usize> {
        self.index.last_match(above, path, |number| self.rules[number].pattern.matches(path))
    }

    /// Returns true if a path is ignored whose last matching rule is `last`: the last matching line decides.
    pub(super) fn ignores(&self, last: Option<usize>) -> bool {
        last.is_some_and(|number| !self.rules[number].keeps)
    }

    /// Returns true if a `!` line matches `path` itself.
    pub(super) fn keeps(&self, path: &str) -> bool {
        self.rules.iter().any(|rule| rule.keeps && rule.pattern.matches(path))
    }

    /// Returns true if a `!` line might include something below the ignored folder `path`. Otherwise the folder need
    /// not be read.
    pub(crate) fn may_keep_below(&self, path: &RelativePath) -> bool {
        !path.components().any(is_temporary_name) && self.index.may_keep_below(path.as_str())
    }
}

impl Rule {
    pub(super) fn parse(line: &str) -> Result<Option<Self>, Malformed> {
        if line.starts_with('#') || line.trim().is_empty() {
            return Ok(None);
        }
        let line = line.trim();
        let (keeps, text) = match line.strip_prefix('!') {
            Some(rest) => (true, rest.trim()),
            None => (false, line),
        };
        let clean = clean(text);
        if keeps && (text.is_empty() || clean == "/") {
            return Err(Malformed::Exception);
        }
        let pattern = Pattern::parse(&clean).ok_or_else(|| Malformed::Pattern(line.to_owned()))?;
        let is_fixed = |name: &&str| !name.contains(['*', '?', '[', '\\']);
        let fixed = clean.split('/').take_while(is_fixed).map(str::to_owned).collect();
        Ok(Some(Self { pattern, keeps, fixed }))
    }
}

/// Go's `filepath.Clean`, without one leading slash. A path that leads out of the folder stays unchanged and matches
/// nothing.
pub(super) fn clean(text: &str) -> String {
    let is_rooted = text.starts_with('/');
    let mut names: Vec<&str> = Vec::new();
    for name in text.split('/') {
        match name {
            "" | "." => {}
            ".." if names.last().is_some_and(|last| *last != "..") => drop(names.pop()),
            ".." if is_rooted => {}
            name => names.push(name),
        }
    }
    match (names.is_empty(), is_rooted) {
        (true, true) => "/".to_owned(),
        (true, false) => ".".to_owned(),
        (false, _) => names.join("/"),
    }
}

/// A malformed line of a `.kitignore`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IgnoreProblem {
    /// The line number, from 1.
    pub line: usize,
    what: Malformed,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Malformed {
    Exception,
    Pattern(String),
}

impl fmt::Display for IgnoreProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.what {
            Malformed::Exception => write!(f, "illegal exclusion pattern: \"!\" in line {}", self.line),
            Malformed::Pattern(text) => write!(f, "syntax error in pattern `{text}` in line {}", self.line),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ignores(text: &str, path: &str) -> bool {
        IgnoreRules::parse(text).unwrap().is_ignored(&path.parse().unwrap())
    }

    #[test]
    fn lines_are_read_as_dockerignore_reads_them() {
        for (text, path, expected) in [
            ("", "a", false),
            ("\u{feff}a", "a", true),
            ("#a", "#a", false),
            (" #a", "#a", true),
            ("  a  \r\n", "a", true),
            ("/a", "a", true),
            ("./a//b/", "a/b", true),
            ("x/../a", "a", true),
            ("../a", "a", false),
            (".", "a", false),
            ("/", "a", false),
            ("dir", "dir/deep/file", true),
            ("dir", "x/dir", false),
            ("*", "dir/deep/file", true),
            ("dir/*", "dir", false),
        ] {
            assert_eq!(ignores(text, path), expected, "{text:?} {path}");
        }
    }

    #[test]
    fn the_last_fitting_line_decides() {
        for (text, path, expected) in [
            ("docs\n!docs/README.md", "docs/README.md", false),
            ("docs\n!docs/README.md", "docs/other", true),
            ("!docs/README.md\ndocs", "docs/README.md", true),
            ("docs/*\n! docs/keep\n", "docs/keep/deep", false),
            ("**\n!a/b\na/b/c", "a/b/c", true),
            ("**\n!a/b\na/b/c", "a/b/d", false),
        ] {
            assert_eq!(ignores(text, path), expected, "{text:?} {path}");
        }
    }

    #[test]
    fn the_files_of_kit_are_always_ignored_but_only_in_the_context_folder() {
        for name in ALWAYS_IGNORED {
            assert!(ignores("!*", name));
            assert!(!ignores("", &format!("sub/{name}")));
            assert!(IgnoreRules::default().is_ignored(&name.parse().unwrap()));
        }
    }

    #[test]
    fn temporary_files_are_ignored_at_any_depth_and_whatever_a_line_says() {
        for path in [".kit-unpack-0123456789abcdef/new/f", "a/.kit-save-x", ".kit-write-abcdef"] {
            assert!(ignores("!*\n!**/.kit-*", path), "{path}");
            assert!(!IgnoreRules::parse("!**").unwrap().may_keep_below(&path.parse().unwrap()), "{path}");
        }
        assert!(!ignores("", ".kit-unpack"));
    }

    #[test]
    fn folders_are_read_only_if_something_in_them_may_be_kept() {
        for (text, folder, expected) in [
            ("a", "a", false),
            ("a\n!a/b", "a", true),
            ("a\n!a/b/c", "a/b", true),
            ("a\n!a/b", "a/c", false),
            ("a\n!a", "a/c", true),
            ("a\n!b/c", "a", false),
            ("a\n!a/*/c", "a/b", true),
            ("a\n!**/c", "a/b", true),
        ] {
            let rules = IgnoreRules::parse(text).unwrap();
            assert_eq!(rules.may_keep_below(&folder.parse().unwrap()), expected, "{text:?} {folder}");
        }
    }

    #[test]
    fn all_malformed_lines_are_reported() {
        let error = IgnoreRules::parse("a\n!\n[\n! \n!/").unwrap_err();
        expect_test::expect![[r#"
            invalid .kitignore file
            illegal exclusion pattern: "!" in line 2
            syntax error in pattern `[` in line 3
            illegal exclusion pattern: "!" in line 4
            illegal exclusion pattern: "!" in line 5"#]]
        .assert_eq(&error.to_string().replace("file: ", "file\n").replace("; ", "\n"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_rules_never_panic(
            text: String,
            globs in "([!#]?[ab*?/.\\[\\]^\\\\-]{0,9}\n){0,5}",
            path in "[ab/.-]{0,9}",
        ) {
            for text in [text, globs] {
                if let (Ok(rules), Ok(path)) = (IgnoreRules::parse(&text), path.parse()) {
                    rules.may_keep_below(&path);
                    rules.is_ignored(&path);
                }
            }
        }

        #[test]
        fn ignored_folders_with_included_files_are_read(
            globs in "(!?[ab*?/]{1,5}\n){1,5}", path in "[ab](/[ab]){0,3}",
        ) {
            let path: RelativePath = path.parse().unwrap();
            let Ok(rules) = IgnoreRules::parse(&globs) else { return Ok(()) };
            if !rules.is_ignored(&path) {
                for above in path.ancestors().filter(|above| rules.is_ignored(above)) {
                    proptest::prop_assert!(rules.may_keep_below(&above), "{globs:?} {above}");
                }
            }
        }
    }

    /// The rules in their order, without the index.
    fn is_ignored_one_by_one(rules: &IgnoreRules, path: &str) -> bool {
        let matches = |rule: &&Rule| RuleIndex::ends(path).any(|path| rule.pattern.matches(path));
        let mut matching = rules.rules.iter().filter(matches);
        matching.next_back().is_some_and(|rule| !rule.keeps)
    }

    fn may_keep_one_by_one(rules: &IgnoreRules, path: &RelativePath) -> bool {
        rules.rules.iter().any(|rule| rule.keeps && rule.fixed.iter().zip(path.components()).all(|(a, b)| a == b))
    }

    proptest::proptest! {
        #[test]
        fn the_index_changes_nothing(
            lines in proptest::collection::vec("!?(\\*\\*/|/)?[ab](/[ab*?]|/\\*\\*){0,3}", 0..8),
            path in "[ab](/[ab]){0,3}",
        ) {
            let rules = IgnoreRules::parse(&lines.join("\n")).unwrap();
            let parsed: RelativePath = path.parse().unwrap();
            proptest::prop_assert_eq!(rules.is_ignored(&parsed), is_ignored_one_by_one(&rules, &path));
            proptest::prop_assert_eq!(rules.may_keep_below(&parsed), may_keep_one_by_one(&rules, &parsed));
        }
    }

    #[test]
    fn many_patterns_are_looked_up_and_too_many_wildcards_are_refused() {
        let lines = |form: fn(usize) -> String, count| (0..count).map(form).collect::<Vec<_>>().join("\n");
        let forms: [fn(usize) -> String; 4] =
            [|n| format!("a/{n}"), |n| format!("{n}/**"), |n| format!("**/{n}"), |n| format!("!b/{n}/*")];
        for form in &forms[..3] {
            let rules = IgnoreRules::parse(&lines(*form, 100_000)).unwrap();
            assert_eq!(rules.index.wildcards(), 0);
            assert!(rules.is_ignored(&"a/99999".parse().unwrap()) || rules.is_ignored(&"99999/x".parse().unwrap()));
        }
        assert!(IgnoreRules::parse(&lines(forms[3], 10_000)).is_ok());
        let error = IgnoreRules::parse(&lines(forms[3], 10_001)).unwrap_err();
        assert!(matches!(error, Error::TooManyPatterns { .. }), "{error}");
    }
}
