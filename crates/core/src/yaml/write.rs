//! Writing YAML as Go's yaml.v3 does with an indent of 2.

use serde_json::{Map, Value};

use super::number::yaml_number;
use super::write_scalar::{Place, is_simple_key, scalar};

/// Any tree as YAML, with the keys of its maps in their given order.
///
/// A list under the key `authors` is written on one line, as yaml.v3 does for that field, except below `parameters`.
pub fn value_to_yaml(value: &Value) -> String {
    let mut writer = Writer { out: String::new(), authors_in_line: true };
    writer.block(value, 0, Start::Line);
    writer.out
}

struct Writer {
    out: String,
    authors_in_line: bool,
}

/// The position at which a block begins.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Start {
    /// The beginning of a line.
    Line,
    /// Behind a `- `, `? ` or `: ` on the same line.
    Shared,
}

impl Writer {
    /// Writes `value` with its lines indented by `indent`, and a line break at the end.
    fn block(&mut self, value: &Value, indent: usize, start: Start) {
        match value {
            Value::Object(map) if !map.is_empty() => self.mapping(map, indent, start),
            Value::Array(items) if !items.is_empty() => self.sequence(items, indent, start),
            _ => {
                // A literal block in the root or behind a dash is indented two columns more than the node itself.
                let inner = if start == Start::Line { indent + 2 } else { indent };
                self.leaf(value, inner);
                self.out.push('\n');
            }
        }
    }

    fn mapping(&mut self, map: &Map<String, Value>, indent: usize, start: Start) {
        for (index, (key, value)) in map.iter().enumerate() {
            self.begin_line(indent, index == 0 && start == Start::Shared);
            if is_simple_key(key) {
                self.out.push_str(&scalar(key, Place::Key));
                self.out.push(':');
                self.value_of(key, value, indent);
            } else {
                self.out.push_str("? ");
                self.out.push_str(&scalar(key, Place::Block { indent: indent + 2 }));
                self.out.push('\n');
                self.begin_line(indent, false);
                self.out.push_str(": ");
                self.block(value, indent + 2, Start::Shared);
            }
        }
    }

    fn value_of(&mut self, key: &str, value: &Value, indent: usize) {
        let outer = self.authors_in_line;
        self.authors_in_line &= key != "parameters";
        match value {
            Value::Array(authors) if key == "authors" && outer && authors.iter().all(Value::is_string) => {
                let authors: Vec<String> =
                    authors.iter().filter_map(Value::as_str).map(|it| scalar(it, Place::Flow)).collect();
                self.out.extend([" [", &authors.join(", "), "]\n"]);
            }
            Value::Object(map) if !map.is_empty() => {
                self.out.push('\n');
                self.block(value, indent + 2, Start::Line);
            }
            Value::Array(items) if !items.is_empty() => {
                self.out.push('\n');
                self.block(value, indent + 2, Start::Line);
            }
            _ => {
                self.out.push(' ');
                self.block(value, indent + 2, Start::Shared);
            }
        }
        self.authors_in_line = outer;
    }

    fn sequence(&mut self, items: &[Value], indent: usize, start: Start) {
        for (index, item) in items.iter().enumerate() {
            self.begin_line(indent, index == 0 && start == Start::Shared);
            self.out.push_str("- ");
            self.block(item, indent + 2, Start::Shared);
        }
    }

    fn begin_line(&mut self, indent: usize, is_begun: bool) {
        if !is_begun {
            self.out.extend(std::iter::repeat_n(' ', indent));
        }
    }

    fn leaf(&mut self, value: &Value, indent: usize) {
        match value {
            Value::Null => self.out.push_str("null"),
            Value::Bool(value) => self.out.push_str(if *value { "true" } else { "false" }),
            Value::Number(number) => self.out.push_str(&yaml_number(number)),
            Value::String(text) => self.out.push_str(&scalar(text, Place::Block { indent })),
            Value::Array(_) => self.out.push_str("[]"),
            Value::Object(_) => self.out.push_str("{}"),
        }
    }
}
