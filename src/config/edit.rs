//! Changes to `config.toml`, which keep its comments and the order of its keys.

use std::path::Path;

use anyhow::{Context as _, Result};
use toml_edit::{Array, Document, DocumentMut, Item, Table, TableLike, Value};

use super::environment::Environment;
use super::file::{ConfigFile, check_value};
use super::key_path::KeyPath;
use super::keys::CA;
use super::values::read_file;
use crate::output::{Usage, usage};
use kit_core::registry;
use kit_core::sys;

/// Sets keys of the user's `config.toml`, which is created if it does not exist. All values are set, or none.
pub(crate) fn set(environment: &Environment, values: &[(KeyPath, String)]) -> Result<()> {
    let folder = folder_of(environment);
    let values: Vec<_> =
        values.iter().map(|(key, text)| Ok((key, parse_value(key, text, folder)?))).collect::<Result<_>>()?;
    change(environment, |text| {
        let mut document: DocumentMut = text.parse()?;
        for (key, value) in values {
            insert(&mut document, key, value)?;
        }
        Ok(document.to_string())
    })
}

/// Checks that the certificate authorities among `values` can be read, so that a mistake does not show up in a command
/// that uses them.
pub(crate) fn check_authorities(environment: &Environment, values: &[(KeyPath, String)]) -> Result<()> {
    let folder = folder_of(environment);
    for (key, text) in values.iter().filter(|(key, _)| key.key.name() == CA.name) {
        let value = parse_value(key, text, folder)?;
        for path in value.as_array().into_iter().flatten().filter_map(Value::as_str) {
            registry::check_authorities(&folder.join(path)).map_err(|error| Usage(error.into()))?;
        }
    }
    Ok(())
}

/// Removes keys from the user's `config.toml`. Returns the keys that were not set; if there is one, nothing changes.
pub(crate) fn unset<'k>(environment: &Environment, keys: &'k [KeyPath]) -> Result<Vec<&'k KeyPath>> {
    if !environment.config_file.value.exists() {
        return Ok(keys.iter().collect());
    }
    let mut missing = Vec::new();
    change(environment, |old| {
        let mut text = old.clone();
        for key in keys {
            match without(&text, key)? {
                Some(rest) => text = rest,
                None => missing.push(key),
            }
        }
        Ok(if missing.is_empty() { text } else { old })
    })?;
    Ok(missing)
}

/// Replaces the file by what `edit` makes of its text, unless nothing changes. Both texts must be valid. A lock orders
/// the changes of several processes, so that none of them is lost.
fn change(environment: &Environment, edit: impl FnOnce(String) -> Result<String>) -> Result<()> {
    let path = &environment.config_file.value;
    let _lock = sys::lock_for_change(path).context("cannot write the configuration")?;
    let old = read_file(environment)?;
    ConfigFile::parse(&old, path)?;
    let new = edit(old.clone())?;
    if let Err(invalid) = ConfigFile::parse(&new, path) {
        let problems: Vec<_> = invalid.problems().iter().map(|problem| problem.message.clone()).collect();
        return Err(usage(problems.join("; ")));
    }
    if new == old {
        return Ok(());
    }
    sys::replace_file(path, new.as_bytes()).context("cannot write the configuration")
}

fn folder_of(environment: &Environment) -> &Path {
    environment.config_file.value.parent().unwrap_or(Path::new(""))
}

/// Reads a value of the command line: as TOML, as a string, or as a list of strings with commas between them, whichever
/// the key accepts.
fn parse_value(key: &KeyPath, text: &str, folder: &Path) -> Result<Value> {
    let list: Array = text.split(',').map(str::trim).collect();
    let readings = [text.trim().parse::<Value>().ok(), Some(text.into()), Some(Value::Array(list))];
    let mut problem = None;
    for value in readings.into_iter().flatten() {
        match check_value(key.key, value.to_string().trim(), folder) {
            Ok(()) => return Ok(value.decorated(" ", "")),
            Err(message) => problem = problem.or(Some(message)),
        }
    }
    Err(usage(problem.unwrap_or_default()))
}

