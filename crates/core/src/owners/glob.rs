//! Patterns for names and for paths. Matching takes time proportional to the pattern and the text.

use crate::relative_path::RelativePath;

/// A pattern for one name: `*` matches any characters, `?` one, and `\` makes the next character ordinary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NameGlob(Vec<Step>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    Plain(char),
    Any,
    Run,
}

impl NameGlob {
    pub(super) fn new(text: &str) -> Self {
        let mut steps = Vec::new();
        let mut signs = text.chars();
        while let Some(sign) = signs.next() {
            match sign {
                '*' if steps.last() == Some(&Step::Run) => {}
                '*' => steps.push(Step::Run),
                '?' => steps.push(Step::Any),
                '\\' => steps.push(Step::Plain(signs.next().unwrap_or('\\'))),
                sign => steps.push(Step::Plain(sign)),
            }
        }
        Self(steps)
    }

    pub(super) fn matches(&self, name: &str) -> bool {
        let name: Vec<char> = name.chars().collect();
        let (mut step, mut at, mut last_run) = (0, 0, None);
        while at < name.len() {
            match self.0.get(step) {
                Some(Step::Run) => {
                    last_run = Some((step, at));
                    step += 1;
                }
                Some(Step::Any) => (step, at) = (step + 1, at + 1),
                Some(Step::Plain(sign)) if *sign == name[at] => (step, at) = (step + 1, at + 1),
                // The last `*` takes one more character. Earlier ones need not: they already took the fewest.
                _ => match &mut last_run {
                    None => return false,
                    Some((run, taken)) => {
                        *taken += 1;
                        (step, at) = (*run + 1, *taken);
                    }
                },
            }
        }
        self.0[step..].iter().all(|step| *step == Step::Run)
    }

    fn is_any(&self) -> bool {
        self.0 == [Step::Run]
    }
}

/// A pattern for paths, as in CODEOWNERS: without a slash before its end it matches at any depth, and a pattern that
/// matches a folder matches everything in it, except if it ends in `/*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct PathGlob {
    parts: Vec<PathPart>,
    /// True if only what is below a matching folder is meant.
    is_folder: bool,
    /// True if only what matches itself is meant, and not what is below it.
    is_flat: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum PathPart {
    /// `**`: any number of folders.
    Tree,
    Name(NameGlob),
}

impl PathGlob {
    /// Returns the pattern; `None` if there is no name in it.
    pub(super) fn new(text: &str) -> Option<Self> {
        let (text, is_folder) = text.strip_suffix('/').map_or((text, false), |text| (text, true));
        let is_anchored = text.contains('/');
        let names = text.split('/').filter(|name| !name.is_empty() && *name != ".");
        let part = |name: &str| if name == "**" { PathPart::Tree } else { PathPart::Name(NameGlob::new(name)) };
        let start = (!is_anchored).then_some(PathPart::Tree);
        let parts: Vec<_> = start.into_iter().chain(names.map(part)).collect();
        let is_flat = matches!(parts.last(), Some(PathPart::Name(name)) if name.is_any()) && !is_folder;
        let has_name = parts.len() > usize::from(!is_anchored);
        has_name.then_some(Self { parts, is_folder, is_flat })
    }

    /// Returns true if the pattern matches the file `path`, or a folder above it.
    pub(super) fn matches(&self, path: &RelativePath) -> bool {
        let names: Vec<&str> = path.components().collect();
        // The element i is true if the parts up to now match the first i names.
        let mut reached: Vec<bool> = std::iter::once(true).chain(names.iter().map(|_| false)).collect();
        for part in &self.parts {
            match part {
                PathPart::Tree => {
                    let first = reached.iter().position(|is_reached| *is_reached).unwrap_or(reached.len());
                    reached[first..].fill(true);
                }
                PathPart::Name(name) => {
                    for end in (1..reached.len()).rev() {
                        reached[end] = reached[end - 1] && name.matches(names[end - 1]);
                    }
                    reached[0] = false;
                }
            }
        }
        let whole = reached.pop().unwrap_or_default();
        whole && !self.is_folder || !self.is_flat && reached.iter().skip(1).any(|is_reached| *is_reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, matching: &[&str], others: &[&str]) {
        let glob = PathGlob::new(pattern).unwrap();
        for (paths, expected) in [(matching, true), (others, false)] {
            for path in paths {
                assert_eq!(glob.matches(&path.parse().unwrap()), expected, "{pattern} {path}");
            }
        }
    }

    /// The examples of GitHub's and git's documentation.
    #[test]
    fn paths_match_as_in_codeowners() {
        check("*", &["a", "a/b/c.py"], &[]);
        check("*.js", &["a.js", "src/a.js"], &["a.jsx", "a.js.map"]);
        check("/build/logs/", &["build/logs/a", "build/logs/x/a"], &["build/logs", "x/build/logs/a"]);
        check("docs/*", &["docs/a.md"], &["docs/build/a.md", "x/docs/a.md"]);
        check("apps/", &["apps/a", "x/apps/a", "x/apps/y/a"], &["apps", "x/apps"]);
        check("/docs/", &["docs/a"], &["x/docs/a"]);
        check("/docs", &["docs", "docs/a/b"], &["docs2", "x/docs"]);
        check("**/logs", &["logs", "build/logs/a", "deep/x/logs"], &["logs2"]);
        check("deploy/**", &["deploy/a", "deploy/x/a"], &["x/deploy/a", "deployment"]);
        check("a/**/b", &["a/b", "a/x/b", "a/x/y/b/c"], &["a/x", "x/a/b"]);
        check("src/*.py", &["src/a.py"], &["src/x/a.py"]);
        check("a?c\\*", &["abc*"], &["ac*", "abcd"]);
        check("./model.bin", &["model.bin"], &["x/model.bin"]);
        check("**", &["a", "a/b"], &[]);
        assert_eq!((PathGlob::new("//"), PathGlob::new("/")), (None, None));
    }

    #[test]
    fn many_stars_take_little_time() {
        let start = std::time::Instant::now();
        let glob = NameGlob::new(&"a*".repeat(500));
        assert!(!glob.matches(&format!("{}b", "a".repeat(499))));
        assert!(!PathGlob::new(&"**/a/".repeat(200)).unwrap().matches(&"a/".repeat(150).parse().unwrap()));
        assert!(start.elapsed() < std::time::Duration::from_secs(5));
    }

    proptest::proptest! {
        #[test]
        fn any_pattern_matches_any_path_without_a_panic(pattern in "[a*?\\\\/.]{0,12}", path in "[a-b./]{0,12}") {
            if let (Some(glob), Ok(path)) = (PathGlob::new(&pattern), path.parse()) {
                glob.matches(&path);
            }
        }

        #[test]
        fn a_plain_name_matches_only_itself(name in "[a-z.]{1,8}", other in "[a-z.]{1,8}") {
            proptest::prop_assert_eq!(NameGlob::new(&name).matches(&other), name == other);
        }
    }
}
