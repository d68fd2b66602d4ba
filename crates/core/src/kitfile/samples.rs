//! Arbitrary valid Kitfiles, for the round-trip tests.

use proptest::collection::{btree_map, vec};
use proptest::prelude::{Just, Strategy, any};
use proptest::{option, prop_oneof};
use serde_json::Value;

use super::document::{Code, Dataset, Docs, Kitfile, McpServer, Model, ModelPart, Package, Prompt};
use crate::yaml::json_float;

/// Strings of all kinds, with many of the characters that have a meaning in YAML.
fn text() -> impl Strategy<Value = String> {
    let odd = prop_oneof![
        Just("\n"),
        Just(" "),
        Just("\t"),
        Just("\r"),
        Just(": "),
        Just(" #"),
        Just("- "),
        Just("'"),
        Just("\""),
        Just("\\"),
        Just("yes"),
        Just("~"),
        Just("<<"),
        Just("12"),
        Just("1e3"),
        Just("0x"),
        Just("2024-01-01"),
        Just("\u{85}"),
        Just("\u{2028}"),
        Just("\u{feff}"),
        Just("😀"),
        Just("a"),
        Just("{"),
        Just("---"),
        Just("..."),
    ];
    prop_oneof![any::<String>(), vec(odd, 0..6).prop_map(|pieces| pieces.concat()), "[a-z ]{0,200}"]
}

/// A number as it may be in a config written by any tool.
fn number() -> impl Strategy<Value = Value> {
    let float = any::<f64>().prop_map(|value| json_float(value).map_or(Value::Null, Value::Number));
    prop_oneof![any::<u64>().prop_map(Value::from), any::<i64>().prop_map(Value::from), float]
}

fn parameters() -> impl Strategy<Value = Value> {
    let leaf =
        prop_oneof![Just(Value::Null), any::<bool>().prop_map(Value::from), number(), text().prop_map(Value::from)];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            btree_map(text(), inner, 0..4).prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

fn some_parameters() -> impl Strategy<Value = Option<Value>> {
    option::of(parameters().prop_filter("null is the same as a missing value", |value| !value.is_null()))
}

fn package() -> impl Strategy<Value = Package> {
    (text(), text(), text(), text(), vec(text(), 0..3)).prop_map(|(name, version, description, license, authors)| {
        Package { name, version, description, license, authors }
    })
}

fn model() -> impl Strategy<Value = Model> {
    let part = (text(), text(), "[a-z0-9_][a-zA-Z0-9._-]{0,9}").prop_map(|(name, license, kind)| ModelPart {
        name,
        license,
        kind,
        ..ModelPart::default()
    });
    (text(), text(), text(), vec(part, 0..3), some_parameters()).prop_map(
        |(name, framework, format, parts, parameters)| Model {
            name,
            framework,
            format,
            parts,
            parameters,
            ..Model::default()
        },
    )
}

fn dataset() -> impl Strategy<Value = Dataset> {
    let remote_path = prop_oneof![Just(String::new()), text().prop_map(|text| format!("https://host.example/{text}"))];
    (text(), remote_path, text(), some_parameters()).prop_map(|(name, remote_path, description, parameters)| Dataset {
        name,
        remote_path,
        description,
        parameters,
        ..Dataset::default()
    })
}

/// A Kitfile whose entries have different paths.
pub(super) fn kitfile() -> impl Strategy<Value = Kitfile> {
    let sections = (text(), package(), option::of(model()), vec(text(), 0..3), vec(dataset(), 0..3), vec(text(), 0..3));
    (sections, "[a-z .'#-]{0,6}[a-z]").prop_map(|((manifest_version, package, model, code, datasets, docs), name)| {
        let mut kitfile = Kitfile {
            manifest_version,
            package,
            model,
            code: code.into_iter().map(|description| Code { description, ..Code::default() }).collect(),
            datasets,
            docs: docs.into_iter().map(|description| Docs { description, ..Docs::default() }).collect(),
            prompts: vec![Prompt { name: name.clone(), ..Prompt::default() }],
            mcp_servers: vec![McpServer { name: name.clone(), path: format!("{name}.mcpb"), ..McpServer::default() }],
        };
        let mut paths = (0..).map(|index| format!("{index}/{name}"));
        let mut set = |path: &mut String| paths.next().into_iter().for_each(|next| *path = next);
        if let Some(model) = &mut kitfile.model {
            set(&mut model.path);
            model.parts.iter_mut().for_each(|it| set(&mut it.path));
        }
        kitfile.code.iter_mut().for_each(|it| set(&mut it.path));
        kitfile.datasets.iter_mut().for_each(|it| set(&mut it.path));
        kitfile.docs.iter_mut().for_each(|it| set(&mut it.path));
        kitfile.prompts.iter_mut().for_each(|it| set(&mut it.path));
        kitfile
    })
}
