//! The report of a failure: the error, its causes, a hint, and the exit code.

use std::fmt;
use std::io;
use std::process::ExitCode;

use super::exit::{self, Code};
use super::hints::full_disk;
use super::hints::hint;
use super::messages::messages;
use super::streams::{Output, is_reader_gone};
use super::text::one_line;
use kit_core::registry;

/// Wrong usage that clap cannot detect.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) anyhow::Error);

impl fmt::Display for Usage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for Usage {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.source()
    }
}

/// A registry that refused the credentials of `kit login`.
#[derive(Debug, thiserror::Error)]
#[error("cannot log in to `{registry}`")]
pub(crate) struct NotLoggedIn {
    /// The registry.
    pub(crate) registry: String,
    /// Its answer.
    pub(crate) source: registry::Error,
}

/// A result that is an exit code: the compared objects differ. The code is 1, as that of `git diff --exit-code`.
#[derive(Debug, thiserror::Error)]
#[error("they differ")]
pub(crate) struct ExitWithDifferences;

/// A result that is an exit code: the verdict on a new version.
#[derive(Debug, thiserror::Error)]
#[error("the new version is not compatible")]
pub(crate) struct ExitWithVerdict(pub(crate) u8);

/// A failure of a command whose exit code 1 is a result. Its own code is never 1.
#[derive(Debug)]
pub(crate) struct ExitWithTrouble(pub(crate) String);

impl fmt::Display for ExitWithTrouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Creates an error for wrong usage.
pub(crate) fn usage(message: impl fmt::Display + fmt::Debug + Send + Sync + 'static) -> anyhow::Error {
    Usage(anyhow::Error::msg(message)).into()
}

/// Reports a failure and returns the exit code. A closed standard output is not a failure.
pub(crate) fn failure(output: &Output, error: &anyhow::Error) -> ExitCode {
    if error.chain().any(is_reader_gone) {
        return ExitCode::SUCCESS;
    }
    if error.is::<ExitWithDifferences>() {
        return ExitCode::FAILURE;
    }
    if let Some(ExitWithVerdict(code)) = error.downcast_ref() {
        return ExitCode::from(*code);
    }
    let hint = full_disk::hint(error).or_else(|| error.chain().find_map(hint));
    let mut messages = messages(error);
    let causes = messages.split_off(1);
    let code = exit::code(error);
    output.fail(code, &messages[0], &causes, hint.as_deref());
    ExitCode::from(code as u8)
}

/// Reports that help or the version could not be printed. A closed standard output is not a failure.
pub(crate) fn unprinted(error: io::Error) -> ExitCode {
    match error.kind() {
        io::ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        _ => unready(&anyhow::Error::new(error).context("cannot write to standard output")),
    }
}

/// Reports a failure before the output was set up.
#[allow(clippy::print_stderr, reason = "there is no output yet")]
pub(crate) fn unready(error: &anyhow::Error) -> ExitCode {
    eprintln!("error: {}", one_line(&format!("{error:#}")));
    ExitCode::from(exit::code(error) as u8)
}

/// The exit code of arguments that clap refused.
pub(crate) fn wrong_usage() -> ExitCode {
    ExitCode::from(Code::Usage as u8)
}
