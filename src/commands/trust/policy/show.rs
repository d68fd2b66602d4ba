//! `kit policy show`

use std::borrow::Cow;
use std::fmt::Write as _;

use anyhow::Result;
use clap::Args;
use serde_json::{Value, json};

use crate::context::Context;
use crate::output::{Format, counted, tidy};
use kit_core::ops::{LoadedPolicy, PolicyFile};
use kit_core::trust::policy::{Mode, Name, Requirement, Unmatched};

/// Show the files of the policies, and the rules for a name
///
/// Without a NAME, lists the files and how many rules each has. With a NAME, shows the rule of each policy that applies
/// to it, with its requirements.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit policy show
  kit policy show registry.example/production/sentiment:v2
  kit policy show --format json")]
pub(super) struct ShowArgs {
    /// ModelKit or repository
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// Output format: table (text), json, yaml, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    format: Format,
}

impl ShowArgs {
    pub(super) fn run(&self, context: &Context) -> Result<()> {
        let location = self.name.as_deref().map(|name| context.location_as_given(name)).transpose()?;
        let policies = context.environment.policies();
        let loaded = policies.load()?;
        let of_file = |file: &PolicyFile| {
            let shown = file.path.display().to_string();
            loaded.iter().find(|loaded| loaded.policy.file == shown)
        };
        let files: Vec<_> = policies.files().iter().map(|file| (file, of_file(file))).collect();
        let name = location.as_ref().map(|location| (location.to_string(), location.policy_name()));
        let named = name.iter().flat_map(|(_, name)| loaded.iter().map(move |policy| (policy, name)));
        let rules: Value = named.filter_map(|(policy, name)| rule_to_json(policy, name)).collect();
        let data = json!({
            "files": files.iter().map(|(file, loaded)| file_to_json(file, *loaded)).collect::<Value>(),
            "name": name.as_ref().map(|(text, _)| text),
            "rules": rules,
        });
        let text = || {
            let mut text: String = files.iter().map(|(file, loaded)| in_words(file, *loaded)).collect();
            if let Some((title, name)) = &name {
                text += &["\n", title, "\n"].concat();
                text.extend(loaded.iter().map(|policy| applied_in_words(policy, name)));
                if loaded.is_empty() {
                    text += "  allowed: there is no policy\n";
                }
            }
            text
        };
        Ok(context.output.result(self.format.render(&data, text)?)?)
    }
}

fn in_words(file: &PolicyFile, loaded: Option<&LoadedPolicy>) -> String {
    let path = tidy(&file.path);
    let Some(LoadedPolicy { policy, keys, .. }) = loaded else { return format!("{path}  does not exist\n") };
    let (rules, keys) = (counted(policy.rules.len() as u64, "rule"), counted(keys.len() as u64, "key"));
    format!("{path}  {rules}, {keys}; other names are {}\n", unmatched(policy.unmatched))
}

fn unmatched(unmatched: Unmatched) -> &'static str {
    match unmatched {
        Unmatched::Allow => "allowed",
        Unmatched::Refuse => "refused",
    }
}

/// The word of a mode in policies and outputs.
pub(super) fn mode(mode: Mode) -> &'static str {
    match mode {
        Mode::Enforce => "enforce",
        Mode::Warn => "warn",
        Mode::Off => "off",
    }
}

fn applied_in_words(LoadedPolicy { policy, keys, .. }: &LoadedPolicy, name: &Name) -> String {
    let Some((rule, pattern)) = policy.rule_for(name) else {
        return format!("  {}: no rule matches, such names are {}\n", policy.file, unmatched(policy.unmatched));
    };
    let others = policy.matching(name).count() - 1;
    let why = match others {
        0 => String::new(),
        1 => ", which is more specific than 1 other".to_owned(),
        others => format!(", which is more specific than {others} others"),
    };
    let mut text = format!("  {}:{}: rule for `{pattern}` ({}){why}\n", policy.file, rule.line, mode(rule.mode));
    for (requirement, words) in rule.describe() {
        let written = writeln!(text, "    {requirement:<12}  {words}");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    for key in rule.keys() {
        let description = keys.get(key).map_or(Cow::Borrowed(""), |key| Cow::Borrowed(key.description.as_str()));
        let written = writeln!(text, "    {:<12}  `{key}` is {description}", "key");
        debug_assert!(written.is_ok(), "writing to a string cannot fail");
    }
    text
}

fn file_to_json(file: &PolicyFile, loaded: Option<&LoadedPolicy>) -> Value {
    json!({
        "path": file.path.display().to_string(),
        "exists": loaded.is_some(),
        "rules": loaded.map(|loaded| loaded.policy.rules.len()),
        "keys": loaded.map(keys_to_json),
        "default": loaded.map(|loaded| match loaded.policy.unmatched {
            Unmatched::Allow => "allow",
            Unmatched::Refuse => "refuse",
        }),
    })
}

fn keys_to_json(LoadedPolicy { keys, .. }: &LoadedPolicy) -> Value {
    keys.iter().map(|(name, key)| json!({ "name": name, "key": key.description })).collect()
}

fn rule_to_json(LoadedPolicy { policy, .. }: &LoadedPolicy, name: &Name) -> Option<Value> {
    let (rule, pattern) = policy.rule_for(name)?;
    let requirement =
        |(requirement, words): &(Requirement, String)| json!({ "requirement": requirement.as_str(), "value": words });
    Some(json!({
        "file": policy.file,
        "line": rule.line,
        "match": pattern.to_string(),
        "mode": mode(rule.mode),
        "requirements": rule.describe().iter().map(requirement).collect::<Value>(),
    }))
}
