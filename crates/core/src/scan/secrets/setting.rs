//! Settings in files with environment variables.

/// Returns true if a file with environment variables sets one that may be secret. Short values, such as numbers and
/// switches, are not, unless the name of the variable says so.
pub(crate) fn has_secret_setting(text: &str) -> bool {
    const WORDS: [&str; 7] = ["key", "token", "secret", "pass", "pwd", "credential", "auth"];
    const SHORT: usize = 4;
    text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(|line| line.split_once('=')).any(
        |(name, value)| {
            let (name, value) = (name.to_lowercase(), value.trim().trim_matches(['"', '\'']));
            value.len() >= SHORT || !value.is_empty() && WORDS.iter().any(|word| name.contains(word))
        },
    )
}
