//! The environment of the process: variables, folders, terminals. It is read once and passed on as values.
#![allow(clippy::disallowed_methods, reason = "this is the one place that reads the environment")]

use std::collections::{BTreeMap, BTreeSet};
use std::env;
use std::ffi::OsString;
use std::io::{self, IsTerminal};
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use jiff::Timestamp;

use super::ci;
use super::keys::KEYS;
use super::mlflow::MlflowSettings;
use super::object_store::object_store;
use super::shell::UserShell;
use super::stream::Stream;
use super::values::{Origin, Sourced};
use crate::skills::AgentFolders;
use kit_core::ops::{Policies, PolicyFile};
use kit_core::provenance::Builder;
use kit_core::registry::{CredentialStore, Credentials, ObjectStore, Proxy, ProxyVariables};
use kit_core::sys::{self, UserFolders};

/// The environment of one run.
#[derive(Debug, Clone)]
pub(crate) struct Environment {
    /// The folder that relative paths in arguments refer to.
    pub(crate) current_folder: PathBuf,
    /// The home folder of the user, if it is known.
    pub(crate) home: Option<PathBuf>,
    /// The root folder of the store and the credentials.
    pub(crate) root: Sourced<PathBuf>,
    /// The user's `config.toml`, which may be missing. Only one file is read: that in the root folder, if the user
    /// named one, otherwise that in the user's configuration folder.
    pub(crate) config_file: Sourced<PathBuf>,
    /// Credential files of other tools, in the order of precedence: that of `REGISTRY_AUTH_FILE` comes first.
    pub(crate) credential_files: Vec<Sourced<PathBuf>>,
    /// The longest wait for a lock, if the command line sets it.
    pub(crate) lock_timeout: Option<Duration>,
    /// True if commands wait for the disk; `None` if the command line does not say it.
    pub(crate) sync: Option<bool>,
    /// The file of the user's policy. It may be missing unless the user named it.
    policy: Sourced<PathBuf>,
    /// The variables for proxies that are set.
    pub(crate) proxies: Vec<Sourced<String>>,
    /// The object store for `s3` URLs.
    pub(crate) object_store: ObjectStore,
    /// The values of the variables of settings that are set, by the names of the variables.
    pub(super) settings: BTreeMap<&'static str, OsString>,
    /// The workflow and its run, if the environment names them.
    pub(crate) builder: Builder,
    /// The URL of the Hugging Face hub, unless it is the public one.
    pub(crate) hub: Option<String>,
    /// The access token of the hub. `Debug` hides it.
    pub(crate) hub_token: Option<Credentials>,
    /// The tracking server of MLflow.
    pub(crate) mlflow: MlflowSettings,
    /// The Python environments that are active.
    pub(crate) python: Vec<PathBuf>,
    /// The hosts that the command line names: `--plain-http` counts for these, and not for hosts that only a ModelKit
    /// or a Kitfile names.
    pub(crate) named_hosts: BTreeSet<String>,
    /// The folders of agents; `None` if the home folder cannot be determined.
    agent_folders: Option<AgentFolders>,
    /// The shell of the user, and the folders for its completion scripts.
    pub(crate) shell: UserShell,
    /// The time that is recorded in new artifacts.
    pub(crate) time: Timestamp,
    /// Set if standard input is a terminal, so that the user can answer prompts.
    pub(crate) is_interactive: bool,
    /// Standard output.
    pub(crate) results: Stream,
    /// Standard error.
    pub(crate) messages: Stream,
}

