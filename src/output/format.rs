//! The output formats of commands.

use std::io::{self, Write};
use std::str::FromStr;

use anyhow::Result;
use kit_core::yaml::value_to_yaml;
use serde::Serialize;
use serde_json::{Value, json};

use crate::output::template::{InvalidTemplate, Template};
use crate::output::text::{JsonWriter, json_text};

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
    /// Fails if this is a template with a field that is not one of `known`, so that a typing mistake is found before
    /// any work.
    pub(crate) fn expect_fields(&self, known: &[&str]) -> Result<()> {
        match self {
            Self::Template(template) => Ok(template.expect_fields(known)?),
            Self::Table | Self::Json | Self::Yaml => Ok(()),
        }
    }

    /// Renders one document; `table` renders the text for users.
    pub(crate) fn render(&self, data: &Value, table: impl FnOnce() -> String) -> Result<String> {
        match self {
            Self::Table => Ok(table()),
            Self::Json => to_json(data),
            Self::Yaml => Ok(value_to_yaml(data)),
            Self::Template(template) => Ok(template.render(data)?),
        }
    }

    /// Writes one document like [`render`](Self::render). JSON is written while `data` is serialized, because the tree
    /// of a long document takes several times the memory of its parts.
    pub(crate) fn write_document(
        &self,
        out: &mut dyn Write,
        data: &impl Serialize,
        table: impl FnOnce() -> String,
    ) -> Result<()> {
        match self {
            Self::Table => out.write_all(table().as_bytes())?,
            Self::Json => {
                serde_json::to_writer_pretty(JsonWriter(&mut *out), data)?;
                writeln!(out)?;
            }
            Self::Yaml | Self::Template(_) => {
                let text = self.render(&serde_json::to_value(data)?, table)?;
                write!(out, "{text}{}", if text.ends_with('\n') || text.is_empty() { "" } else { "\n" })?;
            }
        }
        Ok(())
    }

    /// Renders a short list like [`write_rows`](Self::write_rows).
    pub(crate) fn render_rows<R>(
        &self,
        rows: &[R],
        data: impl Fn(&R) -> Value,
        table: impl FnOnce() -> String,
    ) -> Result<String> {
        let mut text = Vec::new();
        self.write_rows(&mut text, rows, data, |out| out.write_all(table().as_bytes()))?;
        Ok(String::from_utf8(text).expect("all formats are UTF-8"))
    }

    /// Writes a list; `data` converts a row to JSON, and `table` writes the text for users. A template is executed for
    /// each row.
    ///
    /// Only one row at a time is converted, because the text of a long list takes several times the memory of its rows.
    pub(crate) fn write_rows<R>(
        &self,
        out: &mut dyn Write,
        rows: &[R],
        data: impl Fn(&R) -> Value,
        table: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> Result<()> {
        match self {
            Self::Table => table(out)?,
            Self::Json => write_json(out, rows.iter().map(data))?,
            Self::Yaml if rows.is_empty() => write!(out, "{}", value_to_yaml(&json!([])))?,
            Self::Yaml => rows.iter().try_for_each(|row| write!(out, "{}", value_to_yaml(&json!([data(row)]))))?,
            Self::Template(template) => {
                let mut is_line = true;
                for row in rows {
                    let text = template.render(&data(row))?;
                    is_line = if text.is_empty() { is_line } else { text.ends_with('\n') };
                    out.write_all(text.as_bytes())?;
                    if !is_line {
                        writeln!(out)?;
                        is_line = true;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Writes a list as [`to_json`] formats it.
fn write_json(out: &mut dyn Write, rows: impl Iterator<Item = Value>) -> Result<()> {
    let mut before = "[\n  ";
    for row in rows {
        // A line break in JSON is never part of a string.
        write!(out, "{before}{}", to_json(&row)?.replace('\n', "\n  "))?;
        before = ",\n  ";
    }
    writeln!(out, "{}", if before.starts_with('[') { "[]" } else { "\n]" })?;
    Ok(())
}

/// Formats a document as indented JSON.
pub(crate) fn to_json(data: &Value) -> Result<String> {
    Ok(json_text(serde_json::to_string_pretty(data)?))
}
