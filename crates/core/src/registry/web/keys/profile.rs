//! The files of the AWS tools, `~/.aws/config` and `~/.aws/credentials`: keys, a program that prints keys, the region
//! and the endpoint (AWS SDKs and Tools Reference Guide, "Shared config and credentials files").

use std::collections::BTreeMap;
use std::io;
use std::path::PathBuf;
use std::process::Stdio;

use fs_err as fs;

use super::sources::{AccessKeys, Delivered};
use crate::registry::error::{Cause, Error};
use crate::sys::shell;

/// The shared files, and the profile to read there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProfileFiles {
    /// The name of the profile.
    pub name: String,
    /// True if the user has chosen the profile, which must then exist.
    pub is_chosen: bool,
    /// The file whose sections are `[profile NAME]` and `[default]`.
    pub config: PathBuf,
    /// The file whose sections are `[NAME]`. Its keys come first.
    pub credentials: PathBuf,
}

/// The reason why a profile cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProfileError {
    /// Neither file has the profile.
    #[error("the profile `{name}` is neither in `{}` nor in `{}`", config.display(), credentials.display())]
    Missing {
        /// The name of the profile.
        name: String,
        /// The file with settings.
        config: PathBuf,
        /// The file with keys.
        credentials: PathBuf,
    },
    /// The keys have to be obtained in a way that is not supported.
    #[error("the profile `{name}` gets its keys by `{setting}`, which kit does not support")]
    Unsupported {
        /// The name of the profile.
        name: String,
        /// The setting.
        setting: &'static str,
    },
    /// The program of the profile failed.
    #[error("the `credential_process` of the profile `{name}` failed: {problem}")]
    Program {
        /// The name of the profile.
        name: String,
        /// The reason.
        problem: String,
    },
}

/// Ways to obtain keys that need requests signed for other services, or a login in the browser.
const UNSUPPORTED: [&str; 3] = ["role_arn", "sso_session", "sso_start_url"];

/// The settings of one profile.
#[derive(Default)]
pub(super) struct Profile {
    name: String,
    settings: BTreeMap<String, String>,
    pub(super) region: Option<String>,
    pub(super) endpoint: Option<String>,
}

impl ProfileFiles {
    /// Reads the profile from both files, each of which may be missing.
    pub(super) fn read(&self) -> Result<Profile, Error> {
        let section = if self.name == "default" { self.name.clone() } else { format!("profile {}", self.name) };
        let config = read_section(&self.config, &section)?;
        let keys = read_section(&self.credentials, &self.name)?;
        if self.is_chosen && config.is_none() && keys.is_none() {
            let Self { name, config, credentials, .. } = self.clone();
            return Err(ProfileError::Missing { name, config, credentials }.into());
        }
        let mut settings = config.unwrap_or_default();
        settings.extend(keys.unwrap_or_default());
        let (region, endpoint) = (settings.get("region").cloned(), settings.get("endpoint_url").cloned());
        Ok(Profile { name: self.name.clone(), settings, region, endpoint })
    }
}

impl Profile {
    /// The keys, if the profile has any.
    pub(super) fn keys(&self) -> Result<Option<AccessKeys>, Error> {
        let setting = |name: &str| self.settings.get(name).cloned().filter(|text| !text.is_empty());
        let name = self.name.clone();
        // A role is assumed with the keys of the profile, which do not have its rights themselves.
        if let Some(setting) = UNSUPPORTED.into_iter().find(|name| setting(name).is_some()) {
            return Err(ProfileError::Unsupported { name, setting }.into());
        }
        if let (Some(id), Some(secret)) = (setting("aws_access_key_id"), setting("aws_secret_access_key")) {
            return Ok(Some(AccessKeys { id, secret, session_token: setting("aws_session_token") }));
        }
        let Some(command) = setting("credential_process") else { return Ok(None) };
        let keys = run(&command).map_err(|problem| ProfileError::Program { name, problem })?;
        Ok(Some(keys))
    }
}

/// Runs the program as the AWS tools do: by the shell, with its standard error on ours, so that it can ask for a code.
fn run(command: &str) -> Result<AccessKeys, String> {
    let program = shell(command).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = program.map_err(|error| error.to_string())?;
    if !output.status.success() {
        return Err(format!("it exited with {}", output.status));
    }
    Delivered::read(&output.stdout)
}

/// Returns the settings of a section; `None` if there is no such file or section.
fn read_section(path: &PathBuf, section: &str) -> Result<Option<BTreeMap<String, String>>, Error> {
    match fs::read_to_string(path) {
        Ok(text) => Ok(find_section(&text, section)),
        // A container may have a home that the user cannot enter.
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(Error::CredentialFile { path: path.clone(), source: Cause::of(&error) }),
    }
}

