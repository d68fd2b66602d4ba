//! Paths that other programs execute or trust, and paths that no ModelKit may contain.
//!
//! Names are compared as the most tolerant file system would compare them, whatever the target is on: a folder may be
//! copied to another one later. The rules for `.git` are those of git (`path.c`, `is_ntfs_dotgit`; `utf8.c`,
//! `is_hfs_dotgit`).

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::spelling::Spellings;
use crate::archive::error::Error;
use crate::relative_path::RelativePath;
use crate::sys::{Folding, is_temporary_name, name_problem};

/// The treatment of paths that other programs execute or trust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UnsafePaths {
    /// Unpacks them: the user trusts the ModelKit.
    Allow,
    /// Refuses them. Some are only special in the home folder of the user, which is here if it is known.
    Refuse {
        /// The home folder.
        home: Option<PathBuf>,
    },
}

/// The reason why a path is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Danger {
    /// git runs the hooks and the commands in the configuration of a repository.
    Git,
    /// ssh trusts keys, and runs commands in its configuration.
    Ssh,
    /// A file in the home folder that a shell or another program executes or trusts.
    Home,
    /// The name of a temporary file. The next unpacking would remove it as the remains of a killed process.
    Temporary,
}

/// Files and folders in a home folder that are executed when the user logs in, starts a shell or a common program, or
/// that grant access to the account or name the commands of a program.
const IN_HOME: &[&str] = &[
    ".aws",
    ".bash_aliases",
    ".bash_login",
    ".bash_logout",
    ".bash_profile",
    ".bashrc",
    ".cargo",
    ".config/autostart",
    ".config/environment.d",
    ".config/fish",
    ".config/git",
    ".config/nvim",
    ".config/powershell",
    ".config/systemd",
    ".cshrc",
    ".curlrc",
    ".docker",
    ".emacs",
    ".emacs.d",
    ".exrc",
    ".gdbinit",
    ".gitconfig",
    ".gnupg",
    ".inputrc",
    ".kshrc",
    ".kube",
    ".lldbinit",
    ".local/bin",
    ".login",
    ".logout",
    ".mkshrc",
    ".netrc",
    ".npmrc",
    ".pam_environment",
    ".profile",
    ".pypirc",
    ".rhosts",
    ".screenrc",
    ".tcshrc",
    ".tmux.conf",
    ".vim",
    ".vimrc",
    ".wgetrc",
    ".xinitrc",
    ".xprofile",
    ".xsession",
    ".xsessionrc",
    ".zlogin",
    ".zlogout",
    ".zprofile",
    ".zshenv",
    ".zshrc",
    "library/launchagents",
];

/// The rules for one target.
#[derive(Debug)]
pub(super) struct PathRules {
    is_trusted: bool,
    /// The path of the target below the home folder, or of the home folder below the target.
    home: Option<Home>,
    /// The paths so far.
    spellings: Mutex<Spellings>,
}

#[derive(Debug)]
enum Home {
    Above(Vec<String>),
    Below(Vec<String>),
}

impl PathRules {
    /// The rules for the folder `target`.
    pub(super) fn new(unsafe_paths: &UnsafePaths, target: &Path) -> Self {
        let home = match unsafe_paths {
            UnsafePaths::Allow => None,
            UnsafePaths::Refuse { home } => home.as_deref().and_then(|home| Home::seen_from(target, home)),
        };
        let spellings = Mutex::new(Spellings::new(Folding::of(target)));
        Self { is_trusted: *unsafe_paths == UnsafePaths::Allow, home, spellings }
    }

    /// Fails if `path` must not be unpacked.
    pub(super) fn check(&self, path: &RelativePath) -> Result<(), Error> {
        if let Some(reason) = path.components().find_map(name_problem) {
            return Err(Error::Refused { member: path.to_string(), reason });
        }
        if let Some(danger) = self.danger(path) {
            return Err(Error::UnsafePath { path: path.clone(), danger });
        }
        let added = self.spellings.lock().unwrap_or_else(PoisonError::into_inner).add(path);
        added.map_err(|path| Error::Refused {
            member: path.to_string(),
            reason: "the ModelKit has another path that the file system of the target takes for the same",
        })
    }

    fn danger(&self, path: &RelativePath) -> Option<Danger> {
        if path.components().any(is_temporary_name) {
            return Some(Danger::Temporary);
        }
        if self.is_trusted {
            return None;
        }
        let by_name = path.components().find_map(danger_of_name);
        by_name.or_else(|| self.home.as_ref()?.holds_trusted(path).then_some(Danger::Home))
    }
}

impl Home {
    fn seen_from(target: &Path, home: &Path) -> Option<Self> {
        // A home folder that does not exist has no files that a program trusts.
        let (target, home) = (resolved(target)?, fs_err::canonicalize(home).ok()?);
        let names = |path: &Path| path.iter().map(|name| plain(&name.to_string_lossy())).collect();
        match (target.strip_prefix(&home), home.strip_prefix(&target)) {
            (Ok(below), _) => Some(Self::Above(names(below))),
            (_, Ok(below)) => Some(Self::Below(names(below))),
            _ => None,
        }
    }

    /// Returns true if `path` in the target is one of [`IN_HOME`].
    fn holds_trusted(&self, path: &RelativePath) -> bool {
        let mut names: Vec<String> = path.components().map(plain).collect();
        let in_home = match self {
            Self::Above(target) => {
                names.splice(0..0, target.iter().cloned());
                &names[..]
            }
            Self::Below(home) => match names.strip_prefix(&home[..]) {
                Some(rest) => rest,
                None => return false,
            },
        };
        IN_HOME.iter().any(|trusted| {
            let mut wanted = trusted.split('/');
            let mut found = in_home.iter();
            wanted.all(|name| found.next().is_some_and(|found| found == name))
        })
    }
}

