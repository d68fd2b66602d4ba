//! Patterns that select the files to unpack, in the language of `.kitignore`.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use super::pattern::Pattern;
use super::rules::clean;
use crate::relative_path::RelativePath;

/// Patterns that select files: those that match one of them, or that are below a matching folder, except those that a
/// pattern with a leading `!` excludes. Without other patterns, all files are selected.
#[derive(Debug, Default)]
pub struct PathPatterns {
    included: Vec<PathPattern>,
    excluded: Vec<PathPattern>,
}

#[derive(Debug)]
struct PathPattern {
    text: String,
    pattern: Pattern,
    /// The patterns of the components before the first `**`.
    components: Vec<Pattern>,
    /// True if the pattern contains `**`, so that it may match at any depth below `components`.
    is_deep: bool,
    has_matched: AtomicBool,
    /// The last component, if it is a name without wildcards.
    file_name: Option<String>,
    /// A path with this name that does not match.
    elsewhere: OnceLock<String>,
}

/// A text that is not a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("invalid pattern `{0}`")]
pub struct InvalidPathPattern(String);

impl PathPatterns {
    /// Parses `patterns`.
    pub fn parse(patterns: &[String]) -> Result<Self, InvalidPathPattern> {
        let mut parsed = Self::default();
        for text in patterns {
            let (list, pattern) = match text.strip_prefix('!') {
                Some(pattern) => (&mut parsed.excluded, pattern),
                None => (&mut parsed.included, text.as_str()),
            };
            list.push(PathPattern::parse(pattern).ok_or_else(|| InvalidPathPattern(text.clone()))?);
        }
        Ok(parsed)
    }

    /// Returns true if there are no patterns, so that all files are selected.
    pub fn is_empty(&self) -> bool {
        self.included.is_empty() && self.excluded.is_empty()
    }

    /// Returns true if `path` is selected, and remembers the patterns that match.
    pub(crate) fn take(&self, path: &RelativePath) -> bool {
        self.note_elsewhere(path);
        let matching = self.included.iter().filter(|pattern| pattern.matches(path.as_str()));
        let count = matching.inspect(|pattern| pattern.has_matched.store(true, Ordering::Relaxed)).count();
        (self.included.is_empty() || count > 0) && !self.excludes(path)
    }

    /// Returns true if `path` is selected, without remembering the patterns that match.
    pub(crate) fn select(&self, path: &RelativePath) -> bool {
        self.note_elsewhere(path);
        let is_included = self.included.is_empty() || self.included.iter().any(|it| it.matches(path.as_str()));
        is_included && !self.excludes(path)
    }

    /// Returns true if everything at and below `path` is certainly selected.
    pub(crate) fn select_all_below(&self, path: &RelativePath) -> bool {
        self.excluded.is_empty() && self.select(path)
    }

    /// Returns true if `path` or something below it may be selected.
    pub(crate) fn may_match_at_or_below(&self, path: &RelativePath) -> bool {
        self.note_elsewhere(path);
        let may_match = |pattern: &PathPattern| pattern.may_match_at_or_below(path);
        (self.included.is_empty() || self.included.iter().any(may_match)) && !self.excludes(path)
    }

    fn excludes(&self, path: &RelativePath) -> bool {
        self.excluded.iter().any(|pattern| pattern.matches(path.as_str()))
    }

    /// A path that an unmatched pattern would have matched in another folder, if one was seen.
    pub(crate) fn elsewhere(&self) -> Option<String> {
        let mut unmatched = self.included.iter().filter(|pattern| !pattern.has_matched.load(Ordering::Relaxed));
        unmatched.find_map(|pattern| pattern.elsewhere.get().cloned())
    }

    fn note_elsewhere(&self, path: &RelativePath) {
        for pattern in &self.included {
            let is_namesake = pattern.file_name.as_deref().is_some_and(|name| path.file_name() == Some(name));
            if is_namesake && pattern.elsewhere.get().is_none() && !pattern.matches(path.as_str()) {
                pattern.elsewhere.get_or_init(|| path.as_str().to_owned());
            }
        }
    }

    /// The patterns that should select files and have not matched any path.
    pub(crate) fn unmatched(&self) -> Vec<String> {
        let unmatched = self.included.iter().filter(|pattern| !pattern.has_matched.load(Ordering::Relaxed));
        unmatched.map(|pattern| pattern.text.clone()).collect()
    }
}

