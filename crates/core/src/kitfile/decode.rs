//! Decoding the tree of a YAML text into a Kitfile: strict, and without stopping at the first problem.

use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::document::{Code, Dataset, Docs, Kitfile, McpServer, Model, ModelPart, Package, Prompt};
use crate::problem::{Mark, closest, quoted};
use crate::yaml::{Content, Node, Reader, is_null};

/// Decodes a Kitfile and collects its problems and the positions of its fields.
#[derive(Default)]
pub(super) struct Decoder {
    pub(super) reader: Reader,
    /// The positions of the values, by field as in `datasets[0].path`.
    pub(super) places: HashMap<String, Mark>,
}

/// The fields of one mapping; unknown ones are left out.
struct Fields {
    /// The field of the mapping itself; empty for the whole document.
    field: String,
    values: Vec<(String, Rc<Node>)>,
}

impl Fields {
    fn get(&self, name: &str) -> Option<&Rc<Node>> {
        self.values.iter().find(|(key, _)| key == name).map(|(_, value)| value)
    }

    fn field(&self, name: &str) -> String {
        if self.field.is_empty() { name.to_owned() } else { format!("{}.{name}", self.field) }
    }
}

impl Decoder {
    pub(super) fn kitfile(&mut self, node: &Node) -> Kitfile {
        const KNOWN: [&str; 8] =
            ["manifestVersion", "package", "model", "code", "datasets", "docs", "prompts", "mcpServers"];
        let fields = self.fields("", node, &KNOWN);
        Kitfile {
            manifest_version: self.text(&fields, "manifestVersion"),
            package: self.section(&fields, "package", Self::package).unwrap_or_default(),
            model: self.section(&fields, "model", Self::model),
            code: self.list(&fields, "code", Self::code),
            datasets: self.list(&fields, "datasets", Self::dataset),
            docs: self.list(&fields, "docs", Self::docs),
            prompts: self.list(&fields, "prompts", Self::prompt),
            mcp_servers: self.list(&fields, "mcpServers", Self::mcp_server),
        }
    }

    fn package(&mut self, field: &str, node: &Rc<Node>) -> Package {
        let fields = self.fields(field, node, &["name", "version", "description", "license", "authors"]);
        Package {
            name: self.text(&fields, "name"),
            version: self.text(&fields, "version"),
            description: self.text(&fields, "description"),
            license: self.text(&fields, "license"),
            authors: self.list(&fields, "authors", |decoder, _, node| decoder.reader.text_of("authors", node)),
        }
    }

    fn model(&mut self, field: &str, node: &Rc<Node>) -> Model {
        const KNOWN: [&str; 9] =
            ["name", "path", "license", "framework", "format", "version", "description", "parts", "parameters"];
        let fields = self.fields(field, node, &KNOWN);
        Model {
            name: self.text(&fields, "name"),
            path: self.text(&fields, "path"),
            license: self.text(&fields, "license"),
            framework: self.text(&fields, "framework"),
            format: self.text(&fields, "format"),
            version: self.text(&fields, "version"),
            description: self.text(&fields, "description"),
            parts: self.list(&fields, "parts", Self::part),
            parameters: self.parameters(&fields),
        }
    }

    fn part(&mut self, field: &str, node: &Rc<Node>) -> ModelPart {
        let fields = self.fields(field, node, &["name", "path", "license", "type"]);
        ModelPart {
            name: self.text(&fields, "name"),
            path: self.text(&fields, "path"),
            license: self.text(&fields, "license"),
            kind: self.text(&fields, "type"),
        }
    }

    fn code(&mut self, field: &str, node: &Rc<Node>) -> Code {
        let fields = self.fields(field, node, &["path", "description", "license"]);
        Code {
            path: self.text(&fields, "path"),
            description: self.text(&fields, "description"),
            license: self.text(&fields, "license"),
        }
    }

