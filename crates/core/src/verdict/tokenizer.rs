//! Compares tokenizers: vocabularies, special tokens and chat templates.

use std::collections::BTreeMap;

use serde_json::Value;

use super::comparison::{Change, Comparison};
use super::fact::{Fact, Level};
use super::profile::{Pair, pairs};
use super::reason::Reason;
use super::words::{arrow, counted};

/// Vocabularies besides `tokenizer.json` and `vocab.json`, whose changes are not looked into.
const VOCABULARIES: [&str; 6] =
    ["merges.txt", "sentencepiece.bpe.model", "spiece.model", "tokenizer.model", "vocab.txt", "tiktoken.model"];

pub(super) fn compare(comparison: &Comparison<'_>) -> Vec<Reason> {
    let sides = (comparison.before, comparison.after);
    let mut reasons = Vec::new();
    for name in ["tokenizer.json", "vocab.json"] {
        reasons.extend(pairs(sides, name).iter().filter_map(vocabulary));
    }
    for name in ["tokenizer_config.json", "special_tokens_map.json", "generation_config.json", "config.json"] {
        reasons.extend(pairs(sides, name).iter().filter_map(special_tokens));
    }
    for name in ["tokenizer_config.json", "chat_template.json"] {
        reasons.extend(pairs(sides, name).iter().filter_map(|pair| {
            let (before, after) = pair.json();
            template(pair, text(&before["chat_template"]), text(&after["chat_template"]))
        }));
    }
    let template_of = |text: Option<&str>| text.map(str::to_owned);
    let templates = pairs(sides, "chat_template.jinja");
    reasons
        .extend(templates.iter().filter_map(|pair| template(pair, template_of(pair.before), template_of(pair.after))));
    reasons.extend(pairs(sides, "tokenizer_config.json").iter().filter_map(class));
    reasons.extend(opaque(comparison));
    reasons
}

/// Files whose vocabulary is not read: other formats, and texts that are too large.
fn opaque(comparison: &Comparison<'_>) -> Vec<Reason> {
    let is_read = |name: &str| name == "tokenizer.json" || name == "vocab.json";
    let has = |file: &crate::relative_path::RelativePath| {
        comparison.before.documents.contains_key(file) || comparison.after.documents.contains_key(file)
    };
    let mut reasons = Vec::new();
    for file in &comparison.files {
        let name = file.path.file_name().unwrap_or_default();
        if !(VOCABULARIES.contains(&name) || is_read(name) && !has(file.path)) {
            continue;
        }
        let (level, text) = match file.change {
            Change::Added => (Level::Changed, "a vocabulary was added"),
            Change::Removed => (Level::Breaking, "the vocabulary was removed"),
            Change::Changed => (Level::Breaking, "the vocabulary differs"),
            Change::Unread => (Level::Breaking, "the vocabulary may differ; it was not read"),
            Change::Same => continue,
        };
        reasons.push(Reason::of_file(Fact::Tokenizer, level, file.path.as_str(), text));
    }
    reasons
}

fn vocabulary(pair: &Pair<'_>) -> Option<Reason> {
    let reason = |level, text: String| Some(Reason::of_file(Fact::Tokenizer, level, pair.path.as_str(), text));
    match (pair.before, pair.after) {
        (before, after) if before == after => return None,
        (Some(_), None) => return reason(Level::Breaking, "the vocabulary was removed".to_owned()),
        (None, Some(_)) => return reason(Level::Changed, "a vocabulary was added".to_owned()),
        _ => {}
    }
    let (before, after) = pair.json();
    let (Some(before), Some(after)) = (tokens(&before), tokens(&after)) else {
        return reason(Level::Breaking, "the vocabulary differs".to_owned());
    };
    let moved: Vec<_> = before.iter().filter(|(token, id)| after.get(*token) != Some(id)).collect();
    let added = after.keys().filter(|token| !before.contains_key(*token)).count();
    match moved.first() {
        Some((token, _)) => {
            let verb = if moved.len() == 1 { "has" } else { "have" };
            let tokens = counted(moved.len(), "token");
            reason(Level::Breaking, format!("{tokens} {verb} another number or none, such as `{token}`"))
        }
        None if added > 0 => reason(Level::Changed, format!("{} added", counted(added, "token"))),
        None => {
            reason(Level::Changed, "texts may be split in another way; all tokens have the same numbers".to_owned())
        }
    }
}

