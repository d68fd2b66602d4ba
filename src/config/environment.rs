//! What the process finds around itself: environment variables, folders, terminals. Read once, passed on as values.
#![allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{self, Path, PathBuf};

use anyhow::{Context, Result};
use etcetera::BaseStrategy;
use jiff::Timestamp;

use super::ci;
use super::values::{Origin, Sourced};
use kit_core::provenance::Builder;
use kit_core::registry::{AccessKeys, CredentialStore, Credentials, ObjectStore};

/// The surroundings of one run.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// Where relative paths of arguments begin.
    pub(crate) current_folder: PathBuf,
    /// The root of everything that `kit` keeps: store and credentials.
    pub(crate) root: Sourced<PathBuf>,
    /// The user's `config.toml`, which need not be there. One file is read, never two: that of a root which was named,
    /// else that of the user's configuration folder.
    pub(crate) config_file: Sourced<PathBuf>,
    /// Credential files of other tools, in the order they are asked: that of `REGISTRY_AUTH_FILE` comes first.
    pub(crate) credential_files: Vec<Sourced<PathBuf>>,
    /// The variables for proxies that are set.
    pub(crate) proxies: Vec<Sourced<String>>,
    /// Where files with `s3` addresses are.
    pub(crate) object_store: ObjectStore,
    /// A client certificate and its key, as the environment names them.
    pub(crate) client_certificate: (Option<PathBuf>, Option<PathBuf>),
    /// Who runs this, as far as the environment names a workflow and its run.
    pub(crate) builder: Builder,
    /// The Hugging Face hub, if it is another than the public one.
    pub(crate) hub: Option<String>,
    /// What the hub knows the user by. `Debug` hides it.
    pub(crate) hub_token: Option<Credentials>,
    /// The time that is recorded for what is made.
    pub(crate) time: Timestamp,
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
        let flag = config.map(|path| Sourced::new(path.to_owned(), Origin::Flag("config")));
        let named = flag.or_else(|| named_path("KIT_HOME")).or_else(|| named_path("KITOPS_HOME"));
        let (root, config_folder) = match named {
            Some(root) => (root.clone(), root),
            None => default_folders()?,
        };
        let is_watched = io::stderr().is_terminal() && env::var_os("TERM").is_none_or(|term| term != "dumb");
        Ok(Self {
            root: root.map(|root| current_folder.join(root)),
            config_file: config_folder.map(|folder| current_folder.join(folder).join("config.toml")),
            credential_files: credential_files(),
            proxies: proxies(),
            client_certificate: (path("KITOPS_CLIENT_CERT"), path("KITOPS_CLIENT_KEY")),
            object_store: object_store(),
            builder: ci::builder(&text),
            hub: text("HF_ENDPOINT"),
            hub_token: text("HF_TOKEN").map(Credentials::Bearer),
            time: time()?,
            is_interactive: io::stdin().is_terminal(),
            is_watched,
            has_colour: is_watched && variable("NO_COLOR").is_none(),
            current_folder,
        })
    }

    /// The folder of the local store.
    pub(crate) fn store_folder(&self) -> PathBuf {
        self.root.value.join("store")
    }

    /// The folder with the imports under way.
    pub(crate) fn imports_folder(&self) -> PathBuf {
        self.root.value.join("imports")
    }

    /// The folder with the journals of uploads under way.
    pub(crate) fn uploads_folder(&self) -> PathBuf {
        self.root.value.join("uploads")
    }

    /// The folder with what was learned of registries.
    pub(crate) fn registries_folder(&self) -> PathBuf {
        self.root.value.join("registries")
    }

    /// The file of the credentials that `kit login` stores.
    pub(crate) fn credentials_file(&self) -> PathBuf {
        self.root.value.join("credentials.json")
    }

    /// The credentials of this user.
    pub(crate) fn credentials(&self) -> CredentialStore {
        CredentialStore {
            own: Some(self.credentials_file()),
            others: self.credential_files.iter().map(|file| file.value.clone()).collect(),
            ..CredentialStore::default()
        }
    }

    /// Resolves `path` against the current folder and removes `.` components, so that messages contain no `/./`.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        path::absolute(self.current_folder.join(path)).expect("the current folder is absolute")
    }
}

