//! Credentials from the credential helpers of git.

use std::path::Path;

use super::command::run_with;

/// The name and the password that the credential helpers of git know for `url` (git-credential, "INPUT/OUTPUT FORMAT").
pub fn credentials(folder: &Path, url: &str) -> Option<(String, String)> {
    if url.contains(['\n', '\0']) {
        return None;
    }
    let filled = run_with(folder, &["credential", "fill"], &format!("url={url}\n\n"), "find credentials").ok()?;
    let filled = String::from_utf8(filled).ok()?;
    let value = |key| filled.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('=')).map(str::to_owned);
    Some((value("username")?, value("password")?))
}