impl Environment {
    /// Reads the environment; `config` is the value of `--config`, and `args` is the command line.
    pub(crate) fn read(config: Option<&Path>, args: &[OsString]) -> Result<Self> {
        let current_folder = env::current_dir().context("cannot determine the current folder")?;
        let flag = config.map(|path| Sourced::new(path.to_owned(), Origin::Flag("config")));
        let named = flag.or_else(|| named_path("KIT_HOME")).or_else(|| named_path("KITOPS_HOME"));
        let (root, config_folder) = match named {
            Some(root) => (root.clone(), root),
            None => default_folders()?,
        };
        let config_folder = config_folder.map(|folder| current_folder.join(folder));
        // The user named the folder, but perhaps not this file.
        let beside_config = Sourced::new(config_folder.value.join("policy.toml"), Origin::BuiltIn);
        let policy = named_path("KIT_POLICY").map(|path| path.map(|path| current_folder.join(path)));
        Ok(Self {
            home: env::home_dir(),
            root: root.map(|root| current_folder.join(root)),
            config_file: config_folder.map(|folder| folder.join("config.toml")),
            policy: policy.unwrap_or(beside_config),
            credential_files: credential_files(),
            lock_timeout: None,
            sync: None,
            proxies: proxies(),
            settings: settings(),
            object_store: object_store(&text, env::home_dir()),
            builder: ci::builder(&text),
            hub: text("HF_ENDPOINT"),
            hub_token: text("HF_TOKEN").map(|token| Credentials::Bearer(token.trim().to_owned())),
            mlflow: MlflowSettings::read(&text),
            python: ["VIRTUAL_ENV", "CONDA_PREFIX"].into_iter().filter_map(text).map(PathBuf::from).collect(),
            named_hosts: named_hosts(args),
            agent_folders: agent_folders(),
            shell: shell(),
            time: time()?,
            is_interactive: io::stdin().is_terminal(),
            results: Stream::output(&text),
            messages: Stream::error(&text),
            current_folder,
        })
    }

    /// The same environment with the value of `--lock-timeout`.
    pub(crate) fn with_lock_timeout(self, lock_timeout: Option<Duration>) -> Self {
        Self { lock_timeout, ..self }
    }

    /// The same environment with the value of `--sync`.
    pub(crate) fn with_sync(self, sync: Option<bool>) -> Self {
        Self { sync, ..self }
    }

    /// The same environment with the value of `--policy`.
    pub(crate) fn with_policy(self, policy: Option<&Path>) -> Self {
        let given = policy.map(|path| Sourced::new(self.absolute(path), Origin::Flag("policy")));
        Self { policy: given.unwrap_or(self.policy.clone()), ..self }
    }

    /// The policies that must be satisfied: that of the administrator, which no flag and no variable replaces, and that
    /// of the user.
    pub(crate) fn policies(&self) -> Policies {
        let system = PolicyFile { path: sys::system_configuration().join("policy.toml"), is_required: false };
        let Sourced { value: path, origin } = self.policy.clone();
        let own = PolicyFile { path, is_required: origin != Origin::BuiltIn };
        Policies::new(vec![system, own], now())
    }

    /// The proxies that the variables set.
    pub(crate) fn proxy(&self) -> Proxy {
        let value = |name: &str| {
            let is_named = |set: &&Sourced<String>| set.origin.to_string().eq_ignore_ascii_case(name);
            self.proxies.iter().find(is_named).map(|set| set.value.clone()).unwrap_or_default()
        };
        Proxy::Variables(ProxyVariables {
            http: value("HTTP_PROXY"),
            https: value("HTTPS_PROXY"),
            all: value("ALL_PROXY"),
            none: value("NO_PROXY"),
        })
    }

    /// The folder of the local store.
    pub(crate) fn store_folder(&self) -> PathBuf {
        self.root.value.join("store")
    }

    /// The folder of unfinished imports.
    pub(crate) fn imports_folder(&self) -> PathBuf {
        self.root.value.join("imports")
    }

    /// The folder of the states of `kit watch`.
    pub(crate) fn watch_folder(&self) -> PathBuf {
        self.root.value.join("watch")
    }

    /// The folder of the journals of unfinished uploads.
    pub(crate) fn uploads_folder(&self) -> PathBuf {
        self.root.value.join("uploads")
    }

    /// The folder of the cached capabilities of registries.
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

    /// The folders of agents.
    pub(crate) fn agent_folders(&self) -> Result<&AgentFolders> {
        self.agent_folders.as_ref().context("cannot determine the home folder, in which agents have their skills")
    }

