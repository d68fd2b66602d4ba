//! `config.toml`: settings of the user for all registries and for single ones, parsed into values with their lines.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::keys::{CLIENT_CERT, CLIENT_KEY, KEYS};
use super::setting::{Key as Setting, Located, TableKind};
use kit_core::oci::Reference;
use kit_core::problem::{Invalid, Mark, Problem, Source, closest, quoted};
use kit_core::registry::{Mirror, UploadForm};

/// The sections of the file.
const SECTIONS: [&str; 3] = ["defaults", "registry", "scan"];

/// The key of the section `scan`.
const ALLOW_GLOBALS: &str = "allow-globals";

/// The whole file. A missing file is treated as an empty one.
#[derive(Debug, Default)]
pub(crate) struct ConfigFile {
    pub(crate) defaults: Table,
    /// By host and port, in lower case.
    pub(crate) hosts: BTreeMap<String, Table>,
    /// The imports of pickles that `kit scan` allows.
    pub(crate) allowed_globals: Vec<String>,
}

/// The settings of one section.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) ca: Option<Set<Vec<PathBuf>>>,
    pub(crate) client_cert: Option<Set<Option<PathBuf>>>,
    pub(crate) client_key: Option<Set<Option<PathBuf>>>,
    pub(crate) concurrency: Option<Set<u16>>,
    pub(crate) mirrors: Option<Set<Vec<Mirror>>>,
    pub(crate) plain_http: Option<Set<bool>>,
    pub(crate) lock_timeout: Option<Set<Option<Duration>>>,
    pub(crate) retry_for: Option<Set<Duration>>,
    pub(crate) sync: Option<Set<bool>>,
    pub(crate) upload: Option<Set<Option<UploadForm>>>,
}

/// A value, and the line that sets it.
#[derive(Debug, Clone)]
pub(crate) struct Set<T> {
    pub(crate) value: T,
    pub(crate) line: usize,
}

impl ConfigFile {
    /// Parses `text`, the content of the file at `path`. Relative paths in it refer to the folder of the file.
    pub(crate) fn parse(text: &str, path: &Path) -> Result<Self, Invalid> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut decoder = Decoder { source: Source::new(text), folder, problems: Vec::new() };
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            decoder.complain(error.span().unwrap_or_default(), "", error.message().to_owned());
        }
        let file = if decoder.problems.is_empty() { decoder.file(root.get_ref()) } else { Self::default() };
        let mut problems = decoder.problems;
        if problems.is_empty() {
            return Ok(file);
        }
        problems.sort_by_key(|problem| problem.position.as_ref().map(|position| (position.line, position.column)));
        Err(Invalid::new(&path.display().to_string(), problems))
    }
}

/// Checks that `value`, written as TOML, is a value of `setting`. Returns the description of the problem. Relative
/// paths refer to `folder`.
pub(super) fn check_value(setting: &dyn Setting, value: &str, folder: &Path) -> Result<(), String> {
    let text = format!("value = {value}");
    let root = DeTable::parse(&text).map_err(|error| error.message().to_owned())?;
    let value = root.get_ref().get("value").ok_or("the value is missing")?;
    let mut decoder = Decoder { source: Source::new(&text), folder, problems: Vec::new() };
    let located = Located { section: "", line: 1, value };
    setting
        .decode(&mut decoder, located, &mut Table::default())
        .map_err(|expected| format!("`{}` must be {expected}", setting.name()))?;
    decoder.problems.into_iter().next().map_or(Ok(()), |problem| Err(problem.message))
}

/// Parses `text` for the fuzz target, which has no access to the types of this module.
#[cfg(fuzzing)]
pub fn fuzz_config_file(text: &str) {
    if let Err(problems) = ConfigFile::parse(text, Path::new("config.toml")) {
        drop(problems.to_string());
    }
}

/// The state of a parser: the text, and the problems so far.
pub(crate) struct Decoder<'t> {
    source: Source<'t>,
    /// The folder of the file.
    pub(super) folder: &'t Path,
    problems: Vec<Problem>,
}

