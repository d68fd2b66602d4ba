//! What was probably meant by a misspelt name.

/// The name of `known` that `word` most likely stands for, if one is near enough.
pub fn closest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let longest = 24;
    if word.len() > longest {
        return None;
    }
    let near = known.iter().map(|name| (distance(&word.to_lowercase(), &name.to_lowercase()), *name));
    near.filter(|(distance, name)| *distance <= name.len() / 3)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, name)| name)
}

/// How many letters must be put in, taken out or exchanged (Levenshtein).
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (line, one) in left.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for (column, other) in right.iter().enumerate() {
            let substituted = diagonal + usize::from(one != *other);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
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
