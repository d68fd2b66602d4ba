//! The context of a command: environment, output and progress.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result, bail};
use fs_err as fs;

use crate::config::{Config, Environment, NetworkArgs};
use crate::output::{Bars, Code, Failure, Output, Receipt, Usage, tidy, usage};
use kit_core::ops::{FileLocation, Location, Session};
use kit_core::registry::Client;
use kit_core::store::{LockWaiting, Store};

/// The environment, the output and the progress bars of a run.
pub(crate) struct Context {
    pub(crate) environment: Environment,
    pub(crate) output: Output,
    pub(crate) bars: Bars,
    /// The result of a command that changes something.
    pub(crate) receipt: Receipt,
}

impl Context {
    pub(crate) fn new(environment: Environment, output: Output) -> Self {
        Self { bars: Bars::new(&output), environment, output, receipt: Receipt::default() }
    }

    /// The local store.
    pub(crate) fn store(&self) -> Result<Store> {
        self.store_for(&NetworkArgs::default())
    }

    fn store_for(&self, network: &NetworkArgs) -> Result<Store> {
        let config = Config::read(network, &self.environment)?;
        let waiting = LockWaiting { timeout: config.lock_timeout(), notifier: self.bars.notifier() };
        let store = Store::open(self.environment.store_folder())?;
        Ok(store.with_waiting(waiting).waiting_for_disk(config.sync()))
    }

    /// The local store, a client for the registries, and the progress bars.
    pub(crate) fn session(&self, network: &NetworkArgs) -> Result<Session<'_>> {
        Ok(Session {
            store: self.store_for(network)?,
            client: network.client(&self.environment, self.bars.notifier())?,
            progress: &self.bars,
            policies: self.environment.policies(),
        })
    }

    /// The local store, this client, and the progress bars.
    pub(crate) fn session_with(&self, client: Client) -> Result<Session<'_>> {
        Ok(Session { store: self.store()?, client, progress: &self.bars, policies: self.environment.policies() })
    }

    /// Parses an argument that names a ModelKit. A missing tag becomes `latest`, which is reported.
    pub(crate) fn location(&self, text: &str) -> Result<Location> {
        Ok(self.or_latest(text, self.location_as_given(text)?))
    }

    /// Parses an argument that names a ModelKit or a repository. Relative paths are resolved against the current
    /// folder.
    pub(crate) fn location_as_given(&self, text: &str) -> Result<Location> {
        Ok(self.absolute(parse(text)?))
    }

    /// Parses an argument that names a file in a ModelKit. A missing tag becomes `latest`, which is reported.
    pub(crate) fn file_location(&self, text: &str) -> Result<FileLocation> {
        let FileLocation { location, path } = parse(text)?;
        Ok(FileLocation { location: self.or_latest(text, self.absolute(location)), path })
    }

    /// Parses a ModelKit and a path in it that are given as two arguments. Without `path`, `text` may contain both.
    pub(crate) fn file_in(&self, text: &str, path: Option<&str>) -> Result<FileLocation> {
        let file = self.file_location(text)?;
        match path {
            None => Ok(file),
            Some(path) if file.path.is_root() => Ok(FileLocation { path: parse(path)?, ..file }),
            Some(path) => {
                Err(usage(format!("`{text}` already contains a path; remove `{path}`, or the part after `//`")))
            }
        }
    }

    /// Resolves an argument that names an existing folder to its absolute path.
    pub(crate) fn folder(&self, path: &Path) -> Result<PathBuf> {
        let (folder, name) = (self.environment.absolute(path), tidy(path));
        match fs::metadata(&folder) {
            Ok(metadata) if metadata.is_dir() => Ok(folder),
            Ok(_) => bail!("`{name}` is not a folder"),
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(Failure::error(Code::NotFound, format!("folder `{name}` does not exist")))
            }
            Err(error) => Err(error).with_context(|| format!("cannot read folder `{name}`")),
        }
    }

    fn absolute(&self, location: Location) -> Location {
        match location {
            Location::Layout { path, selector } => {
                Location::Layout { path: self.environment.absolute(&path), selector }
            }
            artifact @ Location::Artifact(_) => artifact,
        }
    }

    fn or_latest(&self, text: &str, location: Location) -> Location {
        let (location, was_missing) = location.or_latest();
        if was_missing {
            self.output.say(&format!("No tag given for {text}; using 'latest' ({location})"));
        }
        location
    }
}

/// Parses an argument; a failure is wrong usage.
pub(crate) fn parse<T: FromStr<Err: std::error::Error + Send + Sync + 'static>>(text: &str) -> Result<T> {
    text.parse().map_err(|error: T::Err| Usage(anyhow::Error::new(error)).into())
}