type Name<'t> = Spanned<std::borrow::Cow<'t, str>>;
pub(super) type Value<'t> = Spanned<DeValue<'t>>;

impl Decoder<'_> {
    fn file(&mut self, root: &DeTable<'_>) -> ConfigFile {
        let mut file = ConfigFile::default();
        for (key, value) in root {
            match (key.get_ref().as_ref(), value.get_ref()) {
                ("defaults", DeValue::Table(table)) => {
                    file.defaults = self.table(TableKind::Defaults, "defaults", table);
                }
                ("registry", DeValue::Table(hosts)) => file.hosts = self.hosts(hosts),
                ("scan", DeValue::Table(table)) => file.allowed_globals = self.allowed_globals(table),
                (name, _) if SECTIONS.contains(&name) => {
                    self.complain(key.span(), name, format!("`{name}` must be a table, as in [defaults]"));
                }
                _ => self.unknown(key, "", &SECTIONS),
            }
        }
        file
    }

    fn allowed_globals(&mut self, table: &DeTable<'_>) -> Vec<String> {
        let mut found = Vec::new();
        for (key, value) in table {
            let texts = value.get_ref().as_array().filter(|_| key.get_ref() == ALLOW_GLOBALS);
            let texts = texts.map(|items| items.iter().map(|item| item.get_ref().as_str()).collect::<Option<Vec<_>>>());
            match texts.map(|texts| texts.filter(|texts| texts.iter().all(|text| is_allowed_global(text)))) {
                Some(Some(texts)) => found.extend(texts.into_iter().map(str::to_owned)),
                Some(None) => {
                    let expected = "a list of imports, as in [\"sklearn.*\", \"mycompany.Model\"]";
                    self.complain(value.span(), "scan", format!("`{ALLOW_GLOBALS}` must be {expected}"));
                }
                None => self.unknown(key, "scan", &[ALLOW_GLOBALS]),
            }
        }
        found
    }

    fn hosts(&mut self, hosts: &DeTable<'_>) -> BTreeMap<String, Table> {
        let mut found = BTreeMap::new();
        for (key, value) in hosts {
            let name = key.get_ref().as_ref();
            match value.get_ref() {
                DeValue::Table(table) if is_host(name) => {
                    let section = format!("registry.\"{name}\"");
                    found.insert(name.to_ascii_lowercase(), self.table(TableKind::Host, &section, table));
                }
                _ => {
                    let message = format!(
                        "{} is not a host; write [registry.\"HOST\"] or [registry.\"HOST:PORT\"], with the quotes",
                        quoted(name)
                    );
                    self.complain(key.span(), "registry", message);
                }
            }
        }
        found
    }

    fn table(&mut self, kind: TableKind, section: &str, table: &DeTable<'_>) -> Table {
        let mut found = Table::default();
        for (key, value) in table {
            let name = key.get_ref();
            let Some(setting) = keys_of(kind).find(|setting| setting.name() == name) else {
                self.unknown(key, section, &keys_of(kind).map(Setting::name).collect::<Vec<_>>());
                continue;
            };
            let line = self.source.position(mark(key.span())).line;
            if let Err(expected) = setting.decode(self, Located { section, line, value }, &mut found) {
                self.complain(value.span(), section, format!("`{name}` must be {expected}"));
            }
        }
        self.expect_pair(section, table);
        found
    }

    fn expect_pair(&mut self, section: &str, table: &DeTable<'_>) {
        let (certificate, private_key) = (CLIENT_CERT.name, CLIENT_KEY.name);
        for (one, other) in [(certificate, private_key), (private_key, certificate)] {
            if let Some((key, _)) = table.get_key_value(one)
                && !table.contains_key(other)
            {
                self.complain(key.span(), section, format!("`{one}` needs `{other}` beside it"));
            }
        }
    }

    fn unknown(&mut self, key: &Name<'_>, section: &str, known: &[&str]) {
        let name = key.get_ref();
        let is_in = |kind| keys_of(kind).any(|setting| setting.name() == name);
        let guess = match closest(name, known) {
            _ if is_in(TableKind::Defaults) => "it belongs in [defaults]".to_owned(),
            _ if is_in(TableKind::Host) => "it belongs in [registry.\"HOST\"]".to_owned(),
            Some(meant) => format!("did you mean `{meant}`?"),
            None => {
                format!(
                    "known keys are {}",
                    known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
                )
            }
        };
        let place = if section.is_empty() { "at the top level".to_owned() } else { format!("in [{section}]") };
        self.complain(key.span(), section, format!("unknown key {} {place}; {guess}", quoted(name)));
    }

    pub(super) fn complain(&mut self, span: Range<usize>, field: &str, message: String) {
        let position = Some(self.source.position(mark(span)));
        self.problems.push(Problem { position, ..Problem::of(field, message) });
    }
}

