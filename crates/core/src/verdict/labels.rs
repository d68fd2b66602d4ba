//! Compares the label maps of classifiers (`id2label` in the `config.json` of the transformers library).

use std::collections::BTreeMap;

use serde_json::Value;

use super::fact::{Fact, Level};
use super::profile::{Pair, Profile, pairs};
use super::reason::Reason;
use super::words::listed;

pub(super) fn compare(sides: (&Profile, &Profile)) -> Vec<Reason> {
    pairs(sides, "config.json").iter().filter_map(compare_one).collect()
}

fn compare_one(pair: &Pair<'_>) -> Option<Reason> {
    let (before, after) = pair.json();
    let (before, after) = (labels(&before), labels(&after));
    if before == after || pair.before.is_none() || pair.after.is_none() {
        return None;
    }
    let name = |label: Option<&String>| label.map_or("none", String::as_str).to_owned();
    let changed = before.iter().filter(|(id, label)| after.get(*id) != Some(label));
    let changed: Vec<_> = changed.map(|(id, label)| format!("{id}: {label} → {}", name(after.get(id)))).collect();
    let added = after.iter().filter(|(id, _)| !before.contains_key(*id));
    let added: Vec<_> = added.map(|(id, label)| format!("{id}: {label}")).collect();
    let level = if changed.is_empty() { Level::Changed } else { Level::Breaking };
    let added = (!added.is_empty()).then(|| format!("new labels {}", listed(&added)));
    let words: Vec<_> = (!changed.is_empty()).then(|| listed(&changed)).into_iter().chain(added).collect();
    Some(Reason::of_file(Fact::Labels, level, pair.path.as_str(), words.join("; ")))
}

fn labels(config: &Value) -> BTreeMap<String, String> {
    let labels = config["id2label"].as_object();
    let text = |label: &Value| label.as_str().map_or_else(|| label.to_string(), str::to_owned);
    labels.into_iter().flatten().map(|(id, label)| (id.clone(), text(label))).collect()
}