    /// Resolves `path` against the current folder and removes `.` components, so that messages contain no `/./`.
    pub(crate) fn absolute(&self, path: &Path) -> PathBuf {
        path::absolute(self.current_folder.join(path)).expect("the current folder is absolute")
    }
}

/// The default folders of data and configuration, for runs without a root folder from the user.
fn default_folders() -> Result<(Sourced<PathBuf>, Sourced<PathBuf>)> {
    let folders = user_folders().context("cannot determine the home folder; set KIT_HOME or use --config")?;
    let folder = |path: PathBuf, name| {
        // Whether the variable counts depends on the platform, and on its value: a relative path does not.
        let is_named = variable(name).is_some_and(|value| path == Path::new(&value));
        let origin = if is_named { Origin::Variable(name) } else { Origin::BuiltIn };
        Sourced::new(path.join("kit"), origin)
    };
    Ok((folder(folders.data, "XDG_DATA_HOME"), folder(folders.configuration, "XDG_CONFIG_HOME")))
}

/// The credential files of docker and podman: the file that the user set for all tools, the paths that podman reads,
/// then that of docker.
fn credential_files() -> Vec<Sourced<PathBuf>> {
    let home = || env::home_dir();
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

/// The folders that agents use: in the home folder, unless their variables name others.
fn agent_folders() -> Option<AgentFolders> {
    let home = env::home_dir()?;
    let named = |name| text(name).map(|path| path.trim().to_owned()).filter(|path| !path.is_empty());
    let folder = |name, usual: &str| named(name).map_or_else(|| home.join(usual), PathBuf::from);
    let config = folder("XDG_CONFIG_HOME", ".config");
    let (claude, codex) = (folder("CLAUDE_CONFIG_DIR", ".claude"), folder("CODEX_HOME", ".codex"));
    Some(AgentFolders { home: home.clone(), config, claude, codex })
}

/// The shell that `SHELL` names, and the folders of the user's data and configuration.
fn shell() -> UserShell {
    let name = variable("SHELL").and_then(|path| Some(Path::new(&path).file_stem()?.to_string_lossy().into_owned()));
    UserShell { name, data_folder: user_folders().map(|folders| folders.data) }
}

fn user_folders() -> Option<UserFolders> {
    Some(sys::user_folders(&env::home_dir()?, variable))
}

/// Searches a program in the folders of `PATH`.
pub(crate) fn program_on_path(name: &str) -> Option<PathBuf> {
    let file = format!("{name}{}", env::consts::EXE_SUFFIX);
    let candidates = env::split_paths(&variable("PATH")?).map(|folder| folder.join(&file)).collect::<Vec<_>>();
    candidates.into_iter().find(|path| path.is_file())
}

/// The variables of [`KEYS`] that are set.
fn settings() -> BTreeMap<&'static str, OsString> {
    let names = KEYS.iter().filter_map(|key| key.variable());
    names.filter_map(|name| Some((name, variable(name)?))).collect()
}

/// The variables for proxies; lower-case names are used only if the upper-case ones are not set.
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

/// The current time in milliseconds, so that versions packed within a second have an order.
pub(crate) fn now() -> Timestamp {
    let now = Timestamp::now();
    Timestamp::from_millisecond(now.as_millisecond()).unwrap_or(now)
}

/// The time that is recorded in new artifacts: the current time, or the time of `SOURCE_DATE_EPOCH`
/// (reproducible-builds.org, its specification).
fn time() -> Result<Timestamp> {
    let Some(text) = text("SOURCE_DATE_EPOCH") else { return Ok(now()) };
    let seconds = text.parse().with_context(|| format!("invalid SOURCE_DATE_EPOCH \"{text}\""))?;
    Timestamp::from_second(seconds).context("SOURCE_DATE_EPOCH is out of range")
}

/// Reads a variable with a secret: a password, which may be empty, or a key. It is read when it is needed and not kept.
pub(crate) fn secret(name: &str) -> Result<Option<String>> {
    let Some(value) = env::var_os(name) else { return Ok(None) };
    match value.into_string() {
        Ok(text) => Ok(Some(text)),
        Err(_) => bail!("the variable `{name}` does not contain UTF-8"),
    }
}

