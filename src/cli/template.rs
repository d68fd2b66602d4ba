//! Go templates, as the Go tool's `--format` takes them.
//!
//! The engine is `gtmpl`. It prints lists in Rust's debug form, so every action that prints is made to end in a function
//! that prints as Go does: `[a b]`, `map[k:v]`.

use std::collections::HashMap;
use std::fmt::Write;

use gtmpl::{FuncError, Value as Data};
use serde_json::Value;

/// The name of the function that prints as Go does.
const PRINT: &str = "printAsGo";

/// A template whose syntax has been checked.
#[derive(Debug, Clone)]
pub(crate) struct Template(String);

/// A template that cannot be read, or that does not fit the data.
#[derive(Debug, thiserror::Error)]
#[error("cannot use the template `{template}`: {reason}")]
pub(crate) struct InvalidTemplate {
    template: String,
    reason: String,
}

impl Template {
    /// Reads a template.
    pub(crate) fn new(text: &str) -> Result<Self, InvalidTemplate> {
        engine(text)?;
        Ok(Self(text.to_owned()))
    }

    /// Fills the template from `data`. Fields answer to their JSON name and to that name with a capital: `.repo`, `.Repo`.
    /// A field that the outermost object does not have is an error; deeper down it has no value.
    pub(crate) fn render(&self, data: &Value) -> Result<String, InvalidTemplate> {
        let data = match convert(data) {
            Data::Map(fields) => Data::Object(fields),
            other => other,
        };
        let rendered = engine(&self.0)?.render(&gtmpl::Context::from(data));
        rendered.map_err(|error| invalid(&self.0, &first_words(&error.to_string())))
    }
}

fn engine(text: &str) -> Result<gtmpl::Template, InvalidTemplate> {
    let mut engine = gtmpl::Template::default();
    engine.add_func(PRINT, print_as_go);
    engine.add_func("json", print_as_json);
    engine.parse(with_printing(text)).map_err(|error| invalid(text, &error.to_string()))?;
    Ok(engine)
}

fn invalid(template: &str, reason: &str) -> InvalidTemplate {
    InvalidTemplate { template: template.to_owned(), reason: reason.to_owned() }
}

/// The engine's messages end in a dump of all data.
fn first_words(message: &str) -> String {
    message.split(['(', '{']).next().unwrap_or(message).trim().to_owned()
}

fn convert(value: &Value) -> Data {
    match value {
        // Go's lists are null when they are empty.
        Value::Null => Data::Array(Vec::new()),
        Value::Bool(value) => Data::from(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(number), _, _) => Data::from(number),
            (_, Some(number), _) => Data::from(number),
            (_, _, Some(number)) => Data::from(number),
            _ => Data::from(number.to_string()),
        },
        Value::String(text) => Data::from(text.clone()),
        Value::Array(items) => Data::Array(items.iter().map(convert).collect()),
        Value::Object(fields) => {
            let mut both = HashMap::new();
            for (name, value) in fields {
                let mut letters = name.chars();
                let capital = letters.next().map(|first| first.to_uppercase().chain(letters).collect::<String>());
                both.insert(capital.unwrap_or_default(), convert(value));
                both.insert(name.clone(), convert(value));
            }
            Data::Map(both)
        }
    }
}

#[allow(clippy::unnecessary_wraps, reason = "the engine takes functions of this type")]
fn print_as_go(values: &[Data]) -> Result<Data, FuncError> {
    let mut text = String::new();
    for value in values {
        print(&mut text, value);
    }
    Ok(Data::from(text))
}

fn print(text: &mut String, value: &Data) {
    match value {
        Data::Array(items) => {
            text.push('[');
            for (position, item) in items.iter().enumerate() {
                if position > 0 {
                    text.push(' ');
                }
                print(text, item);
            }
            text.push(']');
        }
        Data::Map(fields) | Data::Object(fields) => {
            let mut names: Vec<_> = fields.keys().filter(|name| !is_capital_twin(name, fields)).collect();
            names.sort();
            text.push_str("map[");
            for (position, name) in names.into_iter().enumerate() {
                text.push_str(if position > 0 { " " } else { "" });
                text.push_str(name);
                text.push(':');
                print(text, &fields[name]);
            }
            text.push(']');
        }
        other => write!(text, "{other}").expect("writing to a text does not fail"),
    }
}