/// Finds a section of an INI file. Indented lines belong to the setting above them, and none of those is needed.
fn find_section(text: &str, section: &str) -> Option<BTreeMap<String, String>> {
    let mut found: Option<BTreeMap<String, String>> = None;
    let mut is_inside = false;
    for line in text.lines().filter(|line| !line.starts_with([' ', '\t', '#', ';'])) {
        if let Some(name) = line.strip_prefix('[') {
            let name = name.split(']').next().unwrap_or_default();
            is_inside = name.split_ascii_whitespace().eq(section.split_ascii_whitespace());
            if is_inside {
                found.get_or_insert_default();
            }
        } else if let (true, Some((name, value)), Some(settings)) = (is_inside, line.split_once('='), &mut found) {
            // A comment in the line begins after a blank.
            let value =
                [" #", " ;", "\t#", "\t;"].iter().fold(value, |value, mark| value.split(mark).next().unwrap_or(value));
            settings.insert(name.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::platform::IS_WINDOWS;

    const CONFIG: &str = "# comment\n[default]\nregion = eu-west-1\ns3 =\n    endpoint_url = http://nested\n\n\
                          [profile  work]\nRegion=us-west-2 ; near\ncredential_process = tool --flag=a#b\n\
                          [work]\nregion = ignored\n";

    #[test]
    fn a_section_is_found_by_its_name() {
        let pairs = |pairs: &[(&str, &str)]| {
            Some(
                pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>(),
            )
        };
        assert_eq!(find_section(CONFIG, "default"), pairs(&[("region", "eu-west-1"), ("s3", "")]));
        let work = [("credential_process", "tool --flag=a#b"), ("region", "us-west-2")];
        assert_eq!(find_section(CONFIG, "profile work"), pairs(&work));
        assert_eq!(find_section(CONFIG, "profile other"), None);
        for text in ["", "[", "[]", "=", "[default", "\u{feff}[default]\n"] {
            assert!(find_section(text, "other").is_none(), "{text:?}");
        }
    }

    /// Returns the keys of a profile in a file with `text`, or the problem.
    fn keys(text: &str) -> Result<Option<AccessKeys>, String> {
        let folder = tempfile::tempdir().unwrap();
        let files = ProfileFiles {
            name: "default".to_owned(),
            is_chosen: false,
            config: folder.path().join("config"),
            credentials: folder.path().join("credentials"),
        };
        fs::write(&files.credentials, text).unwrap();
        files.read().and_then(|profile| profile.keys()).map_err(|error| error.to_string())
    }

    #[test]
    fn keys_come_from_the_file_or_a_program() {
        let expected = |token: Option<&str>| {
            Ok(Some(AccessKeys { id: "a".into(), secret: "b".into(), session_token: token.map(str::to_owned) }))
        };
        assert_eq!(keys("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), expected(None));
        assert_eq!(keys("[other]\naws_access_key_id = a\n"), Ok(None));
        let answer = r#"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c"}"#;
        // The `echo` of Windows prints the quotes of a word.
        let words = if IS_WINDOWS { answer.to_owned() } else { format!("'{answer}'") };
        assert_eq!(keys(&format!("[default]\ncredential_process = echo {words}\n")), expected(Some("c")));
        for (setting, problem) in [
            ("credential_process = exit 3", "failed: it exited with"),
            ("credential_process = echo s3cret", "does not have the expected fields"),
            ("role_arn = arn:aws:iam::1:role/a", "by `role_arn`, which kit does not support"),
            ("sso_session = a", "by `sso_session`, which kit does not support"),
        ] {
            let error = keys(&format!("[default]\n{setting}\n")).unwrap_err();
            assert!(error.contains(problem) && !error.contains("s3cret"), "{error}");
        }
    }

    #[test]
    fn a_chosen_profile_must_exist() {
        let files = ProfileFiles {
            name: "work".to_owned(),
            is_chosen: true,
            config: "/nowhere/config".into(),
            credentials: "/nowhere/credentials".into(),
        };
        let error = files.read().err().unwrap().to_string();
        assert_eq!(error, "the profile `work` is neither in `/nowhere/config` nor in `/nowhere/credentials`");
        assert!(ProfileFiles { is_chosen: false, ..files }.read().is_ok());
    }

    proptest::proptest! {
        #[test]
        fn any_text_can_be_searched(text: String, section: String) {
            if let Some(settings) = find_section(&text, &section) {
                assert!(settings.keys().all(|name| text.to_ascii_lowercase().contains(name)));
            }
        }
    }
}
