//! Suggestions for misspelt names.

/// The name in `known` that `word` most likely means, if one is similar enough.
pub fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let longest = 24;
    if word.len() > longest {
        return None;
    }
    let near = known.iter().map(|name| (strsim::osa_distance(&word.to_lowercase(), &name.to_lowercase()), *name));
    near.filter(|(distance, name)| *distance <= name.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found_and_far_ones_are_not() {
        let known = ["framework", "path", "datasets", "docs", "manifestVersion", "license"];
        for (word, expected) in [
            ("frameworks", Some("framework")),
            ("Path", Some("path")),
            ("dataset", Some("datasets")),
            ("doc", Some("docs")),
            ("psth", Some("path")),
            ("paht", Some("path")),
            ("licence", Some("license")),
            ("manifest_version", Some("manifestVersion")),
            ("digest", None),
            ("x", None),
            ("", None),
        ] {
            assert_eq!(closest(word, &known), expected, "{word}");
        }
    }
}
