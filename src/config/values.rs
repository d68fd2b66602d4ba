//! All settings with their origins. This module alone decides about precedence: a flag, the environment, `config.toml`
//! for one host, `config.toml` for all hosts, the built-in default.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, bail};

use super::environment::Environment;
use super::file::ConfigFile;
use super::keys::{
    CA, CLIENT_CERT, CLIENT_KEY, CONCURRENCY, KEYS, LOCK_TIMEOUT, MIRRORS, PLAIN_HTTP, RETRY_FOR, SYNC, TLS_VERIFY,
    UPLOAD,
};
use super::network::NetworkArgs;
use super::setting::{Key, Setting};
use kit_core::registry::{ClientCertificate, HostSettings, Proxy, RetryPolicy, Settings, Timeouts};
use kit_core::sys::read_regular_text;

/// More than any configuration needs.
const FILE_LIMIT: u64 = 4 * 1024 * 1024;

/// The text of `config.toml`, which is empty if there is no such file.
pub(super) fn read_file(environment: &Environment) -> Result<String> {
    match read_regular_text(&environment.config_file.value, FILE_LIMIT) {
        Ok(text) => Ok(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(String::new()),
        Err(error) => Err(error).context("cannot read the configuration"),
    }
}

/// The origin of a value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Origin {
    /// A flag, without the dashes.
    Flag(&'static str),
    /// An environment variable.
    Variable(&'static str),
    /// A line of `config.toml`.
    File { path: PathBuf, line: usize },
    /// The built-in default.
    BuiltIn,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(name) => write!(f, "--{name}"),
            Self::Variable(name) => f.write_str(name),
            Self::File { path, line } => write!(f, "{}:{line}", path.display()),
            Self::BuiltIn => f.write_str("built-in"),
        }
    }
}

/// A value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Sourced<T> {
    pub(crate) value: T,
    pub(crate) origin: Origin,
}

impl<T> Sourced<T> {
    pub(crate) fn new(value: T, origin: Origin) -> Self {
        Self { value, origin }
    }

    pub(crate) fn map<U>(self, change: impl FnOnce(T) -> U) -> Sourced<U> {
        Sourced { value: change(self.value), origin: self.origin }
    }
}

/// The settings from flags, environment and file.
pub(crate) struct Config<'a> {
    flags: &'a NetworkArgs,
    environment: &'a Environment,
    file: ConfigFile,
}

impl<'a> Config<'a> {
    /// Reads `config.toml`, if there is one.
    pub(crate) fn read(flags: &'a NetworkArgs, environment: &'a Environment) -> Result<Self> {
        let file = ConfigFile::parse(&read_file(environment)?, &environment.config_file.value)?;
        let config = Self { flags, environment, file };
        config.check_certificate_variables()?;
        for key in KEYS {
            let problem = |expected| anyhow!("{} must be {expected}", key.variable().unwrap_or_default());
            key.check_variable(environment).map_err(problem)?;
        }
        Ok(config)
    }

    /// Checks that the environment sets both parts of a client certificate, or neither, as clap and the parser of the
    /// file do: both parts then have the same origin.
    fn check_certificate_variables(&self) -> Result<()> {
        let names = [CLIENT_CERT.variable(), CLIENT_KEY.variable()].map(Option::unwrap_or_default);
        let [certificate, key] = names.map(|name| self.environment.settings.contains_key(name));
        if self.flags.cert.is_none() && certificate != key {
            bail!("{} must be set together; only one of them is set", names.join(" and "));
        }
        Ok(())
    }

    /// Checks that no client certificate is given for connections without TLS.
    pub(super) fn check_plain_http(&self) -> Result<()> {
        if self.flags.plain_http == Some(true) && self.client_certificate(None).is_some() {
            bail!("a client certificate needs https");
        }
        Ok(())
    }