/// Sets `key`. A comment behind the old value stays.
fn insert(document: &mut DocumentMut, key: &KeyPath, mut value: Value) -> Result<()> {
    let table = match &key.host {
        None => table_in(document.as_table_mut(), "defaults", Table::new)?,
        Some(host) => {
            let hosts = table_in(document.as_table_mut(), "registry", implicit_table)?;
            let known = hosts.iter().map(|(name, _)| name).find(|name| name.eq_ignore_ascii_case(host));
            let name = known.unwrap_or(host).to_owned();
            table_in(hosts, &name, Table::new)?
        }
    };
    match table.get_mut(key.key.name()).and_then(Item::as_value_mut) {
        Some(old) => {
            *value.decor_mut() = old.decor().clone();
            *old = value;
        }
        None => {
            table.insert(key.key.name(), Item::Value(value));
        }
    }
    Ok(())
}

/// The table `name`, which `new` creates if there is none.
fn table_in<'t>(parent: &'t mut dyn TableLike, name: &str, new: fn() -> Table) -> Result<&'t mut dyn TableLike> {
    let item = parent.entry(name).or_insert_with(|| Item::Table(new()));
    item.as_table_like_mut().with_context(|| format!("`{name}` is not a table"))
}

/// A table without a header of its own.
fn implicit_table() -> Table {
    let mut table = Table::new();
    table.set_implicit(true);
    table
}

/// Returns `text` without `key`, or `None` if it does not set the key. Comments above the key stay.
fn without(text: &str, key: &KeyPath) -> Result<Option<String>> {
    let document = Document::parse(text)?;
    let Some((name, item)) = table_of(document.as_table(), key).and_then(|table| table.get_key_value(key.key.name()))
    else {
        return Ok(None);
    };
    let span = name.span().context("a parsed key has a place")?.start..item.span().context("a value has a place")?.end;
    let line = text[..span.start].rfind('\n').map_or(0, |at| at + 1);
    if text[line..span.start].trim().is_empty() {
        let end = text[span.end..].find('\n').map_or(text.len(), |at| span.end + at + 1);
        return Ok(Some([&text[..line], &text[end..]].concat()));
    }
    Ok(Some(without_inline(text, key)?))
}

/// Removes a key that shares its line with another one, as in `registry = { … }`.
fn without_inline(text: &str, key: &KeyPath) -> Result<String> {
    let mut document: DocumentMut = text.parse()?;
    let table = match &key.host {
        None => document.get_mut("defaults"),
        Some(host) => document
            .get_mut("registry")
            .and_then(Item::as_table_like_mut)
            .and_then(|hosts| hosts.iter_mut().find(|(name, _)| name.eq_ignore_ascii_case(host)).map(|(_, item)| item)),
    };
    table.and_then(Item::as_table_like_mut).and_then(|table| table.remove(key.key.name()));
    Ok(document.to_string())
}

/// The table that `key` is in, if there is one.
fn table_of<'d>(document: &'d Table, key: &KeyPath) -> Option<&'d dyn TableLike> {
    let Some(host) = &key.host else { return document.get("defaults")?.as_table_like() };
    let hosts = document.get("registry")?.as_table_like()?;
    hosts.iter().find(|(name, _)| name.eq_ignore_ascii_case(host))?.1.as_table_like()
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::{Expect, expect};

    const FILE: &str = "\
# my registries
[defaults]
# the office line is slow
concurrency = 4 # not more
retry-for = \"30m\"

