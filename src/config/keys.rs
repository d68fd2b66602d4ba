//! The table of settings. A new setting is a new entry here, and a row in `docs/reference/configuration.md`.

use std::path::{Path, PathBuf};
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value as Json;

use super::decode;
use super::setting::TableKind::{Defaults, Host};
use super::setting::{Flag, InFile, Key, Setting, Variable};
use kit_core::progress::human;
use kit_core::registry::{Mirror, RetryPolicy, Settings, UploadForm};

/// All settings, in the order of `kit config`.
pub(crate) static KEYS: [&dyn Key; 11] = [
    &PLAIN_HTTP,
    &TLS_VERIFY,
    &CA,
    &CLIENT_CERT,
    &CLIENT_KEY,
    &CONCURRENCY,
    &RETRY_FOR,
    &LOCK_TIMEOUT,
    &SYNC,
    &MIRRORS,
    &UPLOAD,
];

/// Plain HTTP can be set in the file for single hosts only.
pub(super) static PLAIN_HTTP: Setting<bool> = Setting {
    name: "plain-http",
    flag: Some(Flag { name: "plain-http", read: |flags, _| flags.plain_http }),
    variable: None,
    file: Some(InFile {
        tables: &[Host],
        expected: "true or false",
        read: |_, _, value| value.get_ref().as_bool(),
        get: |table| &table.plain_http,
        set: |table, set| table.plain_http = Some(set),
    }),
    default: || false,
    show: |value| (*value).into(),
};

/// Not in the file: an unverified server is an exception for one run.
pub(super) static TLS_VERIFY: Setting<bool> = Setting {
    name: "tls-verify",
    flag: Some(Flag { name: "tls-verify", read: |flags, _| flags.tls_verify }),
    variable: None,
    file: None,
    default: || true,
    show: |value| (*value).into(),
};

/// Certificate authorities that are trusted in addition to those of the system.
pub(super) static CA: Setting<Vec<PathBuf>> = Setting {
    name: "ca",
    flag: Some(Flag {
        name: "tls-cert",
        read: |flags, environment| {
            let paths: Vec<_> = flags.tls_cert.iter().map(|path| environment.absolute(path)).collect();
            (!paths.is_empty()).then_some(paths)
        },
    }),
    variable: None,
    file: Some(InFile {
        tables: &[Defaults, Host],
        expected: "a list of PEM files, as in [\"ca.pem\"]",
        read: |decoder, _, value| decode::paths(decoder, value),
        get: |table| &table.ca,
        set: |table, set| table.ca = Some(set),
    }),
    default: Vec::new,
    show: |paths| paths.iter().map(|path| shown(path)).collect(),
};

/// The client certificate. Wherever it can be set, it is set together with [`CLIENT_KEY`].
pub(super) static CLIENT_CERT: Setting<Option<PathBuf>> = Setting {
    name: "client-cert",
    flag: Some(Flag {
        name: "cert",
        read: |flags, environment| flags.cert.as_ref().map(|path| Some(environment.absolute(path))),
    }),
    variable: Some(Variable {
        name: "KITOPS_CLIENT_CERT",
        read: |path, environment| Some(Some(environment.absolute(Path::new(path)))),
        expected: "the path of a PEM file",
    }),
    file: Some(InFile {
        tables: &[Defaults, Host],
        expected: "the path of a PEM file",
        read: |decoder, _, value| decode::path(decoder, value).map(Some),
        get: |table| &table.client_cert,
        set: |table, set| table.client_cert = Some(set),
    }),
    default: || None,
    show: |path| path.as_deref().map_or(Json::Null, shown),
};

/// The key of [`CLIENT_CERT`].
pub(super) static CLIENT_KEY: Setting<Option<PathBuf>> = Setting {
    name: "client-key",
    flag: Some(Flag {
        name: "key",
        read: |flags, environment| flags.key.as_ref().map(|path| Some(environment.absolute(path))),
    }),
    variable: Some(Variable {
        name: "KITOPS_CLIENT_KEY",
        read: |path, environment| Some(Some(environment.absolute(Path::new(path)))),
        expected: "the path of a PEM file",
    }),
    file: Some(InFile {
        tables: &[Defaults, Host],
        expected: "the path of a PEM file",
        read: |decoder, _, value| decode::path(decoder, value).map(Some),
        get: |table| &table.client_key,
        set: |table, set| table.client_key = Some(set),
    }),
    default: || None,
    show: |path| path.as_deref().map_or(Json::Null, shown),
};

/// The number of connections for all blobs together.
pub(super) static CONCURRENCY: Setting<u16> = Setting {
    name: "concurrency",
    flag: Some(Flag { name: "concurrency", read: |flags, _| flags.concurrency }),
    variable: None,
    file: Some(InFile {
        tables: &[Defaults, Host],
        expected: "a whole number from 1 to 65535",
        read: |_, _, value| decode::connections(value),
        get: |table| &table.concurrency,
        set: |table, set| table.concurrency = Some(set),
    }),
    default: || u16::try_from(Settings::default().concurrency).unwrap_or(u16::MAX),
    show: |value| (*value).into(),
};

/// The time that requests may fail without progress.
pub(super) static RETRY_FOR: Setting<Duration> = Setting {
    name: "retry-for",
    flag: Some(Flag { name: "retry-for", read: |flags, _| flags.retry_for }),
    variable: None,
    file: Some(InFile {
        tables: &[Defaults],
        expected: TIME,
        read: |_, _, value| decode::duration(value),
        get: |table| &table.retry_for,
        set: |table, set| table.retry_for = Some(set),
    }),
    default: || RetryPolicy::default().give_up_after,
    show: |time| shown_time(*time).into(),
};