    fn dataset(&mut self, field: &str, node: &Rc<Node>) -> Dataset {
        const KNOWN: [&str; 7] = ["name", "path", "remotePath", "remoteHash", "description", "license", "parameters"];
        let fields = self.fields(field, node, &KNOWN);
        Dataset {
            name: self.text(&fields, "name"),
            path: self.text(&fields, "path"),
            remote_path: self.text(&fields, "remotePath"),
            remote_hash: self.text(&fields, "remoteHash"),
            description: self.text(&fields, "description"),
            license: self.text(&fields, "license"),
            parameters: self.parameters(&fields),
        }
    }

    fn docs(&mut self, field: &str, node: &Rc<Node>) -> Docs {
        let fields = self.fields(field, node, &["path", "description"]);
        Docs { path: self.text(&fields, "path"), description: self.text(&fields, "description") }
    }

    fn prompt(&mut self, field: &str, node: &Rc<Node>) -> Prompt {
        let fields = self.fields(field, node, &["name", "path", "description"]);
        let mut text = |name| self.text(&fields, name);
        Prompt { name: text("name"), path: text("path"), description: text("description") }
    }

    fn mcp_server(&mut self, field: &str, node: &Rc<Node>) -> McpServer {
        let fields = self.fields(field, node, &["name", "path", "description"]);
        let mut text = |name| self.text(&fields, name);
        McpServer { name: text("name"), path: text("path"), description: text("description") }
    }

    fn parameters(&mut self, fields: &Fields) -> Option<Value> {
        let node = fields.get("parameters")?;
        self.places.insert(fields.field("parameters"), node.head());
        Some(self.reader.value(node)).filter(|value| !value.is_null())
    }

    fn text(&mut self, fields: &Fields, name: &str) -> String {
        let Some(node) = fields.get(name) else { return String::new() };
        self.places.insert(fields.field(name), node.mark);
        self.reader.text_of(name, node)
    }

    fn section<T>(&mut self, fields: &Fields, name: &str, read: impl Fn(&mut Self, &str, &Rc<Node>) -> T) -> Option<T> {
        let node = fields.get(name).filter(|node| !is_null(node))?;
        Some(read(self, &fields.field(name), node))
    }

    /// The items of a list without its `null`s, which Go leaves out as well.
    fn list<T>(&mut self, fields: &Fields, name: &str, read: impl Fn(&mut Self, &str, &Rc<Node>) -> T) -> Vec<T> {
        let Some(node) = fields.get(name).filter(|node| !is_null(node)) else { return Vec::new() };
        let Content::Sequence(items) = &node.content else {
            self.reader.report(node.head(), format!("`{name}` must be a list, not {}", node.kind()));
            return Vec::new();
        };
        let items = items.iter().filter(|item| !is_null(item)).enumerate();
        items.map(|(index, item)| read(self, &format!("{}[{index}]", fields.field(name)), item)).collect()
    }

    fn fields(&mut self, field: &str, node: &Node, known: &[&str]) -> Fields {
        self.places.insert(field.to_owned(), node.head());
        let mut values = Vec::new();
        if let Content::Mapping(pairs) = &node.content {
            for (key, name, value) in self.reader.pairs(pairs) {
                if known.contains(&&*name) {
                    values.push((name, value));
                } else {
                    self.reader.report(key.mark, unknown_field(&name, field, known));
                }
            }
        } else {
            let subject = if field.is_empty() { "a Kitfile".to_owned() } else { format!("`{field}`") };
            self.reader.report(node.head(), format!("{subject} must be a mapping of fields, not {}", node.kind()));
        }
        Fields { field: field.to_owned(), values }
    }
}

fn unknown_field(name: &str, field: &str, known: &[&str]) -> String {
    let place = if field.is_empty() { String::new() } else { format!(" in `{field}`") };
    let hint = closest(name, known).map_or_else(String::new, |known| format!("; did you mean `{known}`?"));
    format!("unknown field {}{place}{hint}", quoted(name))
}