[registry.\"GHCR.io\"]
upload = \"whole\"
";

    /// Sets and then removes keys of `file`, and returns the new file.
    fn edited(file: &str, values: &[(&str, &str)], removed: &[&str]) -> Result<String> {
        let home = tempfile::tempdir()?;
        let environment = Environment::of_tests(&home.path().join("kit"));
        let path = &environment.config_file.value;
        if !file.is_empty() {
            fs_err::create_dir_all(folder_of(&environment))?;
            fs_err::write(path, file)?;
        }
        let key = |text: &str| text.parse::<KeyPath>().unwrap();
        let values: Vec<_> = values.iter().map(|(name, value)| (key(name), (*value).to_owned())).collect();
        set(&environment, &values)?;
        let removed: Vec<_> = removed.iter().map(|name| key(name)).collect();
        let missing = unset(&environment, &removed)?;
        assert!(missing.is_empty(), "{missing:?}");
        Ok(fs_err::read_to_string(path)?)
    }

    fn check(file: &str, values: &[(&str, &str)], removed: &[&str], expected: &Expect) {
        expected.assert_eq(&edited(file, values, removed).unwrap());
    }

    #[test]
    fn a_new_value_keeps_the_comments_and_the_order() {
        check(
            FILE,
            &[
                ("retry-for", "1h"),
                ("concurrency", "8"),
                ("registry.ghcr.io.mirrors", "https://a.example,https://b.example"),
                ("registry.localhost:5000.plain-http", "true"),
            ],
            &[],
            &expect![[r##"
                # my registries
                [defaults]
                # the office line is slow
                concurrency = 8 # not more
                retry-for = "1h"

                [registry."GHCR.io"]
                upload = "whole"
                mirrors = ["https://a.example", "https://b.example"]

                [registry."localhost:5000"]
                plain-http = true
            "##]],
        );
    }

    #[test]
    fn the_file_and_its_folder_are_created() {
        check(
            "",
            &[("registry.a.io.upload", "{ parts = \"16MiB\" }"), ("ca", "own.pem")],
            &[],
            &expect![[r#"
            [registry."a.io"]
            upload = { parts = "16MiB" }

            [defaults]
            ca = ["own.pem"]
        "#]],
        );
    }

    #[test]
    fn removing_a_key_keeps_the_comments_above_it() {
        check(
            FILE,
            &[],
            &["concurrency", "registry.ghcr.io.upload"],
            &expect![[r##"
            # my registries
            [defaults]
            # the office line is slow
            retry-for = "30m"

            [registry."GHCR.io"]
        "##]],
        );
    }

    #[test]
    fn other_ways_to_write_tables_are_kept() {
        let inline = "defaults = { concurrency = 4, retry-for = \"1m\" }\nregistry.\"a.io\".plain-http = true\n";
        check(
            inline,
            &[("concurrency", "5"), ("registry.a.io.plain-http", "false"), ("registry.b.io.upload", "parts")],
            &["retry-for", "registry.a.io.plain-http"],
            &expect![[r#"
                defaults = { concurrency = 5}

                [registry."b.io"]
                upload = "parts"
            "#]],
        );
    }

    #[test]
    fn a_file_without_a_line_break_at_its_end_is_edited() {
        check(
            "[defaults]\nconcurrency = 4",
            &[("retry-for", "1m")],
            &["concurrency"],
            &expect![[r#"
            [defaults]
            retry-for = "1m"
        "#]],
        );
    }

    #[test]
    fn nothing_is_written_if_a_value_or_the_file_is_not_valid() {
        for (file, values, expected) in [
            ("", &[("concurrency", "0")][..], "`concurrency` must be a whole number from 1 to 65535"),
            ("", &[("retry-for", "10")], "`retry-for` must be a time, such as \"90s\", \"10m\" or \"1h30m\""),
            ("", &[("registry.a.io.plain-http", "yes")], "`plain-http` must be true or false"),
            ("", &[("concurrency", "1\nretry-for = \"1m\"")], "`concurrency` must be a whole number from 1 to 65535"),
            ("", &[("client-cert", "c.pem")], "`client-cert` needs `client-key` beside it"),
            ("[defaults]\nx = 1\n", &[("concurrency", "1")], "unknown key `x` in [defaults]"),
        ] {
            let error = edited(file, values, &[]).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        edited("", &[("client-cert", "c.pem"), ("client-key", "k.pem")], &[]).unwrap();
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_file(text: String, tail in "[a-z\\[\\]\"= .,\n0-9{}]{0,30}") {
            let key: KeyPath = "registry.a.io.mirrors".parse().unwrap();
            for text in [text, tail] {
                if let Ok(value) = parse_value(&key, &text, Path::new("")) {
                    let mut document = DocumentMut::new();
                    insert(&mut document, &key, value).unwrap();
                    proptest::prop_assert!(ConfigFile::parse(&document.to_string(), Path::new("f")).is_ok());
                }
            }
        }
    }
}
