//! The output formats of commands.

use std::str::FromStr;

use anyhow::Result;
use serde_json::Value;

use crate::output::template::{InvalidTemplate, Template};

/// A value of `--format` that is neither the name of a format nor a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum InvalidFormat {
    /// A single word, which as a template would print nothing but itself.
    #[error("`{0}` is neither a format nor a Go template; `--help` lists the formats")]
    Word(String),
    /// A template with an error.
    #[error(transparent)]
    Template(#[from] InvalidTemplate),
}

/// The value of `--format`.
#[derive(Debug, Clone)]
pub(crate) enum Format {
    /// A table, or another text for users.
    Table,
    /// Indented JSON.
    Json,
    /// YAML.
    Yaml,
    /// A Go template.
    Template(Template),
}

impl FromStr for Format {
    type Err = InvalidFormat;

    fn from_str(text: &str) -> Result<Self, InvalidFormat> {
        Ok(match text {
            "" | "table" => Self::Table,
            "json" => Self::Json,
            "yaml" => Self::Yaml,
            word if word.bytes().all(|byte| byte.is_ascii_lowercase()) => {
                return Err(InvalidFormat::Word(word.to_owned()));
            }
            template => Self::Template(Template::new(template)?),
        })
    }
}

impl Format {
    /// Renders one document; `table` renders the text for users.
    pub(crate) fn render(&self, data: &Value, table: impl FnOnce() -> String) -> Result<String> {
        match self {
            Self::Table => Ok(table()),
            Self::Json => json(data),
            Self::Yaml => Ok(kit_core::yaml::value_to_yaml(data)),
            Self::Template(template) => Ok(template.render(data)?),
        }
    }

    /// Renders a list; `data` converts a row to JSON. A template is executed for each row.
    pub(crate) fn render_rows<R>(
        &self,
        rows: &[R],
        data: impl Fn(&R) -> Value,
        table: impl FnOnce() -> String,
    ) -> Result<String> {
        match self {
            Self::Table => Ok(table()),
            Self::Template(template) => {
                let mut text = String::new();
                for row in rows {
                    text.push_str(&template.render(&data(row))?);
                    if !text.ends_with('\n') {
                        text.push('\n');
                    }
                }
                Ok(text)
            }
            Self::Json | Self::Yaml => self.render(&rows.iter().map(data).collect(), table),
        }
    }
}

fn json(data: &Value) -> Result<String> {
    Ok(serde_json::to_string_pretty(data)?)
}
