//! The cells of a notebook.

use serde_json::{Map, Value};

use super::strip::is_volatile;

/// The content of a notebook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    /// The cells, in order.
    pub cells: Vec<Cell>,
    /// The language of the code in lower case, if the notebook states it.
    pub language: Option<String>,
    /// The metadata and versions, without those that change with every run.
    pub metadata: Map<String, Value>,
}

/// One cell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cell {
    /// The kind of the cell.
    pub kind: CellKind,
    /// The identifier, which format 4.5 introduced.
    pub id: Option<String>,
    /// The code or the text.
    pub source: String,
    /// The metadata, without those that change with every run.
    pub metadata: Map<String, Value>,
    /// The members that are neither source, metadata nor outputs, such as attachments.
    pub others: Map<String, Value>,
    /// The outputs, as they are stored.
    pub outputs: Value,
}

/// The kind of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CellKind {
    /// Code, which has outputs.
    Code,
    /// Text in Markdown. The headings of format 3 are texts, too.
    Markdown,
    /// Anything else.
    Raw,
}

impl CellKind {
    /// The word for the kind.
    pub fn word(self) -> &'static str {
        match self {
            Self::Code => "code",
            Self::Markdown => "markdown",
            Self::Raw => "raw",
        }
    }
}

/// Returns true for the name of a notebook.
pub fn is_notebook_name(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, extension)| extension.eq_ignore_ascii_case("ipynb"))
}

impl Document {
    /// Reads the text of a notebook of format 3 or 4; returns `None` for anything else.
    pub fn read(text: &str) -> Option<Self> {
        let mut notebook: Map<String, Value> = serde_json::from_str(text).ok()?;
        let cells = match (notebook.remove("cells"), notebook.remove("worksheets")) {
            (Some(Value::Array(cells)), _) => cells,
            (None, Some(Value::Array(sheets))) => {
                let cells = |sheet: &Value| sheet.get("cells")?.as_array().cloned();
                sheets.iter().map(cells).collect::<Option<Vec<_>>>()?.concat()
            }
            _ => return None,
        };
        let language = language(&notebook, &cells);
        let mut metadata = notebook;
        if let Some(Value::Object(metadata)) = metadata.get_mut("metadata") {
            metadata.retain(|key, _| !["signature", "widgets", "language_info"].contains(&&**key));
        }
        Some(Self { cells: cells.into_iter().map(Cell::read).collect(), language, metadata })
    }

    /// Returns true if the code is Python, or if the notebook does not state its language.
    pub fn is_python(&self) -> bool {
        self.language.as_deref().is_none_or(|language| matches!(language, "python" | "ipython" | "python3"))
    }

    /// The cells with code, each with its number, from 1, among all cells.
    pub fn code(&self) -> impl Iterator<Item = (usize, &Cell)> {
        (1..).zip(&self.cells).filter(|(_, cell)| cell.kind == CellKind::Code)
    }
}

fn language(notebook: &Map<String, Value>, cells: &[Value]) -> Option<String> {
    let metadata = notebook.get("metadata");
    let of_kernel = metadata.and_then(|metadata| metadata["kernelspec"]["language"].as_str());
    let of_info = metadata.and_then(|metadata| metadata["language_info"]["name"].as_str());
    // In format 3, each cell with code states its language.
    let of_cell = cells.iter().find_map(|cell| cell["language"].as_str());
    of_info.or(of_kernel).or(of_cell).map(str::to_lowercase)
}

impl Cell {
    /// Returns true if the cell has this tag.
    pub fn has_tag(&self, tag: &str) -> bool {
        self.metadata.get("tags").and_then(Value::as_array).is_some_and(|tags| tags.iter().any(|found| found == tag))
    }

    fn read(cell: Value) -> Self {
        let mut others = match cell {
            Value::Object(members) => members,
            _ => Map::new(),
        };
        let kind = match others.get("cell_type").and_then(Value::as_str) {
            Some("code") => CellKind::Code,
            Some("markdown" | "heading") => CellKind::Markdown,
            _ => CellKind::Raw,
        };
        let source = others.remove("source").or_else(|| others.remove("input"));
        let id = others.remove("id").and_then(|id| id.as_str().map(str::to_owned));
        let outputs = others.remove("outputs").unwrap_or_else(|| Value::Array(Vec::new()));
        let mut metadata = match others.remove("metadata") {
            Some(Value::Object(metadata)) => metadata,
            _ => Map::new(),
        };
        metadata.retain(|key, _| !is_volatile(key));
        others.retain(|key, _| !["cell_type", "execution_count", "prompt_number", "collapsed"].contains(&&**key));
        Self { kind, id, source: source.map(text).unwrap_or_default(), metadata, others, outputs }
    }
}

/// The text of a source: both formats allow a list of lines or one string.
fn text(source: Value) -> String {
    match source {
        Value::Array(lines) => lines.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_of_both_formats_are_read() {
        let new = json!({ "nbformat": 4, "metadata": { "kernelspec": { "language": "Python" } }, "cells": [
            { "cell_type": "code", "id": "a", "source": ["x\n", "y"], "outputs": [1], "execution_count": 3,
              "metadata": { "tags": ["parameters"], "scrolled": true } },
            { "cell_type": "markdown", "source": "# T", "metadata": {} },
            7,
        ] });
        let read = Document::read(&new.to_string()).unwrap();
        assert!(read.is_python());
        let kinds: Vec<_> = read.cells.iter().map(|cell| (cell.kind, &*cell.source)).collect();
        assert_eq!(kinds, [(CellKind::Code, "x\ny"), (CellKind::Markdown, "# T"), (CellKind::Raw, "")]);
        assert!(read.cells[0].has_tag("parameters") && !read.cells[0].metadata.contains_key("scrolled"));
        let old = json!({ "worksheets": [{ "cells": [
            { "cell_type": "code", "input": "open('a')", "language": "R", "outputs": [] },
        ] }] });
        let read = Document::read(&old.to_string()).unwrap();
        assert!(!read.is_python());
        assert_eq!(read.cells[0].source, "open('a')");
    }

    #[test]
    fn other_documents_are_not_read() {
        for text in ["", "[]", "{}", "{\"cells\": 1}", "# code", "{\"worksheets\": [1]}"] {
            assert_eq!(Document::read(text), None, "{text}");
        }
    }
}