/// Whether `name` is the second name that [`convert`] gave a field.
fn is_capital_twin(name: &str, fields: &HashMap<String, Data>) -> bool {
    let mut letters = name.chars();
    let Some(first) = letters.next().filter(|letter| letter.is_uppercase()) else { return false };
    fields.contains_key(&first.to_lowercase().chain(letters).collect::<String>())
}

fn print_as_json(values: &[Data]) -> Result<Data, FuncError> {
    let value = values.first().ok_or_else(|| FuncError::Generic("json takes a value".to_owned()))?;
    Ok(Data::from(to_json(value).to_string()))
}

fn to_json(value: &Data) -> Value {
    match value {
        Data::Bool(value) => Value::from(*value),
        Data::String(text) => Value::from(text.clone()),
        Data::Number(number) => serde_json::from_str(&number.to_string()).unwrap_or(Value::Null),
        Data::Array(items) => items.iter().map(to_json).collect(),
        Data::Map(fields) | Data::Object(fields) => {
            let mut names: Vec<_> = fields.keys().filter(|name| !is_capital_twin(name, fields)).collect();
            names.sort();
            names.into_iter().map(|name| (name.clone(), to_json(&fields[name]))).collect()
        }
        Data::Nil | Data::NoValue | Data::Function(_) => Value::Null,
    }
}

/// Appends the printing function to each action that prints a value.
fn with_printing(template: &str) -> String {
    let mut text = String::new();
    let mut rest = template;
    while let Some((before, action)) = rest.split_once("{{") {
        let length = action_length(action);
        let (action, after) = action.split_at(length);
        text.push_str(before);
        text.push_str("{{");
        if prints(action) {
            let (body, trim) = action.strip_suffix(" -").map_or((action, ""), |body| (body, " -"));
            text.extend([body, " | ", PRINT, trim]);
        } else {
            text.push_str(action);
        }
        rest = after;
    }
    text + rest
}

/// Up to the `}}` that is not inside quotes; all of it if there is none, which the engine then complains about.
fn action_length(action: &str) -> usize {
    let mut quote = None;
    let mut escaped = false;
    for (position, letter) in action.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(mark) if letter == '\\' && mark != '`' => escaped = true,
            Some(mark) if letter == mark => quote = None,
            None if matches!(letter, '"' | '\'' | '`') => quote = Some(letter),
            None if action[position..].starts_with("}}") => return position,
            _ => {}
        }
    }
    action.len()
}

fn prints(action: &str) -> bool {
    const SILENT: [&str; 10] =
        ["if", "else", "end", "range", "with", "define", "template", "block", "break", "continue"];
    let body = action.strip_prefix("- ").unwrap_or(action).trim();
    let word = body.split(|letter: char| !letter.is_alphanumeric() && letter != '_').next().unwrap_or_default();
    !body.is_empty() && !SILENT.contains(&word) && !body.starts_with("/*") && !body.contains(":=")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(template: &str, expected: &str) {
        let data = serde_json::json!({
            "repo": "demo", "tags": ["v1", "v2"], "size": 3, "none": null,
            "kitfile": { "model": { "name": "net" } },
        });
        assert_eq!(Template::new(template).unwrap().render(&data).unwrap(), expected, "{template}");
    }

    #[test]
    fn templates_print_as_go_does() {
        check("{{.Repo}} {{.Tags}}", "demo [v1 v2]");
        check("{{ .repo -}}  x", "demox");
        check("{{range .Tags}}<{{.}}>{{end}}", "<v1><v2>");
        check("{{range $i, $t := .Tags}}{{$i}}={{$t}};{{end}}", "0=v1;1=v2;");
        check("{{index .Tags 1}} {{len .Tags}} {{.Size}}", "v2 2 3");
        check("{{if eq .Repo \"demo\"}}yes{{else}}no{{end}}", "yes");
        check("{{printf \"%s:%d\" .Repo .Size}}", "demo:3");
        check("{{.Kitfile.Model.Name}} {{.Kitfile}}", "net map[model:map[name:net]]");
        check("{{json .Tags}}", r#"["v1","v2"]"#);
        check("{{\"}}\"}}", "}}");
        check("no actions", "no actions");
    }

    #[test]
    fn a_wrong_template_is_explained() {
        for template in ["{{", "{{.Nope}}", "{{nope}}", "{{range}}"] {
            let data = serde_json::json!({ "repo": "demo" });
            let error = Template::new(template).and_then(|template| template.render(&data)).unwrap_err().to_string();
            assert!(error.starts_with(&format!("cannot use the template `{template}`: ")), "{error}");
        }
    }
}
