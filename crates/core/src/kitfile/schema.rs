//! The JSON Schema of the Kitfile, which editors use to check and complete Kitfiles.

/// The schema: it accepts what the parser accepts, except for checks that need the whole document or the disk. It uses
/// draft 7, which all editors support.
pub const SCHEMA: &str = include_str!("schema.json");

#[cfg(test)]
mod tests {

    use fs_err as fs;
    use regex::Regex;
    use serde_json::{Value, json};

    use super::*;
    use crate::kitfile::decode::Decoder;
    use crate::kitfile::document::{Code, Dataset, Docs, Kitfile, McpServer, Model, ModelPart, Package, Prompt};
    use crate::kitfile::parse::parse;
    use crate::kitfile::write::yaml_tree;
    use crate::yaml::compose;

    fn schema() -> Value {
        serde_json::from_str(SCHEMA).unwrap()
    }

    /// The problems of `value`, by the keywords that our schema uses.
    fn errors(schema: &Value, value: &Value, place: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (key, rule) in schema.as_object().unwrap() {
            match key.as_str() {
                "$schema" | "title" | "description" | "examples" => {}
                // Checked with `properties`.
                "additionalProperties" => assert_eq!(*rule, json!(false)),
                "type" => {
                    let kind = kind(value);
                    if *rule != json!(kind) && !rule.as_array().is_some_and(|kinds| kinds.contains(&json!(kind))) {
                        found.push(format!("{place}: it is {kind}"));
                    }
                }
                // The regex engine does not support look-ahead; the parser checks the same rule.
                "pattern" if rule.as_str().unwrap().contains("(?!") => {}
                "pattern" => {
                    if value.as_str().is_some_and(|text| !Regex::new(rule.as_str().unwrap()).unwrap().is_match(text)) {
                        found.push(format!("{place}: it does not fit"));
                    }
                }
                "items" => {
                    let items = value.as_array().into_iter().flatten().enumerate();
                    found.extend(items.flat_map(|(at, item)| errors(rule, item, &format!("{place}[{at}]"))));
                }
                "properties" => {
                    for (name, inner) in value.as_object().into_iter().flatten() {
                        let place = format!("{place}.{name}");
                        match rule.get(name) {
                            Some(rule) => found.extend(errors(rule, inner, &place)),
                            None => found.push(format!("{place}: it is unknown")),
                        }
                    }
                }
                other => panic!("`{other}` is a word that this test does not know"),
            }
        }
        found
    }

    fn kind(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    /// The problems that an editor shows for the text.
    fn check(text: &str) -> Vec<String> {
        let tree = Decoder::default().reader.value(&compose(text).unwrap().unwrap());
        errors(&schema(), &tree, "")
    }

    #[test]
    fn our_kitfiles_fit_the_schema_and_mistakes_do_not() {
        for path in
            ["Kitfile.example", "examples/digits/Kitfile", "examples/digits-v2/Kitfile", "examples/minimal/Kitfile"]
        {
            let text = fs::read_to_string(kit_testkit::sandbox::repository().join(path)).unwrap();
            assert_eq!(check(&text), Vec::<String>::new(), "{path}");
        }
        for (text, expected) in [
            ("package: {version: 2.0}\nmodel:\n", &[][..]),
            ("models: {}", &[".models: it is unknown"]),
            ("code: src", &[".code: it is string"]),
            ("code: [{path: [a]}]", &[".code[0].path: it is array"]),
            ("model: {parts: [{type: a b}]}", &[".model.parts[0].type: it does not fit"]),
        ] {
            assert_eq!(check(text), expected);
        }
    }

    /// Pairs `(location, document that has only this field)` for every field of the schema.
    fn fields(schema: &Value, wrap: &dyn Fn(Value) -> Value, place: &str) -> Vec<(String, Value)> {
        let mut found = Vec::new();
        for (name, rule) in schema["properties"].as_object().into_iter().flatten() {
            let place = format!("{place}.{name}");
            let inside = |value: Value| wrap(json!({ name: value }));
            found.push((place.clone(), inside(Value::Null)));
            found.extend(fields(rule, &inside, &place));
            if let Some(items) = rule.get("items") {
                found.extend(fields(items, &|value| inside(json!([value])), &place));
            }
        }
        found
    }

    #[test]
    fn the_parser_takes_every_field_of_the_schema() {
        let fields = fields(&schema(), &|value| value, "");
        assert!(fields.len() > 40);
        for (place, mut document) in fields {
            // Both fields are required.
            if let Some(Value::Object(server)) = document.pointer_mut("/mcpServers/0") {
                server.extend([("name".to_owned(), json!("x")), ("path".to_owned(), json!("x.mcpb"))]);
            }
            parse(&document.to_string()).unwrap_or_else(|error| panic!("{place}: {error}"));
        }
    }

    /// A Kitfile with every field; a new field makes this fail to compile.
    fn full() -> Kitfile {
        let x = || "x".to_owned();
        let parameters = || Some(json!({ "any": [1, { "thing": null }] }));
        let part = ModelPart { name: x(), path: x(), license: x(), kind: x() };
        Kitfile {
            manifest_version: x(),
            package: Package { name: x(), version: x(), description: x(), license: x(), authors: vec![x()] },
            model: Some(Model {
                name: x(),
                path: x(),
                license: x(),
                framework: x(),
                format: x(),
                version: x(),
                description: x(),
                parts: vec![part],
                parameters: parameters(),
            }),
            code: vec![Code { path: x(), description: x(), license: x() }],
            datasets: vec![Dataset {
                name: x(),
                path: x(),
                remote_path: x(),
                remote_hash: x(),
                description: x(),
                license: x(),
                parameters: parameters(),
            }],
            docs: vec![Docs { path: x(), description: x() }],
            prompts: vec![Prompt { name: x(), path: x(), description: x() }],
            mcp_servers: vec![McpServer { name: x(), path: x(), description: x() }],
        }
    }

    #[test]
    fn every_field_of_the_document_is_in_the_schema() {
        assert_eq!(errors(&schema(), &yaml_tree(&full()), ""), Vec::<String>::new());
    }
}