impl PathPattern {
    fn parse(text: &str) -> Option<Self> {
        let clean = clean(text.strip_prefix('/').unwrap_or(text));
        if text.is_empty() || clean.starts_with("..") {
            return None;
        }
        let is_deep = clean.contains("**");
        let components = clean.split('/').take_while(|component| !component.contains("**"));
        Some(Self {
            text: text.to_owned(),
            components: components.map(Pattern::parse).collect::<Option<_>>()?,
            is_deep,
            pattern: if clean == "." { Pattern::parse("**")? } else { Pattern::parse(&clean)? },
            has_matched: AtomicBool::new(false),
            file_name: clean.rsplit('/').next().filter(|name| !name.contains(['*', '?', '[', '\\'])).map(str::to_owned),
            elsewhere: OnceLock::new(),
        })
    }

    fn matches(&self, path: &str) -> bool {
        let parents = path.match_indices('/').map(|(end, _)| &path[..end]);
        self.pattern.matches(path) || parents.into_iter().any(|parent| self.pattern.matches(parent))
    }

    fn may_match_at_or_below(&self, path: &RelativePath) -> bool {
        let mut pairs = self.components.iter().zip(path.components());
        self.matches(path.as_str()) || pairs.all(|(pattern, name)| pattern.matches(name)) && self.reaches(path)
    }

    /// Returns true if a path below `path` can have as many components as the pattern.
    fn reaches(&self, path: &RelativePath) -> bool {
        self.is_deep || path.is_root() || self.components.len() > path.components().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, path: &str, is_taken: bool, may_be_below: bool) {
        let patterns = PathPatterns::parse(&[pattern.to_owned()]).unwrap();
        let path = path.parse().unwrap();
        assert_eq!(patterns.may_match_at_or_below(&path), may_be_below, "{pattern} {path}");
        assert_eq!(patterns.take(&path), is_taken, "{pattern} {path}");
        assert_eq!(patterns.unmatched().is_empty(), is_taken, "{pattern} {path}");
    }

    #[test]
    fn patterns_select_files_and_everything_below_folders() {
        check("tokenizer*", "tokenizer.json", true, true);
        check("tokenizer*", "model.bin", false, false);
        check("tokenizer*", "data/tokenizer.json", false, false);
        check("**/tokenizer*", "data/tokenizer.json", true, true);
        check("**/tokenizer*", "data", false, true);
        check("data", "data/a/b", true, true);
        check("data/*.csv", "data/a.csv", true, true);
        check("data/*.csv", "data", false, true);
        check("data/*.csv", "docs", false, false);
        check("./data/", "data/a", true, true);
        check("/data", "data", true, true);
        check(".", "data", true, true);
        check("a", ".", false, true);
    }

    #[test]
    fn a_file_with_the_name_in_another_folder_is_noted() {
        for (pattern, path, expected) in [
            ("config.json", "model/config.json", Some("model/config.json")),
            ("src/config.json", "model/config.json", Some("model/config.json")),
            ("config.json", "model/other.json", None),
            ("*.json", "model/config.json", None),
            ("config.json", "config.json", None),
        ] {
            let patterns = PathPatterns::parse(&[pattern.to_owned()]).unwrap();
            patterns.take(&path.parse().unwrap());
            assert_eq!(patterns.elsewhere().as_deref(), expected, "{pattern} {path}");
        }
    }

    #[test]
    fn without_patterns_all_files_are_selected() {
        let none = PathPatterns::default();
        assert!(none.take(&"a".parse().unwrap()) && none.unmatched().is_empty());
    }

    #[test]
    fn a_leading_exclamation_mark_excludes() {
        let parse = |texts: &[&str]| {
            PathPatterns::parse(&texts.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>()).unwrap()
        };
        for (texts, path, is_taken, may_be_below) in [
            (&["!data"][..], "data/a", false, false),
            (&["!data"], "src", true, true),
            (&["data", "!data/*.csv"], "data/a.csv", false, false),
            (&["data", "!data/*.csv"], "data/a.json", true, true),
            (&["!data/*.csv", "data"], "data/a.csv", false, false),
            (&["data", "!data/*.csv"], "data", true, true),
            (&["data", "!data/*.csv"], "src", false, false),
            (&["\\!a"], "!a", true, true),
        ] {
            let (patterns, path) = (parse(texts), path.parse().unwrap());
            assert_eq!(patterns.take(&path), is_taken, "{texts:?} {path}");
            assert_eq!(patterns.may_match_at_or_below(&path), may_be_below, "{texts:?} {path}");
        }
        assert!(!parse(&["!data"]).is_empty() && parse(&["!data"]).unmatched().is_empty());
    }

    #[test]
    fn invalid_patterns_are_refused() {
        for text in ["", "..", "../a", "[a", "!", "!../a"] {
            assert_eq!(PathPatterns::parse(&[text.to_owned()]).unwrap_err(), InvalidPathPattern(text.to_owned()));
        }
    }
}
