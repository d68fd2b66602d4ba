//! File names that a platform reserves, and different names that a file system takes for the same.

use std::path::Path;

use unicode_normalization::UnicodeNormalization;

use crate::sys::Metadata;

/// Returns the reason why this platform cannot have a file with this name; `None` if it can.
pub fn name_problem(name: &str) -> Option<&'static str> {
    if cfg!(windows) { problem_on_windows(name) } else { None }
}

/// The devices of Windows, whatever their extension ("Naming Files, Paths, and Namespaces" of its documentation). The
/// last digits of the names with `#` are 1 to 9, or the same as superscripts.
const DEVICES: [&str; 8] = ["aux", "con", "conin$", "conout$", "nul", "prn", "com#", "lpt#"];

fn problem_on_windows(name: &str) -> Option<&'static str> {
    if name.contains(is_forbidden_on_windows) {
        return Some("Windows permits no name with a control character or one of < > : \" \\ | ? *");
    }
    if name.ends_with(['.', ' ']) {
        return Some("Windows ignores dots and spaces at the end of a name");
    }
    let stem = name.split('.').next().unwrap_or(name).trim_end_matches(' ');
    DEVICES.iter().any(|device| is_device(stem, device)).then_some("Windows reserves its name for a device")
}

fn is_forbidden_on_windows(sign: char) -> bool {
    sign < ' ' || matches!(sign, '<' | '>' | ':' | '"' | '\\' | '|' | '?' | '*')
}

fn is_device(stem: &str, device: &str) -> bool {
    let Some(fixed) = device.strip_suffix('#') else { return stem.eq_ignore_ascii_case(device) };
    let Some((start, digit)) = stem.char_indices().last().map(|(end, digit)| (&stem[..end], digit)) else {
        return false;
    };
    start.eq_ignore_ascii_case(fixed) && matches!(digit, '1'..='9' | '¹' | '²' | '³')
}

/// The differences between names that the file system of a folder ignores.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Folding {
    /// Upper case and lower case.
    pub case: bool,
    /// The forms of Unicode: `é` as one character or as two.
    pub form: bool,
}

impl Folding {
    /// Returns what the file system of `folder` ignores, judged by the path of the folder, or of the one in which it
    /// will be created. Names without letters do not show it; the usual file system of the platform is assumed then.
    pub fn of(folder: &Path) -> Self {
        let usual = cfg!(any(windows, target_vendor = "apple"));
        let path = folder.ancestors().find_map(|path| fs_err::canonicalize(path).ok()).unwrap_or_default();
        let is_the_same = path.ancestors().find_map(ignores_case_of_last_name);
        Self { case: is_the_same.unwrap_or(usual), form: cfg!(target_vendor = "apple") }
    }

    /// Returns true if every difference between names counts.
    pub fn is_none(self) -> bool {
        self == Self::default()
    }

    /// Returns `name` in the spelling that all names have in common that the file system takes for the same.
    pub fn common(self, name: &str) -> String {
        let name = if self.form { name.nfd().collect() } else { name.to_owned() };
        if !self.case {
            return name;
        }
        let folded: String = name.chars().map(fold).collect();
        if self.form { folded.nfd().collect() } else { folded }
    }
}

/// Returns the lower case of the upper case, as far as they are one character: file systems map single characters.
fn fold(sign: char) -> char {
    let upper = single(sign.to_uppercase()).unwrap_or(sign);
    single(upper.to_lowercase()).unwrap_or(upper)
}

fn single(mut signs: impl Iterator<Item = char>) -> Option<char> {
    let first = signs.next()?;
    signs.next().is_none().then_some(first)
}

/// Returns true if the last name of `path` leads to the same file in another case; `None` if it has no letter.
fn ignores_case_of_last_name(path: &Path) -> Option<bool> {
    let name = path.file_name()?.to_str()?;
    let other: String = name.chars().map(swapped).collect();
    if other == name {
        return None;
    }
    let (found, swapped) = (Metadata::at(path).ok()?, Metadata::at(&path.with_file_name(other)));
    Some(swapped.is_ok_and(|swapped| swapped.is_same_file(&found)))
}

fn swapped(sign: char) -> char {
    if sign.is_ascii_lowercase() { sign.to_ascii_uppercase() } else { sign.to_ascii_lowercase() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_windows_reserves_are_recognised() {
        for name in [
            "con",
            "CON",
            "Nul.txt",
            "aux.tar.gz",
            "COM1",
            "com9.log",
            "LPT³",
            "prn ",
            "nul .txt",
            "CONIN$",
            "a.",
            "a ",
            "...",
            "a:b",
            "a\\b",
            "a?",
            "*",
            "<",
            "a|b",
            "say \"x\"",
            "a\tb",
            "\u{1}",
        ] {
            assert!(problem_on_windows(name).is_some(), "{name:?}");
        }
        for name in
            ["console", "con1", "com", "com0", "com10", "lpt", "null", ".con", "a.con", "a b", ".a", "ä", "com¼", "x~1"]
        {
            assert_eq!(problem_on_windows(name), None, "{name:?}");
        }
    }

    #[test]
    fn names_that_a_file_system_takes_for_the_same_have_a_common_spelling() {
        let check = |folding: Folding, one: &str, other: &str, expected: bool| {
            assert_eq!(folding.common(one) == folding.common(other), expected, "{folding:?}: {one} {other}");
        };
        let windows = Folding { case: true, form: false };
        let mac = Folding { case: true, form: true };
        for folding in [windows, mac] {
            check(folding, "README", "readme", true);
            check(folding, "ÄÖ", "äö", true);
            check(folding, "ΣΑΣ", "σας", true);
            check(folding, "straße", "strasse", false);
            check(folding, "a", "b", false);
        }
        check(windows, "e\u{301}", "é", false);
        check(mac, "E\u{301}", "é", true);
        check(Folding { case: false, form: true }, "e\u{301}", "é", true);
        check(Folding { case: false, form: true }, "e\u{301}", "É", false);
        check(Folding::default(), "A", "a", false);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn file_systems_of_linux_distinguish_names() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Folding::of(folder.path()).is_none());
    }

    #[cfg(windows)]
    #[test]
    fn file_systems_of_windows_ignore_case() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Folding::of(folder.path()).case);
    }
}
