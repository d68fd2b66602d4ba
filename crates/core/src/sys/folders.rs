//! The folders of the system and of the user that programs agree on.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// The folders in which the programs of a user keep what belongs to them.
#[derive(Debug, PartialEq, Eq)]
pub struct UserFolders {
    /// The folder of the data of all programs.
    pub data: PathBuf,
    /// The folder of the configuration of all programs.
    pub configuration: PathBuf,
}

/// The folder of the administrator's configuration of kit, without regard to variables of the environment, which any
/// user can set.
pub fn system_configuration() -> &'static Path {
    Path::new(if cfg!(windows) { r"C:\ProgramData\kit" } else { "/etc/kit" })
}

/// Returns the folders of the user whose home folder is `home`, in the environment with these variables: those of the
/// XDG Base Directory Specification 0.8, on macOS as well, and `%APPDATA%` on Windows. A relative path does not count.
pub fn user_folders(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> UserFolders {
    let folder = |name: &str, usual: &str| {
        let named = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        named.unwrap_or_else(|| home.join(usual))
    };
    if cfg!(windows) {
        let roaming = folder("APPDATA", r"AppData\Roaming");
        return UserFolders { data: roaming.clone(), configuration: roaming };
    }
    UserFolders { data: folder("XDG_DATA_HOME", ".local/share"), configuration: folder("XDG_CONFIG_HOME", ".config") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn variables_with_absolute_paths_name_folders() {
        let check = |value: Option<&str>, data: &str, configuration: &str| {
            let found = user_folders(Path::new("/home/ada"), |_| value.map(OsString::from));
            assert_eq!(found, UserFolders { data: data.into(), configuration: configuration.into() }, "{value:?}");
        };
        check(None, "/home/ada/.local/share", "/home/ada/.config");
        check(Some("relative"), "/home/ada/.local/share", "/home/ada/.config");
        check(Some(""), "/home/ada/.local/share", "/home/ada/.config");
        check(Some("/x"), "/x", "/x");
    }

    #[cfg(windows)]
    #[test]
    fn a_variable_with_an_absolute_path_names_the_folder_of_both() {
        let check = |value: Option<&str>, folder: &str| {
            let found = user_folders(Path::new(r"C:\Users\Ada"), |_| value.map(OsString::from));
            assert_eq!(found, UserFolders { data: folder.into(), configuration: folder.into() }, "{value:?}");
        };
        check(None, r"C:\Users\Ada\AppData\Roaming");
        check(Some("relative"), r"C:\Users\Ada\AppData\Roaming");
        check(Some(r"D:\data"), r"D:\data");
    }
}
