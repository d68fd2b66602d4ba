//! The names of skills, which become names of folders.

/// The name of a skill without any other.
const UNNAMED: &str = "unnamed-skill";

/// The greatest length of a file name on common file systems, in bytes.
const LENGTH_LIMIT: usize = 255;

/// The name that is left of the first of `candidates` that is not empty, after replacing all characters that a folder
/// should not contain.
pub(super) fn skill_name(candidates: &[&str]) -> String {
    let given = candidates.iter().map(|candidate| candidate.trim()).find(|candidate| !candidate.is_empty());
    let name = given.map(clean).unwrap_or_default();
    if name.is_empty() { UNNAMED.to_owned() } else { name }
}

/// Lower-case letters, digits, `.` and `_` are kept, and every run of other characters becomes a hyphen.
fn clean(name: &str) -> String {
    let mut cleaned = String::new();
    for letter in name.to_lowercase().chars() {
        if letter.is_ascii_lowercase() || letter.is_ascii_digit() || matches!(letter, '.' | '_') {
            cleaned.push(letter);
        } else if !cleaned.ends_with('-') {
            cleaned.push('-');
        }
    }
    let mut cleaned = cleaned.trim_matches(['.', '-']).to_owned();
    cleaned.truncate(LENGTH_LIMIT);
    cleaned
}

/// The name that the path of a prompt suggests: the last folder for a folder or for a SKILL.md, and the name without
/// extension for another file.
pub(super) fn name_of_path(path: &str) -> &str {
    let path = path.strip_prefix("./").unwrap_or(path);
    let last = |path: &'_ str| path.rfind(['/', '\\']).map_or(0, |slash| slash + 1);
    if let Some(folder) = path.strip_suffix(['/', '\\']) {
        return &folder[last(folder)..];
    }
    let (parent, name) = path.split_at(last(path));
    if name.eq_ignore_ascii_case("SKILL.md") {
        return parent.strip_suffix(['/', '\\']).map_or("", |folder| &folder[last(folder)..]);
    }
    name.rsplit_once('.').map_or(name, |(stem, _)| stem)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_only_safe_characters() {
        let long = "x".repeat(300);
        for (candidates, expected) in [
            (&["Code Review!", "b"][..], "code-review"),
            (&["", " ", "b_1.0"], "b_1.0"),
            (&["../../etc"], "etc"),
            (&["..", "b"], "unnamed-skill"),
            (&["Ünï  Cödé"], "n-c-d"),
            (&["日本"], "unnamed-skill"),
            (&[], "unnamed-skill"),
            (&[&*long], &"x".repeat(255)),
        ] {
            assert_eq!(skill_name(candidates), expected, "{candidates:?}");
        }
    }

    #[test]
    fn a_path_suggests_a_name() {
        for (path, expected) in [
            ("skills/review/", "review"),
            ("skills/review/SKILL.md", "review"),
            ("skills\\review\\skill.MD", "review"),
            ("SKILL.md", ""),
            ("./SKILL.md", ""),
            ("prompts/review.prompt.md", "review.prompt"),
            ("skills/review", "review"),
            (".", ""),
            ("", ""),
        ] {
            assert_eq!(name_of_path(path), expected, "{path}");
        }
    }
}