/// Returns `path` without symbolic links. Its end may be missing: a dry run does not create the folder.
fn resolved(path: &Path) -> Option<PathBuf> {
    fs_err::canonicalize(path).ok().or_else(|| Some(resolved(path.parent()?)?.join(path.file_name()?)))
}

fn danger_of_name(name: &str) -> Option<Danger> {
    // All but very few names are decided here.
    let is_suspicious = |byte: u8| matches!(byte, b'.' | b'~') || !byte.is_ascii();
    if !name.bytes().any(is_suspicious) {
        return None;
    }
    // Windows takes a backslash for a separator.
    name.split('\\').find_map(|name| match &*plain(name) {
        // The second is the short name of the first, which NTFS creates.
        ".git" | "git~1" => Some(Danger::Git),
        ".ssh" | "ssh~1" => Some(Danger::Ssh),
        _ => None,
    })
}

/// Returns the name that a file system may take `name` for: HFS+ and APFS ignore case and some characters, NTFS ignores
/// case, dots and spaces at the end, and the name of a stream behind a colon.
fn plain(name: &str) -> String {
    let visible = name.chars().filter(|sign| !is_ignored(*sign)).map(|sign| match sign {
        // The only other letters that become ASCII letters when case is ignored.
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        sign => sign.to_ascii_lowercase(),
    });
    let visible: String = visible.take_while(|sign| *sign != ':').collect();
    visible.trim_end_matches(['.', ' ']).to_owned()
}

/// The characters that HFS+ ignores (git, `utf8.c`, `next_hfs_char`).
fn is_ignored(sign: char) -> bool {
    matches!(sign, '\u{200c}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{206a}'..='\u{206f}' | '\u{feff}')
}

impl fmt::Display for Danger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Git => "git would run hooks and commands from this folder",
            Self::Ssh => "ssh would trust keys and run commands from this folder",
            Self::Home => "a shell or another program would run or trust it in the home folder",
            Self::Temporary => "kit uses such names for temporary files",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(is_trusted: bool, home: Option<Home>) -> PathRules {
        PathRules { is_trusted, home, spellings: Mutex::new(Spellings::new(Folding::default())) }
    }

    fn danger(home: Option<Home>, path: &str) -> Option<Danger> {
        rules(false, home).danger(&path.parse().unwrap())
    }

    #[test]
    fn every_spelling_of_git_and_ssh_is_recognised() {
        for path in [
            ".git",
            ".git/config",
            "a/b/.git/hooks/post-checkout",
            ".GIT/config",
            ".Git ",
            ".git...",
            ".git. . /x",
            "git~1/config",
            "GIT~1",
            ".git::$INDEX_ALLOCATION/config",
            ".git:x",
            "a\\.git\\config",
            ".g\u{200c}it/config",
            "\u{feff}.git",
            ".gi\u{206f}t",
        ] {
            assert_eq!(danger(None, path), Some(Danger::Git), "{path:?}");
        }
        for path in [".ssh/authorized_keys", "a/.SSH", "ssh~1", ".\u{17f}sh"] {
            assert_eq!(danger(None, path), Some(Danger::Ssh), "{path:?}");
        }
        for path in [".gitignore", ".gitattributes", "git", ".github/x", "a.git", "git~2", ".gi", ".git-x", "ssh", "ä"]
        {
            assert_eq!(danger(None, path), None, "{path:?}");
        }
    }

    #[test]
    fn the_second_spelling_of_a_path_is_refused_where_case_is_ignored() {
        let spellings = Mutex::new(Spellings::new(Folding { case: true, form: false }));
        let rules = PathRules { is_trusted: true, home: None, spellings };
        rules.check(&"d/README".parse().unwrap()).unwrap();
        rules.check(&"d/README".parse().unwrap()).unwrap();
        let error = rules.check(&"d/readme".parse().unwrap()).unwrap_err().to_string();
        let reason = "the ModelKit has another path that the file system of the target takes for the same";
        assert_eq!(error, format!("refused to unpack `d/readme`: {reason}"));
    }

    #[test]
    fn names_of_temporary_files_are_refused_even_if_the_modelkit_is_trusted() {
        let trusting = rules(true, None);
        let path: RelativePath = "a/.kit-unpack-0000000000000000/new".parse().unwrap();
        assert_eq!(trusting.danger(&path), Some(Danger::Temporary));
        assert_eq!(trusting.danger(&".git/config".parse().unwrap()), None);
    }

    #[test]
    fn start_up_files_are_refused_in_the_home_folder_only() {
        let place = tempfile::tempdir().unwrap();
        let home = place.path().join("home/ada");
        fs_err::create_dir_all(home.join(".config/x")).unwrap();
        fs_err::create_dir(place.path().join("other")).unwrap();
        for (target, path, expected) in [
            ("home/ada", ".bashrc", true),
            ("home/ada", ".ZshEnv", true),
            ("home/ada", ".config/systemd/user/x.service", true),
            ("home/ada", ".config/other", false),
            ("home/ada", "sub/.bashrc", false),
            ("home/ada", ".bashrc2", false),
            ("home", "ada/.profile", true),
            ("home", ".profile", false),
            ("home", "bob/.profile", false),
            ("home/ada/.config", "autostart/x.desktop", true),
            ("home/ada/.config/x", ".bashrc", false),
            ("other", ".bashrc", false),
        ] {
            let rules = PathRules::new(&UnsafePaths::Refuse { home: Some(home.clone()) }, &place.path().join(target));
            let expected = expected.then_some(Danger::Home);
            assert_eq!(rules.danger(&path.parse().unwrap()), expected, "{target} {path}");
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_names_never_panic(name: String) {
            danger_of_name(&name);
        }
    }
}
