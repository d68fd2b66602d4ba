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

/// The names in `known` with the smallest edit distance to `word`, nearest first; at most `limit` of them.
pub fn most_similar(word: &str, known: Vec<String>, limit: usize) -> Vec<String> {
    let mut known = known;
    known.sort_by_cached_key(|name| (strsim::osa_distance(word, name), name.clone()));
    known.dedup();
    known.truncate(limit);
    known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_similar_names_come_first() {
        let known = ["latest", "v1", "v10", "v2", "v2"].map(str::to_owned).to_vec();
        assert_eq!(most_similar("v9", known.clone(), 3), ["v1", "v2", "v10"]);
        assert_eq!(most_similar("lates", known, 1), ["latest"]);
        assert!(most_similar("v1", Vec::new(), 5).is_empty());
    }

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
