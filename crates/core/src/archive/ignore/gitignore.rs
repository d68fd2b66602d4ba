//! Translates lines of a `.gitignore` to the syntax of `.kitignore`, which is that of `.dockerignore`.

/// Returns the line of a `.kitignore` that means the same as `line` of a `.gitignore` (gitignore(5)) in the same
/// folder; `None` for empty lines and comments.
///
/// Without a slash before its end, a pattern of git matches at any depth; those of `.dockerignore` never do without
/// `**/`. A pattern of git that ends in a slash matches only folders, which `.dockerignore` cannot express: the result
/// matches files as well.
pub fn translate_gitignore(line: &str) -> Option<String> {
    let line = without_trailing_spaces(line.trim_end_matches('\r'));
    if line.is_empty() || line.starts_with('#') {
        return None;
    }
    let (sign, pattern) = line.strip_prefix('!').map_or(("", line), |rest| ("!", rest));
    let pattern = pattern.trim_end_matches('/');
    if pattern.is_empty() {
        return None;
    }
    let anchored = pattern.strip_prefix('/').unwrap_or(pattern);
    let start = match anchored.chars().next() {
        _ if !pattern.contains('/') => "**/",
        // Otherwise the line would be a comment, or would include the files.
        Some('#' | '!') => "./",
        _ => "",
    };
    Some(format!("{sign}{start}{}", anchored.replace("[!", "[^")))
}

/// Removes spaces at the end, except for one after a backslash.
fn without_trailing_spaces(line: &str) -> &str {
    let trimmed = line.trim_end_matches(' ');
    if trimmed.len() < line.len() && trimmed.ends_with('\\') { &line[..=trimmed.len()] } else { trimmed }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::archive::IgnoreRules;

    #[test]
    fn lines_are_translated() {
        for (line, expected) in [
            ("", None),
            ("# comment", None),
            ("/", None),
            ("*.pyc\r", Some("**/*.pyc")),
            ("build/", Some("**/build")),
            ("/build/", Some("build")),
            ("/build/out", Some("build/out")),
            ("docs/_build/", Some("docs/_build")),
            ("**/logs", Some("**/logs")),
            ("logs/**", Some("logs/**")),
            ("!keep.me  ", Some("!**/keep.me")),
            ("a\\  ", Some("**/a\\ ")),
            ("*.py[!c]", Some("**/*.py[^c]")),
            ("\\#a", Some("**/\\#a")),
            ("/#a", Some("./#a")),
        ] {
            assert_eq!(translate_gitignore(line).as_deref(), expected, "{line:?}");
        }
    }

    #[test]
    fn a_translated_line_ignores_what_git_ignores() {
        for (line, path, expected) in [
            ("build/", "a/build/x", true),
            ("/build/", "a/build/x", false),
            ("*.py[!c]", "a/x.pyo", true),
            ("*.py[!c]", "a/x.pyc", false),
            ("/#a", "#a", true),
            ("\\#a", "b/#a", true),
            ("a/**/b", "a/x/y/b", true),
        ] {
            let rules = IgnoreRules::parse(&translate_gitignore(line).unwrap()).unwrap();
            assert_eq!(rules.is_ignored(&path.parse().unwrap()), expected, "{line:?} {path}");
        }
    }
}