    /// The hosts that the file has a section for.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.file.hosts.keys().map(String::as_str)
    }

    /// The imports of pickles that `kit scan` allows.
    pub(crate) fn allowed_globals(&self) -> &[String] {
        &self.file.allowed_globals
    }

    /// The longest wait for a lock of the local store.
    pub(crate) fn lock_timeout(&self) -> Option<Duration> {
        self.get(&LOCK_TIMEOUT, None).value
    }

    /// True if commands wait until what they store is on the disk.
    pub(crate) fn sync(&self) -> bool {
        self.get(&SYNC, None).value
    }

    /// The settings of a client.
    pub(crate) fn settings(&self) -> Settings {
        let mut hosts: BTreeMap<_, _> = self.hosts().map(|host| (host.to_owned(), self.host_settings(host))).collect();
        if self.flags.plain_http == Some(true) {
            for named in &self.environment.named_hosts {
                let known = hosts.keys().find(|known| known.eq_ignore_ascii_case(named)).unwrap_or(named);
                hosts.entry(known.clone()).or_default().plain_http = Some(true);
            }
        }
        Settings {
            // Only for single hosts: a ModelKit can name any other, whose credentials must not be sent unencrypted.
            plain_http: false,
            plain_http_on_this_machine: self.flags.plain_http != Some(false),
            verify_tls: self.get(&TLS_VERIFY, None).value,
            extra_authorities: self.get(&CA, None).value,
            client_certificate: self.client_certificate(None),
            origins_of_files: self.origins_of_files(),
            proxy: self.flags.proxy().map_or_else(|| self.environment.proxy(), Proxy::Through),
            concurrency: self.get(&CONCURRENCY, None).value.into(),
            retry: self.retry(),
            timeouts: Timeouts::default().within(self.retry().give_up_after),
            credentials: self.environment.credentials(),
            object_store: self.environment.object_store.clone(),
            uploads_folder: Some(self.environment.uploads_folder()),
            registries_folder: Some(self.environment.registries_folder()),
            hosts,
            ..Settings::default()
        }
    }

    /// The limits for repeating requests. A time that was chosen also applies to a registry that has not answered yet,
    /// because a user may start it in the meantime.
    fn retry(&self) -> RetryPolicy {
        let (default, chosen) = (RetryPolicy::default(), self.get(&RETRY_FOR, None));
        let attempts = if matches!(chosen.origin, Origin::BuiltIn) { default.attempts } else { u32::MAX };
        RetryPolicy { give_up_after: chosen.value, attempts, ..default }
    }

    fn host_settings(&self, host: &str) -> HostSettings {
        let host = Some(host);
        let given = self.given_by_file(&PLAIN_HTTP, host).map(|set| set.value);
        let is_plain = given.unwrap_or_default();
        HostSettings {
            plain_http: given.map(|is_plain| self.flags.plain_http != Some(false) && is_plain),
            sends_passwords_over_http: is_plain,
            extra_authorities: Some(self.get(&CA, host).value),
            client_certificate: self.client_certificate(host),
            concurrency: Some(self.get(&CONCURRENCY, host).value.into()),
            upload: self.get(&UPLOAD, host).value,
            mirrors: self.get(&MIRRORS, host).value,
        }
    }

    fn client_certificate(&self, host: Option<&str>) -> Option<ClientCertificate> {
        let (certificate, key) = (self.get(&CLIENT_CERT, host).value?, self.get(&CLIENT_KEY, host).value?);
        Some(ClientCertificate { certificate, key })
    }

    /// The settings that name files, by file: a command may fail long after the setting was written.
    fn origins_of_files(&self) -> BTreeMap<PathBuf, String> {
        let mut origins = BTreeMap::new();
        let hosts = self.hosts().map(Some);
        for host in hosts.chain([None]) {
            let authorities = self.get(&CA, host);
            let own = [&CLIENT_CERT, &CLIENT_KEY].map(|setting| (setting.name, self.get(setting, host)));
            let own = own.into_iter().filter_map(|(name, own)| own.value.map(|path| (path, name, own.origin)));
            let authorities = authorities.value.into_iter().map(|path| (path, CA.name, authorities.origin.clone()));
            for (path, name, origin) in authorities.chain(own) {
                let is_file = matches!(origin, Origin::File { .. });
                origins.insert(path, if is_file { format!("`{name}` in {origin}") } else { origin.to_string() });
            }
        }
        origins
    }

    /// The value of `setting` for `host`, or for all hosts, and its origin.
    pub(super) fn get<T: Clone>(&self, setting: &Setting<T>, host: Option<&str>) -> Sourced<T> {
        let given = setting.given_by_flag(self.flags, self.environment);
        let given = given.or_else(|| setting.given_by_variable(self.environment));
        let given = given.or_else(|| self.given_by_file(setting, host));
        given.unwrap_or_else(|| Sourced::new((setting.default)(), Origin::BuiltIn))
    }

    /// The value in the file: in the table of the host, if there is one, otherwise in the defaults.
    fn given_by_file<T: Clone>(&self, setting: &Setting<T>, host: Option<&str>) -> Option<Sourced<T>> {
        let own = host.and_then(|host| self.file.hosts.get(host)).and_then(|table| setting.given_by_table(table));
        let set = own.or_else(|| setting.given_by_table(&self.file.defaults))?;
        let origin = Origin::File { path: self.environment.config_file.value.clone(), line: set.line };
        Some(Sourced::new(set.value, origin))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kit_testkit::platform::IS_WINDOWS;
    use std::path::Path;

    const FILE: &str = "[defaults]\nconcurrency = 2\nretry-for = \"1m\"\n\
                        [registry.\"a.io\"]\nconcurrency = 3\nplain-http = true\n\
                        client-cert = \"a.pem\"\nclient-key = \"a.key\"\n";

    /// Checks the value and origin that `read` returns with the flags `args` and FILE.
    fn check<T: fmt::Debug>(args: &[&str], variables: bool, read: impl Fn(&Config<'_>) -> Sourced<T>, expected: &str) {
        #[derive(clap::Parser)]
        struct Flags {
            #[command(flatten)]
            network: NetworkArgs,
        }
        let flags: Flags = clap::Parser::parse_from([&["kit"], args].concat());
        let mut environment = Environment::of_tests(Path::new("/home"));
        if variables {
            environment.settings =
                [("KITOPS_CLIENT_CERT", "v.pem".into()), ("KITOPS_CLIENT_KEY", "v.key".into())].into();
        }
        let file = ConfigFile::parse(FILE, &environment.config_file.value).unwrap();
        let config = Config { flags: &flags.network, environment: &environment, file };
        let found = read(&config);
        let found = format!("{:?} {}", found.value, found.origin);
        // Paths of Windows have a drive, and other separators, which `Debug` escapes.
        let found = if IS_WINDOWS { found.replace(r"\\", "/").replace('\\', "/").replace("C:", "") } else { found };
        assert_eq!(found, expected);
    }

    #[test]
    fn precedence_is_flag_then_host_then_defaults_then_built_in() {
        let of = |host| move |config: &Config<'_>| config.get(&CONCURRENCY, host);
        let retry_for = |config: &Config<'_>| config.get(&RETRY_FOR, None);
        let tls_verify = |config: &Config<'_>| config.get(&TLS_VERIFY, None);
        check(&["--concurrency", "9"], false, of(Some("a.io")), "9 --concurrency");
        check(&[], false, of(Some("a.io")), "3 /home/config.toml:5");
        check(&[], false, of(Some("b.io")), "2 /home/config.toml:2");
        check(&[], false, of(None), "2 /home/config.toml:2");
        check(&[], false, retry_for, "60s /home/config.toml:3");
        check(&["--retry-for", "5s"], false, retry_for, "5s --retry-for");
        check(&[], false, tls_verify, "true built-in");
    }

    #[test]
    fn plain_http_of_a_host_applies_only_to_it() {
        check(&[], false, |config| config.get(&PLAIN_HTTP, Some("a.io")), "true /home/config.toml:6");
        check(&[], false, |config| config.get(&PLAIN_HTTP, Some("b.io")), "false built-in");
        check(&[], false, |config| config.get(&PLAIN_HTTP, None), "false built-in");
        check(&["--plain-http=false"], false, |config| config.get(&PLAIN_HTTP, Some("a.io")), "false --plain-http");
    }

    #[test]
    fn a_certificate_of_the_environment_ranks_between_flag_and_file() {
        let of = |host| move |config: &Config<'_>| config.get(&CLIENT_KEY, host).map(Option::unwrap_or_default);
        let flags = ["--cert", "f.pem", "--key", "f.key"];
        check(&flags, true, of(Some("a.io")), "\"/work/f.key\" --key");
        check(&[], true, of(Some("a.io")), "\"/work/v.key\" KITOPS_CLIENT_KEY");
        check(&[], false, of(Some("a.io")), "\"/home/a.key\" /home/config.toml:8");
        check(&[], false, of(Some("b.io")), "\"\" built-in");
    }
}
