//! The next semantic version.

use super::fact::Level;

/// Returns the version that follows `version` after a change of this level (Semantic Versioning 2.0.0). Before 1.0.0,
/// a breaking change raises the second number, as Cargo and npm expect. Returns none if `version` is not a semantic
/// version, with or without a `v` before it.
pub fn propose(version: &str, level: Level) -> Option<String> {
    let (prefix, numbers) = version.strip_prefix('v').map_or(("", version), |rest| ("v", rest));
    let core = numbers.split(['-', '+']).next()?;
    let parts: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
    let [major, minor, patch] = parts[..] else { return None };
    // A version before a release is followed by the release.
    let is_before_release = numbers[core.len()..].starts_with('-');
    let (major, minor, patch) = match (level, major) {
        (Level::Breaking, 1..) => (major.checked_add(1)?, 0, 0),
        (Level::Changed, 1..) | (Level::Breaking, 0) => (major, minor.checked_add(1)?, 0),
        _ if is_before_release => (major, minor, patch),
        _ => (major, minor, patch.checked_add(1)?),
    };
    Some(format!("{prefix}{major}.{minor}.{patch}"))
}

/// Parses a number without leading zeros.
fn number(text: &str) -> Option<u64> {
    let is_number = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_level_decides_which_number_is_raised() {
        use Level::{Breaking, Changed, Compatible};
        for (version, level, expected) in [
            ("1.4.2", Breaking, Some("2.0.0")),
            ("1.4.2", Changed, Some("1.5.0")),
            ("1.4.2", Compatible, Some("1.4.3")),
            ("v1.4.2", Changed, Some("v1.5.0")),
            ("0.4.2", Breaking, Some("0.5.0")),
            ("0.4.2", Changed, Some("0.4.3")),
            ("1.4.2-rc.1", Compatible, Some("1.4.2")),
            ("1.4.2-rc.1+x", Breaking, Some("2.0.0")),
            ("1.4", Changed, None),
            ("latest", Changed, None),
            ("01.4.2", Changed, None),
            ("+1.4.2", Changed, None),
            ("1.4.18446744073709551615", Compatible, None),
        ] {
            assert_eq!(propose(version, level).as_deref(), expected, "{version} {level:?}");
        }
    }
}