fn mark(span: Range<usize>) -> Mark {
    Mark { start: span.start, end: span.end }
}

/// The settings that a table of `kind` may contain.
pub(super) fn keys_of(kind: TableKind) -> impl Iterator<Item = &'static dyn Setting> {
    KEYS.iter().copied().filter(move |setting| setting.tables().contains(&kind))
}

/// Returns true for the name of an import, `MODULE.NAME`, or for everything in a module, `MODULE.*`.
pub(crate) fn is_allowed_global(text: &str) -> bool {
    let is_word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || c == '_');
    text.rsplit_once('.').is_some_and(|(module, name)| module.split('.').all(is_word) && (name == "*" || is_word(name)))
}

pub(super) fn is_host(name: &str) -> bool {
    let reference = format!("{}/x", name.to_ascii_lowercase()).parse::<Reference>();
    reference.is_ok_and(|reference| reference.registry.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    fn parse(text: &str) -> Result<ConfigFile, Invalid> {
        ConfigFile::parse(text, Path::new("/etc/kit/config.toml"))
    }

    fn check(text: &str, expected: &Expect) {
        expected.assert_eq(&parse(text).unwrap_err().to_string());
    }

    #[test]
    fn every_key_is_read_with_its_line() {
        let file = parse(
            "[defaults]\nconcurrency = 16\nretry-for = \"1h 30m\"\nca = [\"own.pem\", \"/other.pem\"]\n\n\
             [registry.\"GHCR.io\"]\nplain-http = false\nmirrors = [\"https://mirror.example/hub\", \"http://b:5000\"]\n\
             client-cert = \"c.pem\"\nclient-key = \"../k.pem\"\nupload = { parts = \"16 MiB\" }\n\
             [registry.\"localhost:5000\"]\nupload = \"whole\"\n",
        )
        .unwrap();
        let host = &file.hosts["ghcr.io"];
        let set = file.defaults.concurrency.unwrap();
        assert_eq!((set.value, set.line), (16, 2));
        assert_eq!(file.defaults.retry_for.unwrap().value, Duration::from_secs(5400));
        assert_eq!(file.defaults.ca.unwrap().value, [Path::new("/etc/kit/own.pem"), Path::new("/other.pem")]);
        let mirrors = host.mirrors.as_ref().unwrap();
        assert_eq!(
            mirrors.value.iter().map(Mirror::to_string).collect::<Vec<_>>(),
            ["https://mirror.example/hub", "http://b:5000"]
        );
        assert_eq!((mirrors.line, host.plain_http.as_ref().unwrap().value), (8, false));
        assert_eq!(host.client_key.as_ref().unwrap().value.as_deref(), Some(Path::new("/etc/kit/../k.pem")));
        assert_eq!(host.upload.as_ref().unwrap().value, Some(UploadForm::Parts(Some(16 << 20))));
        assert_eq!(file.hosts["localhost:5000"].upload.as_ref().unwrap().value, Some(UploadForm::Whole));
    }

    #[test]
    fn all_problems_are_reported_at_once_with_their_corrections() {
        check(
            "concurrency = 4\n[default]\n[defaults]\nconcurency = 3\nconcurrency = 0\nretry-for = 10\nmirrors = []\n\
             [registry.ghcr.io]\nplain-http = true\n[registry.\"a.io\"]\nmirrors = [\"b.io\", \"https://c.io\"]\n\
             client-cert = \"c.pem\"\nupload = { parts = \"16\" }\nca = \"ca.pem\"\n",
            &expect![[r#"
                /etc/kit/config.toml is not valid
                  /etc/kit/config.toml:1:1: unknown key `concurrency` at the top level; it belongs in [defaults]
                    1 | concurrency = 4
                      | ^^^^^^^^^^^
                  /etc/kit/config.toml:2:2: unknown key `default` at the top level; did you mean `defaults`?
                    2 | [default]
                      |  ^^^^^^^
                  /etc/kit/config.toml:4:1: unknown key `concurency` in [defaults]; did you mean `concurrency`?
                    4 | concurency = 3
                      | ^^^^^^^^^^
                  /etc/kit/config.toml:5:15: `concurrency` must be a whole number from 1 to 65535
                    5 | concurrency = 0
                      |               ^
                  /etc/kit/config.toml:6:13: `retry-for` must be a time, such as "90s", "10m" or "1h30m"
                    6 | retry-for = 10
                      |             ^^
                  /etc/kit/config.toml:7:1: unknown key `mirrors` in [defaults]; it belongs in [registry."HOST"]
                    7 | mirrors = []
                      | ^^^^^^^
                  /etc/kit/config.toml:8:11: `ghcr` is not a host; write [registry."HOST"] or [registry."HOST:PORT"], with the quotes
                    8 | [registry.ghcr.io]
                      |           ^^^^
                  /etc/kit/config.toml:11:12: `mirrors`: this is not a URL: write https://HOST[:PORT][/PREFIX]
                    11 | mirrors = ["b.io", "https://c.io"]
                       |            ^^^^^^
                  /etc/kit/config.toml:12:1: `client-cert` needs `client-key` beside it
                    12 | client-cert = "c.pem"
                       | ^^^^^^^^^^^
                  /etc/kit/config.toml:13:10: `upload` must be "whole", "parts", or parts of a size, as in { parts = "16MiB" }
                    13 | upload = { parts = "16" }
                       |          ^^^^^^^^^^^^^^^^
                  /etc/kit/config.toml:14:6: `ca` must be a list of PEM files, as in ["ca.pem"]
                    14 | ca = "ca.pem"
                       |      ^^^^^^^^"#]],
        );
    }

    #[test]
    fn a_syntax_error_is_reported_with_its_place() {
        check(
            "[defaults]\nconcurrency = \n",
            &expect![[r#"
            /etc/kit/config.toml is not valid
              /etc/kit/config.toml:2:15: string values must be quoted, expected literal string
                2 | concurrency = 
                  |               ^"#]],
        );
    }

    #[test]
    fn uploads_are_whole_or_in_parts_of_a_size() {
        for (text, expected) in [
            ("\"whole\"", Some(UploadForm::Whole)),
            ("\"parts\"", Some(UploadForm::Parts(None))),
            ("{ parts = \"1GiB\" }", Some(UploadForm::Parts(Some(1 << 30)))),
            ("{ parts = \"0MiB\" }", None),
            ("{ parts = \"99999999999999GiB\" }", None),
            ("{ parts = 5 }", None),
            ("{ parts = \"1MiB\", x = 1 }", None),
            ("\"halves\"", None),
            ("true", None),
        ] {
            let file = parse(&format!("[registry.\"a.io\"]\nupload = {text}"));
            assert_eq!(
                file.ok().and_then(|file| file.hosts["a.io"].upload.as_ref().unwrap().value),
                expected,
                "{text}"
            );
        }
    }

    #[test]
    fn the_example_of_the_documentation_is_valid() {
        let page = include_str!("../../docs/reference/configuration.md");
        let example = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let file = parse(example).unwrap();
        assert!(file.hosts.len() > 1);
        for key in KEYS.iter().filter(|key| !key.tables().is_empty()) {
            assert!(example.contains(&format!("\n{} = ", key.name())), "the example has no `{}`", key.name());
        }
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_text_never_panics(text: String, tail in "[a-z\\[\\]\"= .\n0-9{}]{0,60}") {
            drop(parse(&text));
            drop(parse(&tail));
        }
    }
}