/// For data and for the configuration, where nobody named a root.
fn default_folders() -> Result<(Sourced<PathBuf>, Sourced<PathBuf>)> {
    let strategy =
        etcetera::choose_base_strategy().context("cannot tell the home folder; set KIT_HOME or use --config")?;
    let folder = |path: PathBuf, name| {
        let origin = if cfg!(unix) && variable(name).is_some() { Origin::Variable(name) } else { Origin::BuiltIn };
        Sourced::new(path.join("kit"), origin)
    };
    Ok((folder(strategy.data_dir(), "XDG_DATA_HOME"), folder(strategy.config_dir(), "XDG_CONFIG_HOME")))
}

/// Where docker and podman keep credentials: the file that the user names for all tools, the places that podman reads,
/// then docker's.
fn credential_files() -> Vec<Sourced<PathBuf>> {
    let home = || etcetera::home_dir().ok();
    let at_home = |folder: &str| Some(Sourced::new(home()?.join(folder), Origin::BuiltIn));
    let below = |folder: Option<Sourced<PathBuf>>, file: &str| folder.map(|folder| folder.map(|path| path.join(file)));
    let files = [
        named_path("REGISTRY_AUTH_FILE"),
        below(named_path("XDG_RUNTIME_DIR"), "containers/auth.json"),
        below(named_path("XDG_CONFIG_HOME").or_else(|| at_home(".config")), "containers/auth.json"),
        below(named_path("DOCKER_CONFIG").or_else(|| at_home(".docker")), "config.json"),
    ];
    files.into_iter().flatten().collect()
}

/// What reqwest reads; the small names only if the capital ones are not set.
fn proxies() -> Vec<Sourced<String>> {
    let pairs = [
        ("HTTP_PROXY", "http_proxy"),
        ("HTTPS_PROXY", "https_proxy"),
        ("ALL_PROXY", "all_proxy"),
        ("NO_PROXY", "no_proxy"),
    ];
    let named = |name| Some(Sourced::new(text(name)?, Origin::Variable(name)));
    pairs.into_iter().filter_map(|(capital, small)| named(capital).or_else(|| named(small))).collect()
}

/// What Amazon's own tools read, but for their files; what the Go tool reads of its own comes first.
fn object_store() -> ObjectStore {
    let any = |names: &[&str]| names.iter().find_map(|name| text(name));
    let keys = |id, secret, session_token: Option<String>| {
        Some(AccessKeys { id: text(id)?, secret: text(secret)?, session_token })
    };
    let own = keys("S3_ACCESS_KEY_ID", "S3_SECRET_KEY", None);
    ObjectStore {
        endpoint: any(&["S3_API_ENDPOINT", "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"]),
        region: any(&["S3_REGION", "AWS_REGION", "AWS_DEFAULT_REGION"]),
        keys: own.or_else(|| keys("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", text("AWS_SESSION_TOKEN"))),
    }
}

/// Now, or what `SOURCE_DATE_EPOCH` says instead (reproducible-builds.org, its specification), in whole seconds.
fn time() -> Result<Timestamp> {
    let seconds = match text("SOURCE_DATE_EPOCH") {
        Some(text) => text.parse().ok().context("SOURCE_DATE_EPOCH is no number of seconds")?,
        None => Timestamp::now().as_second(),
    };
    Timestamp::from_second(seconds).context("SOURCE_DATE_EPOCH is too far from our time")
}

fn text(name: &str) -> Option<String> {
    Some(variable(name)?.to_string_lossy().into_owned())
}

fn named_path(name: &'static str) -> Option<Sourced<PathBuf>> {
    path(name).map(|path| Sourced::new(path, Origin::Variable(name)))
}

fn path(name: &str) -> Option<PathBuf> {
    variable(name).map(PathBuf::from)
}

/// A variable that is set to nothing counts as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

#[cfg(test)]
impl Environment {
    /// A root, the folder `/work`, and nothing else.
    pub(crate) fn of_tests(root: &Path) -> Self {
        Self {
            current_folder: "/work".into(),
            root: Sourced::new(root.to_owned(), Origin::BuiltIn),
            config_file: Sourced::new(root.join("config.toml"), Origin::BuiltIn),
            credential_files: Vec::new(),
            proxies: Vec::new(),
            client_certificate: (None, None),
            object_store: ObjectStore::default(),
            builder: Builder::default(),
            hub: None,
            hub_token: None,
            time: Timestamp::UNIX_EPOCH,
            is_interactive: false,
            is_watched: false,
            has_colour: false,
        }
    }
}
