//! The executable files of a checkout, for platforms whose files do not say that they are executable.

use std::path::Path;

use super::command::entries_of_output;

/// Returns the paths of the files in `folder` that git has recorded as executable, relative to it. Empty if the folder
/// is not a repository, or if git is missing or fails.
pub fn executables(folder: &Path) -> Vec<String> {
    if !folder.join(".git").exists() {
        return Vec::new();
    }
    entries_of_output(folder, &["ls-files", "--stage", "-z"], executable).unwrap_or_default()
}

/// Returns the path in an entry `MODE OBJECT STAGE TAB PATH` if its mode is that of an executable file (git-ls-files,
/// "OUTPUT").
fn executable(entry: &str) -> Option<String> {
    let (facts, path) = entry.split_once('\t')?;
    facts.starts_with("100755 ").then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn executable_entries_are_recognised() {
        let object = "7a914ef8eb257bae97649a031a8986813d049db8";
        let path = |mode: &str, name: &str| executable(&format!("{mode} {object} 0\t{name}"));
        assert_eq!(path("100755", "bin/run me").as_deref(), Some("bin/run me"));
        assert_eq!(path("100755", "a\tb").as_deref(), Some("a\tb"));
        for mode in ["100644", "120000", "160000"] {
            assert_eq!(path(mode, "bin/run"), None, "{mode}");
        }
        assert_eq!(executable("100755"), None);
    }
}
