//! Parsing `policy.toml`.

use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::decoder::{Decoder, Table};
use super::document::{Policy, Rule, Unmatched};
use super::name::Pattern;
use super::{key, rule};
use crate::problem::{Invalid, quoted};

/// The version of the format.
const VERSION: &str = "1";

impl Policy {
    /// Parses `text`, the content of the file at `path`. Relative paths in it refer to the folder of the file.
    pub fn parse(text: &str, path: &Path) -> Result<Self, Invalid> {
        let file = path.display().to_string();
        let folder = path.parent().unwrap_or(Path::new(""));
        let mut decoder = Decoder::new(text, folder);
        let (root, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            decoder.not_toml(error.span().unwrap_or_default(), error.message());
        }
        // What a parser makes of text that is not TOML would only lead to misleading problems.
        let is_toml = decoder.problems.is_empty();
        let policy = is_toml.then(|| policy(&mut decoder, root.get_ref(), &file));
        let mut problems = decoder.problems;
        problems.sort_by_key(|problem| problem.position.as_ref().map(|position| (position.line, position.column)));
        match policy.filter(|_| problems.is_empty()) {
            Some(policy) => Ok(policy),
            None => Err(Invalid::new(&file, problems)),
        }
    }
}

fn policy<'t>(decoder: &mut Decoder<'t>, root: &DeTable<'t>, file: &str) -> Policy {
    let root = decoder.root(root, &["version", "default", "keys", "rule"]);
    expect_version(decoder, root);
    let choices = [("allow", Unmatched::Allow), ("refuse", Unmatched::Refuse)];
    let unmatched = decoder.choice(root, "default", &choices);
    let unmatched_line = root.get("default").map(|value| decoder.position(value.span()).line);
    let keys = key::decode_all(decoder, root);
    let names: Vec<_> = match root.get("keys").map(toml::Spanned::get_ref) {
        Some(DeValue::Table(keys)) => keys.keys().map(|name| name.get_ref().as_ref()).collect(),
        _ => Vec::new(),
    };
    let rules = rules(decoder, root, &names);
    let unmatched = unmatched.unwrap_or_default();
    if rules.is_empty() && unmatched == Unmatched::Allow && decoder.problems.is_empty() {
        let message = "the policy has no effect: it has no [[rule]], and `default` is not `refuse`";
        decoder.complain(0..0, "", message);
    }
    Policy { file: file.to_owned(), unmatched, unmatched_line, keys, rules }
}

fn expect_version<'t>(decoder: &mut Decoder<'t>, root: Table<'_, 't>) {
    let Some(value) = root.get("version") else { return decoder.missing(root, "version") };
    let is_known = matches!(value.get_ref(), DeValue::Integer(number) if number.as_str() == VERSION);
    if !is_known {
        decoder.wrong(value, "version", &format!("{VERSION}, the only version that this kit knows"));
    }
}

fn rules<'t>(decoder: &mut Decoder<'t>, root: Table<'_, 't>, keys: &[&str]) -> Vec<Rule> {
    let Some(value) = root.get("rule") else { return Vec::new() };
    let Some(items) = value.get_ref().as_array() else {
        decoder.complain(value.span(), "rule", "rules are written as [[rule]], with two brackets");
        return Vec::new();
    };
    let mut rules: Vec<Rule> = Vec::new();
    for item in items {
        let Some(found) = rule::decode(decoder, item, keys) else { continue };
        let earlier: Vec<&Pattern> = rules.iter().flat_map(|rule| &rule.patterns).collect();
        for (pattern, span) in &found.spans {
            if let Some(same) = earlier.iter().find(|other| other.equals(pattern)) {
                let message = format!("the rule in line {} matches {}, too", same.line, quoted(&same.to_string()));
                decoder.complain(span.clone(), "match", message);
            }
        }
        rules.push(found.rule);
    }
    rules
}