/// The numbers of all tokens: `model.vocab` and `added_tokens` of a `tokenizer.json`, or a `vocab.json`. A list of
/// pairs, as of Unigram models, is numbered by its order.
fn tokens(file: &Value) -> Option<BTreeMap<&str, u64>> {
    let vocabulary = if file["model"].is_object() { &file["model"]["vocab"] } else { file };
    let mut tokens: BTreeMap<&str, u64> = match vocabulary {
        Value::Object(tokens) => {
            tokens.iter().map(|(token, id)| Some((token.as_str(), id.as_u64()?))).collect::<Option<_>>()?
        }
        Value::Array(tokens) => {
            (0..).zip(tokens).map(|(id, token)| Some((token[0].as_str()?, id))).collect::<Option<_>>()?
        }
        _ => return None,
    };
    for token in file["added_tokens"].as_array().into_iter().flatten() {
        tokens.extend(token["content"].as_str().zip(token["id"].as_u64()));
    }
    Some(tokens)
}

/// The keys of special tokens, and of their numbers.
const SPECIAL: [&str; 12] = [
    "additional_special_tokens",
    "bos_token",
    "bos_token_id",
    "cls_token",
    "eos_token",
    "eos_token_id",
    "mask_token",
    "pad_token",
    "pad_token_id",
    "sep_token",
    "unk_token",
    "decoder_start_token_id",
];

fn special_tokens(pair: &Pair<'_>) -> Option<Reason> {
    if pair.before.is_none() || pair.after.is_none() {
        return None;
    }
    let (before, after) = pair.json();
    let differing = SPECIAL.iter().filter(|key| token(&before[**key]) != token(&after[**key]));
    let (mut words, mut level) = (Vec::new(), Level::Changed);
    for key in differing {
        let (before, after) = (token(&before[*key]), token(&after[*key]));
        level = if before.is_some() { Level::Breaking } else { level };
        words.push(format!("{key}: {}", arrow(before, after)));
    }
    (!words.is_empty()).then(|| Reason::of_file(Fact::SpecialTokens, level, pair.path.as_str(), words.join(", ")))
}

/// The text of a special token, which may be an object with its properties.
fn token(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Object(token) => token.get("content").and_then(Value::as_str).map(str::to_owned),
        Value::Array(tokens) => Some(tokens.iter().filter_map(token).collect::<Vec<_>>().join(" ")),
        value => text(value),
    }
}

fn template(pair: &Pair<'_>, before: Option<String>, after: Option<String>) -> Option<Reason> {
    let (level, text) = match (before, after) {
        (before, after) if before == after => return None,
        (Some(_), None) => (Level::Breaking, "the chat template was removed"),
        (None, _) => (Level::Changed, "a chat template was added"),
        (Some(_), Some(_)) => (Level::Changed, "the chat template differs"),
    };
    Some(Reason::of_file(Fact::ChatTemplate, level, pair.path.as_str(), text))
}

fn class(pair: &Pair<'_>) -> Option<Reason> {
    let (before, after) = pair.json();
    let (before, after) = (text(&before["tokenizer_class"]), text(&after["tokenizer_class"]));
    let text = format!("class {}", arrow(before.as_ref(), after.as_ref()));
    let is_other = before.is_some() && after.is_some() && before != after;
    is_other.then(|| Reason::of_file(Fact::Tokenizer, Level::Breaking, pair.path.as_str(), text))
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        value => Some(value.to_string()),
    }
}
