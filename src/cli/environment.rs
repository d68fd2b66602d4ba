//! What the process finds around itself: environment variables, folders, terminals. Read once, passed on as values.
#![allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;

/// The surroundings of one run.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// Where relative paths of arguments begin.
    pub(crate) current_folder: PathBuf,
    /// The root of everything that `kit` keeps: store and credentials.
    pub(crate) root: PathBuf,
    /// Credential files of other tools, in the order they are asked.
    pub(crate) credential_files: Vec<PathBuf>,
    /// A credential file that the user names for all tools (`REGISTRY_AUTH_FILE`), asked before the others.
    pub(crate) auth_file: Option<PathBuf>,
    /// A client certificate and its key, as the environment names them.
    pub(crate) client_certificate: (Option<PathBuf>, Option<PathBuf>),
    /// Whether somebody can answer questions.
    pub(crate) is_interactive: bool,
    /// Whether somebody watches the progress.
    pub(crate) is_watched: bool,
    /// Whether standard error may be coloured.
    pub(crate) has_colour: bool,
}

impl Environment {
    /// Reads everything; `config` is what `--config` says.
    pub(crate) fn read(config: Option<&Path>) -> Result<Self> {
        let current_folder = env::current_dir().context("cannot tell the current folder")?;
        let root = match config.map(Path::to_owned).or_else(|| path("KIT_HOME")).or_else(|| path("KITOPS_HOME")) {
            Some(root) => root,
            None => data_folder()?.join("kit"),
        };
        let is_watched = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        Ok(Self {
            root: current_folder.join(root),
            credential_files: credential_files(),
            auth_file: path("REGISTRY_AUTH_FILE"),
            client_certificate: (path("KITOPS_CLIENT_CERT"), path("KITOPS_CLIENT_KEY")),
            is_interactive: io::stdin().is_terminal(),
            is_watched,
            has_colour: is_watched && variable("NO_COLOR").is_none(),
            current_folder,
        })
    }

    /// The folder of the local store.
    pub(crate) fn store_folder(&self) -> PathBuf {
        self.root.join("store")
    }

    /// The folder with the journals of uploads under way.
    pub(crate) fn uploads_folder(&self) -> PathBuf {
        self.root.join("uploads")
    }

    /// The file of the credentials that `kit login` stores.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.root.join("credentials.json")
    }

    /// `path` as seen from the current folder.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        self.current_folder.join(path)
    }
}

fn data_folder() -> Result<PathBuf> {
    let strategy =
        etcetera::choose_base_strategy().context("cannot tell the home folder; set KIT_HOME or use --config")?;
    Ok(strategy.data_dir())
}

/// Where docker and podman keep credentials: the places that podman reads, then docker's.
fn credential_files() -> Vec<PathBuf> {
    let home = etcetera::home_dir().ok();
    let runtime = path("XDG_RUNTIME_DIR").map(|folder| folder.join("containers/auth.json"));
    let config = path("XDG_CONFIG_HOME").or_else(|| home.as_ref().map(|home| home.join(".config")));
    let containers = config.map(|folder| folder.join("containers/auth.json"));
    let docker = path("DOCKER_CONFIG").or_else(|| home.map(|home| home.join(".docker")));
    [runtime, containers, docker.map(|folder| folder.join("config.json"))].into_iter().flatten().collect()
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

/// A variable that is set to nothing counts as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}
