//! The rows of `kit config`: a setting, its value and its origin.

use std::path::Path;

use serde_json::{Value, json};

use crate::config::{Config, Environment, KEYS, NetworkArgs, Origin, Sourced};
use crate::output::table;

/// One setting.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) setting: String,
    pub(super) value: Value,
    origin: Origin,
}

impl Row {
    pub(super) fn new<T: Into<Value>>(setting: &str, sourced: Sourced<T>) -> Self {
        Self { setting: setting.to_owned(), value: sourced.value.into(), origin: sourced.origin }
    }

    fn path(setting: &str, path: &Path, origin: &Origin) -> Self {
        Self { setting: setting.to_owned(), value: text(path), origin: origin.clone() }
    }

    pub(super) fn to_json(&self) -> Value {
        json!({ "setting": self.setting, "value": self.value, "from": self.origin.to_string() })
    }
}

/// The paths of files and folders.
pub(super) fn folders(environment: &Environment) -> Vec<Row> {
    let root = &environment.root.origin;
    let mut rows = vec![
        Row::path("root", &environment.root.value, root),
        Row::path("config.toml", &environment.config_file.value, &environment.config_file.origin),
        Row::path("store", &environment.store_folder(), root),
        Row::path("uploads", &environment.uploads_folder(), root),
        Row::path("credentials", &environment.credentials_file(), root),
    ];
    let others = environment.credential_files.iter();
    rows.extend(others.map(|file| Row::path("credentials, read only", &file.value, &file.origin)));
    rows
}

/// The settings that apply to all hosts.
pub(super) fn general(config: &Config<'_>) -> Vec<Row> {
    KEYS.iter().filter(|key| key.is_general()).map(|key| Row::new(key.name(), key.show(config, None))).collect()
}

/// The settings that apply to one host.
pub(super) fn of_host(config: &Config<'_>, host: &str) -> Vec<Row> {
    KEYS.iter().map(|key| Row::new(key.name(), key.show(config, Some(host)))).collect()
}

/// The settings that differ for one host, prefixed with its name.
pub(super) fn special(config: &Config<'_>, host: &str, general: &[Row]) -> Vec<Row> {
    let rows = of_host(config, host).into_iter();
    let own = rows.filter(|row| row.origin != Origin::BuiltIn && !general.contains(row));
    own.map(|row| Row { setting: format!("{host} {}", row.setting), ..row }).collect()
}

/// The proxies: from the flag, or from the environment.
pub(super) fn proxies(network: &NetworkArgs, environment: &Environment) -> Vec<Row> {
    let shown = |name: &str, proxy: Sourced<String>| Row::new(name, proxy.map(|url| without_password(&url)));
    if let Some(proxy) = network.proxy() {
        return vec![shown("proxy", Sourced::new(proxy, Origin::Flag("proxy")))];
    }
    let name = |proxy: &Sourced<String>| proxy.origin.to_string().to_lowercase().replace('_', "-");
    environment.proxies.iter().map(|proxy| shown(&name(proxy), proxy.clone())).collect()
}

/// Removes user name and password from `url`, even if it is not a valid URL.
fn without_password(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or((None, url), |(scheme, rest)| (Some(scheme), rest));
    let rest = rest.rsplit_once('@').map_or(rest.to_owned(), |(_, host)| format!("***@{host}"));
    scheme.map_or(rest.clone(), |scheme| format!("{scheme}://{rest}"))
}

fn text(path: &Path) -> Value {
    Value::String(path.display().to_string())
}

pub(super) fn render(rows: &[Row]) -> String {
    let cells: Vec<_> =
        rows.iter().map(|row| [row.setting.clone(), shown(&row.value), row.origin.to_string()]).collect();
    table::render(["SETTING", "VALUE", "FROM"], &cells)
}

pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        Value::Array(items) if items.is_empty() => "none".to_owned(),
        Value::Array(items) => items.iter().map(shown).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_not_shown() {
        for (url, expected) in [
            ("http://proxy.example:3128", "http://proxy.example:3128"),
            ("http://me:secret@proxy.example", "http://***@proxy.example"),
            ("me:se@cret@proxy.example", "***@proxy.example"),
            ("localhost,.example", "localhost,.example"),
        ] {
            assert_eq!(without_password(url), expected);
        }
    }
}
