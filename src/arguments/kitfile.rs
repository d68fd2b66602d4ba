//! Reading the Kitfile of a folder, or the one that the user names.

use std::io::{IsTerminal, Read};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::context::Context;
use crate::output::{Code, Failure, tidy, tidy_in, usage};
use kit_core::kitfile::{self, Kitfile};
use kit_core::limits;
use kit_core::sys;

/// The text of a Kitfile.
pub(crate) struct KitfileText {
    /// The name for messages.
    name: String,
    text: String,
    /// The file that the Kitfile refers to as a symbolic link, if it is outside of the folder of the link. Its content
    /// must not be shown: it may be a secret of the user that another person's project refers to.
    target: Option<PathBuf>,
}

impl KitfileText {
    /// Reads the Kitfile of the project in `folder`, which the user wrote as `given`: that of the folder, or `file`.
    pub(crate) fn of_project(context: &Context, folder: &Path, given: &Path, file: Option<&Path>) -> Result<Self> {
        let Some(file) = file else { return Self::of_folder(folder, given) };
        Self::named(context, file).or_else(|error| {
            check_start(context, folder, given, file)?;
            Err(error)
        })
    }

    /// Reads the Kitfile of `folder`, which the user wrote as `given`.
    pub(crate) fn of_folder(folder: &Path, given: &Path) -> Result<Self> {
        let path = find_kitfile(folder, given)?;
        let name = path.file_name().map_or_else(|| tidy(given), |name| tidy_in(given, name));
        Self::read(&path, name)
    }

    /// Reads the Kitfile at `path`, as the user wrote it; `-` is standard input.
    pub(crate) fn named(context: &Context, path: &Path) -> Result<Self> {
        if path.as_os_str() == "-" {
            return Self::decode("standard input".to_owned(), read_standard_input()?, None);
        }
        let absolute = context.environment.absolute(path);
        let name = tidy(path);
        if is_stream(&absolute) {
            return Self::decode(name, read_limited(fs::File::open(absolute)?)?, None);
        }
        Self::read(&absolute, name).with_context(|| format!("cannot read the Kitfile `{}`", tidy(path)))
    }

    /// Reads the Kitfile at `path`, which is called `name` in messages.
    pub(crate) fn read(path: &Path, name: String) -> Result<Self> {
        let bytes = sys::read_regular(path, limits::KITFILE_BYTES)?;
        Self::decode(name, bytes, sys::target_elsewhere(path)?)
    }

    fn decode(name: String, bytes: Vec<u8>, target: Option<PathBuf>) -> Result<Self> {
        let text = kitfile::decode(bytes).with_context(|| format!("cannot read the Kitfile `{name}`"))?;
        Ok(Self { name, text, target })
    }

    /// Parses the text. The error shows lines of it, unless it is the text of a file outside of the folder.
    pub(crate) fn parse(&self) -> Result<Kitfile> {
        match (kitfile::parse(&self.text), &self.target) {
            (Ok(kitfile), _) => Ok(kitfile),
            (Err(invalid), None) => Err(invalid.in_file(&self.name).into()),
            (Err(_), Some(target)) => bail!(
                "`{}` is a symbolic link to `{}`, outside of its folder, which is not a valid Kitfile; to see its \
                 problems, pass its path with --file",
                self.name,
                target.display()
            ),
        }
    }

    /// Returns the text, if its problems may be shown or it has none.
    pub(crate) fn into_text(self) -> Result<String> {
        if self.target.is_some() {
            self.parse()?;
        }
        Ok(self.text)
    }
}

/// Fails if `file` is missing, but would be there if it started at the folder of the project, as it does with KitOps.
pub(crate) fn check_start(context: &Context, folder: &Path, given: &Path, file: &Path) -> Result<()> {
    if !context.environment.absolute(file).exists() && folder.join(file).exists() {
        let right = tidy(&given.join(file));
        bail!("there is no file `{}`; --file starts at the current folder: use `--file {right}`", tidy(file));
    }
    Ok(())
}

/// Returns true for a path that stands for an open file of this process, which may be a pipe, as in `-f <(COMMAND)`.
/// Any other FIFO could block, and is refused.
fn is_stream(path: &Path) -> bool {
    path == Path::new("/dev/stdin") || path.starts_with("/dev/fd") || path.starts_with("/proc/self/fd")
}

fn read_standard_input() -> Result<Vec<u8>> {
    let stdin = std::io::stdin();
    if stdin.is_terminal() {
        return Err(usage("`--file -` reads the Kitfile from standard input, which is a terminal; redirect a file"));
    }
    read_limited(stdin).context("cannot read standard input")
}

fn read_limited(stream: impl Read) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    stream.take(limits::KITFILE_BYTES + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Finds the Kitfile of `folder`, which the user wrote as `given`: the first existing file among
/// [`kitfile::FILE_NAMES`].
pub(crate) fn find_kitfile(folder: &Path, given: &Path) -> Result<PathBuf> {
    let mut candidates = kitfile::FILE_NAMES.iter().map(|name| folder.join(name));
    // A FIFO counts: it is an error to read it, and not a reason to look for another file.
    let found = candidates.find(|path| path.exists() && !path.is_dir());
    found.ok_or_else(|| {
        let advice = "create one with `kit init`, or pass its path with --file";
        Failure::error(Code::NotFound, format!("No Kitfile found in {}; {advice}", tidy(given)))
    })
}
