//! `kit info`

use anyhow::Result;
use clap::Args;
use serde_json::Value;

use crate::arguments::LookupArgs;
use crate::commands::inspect::modelkit::read;
use crate::config::NetworkArgs;
use crate::context::Context;
use crate::output::{Code, Failure, Format, usage};
use kit_core::kitfile;
use kit_core::yaml;

/// Show the Kitfile of a ModelKit
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit info sentiment:v2
  kit info sentiment:v2 --filter model.parameters.epochs
  kit info --remote registry.example/team/sentiment:v2 --format json")]
pub(crate) struct InfoArgs {
    /// ModelKit to show
    #[arg(value_name = "NAME:TAG")]
    reference: String,
    #[command(flatten)]
    lookup: LookupArgs,
    /// Show only this part: names separated by dots; a number selects an item of a list
    #[arg(short, long, value_name = "PATH", overrides_with = "filter")]
    filter: Option<String>,
    /// Output format: yaml, json, or a Go template
    #[arg(long, value_name = "FORMAT", default_value = "yaml")]
    format: Format,
    #[command(flatten)]
    network: NetworkArgs,
}

impl InfoArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        if let Some(filter) = &self.filter {
            check_filter(filter)?;
        }
        let inspected = read(context, &self.network, &self.reference, self.lookup.place())?;
        if !inspected.modelkit.has_kitfile() {
            context.output.warn("Artifact does not include Kitfile: functionality may be impacted");
        }
        let text = match (&self.filter, &self.format) {
            (None, Format::Yaml | Format::Table) => kitfile::to_yaml(&inspected.modelkit.config.kitfile),
            (None, format) => {
                let data = serde_json::to_value(&inspected.modelkit.config.kitfile)?;
                format.render(&data, String::new)?
            }
            (Some(filter), format) => {
                let data: Value = serde_json::from_slice(&inspected.kitfile_json())?;
                let part = find(&data, filter).ok_or_else(|| {
                    let missing = format!("error filtering output: cannot find required node `{filter}`");
                    Failure::error(Code::NotFound, missing)
                })?;
                format.render(part, || yaml::value_to_yaml(part))?
            }
        };
        Ok(context.output.result(text)?)
    }
}

fn check_filter(filter: &str) -> Result<()> {
    let is_word =
        |word: &str| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    if filter.strip_prefix('.').unwrap_or(filter).split('.').all(is_word) {
        return Ok(());
    }
    Err(usage(format!("invalid filter `{filter}`: use names separated by dots, such as model.parameters.epochs")))
}

/// Finds the part that `filter` names. Field names match in any case, since KitOps expects `dataSets`; so do parameter
/// names, unless one matches exactly.
fn find<'v>(data: &'v Value, filter: &str) -> Option<&'v Value> {
    let mut node = data;
    for word in filter.strip_prefix('.').unwrap_or(filter).split('.') {
        node = match node {
            Value::Object(fields) => fields
                .get(word)
                .or_else(|| fields.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, value)| value))?,
            Value::Array(items) => items.get(word.parse::<usize>().ok()?)?,
            _ => return None,
        };
    }
    Some(node)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_are_found_by_name_and_number() {
        let data = json!({ "datasets": [{ "name": "a" }], "model": { "parameters": { "x": 1, "X": 2 } } });
        for (filter, expected) in [
            ("datasets", Some(json!([{ "name": "a" }]))),
            ("dataSets", Some(json!([{ "name": "a" }]))),
            (".datasets.0.name", Some(json!("a"))),
            ("model.parameters.X", Some(json!(2))),
            ("model.parameters.y", None),
            ("model.parameters.x.z", None),
            ("datasets.1", None),
        ] {
            assert_eq!(find(&data, filter), expected.as_ref(), "{filter}");
        }
    }

    #[test]
    fn strange_filters_are_refused() {
        for filter in ["", ".", "a..b", "a[0]", "a b"] {
            assert!(check_filter(filter).is_err(), "{filter}");
        }
        assert!(check_filter(".model.parameters.learning_rate").is_ok());
    }
}
