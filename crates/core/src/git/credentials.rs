//! Credentials from the credential helpers of git.

use std::path::Path;

use super::command::run_with;

/// The name and the password that the credential helpers of git know for a server (git-credential, "INPUT/OUTPUT
/// FORMAT").
///
/// `host` includes the port. The parts are passed on one by one: git would parse a URL in its own way.
pub fn credentials(folder: &Path, (scheme, host, path): (&str, &str, &str)) -> Option<(String, String)> {
    filled(folder, &[("protocol", scheme), ("host", host), ("path", path)])
}

/// The same for an address that the user gave, which may contain the credentials itself.
pub fn credentials_of_url(folder: &Path, url: &str) -> Option<(String, String)> {
    filled(folder, &[("url", url)])
}

fn filled(folder: &Path, question: &[(&str, &str)]) -> Option<(String, String)> {
    if question.iter().any(|(_, value)| value.contains(['\n', '\r', '\0'])) {
        return None;
    }
    let lines: Vec<_> = question.iter().map(|(key, value)| format!("{key}={value}\n")).collect();
    let question = format!("{}\n", lines.concat());
    let filled = run_with(folder, &["credential", "fill"], &question, "find credentials").ok()?;
    let filled = String::from_utf8(filled).ok()?;
    let value = |key| filled.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    Some((value("username")?, value("password")?))
}
