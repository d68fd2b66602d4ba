//! All settings with their origins. This module alone decides about precedence: a flag, the environment, `config.toml`
//! for one host, `config.toml` for all hosts, the built-in default.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::environment::Environment;
use super::file::{ConfigFile, Set, Table};
use super::network::NetworkArgs;
use kit_core::registry::{ClientCertificate, HostSettings, Mirror, Proxy, RetryPolicy, Settings, UploadForm};

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

/// A client certificate and its key.
type Pair = (Sourced<PathBuf>, Sourced<PathBuf>);

fn certificate((certificate, key): Pair) -> ClientCertificate {
    ClientCertificate { certificate: certificate.value, key: key.value }
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
        let path = &environment.config_file.value;
        let file = match fs_err::read_to_string(path) {
            Ok(text) => ConfigFile::parse(&text, path)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => ConfigFile::default(),
            Err(error) => return Err(error).context("cannot read the configuration"),
        };
        Ok(Self { flags, environment, file })
    }

    /// The hosts that the file has a section for.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.file.hosts.keys().map(String::as_str)
    }

    /// The settings of a client.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let hosts = self.hosts().map(|host| Ok((host.to_owned(), self.host_settings(host)?)));
        Ok(Settings {
            plain_http: self.plain_http(None).value,
            verify_tls: self.tls_verify().value,
            extra_authorities: self.authorities(None).value,
            client_certificate: self.client_certificate(None)?.map(certificate),
            proxy: self.flags.proxy.clone().map_or(Proxy::FromEnvironment, Proxy::Through),
            concurrency: self.concurrency(None).value.into(),
            retry: RetryPolicy { give_up_after: self.retry_for().value, ..RetryPolicy::default() },
            credentials: self.environment.credentials(),
            object_store: self.environment.object_store.clone(),
            uploads_folder: Some(self.environment.uploads_folder()),
            registries_folder: Some(self.environment.registries_folder()),
            hosts: hosts.collect::<Result<_>>()?,
            ..Settings::default()
        })
    }

    fn host_settings(&self, host: &str) -> Result<HostSettings> {
        Ok(HostSettings {
            plain_http: Some(self.plain_http(Some(host)).value),
            extra_authorities: Some(self.authorities(Some(host)).value),
            client_certificate: self.client_certificate(Some(host))?.map(certificate),
            concurrency: Some(self.concurrency(Some(host)).value.into()),
            upload: self.upload(host).value,
            mirrors: self.mirrors(host).value,
        })
    }

    pub(crate) fn plain_http(&self, host: Option<&str>) -> Sourced<bool> {
        let flag = self.flags.plain_http.map(|value| Sourced::new(value, Origin::Flag("plain-http")));
        flag.or_else(|| self.set(host, |table| &table.plain_http)).unwrap_or(Sourced::new(false, Origin::BuiltIn))
    }

    pub(crate) fn tls_verify(&self) -> Sourced<bool> {
        let flag = self.flags.tls_verify.map(|value| Sourced::new(value, Origin::Flag("tls-verify")));
        flag.unwrap_or(Sourced::new(true, Origin::BuiltIn))
    }

    pub(crate) fn authorities(&self, host: Option<&str>) -> Sourced<Vec<PathBuf>> {
        let given: Vec<_> = self.flags.tls_cert.iter().map(|path| self.environment.absolute(path)).collect();
        let flag = (!given.is_empty()).then_some(Sourced::new(given, Origin::Flag("tls-cert")));
        flag.or_else(|| self.set(host, |table| &table.ca)).unwrap_or(Sourced::new(Vec::new(), Origin::BuiltIn))
    }

    /// The certificate and its key, which always have the same origin.
    pub(crate) fn client_certificate(&self, host: Option<&str>) -> Result<Option<Pair>> {
        let given = |path: &Path, origin| Sourced::new(self.environment.absolute(path), origin);
        // clap and the parser of the file ensure that both are set or neither.
        if let (Some(certificate), Some(key)) = (&self.flags.cert, &self.flags.key) {
            return Ok(Some((given(certificate, Origin::Flag("cert")), given(key, Origin::Flag("key")))));
        }
        let variables = ["KITOPS_CLIENT_CERT", "KITOPS_CLIENT_KEY"].map(Origin::Variable);
        match (&self.environment.client_certificate, variables) {
            ((Some(certificate), Some(key)), [one, other]) => {
                return Ok(Some((given(certificate, one), given(key, other))));
            }
            ((None, None), _) => {}
            _ => bail!("KITOPS_CLIENT_CERT and KITOPS_CLIENT_KEY must be set together; only one of them is set"),
        }
        let pair =
            |table: &Table| Some((self.sourced(table.client_cert.clone()?), self.sourced(table.client_key.clone()?)));
        let set = host.and_then(|host| self.file.hosts.get(host)).and_then(pair).or_else(|| pair(&self.file.defaults));
        Ok(set)
    }

    pub(crate) fn concurrency(&self, host: Option<&str>) -> Sourced<u16> {
        let flag = self.flags.concurrency.map(|value| Sourced::new(value, Origin::Flag("concurrency")));
        let built_in = || u16::try_from(Settings::default().concurrency).unwrap_or(u16::MAX);
        flag.or_else(|| self.set(host, |table| &table.concurrency))
            .unwrap_or_else(|| Sourced::new(built_in(), Origin::BuiltIn))
    }

    pub(crate) fn retry_for(&self) -> Sourced<Duration> {
        let flag = self.flags.retry_for.map(|value| Sourced::new(value, Origin::Flag("retry-for")));
        flag.or_else(|| self.set(None, |table| &table.retry_for))
            .unwrap_or(Sourced::new(RetryPolicy::default().give_up_after, Origin::BuiltIn))
    }

    pub(crate) fn upload(&self, host: &str) -> Sourced<Option<UploadForm>> {
        let set = self.set(Some(host), |table| &table.upload);
        set.map_or(Sourced::new(None, Origin::BuiltIn), |set| set.map(Some))
    }

    pub(crate) fn mirrors(&self, host: &str) -> Sourced<Vec<Mirror>> {
        self.set(Some(host), |table| &table.mirrors).unwrap_or(Sourced::new(Vec::new(), Origin::BuiltIn))
    }

    /// The value in the file: in the section of the host, if there is one, otherwise in the defaults.
    fn set<T: Clone>(&self, host: Option<&str>, key: impl Fn(&Table) -> &Option<Set<T>>) -> Option<Sourced<T>> {
        let own = host.and_then(|host| self.file.hosts.get(host)).and_then(|table| key(table).clone());
        own.or_else(|| key(&self.file.defaults).clone()).map(|set| self.sourced(set))
    }

    fn sourced<T>(&self, set: Set<T>) -> Sourced<T> {
        Sourced::new(set.value, Origin::File { path: self.environment.config_file.value.clone(), line: set.line })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            environment.client_certificate = (Some("v.pem".into()), Some("v.key".into()));
        }
        let file = ConfigFile::parse(FILE, &environment.config_file.value).unwrap();
        let config = Config { flags: &flags.network, environment: &environment, file };
        let found = read(&config);
        assert_eq!(format!("{:?} {}", found.value, found.origin), expected);
    }

    #[test]
    fn a_flag_wins_over_a_host_over_all_hosts_over_what_is_built_in() {
        let of = |host| move |config: &Config<'_>| config.concurrency(host);
        let retry_for = |config: &Config<'_>| config.retry_for();
        let tls_verify = |config: &Config<'_>| config.tls_verify();
        check(&["--concurrency", "9"], false, of(Some("a.io")), "9 --concurrency");
        check(&[], false, of(Some("a.io")), "3 /home/config.toml:5");
        check(&[], false, of(Some("b.io")), "2 /home/config.toml:2");
        check(&[], false, of(None), "2 /home/config.toml:2");
        check(&[], false, retry_for, "60s /home/config.toml:3");
        check(&["--retry-for", "5s"], false, retry_for, "5s --retry-for");
        check(&[], false, tls_verify, "true built-in");
    }

    #[test]
    fn plain_http_of_a_host_is_for_that_host_alone() {
        check(&[], false, |config| config.plain_http(Some("a.io")), "true /home/config.toml:6");
        check(&[], false, |config| config.plain_http(Some("b.io")), "false built-in");
        check(&[], false, |config| config.plain_http(None), "false built-in");
        check(&["--plain-http=false"], false, |config| config.plain_http(Some("a.io")), "false --plain-http");
    }

    #[test]
    fn a_certificate_of_the_environment_stands_between_flag_and_file() {
        let of = |host| {
            move |config: &Config<'_>| {
                config
                    .client_certificate(host)
                    .unwrap()
                    .map_or(Sourced::new(PathBuf::new(), Origin::BuiltIn), |own| own.1)
            }
        };
        let flags = ["--cert", "f.pem", "--key", "f.key"];
        check(&flags, true, of(Some("a.io")), "\"/work/f.key\" --key");
        check(&[], true, of(Some("a.io")), "\"/work/v.key\" KITOPS_CLIENT_KEY");
        check(&[], false, of(Some("a.io")), "\"/home/a.key\" /home/config.toml:8");
        check(&[], false, of(Some("b.io")), "\"\" built-in");
    }
}