fn text(name: &str) -> Option<String> {
    Some(variable(name)?.to_string_lossy().into_owned())
}

fn named_path(name: &'static str) -> Option<Sourced<PathBuf>> {
    variable(name).map(|path| Sourced::new(path.into(), Origin::Variable(name)))
}

/// Reads a variable; an empty one counts as not set.
fn variable(name: &str) -> Option<OsString> {
    env::var_os(name).filter(|value| !value.is_empty())
}

/// The text before the first slash of each argument, of each value of a flag (`-tHOST/NAME`, `--tag=HOST/NAME`) and of
/// each item of a list. That is the host of a reference to a registry; other arguments give names that are not hosts.
fn named_hosts(args: &[OsString]) -> BTreeSet<String> {
    let texts = args.iter().filter_map(|arg| arg.to_str());
    let items = texts.flat_map(|text| text.split(['=', ',']));
    let items = items.flat_map(|item| [Some(item), item.strip_prefix('-').and_then(|short| short.get(1..))]).flatten();
    let names = items.map(|item| item.split_once("://").map_or(item, |(_, rest)| rest));
    names.filter_map(|name| name.split('/').next()).filter(|name| !name.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
impl Environment {
    /// An environment with a root folder, the current folder `/work`, and nothing else.
    pub(crate) fn of_tests(root: &Path) -> Self {
        Self {
            home: None,
            current_folder: kit_testkit::platform::absolute("/work"),
            root: Sourced::new(root.to_owned(), Origin::BuiltIn),
            config_file: Sourced::new(root.join("config.toml"), Origin::BuiltIn),
            credential_files: Vec::new(),
            lock_timeout: None,
            sync: None,
            policy: Sourced::new(root.join("policy.toml"), Origin::BuiltIn),
            proxies: Vec::new(),
            settings: BTreeMap::new(),
            object_store: ObjectStore::default(),
            builder: Builder::default(),
            hub: None,
            hub_token: None,
            mlflow: MlflowSettings::default(),
            python: Vec::new(),
            named_hosts: BTreeSet::new(),
            agent_folders: None,
            shell: UserShell::default(),
            time: Timestamp::UNIX_EPOCH,
            is_interactive: false,
            results: Stream::default(),
            messages: Stream::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hosts_of_references_are_found_in_any_argument() {
        let args = ["kit", "a.io/x:v1", "-tb.io:80/x", "--also=c.io/y,d.io/z:v1", "remote://[::1]:5/x", "./p", "e.io"];
        let found = super::named_hosts(&args.map(Into::into));
        for host in ["a.io", "b.io:80", "c.io", "d.io", "[::1]:5", "e.io"] {
            assert!(found.contains(host), "{host} in {found:?}");
        }
        assert!(!found.contains("x:v1"));
    }

    #[test]
    fn a_policy_of_the_user_does_not_replace_that_of_the_system() {
        let environment = Environment::of_tests(Path::new("/root"));
        let files = |environment: &Environment| environment.policies().files().to_vec();
        let system = files(&environment)[0].clone();
        assert_eq!(system.path, sys::system_configuration().join("policy.toml"));
        assert_eq!(files(&environment)[1], PolicyFile { path: "/root/policy.toml".into(), is_required: false });
        let path = environment.current_folder.join("own.toml");
        let named = environment.with_policy(Some(Path::new("own.toml")));
        assert_eq!(files(&named), [system, PolicyFile { path, is_required: true }]);
    }

    #[test]
    fn every_environment_variable_is_documented() {
        let page = include_str!("../../docs/reference/configuration.md");
        let is_variable = |text: &&str| {
            text.len() > 1 && text.bytes().all(|byte| b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_".contains(&byte))
        };
        let source = include_str!("environment.rs").split("#[cfg(test)]").next().unwrap();
        let named = source.split('"').filter(is_variable).chain(KEYS.iter().filter_map(|key| key.variable()));
        for name in named {
            assert!(page.contains(&format!("`{name}`")), "`{name}` is not documented");
        }
    }
}
