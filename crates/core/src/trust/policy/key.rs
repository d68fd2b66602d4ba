//! Reading the keys and identities of a policy.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::decoder::{Decoder, Table, Value};
use super::document::{KeyMaterial, TrustedKey};
use crate::problem::quoted;
use crate::trust::keyless::{TransparencyLog, WantedIdentity};

/// The keys of a table of `[keys]`.
const KNOWN: [&str; 9] =
    ["file", "pem", "identity", "identity-regexp", "issuer", "trusted-root", "transparency-log", "ca", "expired"];

/// The keys that say what a table is about.
const KINDS: [&str; 4] = ["file", "pem", "identity", "identity-regexp"];

/// Reads the table `keys`.
pub(super) fn decode_all<'t>(decoder: &mut Decoder<'t>, root: Table<'_, 't>) -> BTreeMap<String, TrustedKey> {
    let mut keys = BTreeMap::new();
    let Some(value) = root.get("keys") else { return keys };
    let DeValue::Table(table) = value.get_ref() else {
        decoder.complain(value.span(), "keys", "keys are written as [keys.NAME]");
        return keys;
    };
    for (name, value) in table {
        let name = name.get_ref().as_ref();
        let field = format!("keys.{name}");
        if let Some(key) = decode(decoder, value, &field) {
            keys.insert(name.to_owned(), key);
        }
    }
    keys
}

fn decode<'t>(decoder: &mut Decoder<'t>, value: &Value<'t>, field: &str) -> Option<TrustedKey> {
    let table = decoder.table(value, field, &KNOWN)?;
    let kinds: Vec<_> = KINDS.into_iter().filter(|kind| table.get(kind).is_some()).collect();
    let [kind] = kinds[..] else {
        decoder.complain(
            table.span(),
            field,
            format!("{} needs exactly one of `file`, `pem`, `identity` and `identity-regexp`", quoted(field)),
        );
        return None;
    };
    let material = match kind {
        "file" => KeyMaterial::File(decoder.path(table, kind)?),
        "pem" => KeyMaterial::Pem(decoder.string(table, kind)?.to_owned()),
        "identity" => identity(decoder, table)?,
        _ => {
            let identity = pattern(decoder, table)?;
            keyless(decoder, table, identity)?
        }
    };
    refuse_others(decoder, table, kind, &material);
    let source = match material {
        KeyMaterial::Identity { .. } => "trusted-root",
        KeyMaterial::Authority { .. } => "ca",
        _ => kind,
    };
    let position = decoder.position(table.get(source).map_or(table.span(), Value::span));
    Some(TrustedKey { material, position })
}

fn identity<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>) -> Option<KeyMaterial> {
    let identity = decoder.string(table, "identity")?.to_owned();
    if table.get("ca").is_some() {
        let ca = decoder.paths(table, "ca")?;
        let choices = [("refuse", false), ("allow", true)];
        let accepts_expired = decoder.choice(table, "expired", &choices).unwrap_or_default();
        return Some(KeyMaterial::Authority { identity, ca, accepts_expired });
    }
    keyless(decoder, table, WantedIdentity::Exact(identity))
}

/// Reads the pattern of identities.
fn pattern<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>) -> Option<WantedIdentity> {
    let key = "identity-regexp";
    let parsed = WantedIdentity::pattern(decoder.string(table, key)?);
    let span = table.get(key).map_or(table.span(), Value::span);
    parsed.map_err(|error| decoder.complain(span, table.name, format!("`{key}` cannot be used: {error}"))).ok()
}

fn keyless<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, identity: WantedIdentity) -> Option<KeyMaterial> {
    let needed = ["issuer", "trusted-root"];
    if !needed.iter().all(|key| table.get(key).is_some()) {
        let message = "an `identity` needs `issuer` and `trusted-root`, or `ca` for an authority of your own";
        decoder.complain(table.span(), table.name, message);
        return None;
    }
    let choices = [("required", TransparencyLog::Required), ("optional", TransparencyLog::Optional)];
    Some(KeyMaterial::Identity {
        identity,
        issuer: decoder.string(table, "issuer")?.to_owned(),
        trusted_root: decoder.path(table, "trusted-root")?,
        log: decoder.choice(table, "transparency-log", &choices).unwrap_or_default(),
    })
}

/// Reports keys that have no effect beside the kind of key that the table contains.
fn refuse_others<'t>(decoder: &mut Decoder<'t>, table: Table<'_, 't>, kind: &str, material: &KeyMaterial) {
    let own: &[&str] = match material {
        KeyMaterial::File(_) => &["file"],
        KeyMaterial::Pem(_) => &["pem"],
        KeyMaterial::Identity { .. } => &[kind, "issuer", "trusted-root", "transparency-log"],
        KeyMaterial::Authority { .. } => &["identity", "ca", "expired"],
    };
    for key in table.content.keys() {
        let name = key.get_ref().as_ref();
        if KNOWN.contains(&name) && !own.contains(&name) {
            let message = format!("`{name}` has no effect beside `{}`", own[own.len().min(2) - 1]);
            decoder.complain(key.span(), table.name, message);
        }
    }
}
