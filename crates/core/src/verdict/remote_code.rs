//! Compares the code that a runtime executes when it loads a model: `auto_map` of the transformers library, Python
//! files beside the weights, and the permission to run them.

use super::comparison::{Area, Change, Comparison};
use super::fact::{Fact, Level};
use super::profile::{Pair, pairs};
use super::reason::Reason;

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Reason> {
    let sides = (comparison.before, comparison.after);
    let mut reasons = Vec::new();
    for name in ["config.json", "tokenizer_config.json"] {
        reasons.extend(pairs(sides, name).iter().filter_map(auto_map));
    }
    let is_code = |path: &str| path.rsplit_once('.').is_some_and(|(_, ending)| ending == "py");
    for file in comparison.files.iter().filter(|file| file.area == Area::Model && is_code(file.path.as_str())) {
        let text = match file.change {
            Change::Added => "code was added to the model",
            Change::Changed => "code of the model differs",
            Change::Unread => "code of the model may differ; it was not read",
            Change::Removed | Change::Same => continue,
        };
        reasons.push(Reason::of_file(Fact::RemoteCode, Level::Breaking, file.path.as_str(), text));
    }
    reasons.extend(permissions(comparison));
    reasons
}

fn auto_map(pair: &Pair<'_>) -> Option<Reason> {
    let (before, after) = pair.json();
    let (before, after) = (&before["auto_map"], &after["auto_map"]);
    if before == after {
        return None;
    }
    let (level, text) = match (before.is_null(), after.is_null()) {
        (true, _) => (Level::Breaking, format!("the model needs code of its own: {after}")),
        (false, true) => (Level::Changed, "the model needs no code of its own any more".to_owned()),
        (false, false) => (Level::Breaking, format!("another code of the model is used: {after}")),
    };
    Some(Reason::of_file(Fact::RemoteCode, level, pair.path.as_str(), text))
}

/// Files that newly permit remote code.
fn permissions(comparison: &Comparison<'_>) -> Vec<Reason> {
    let permits = |text: &str| text.contains("trust_remote_code") || text.contains("trust-remote-code");
    let before = &comparison.before.documents;
    let is_new = |path, text: &str| permits(text) && !before.get(path).is_some_and(|text| permits(text));
    let new = comparison.after.documents.iter().filter(|(path, text)| is_new(*path, text));
    let text = "the file mentions the permission to run code of the model (trust_remote_code)";
    new.map(|(path, _)| Reason::of_file(Fact::RemoteCode, Level::Breaking, path.as_str(), text)).collect()
}