/// The longest wait for a lock of the local store; `None` means no limit.
pub(super) static LOCK_TIMEOUT: Setting<Option<Duration>> = Setting {
    name: "lock-timeout",
    flag: Some(Flag { name: "lock-timeout", read: |_, environment| environment.lock_timeout.map(Some) }),
    variable: Some(Variable {
        name: "KIT_LOCK_TIMEOUT",
        read: |text, _| decode::parse_duration(text.to_str()?).ok().map(Some),
        expected: TIME,
    }),
    file: Some(InFile {
        tables: &[Defaults],
        expected: TIME,
        read: |_, _, value| decode::duration(value).map(Some),
        get: |table| &table.lock_timeout,
        set: |table, set| table.lock_timeout = Some(set),
    }),
    default: || None,
    show: |time| time.map_or(Json::Null, |time| shown_time(time).into()),
};

/// True if commands wait until what they store is on the disk.
pub(super) static SYNC: Setting<bool> = Setting {
    name: "sync",
    flag: Some(Flag { name: "sync", read: |_, environment| environment.sync }),
    variable: None,
    file: Some(InFile {
        tables: &[Defaults],
        expected: "true or false",
        read: |_, _, value| value.get_ref().as_bool(),
        get: |table| &table.sync,
        set: |table, set| table.sync = Some(set),
    }),
    default: || false,
    show: |value| (*value).into(),
};

/// The description of a valid time.
const TIME: &str = "a time, such as \"90s\", \"10m\" or \"1h30m\"";

/// The mirrors of a registry, in the order in which they are asked.
pub(super) static MIRRORS: Setting<Vec<Mirror>> = Setting {
    name: "mirrors",
    flag: None,
    variable: None,
    file: Some(InFile {
        tables: &[Host],
        expected: "a list of URLs, as in [\"https://mirror.example\"]",
        read: decode::mirrors,
        get: |table| &table.mirrors,
        set: |table, set| table.mirrors = Some(set),
    }),
    default: Vec::new,
    show: |mirrors| mirrors.iter().map(ToString::to_string).collect(),
};

/// The form of uploads; `None` leaves it to the registry.
pub(super) static UPLOAD: Setting<Option<UploadForm>> = Setting {
    name: "upload",
    flag: None,
    variable: None,
    file: Some(InFile {
        tables: &[Host],
        expected: "\"whole\", \"parts\", or parts of a size, as in { parts = \"16MiB\" }",
        read: |_, _, value| decode::upload(value).map(Some),
        get: |table| &table.upload,
        set: |table, set| table.upload = Some(set),
    }),
    default: || None,
    show: |form| match form {
        None => "chosen by the registry".into(),
        Some(UploadForm::Whole) => "whole".into(),
        Some(UploadForm::Parts(None)) => "parts".into(),
        Some(UploadForm::Parts(Some(bytes))) => format!("parts of {}", human(*bytes)).into(),
    },
};

fn shown_time(time: Duration) -> String {
    format!("{:#}", SignedDuration::try_from(time).unwrap_or(SignedDuration::MAX))
}

fn shown(path: &Path) -> Json {
    path.display().to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::values::Config;
    use crate::config::{Environment, NetworkArgs};
    use clap::Args;

    const PAGE: &str = include_str!("../../docs/reference/configuration.md");

    /// The cells of the row about `name` in the documentation.
    fn documented(name: &str) -> Vec<&'static str> {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{name}` |")));
        let row = row.unwrap_or_else(|| panic!("the documentation has no row for `{name}`"));
        row.trim_matches('|').split(" | ").map(|cell| cell.trim_matches([' ', '|'])).collect()
    }

    #[test]
    fn every_key_of_the_file_is_documented_with_its_tables_its_default_and_its_other_names() {
        let (flags, environment) = (NetworkArgs::default(), Environment::of_tests(Path::new("/home")));
        let config = Config::read(&flags, &environment).unwrap();
        for key in KEYS.iter().filter(|key| !key.tables().is_empty()) {
            let tables = key.tables().iter().map(|table| if *table == Defaults { "defaults" } else { "host" });
            let default = match key.show(&config, None).value {
                Json::Null => "none".to_owned(),
                Json::Array(items) if items.is_empty() => "none".to_owned(),
                Json::String(text) => text,
                other => other.to_string(),
            };
            let flag = key.flag().map(|flag| format!("`--{flag}`"));
            let names = flag.into_iter().chain(key.variable().map(|name| format!("`{name}`")));
            let cells = documented(key.name());
            assert_eq!(cells[1], tables.collect::<Vec<_>>().join(", "), "{}", key.name());
            assert_eq!(cells[3..], [default, names.collect::<Vec<_>>().join(", ")], "{}", key.name());
        }
        let table = PAGE.split("\n## ").find(|section| section.starts_with("Keys\n")).unwrap();
        let rows = table.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(rows, KEYS.iter().filter(|key| !key.tables().is_empty()).count(), "a row for a missing key");
    }

    #[test]
    fn the_flags_are_those_of_the_command_line() {
        let command = NetworkArgs::augment_args(clap::Command::new("kit"));
        let mut expected: Vec<_> = command.get_arguments().filter_map(clap::Arg::get_long).collect();
        // The variables for proxies are those of all programs, and `kit config` has a row for each.
        expected.retain(|name| *name != "proxy");
        // Flags of all commands, also of those without a registry.
        expected.extend(["lock-timeout", "sync"]);
        let mut found: Vec<_> = KEYS.iter().filter_map(|key| key.flag()).collect();
        expected.sort_unstable();
        found.sort_unstable();
        assert_eq!(found, expected);
    }
}
