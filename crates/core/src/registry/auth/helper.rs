//! Credential helpers: programs that store secrets, with a protocol over standard input and output
//! (docker-credential-helpers).

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::channel;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::credentials::Credentials;
use crate::limits;
use crate::registry::error::{Cause, Error};
use crate::sys::{Leftover, LeftoverKind};

/// Long enough for a user to unlock a key chain.
const PATIENCE: Duration = Duration::from_secs(60);
/// The message of all helpers if there are no credentials (docker-credential-helpers, `credentials/error.go`).
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The user name that marks an identity token (docker-credential-helpers, README, "Development").
const TOKEN_USER: &str = "<token>";

/// The output of `get` and the input of `store`.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Kept {
    #[serde(rename = "ServerURL", default)]
    server_url: String,
    username: String,
    secret: String,
}

/// The file name of the credential helper called `name`.
pub(super) fn program(name: &str) -> String {
    format!("docker-credential-{name}")
}

/// The program `docker-credential-<name>`.
pub(super) struct Helper<'a> {
    program: String,
    folders: &'a [PathBuf],
    /// The file that names the helper.
    named_in: &'a Path,
    patience: Duration,
}

impl<'a> Helper<'a> {
    /// The helper called `name` in the file `named_in`, searched in `folders` and then in `PATH`.
    pub(super) fn new(name: &str, folders: &'a [PathBuf], named_in: &'a Path) -> Result<Self, Error> {
        // A file must not choose a program anywhere on the disk.
        if name.contains(['/', '\\', '\0']) {
            let source = Cause::new(format!("`{}` is not the name of a credential helper", name.escape_debug()));
            return Err(Error::CredentialFile { path: named_in.to_owned(), source });
        }
        Ok(Self { program: program(name), folders, named_in, patience: PATIENCE })
    }

    /// Returns the credentials that the helper has for `server`.
    pub(super) fn get(&self, server: &str) -> Result<Option<Credentials>, Error> {
        let Some(output) = self.run("get", server.as_bytes())? else { return Ok(None) };
        let kept: Kept = serde_json::from_slice(&output).map_err(|error| {
            // The error of serde_json could quote the secret.
            self.error("get", Cause::new(format!("its answer is invalid (line {})", error.line())))
        })?;
        Ok((!kept.secret.is_empty()).then(|| Credentials::new(&kept.username, &kept.secret)))
    }

    /// Stores `credentials` for `server` in the helper.
    pub(super) fn store(&self, server: &str, credentials: &Credentials) -> Result<(), Error> {
        let (username, secret) = match credentials {
            Credentials::Password { username, password } => (username.as_str(), password),
            Credentials::IdentityToken(token) | Credentials::Bearer(token) => (TOKEN_USER, token),
        };
        let kept = Kept { server_url: server.to_owned(), username: username.to_owned(), secret: secret.clone() };
        let input = serde_json::to_vec(&kept).expect("three texts are JSON");
        self.run("store", &input).map(drop)
    }

    /// Erases the credentials for `server` from the helper.
    pub(super) fn erase(&self, server: &str) -> Result<(), Error> {
        self.run("erase", server.as_bytes()).map(drop)
    }

    /// Runs the helper and returns its output; `None` if it reports that there are no credentials.
    fn run(&self, action: &'static str, input: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let mut child = self.start(action)?;
        let _child = Leftover::new(LeftoverKind::Child(child.id()));
        let talked = self.talk(&mut child, input);
        if !matches!(talked, Ok((true, _))) {
            // It may have exited at this very moment; either way it is waited for below.
            drop(child.kill());
        }
        let waited = child.wait();
        let (is_in_time, output) = talked.map_err(|error| self.error(action, Cause::of(&error)))?;
        let status = waited.map_err(|error| self.error(action, Cause::of(&error)))?;
        if !is_in_time {
            let problem = format!("it did not answer within {} s", self.patience.as_secs());
            return Err(self.error(action, Cause::new(problem)));
        }
        if status.success() {
            return Ok(Some(output));
        }
        let words = String::from_utf8_lossy(&output).trim().to_owned();
        if words.contains(NOT_FOUND) {
            return Ok(None);
        }
        let words = if words.is_empty() { format!("it exited with {status}") } else { words };
        Err(self.error(action, Cause::new(words.escape_debug().take(400).collect::<String>())))
    }

    fn start(&self, action: &'static str) -> Result<Child, Error> {
        let found = self.folders.iter().map(|folder| folder.join(&self.program)).find(|path| path.is_file());
        let started = Command::new(found.unwrap_or_else(|| PathBuf::from(&self.program)))
            .arg(action)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        started.map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => {
                Error::HelperMissing { helper: self.program.clone(), path: self.named_in.to_owned() }
            }
            _ => self.error(action, Cause::of(&error)),
        })
    }

    /// Sends `input` to the helper. Returns true and the output if it answers in time.
    fn talk(&self, child: &mut Child, input: &[u8]) -> io::Result<(bool, Vec<u8>)> {
        let (stdin, stdout) = (child.stdin.take(), child.stdout.take());
        if let Some(mut stdin) = stdin {
            match stdin.write_all(input) {
                // A helper need not read its input.
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                other => other?,
            }
        }
        let (sender, receiver) = channel();
        std::thread::Builder::new().spawn(move || {
            let mut output = Vec::new();
            let read =
                stdout.map_or(Ok(0), |stdout| stdout.take(limits::CREDENTIAL_HELPER_BYTES).read_to_end(&mut output));
            // The receiver is gone if the helper took too long.
            drop(sender.send(read.map(|_| output)));
        })?;
        match receiver.recv_timeout(self.patience) {
            Ok(output) => Ok((true, output?)),
            Err(_) => Ok((false, Vec::new())),
        }
    }

    fn error(&self, action: &'static str, source: Cause) -> Error {
        Error::Helper { helper: self.program.clone(), action, source }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_helper_that_hangs_is_stopped() {
        let folders = [kit_testkit::sandbox::repository().join("tests/fixtures/helpers")];
        let mut helper = Helper::new("slow", &folders, Path::new("config.json")).unwrap();
        helper.patience = Duration::from_millis(50);
        let error = helper.get("r.io").unwrap_err();
        assert!(matches!(error, Error::Helper { action: "get", .. }), "{error}");
    }
}
