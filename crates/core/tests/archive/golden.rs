//! Layers have the same digests as those that KitOps writes.

use kit_core::compression::Compression;
use kit_core::digest::Digest;
use serde_json::Value;

use crate::scenery::Context;

/// The cases, and the paths of the layers of each, in layer order; Kitfiles are tested elsewhere.
const MODELKITS: (&str, &[(&str, &[&str])]) = (
    include_str!("../../../../tests/golden/modelkits.json"),
    &[
        ("one-file-model", &["f"]),
        ("no-layers", &[]),
        ("directory-model-with-empty-directory", &["model"]),
        (
            "every-section",
            &[
                "weights/model.safetensors",
                "weights/tokenizer.json",
                "./adapters/lora.bin",
                "src",
                "data/",
                "README.md",
                "LICENSE",
            ],
        ),
        ("long-path-fits-ustar-prefix", &["model"]),
        ("long-name-needs-pax", &["model"]),
        ("non-ascii-name-needs-pax", &["modèle"]),
        ("modes", &["m"]),
        ("nested-layers", &["model", ".", "model/data"]),
        ("kitignore", &["model", "."]),
        ("kitignore-exceptions", &["."]),
        ("paths-as-written", &["./model/", "data/"]),
        ("yaml-anchors-and-merges", &["a.bin", "b.bin"]),
        ("json-kitfile-with-bom", &["a.bin"]),
        ("dotfiles-and-copies-are-packed", &["."]),
        ("empty-layer", &["void"]),
    ],
);

const NAMES: (&str, &[(&str, &[&str])]) = (
    include_str!("../../../../tests/golden/names.json"),
    &[
        ("names-greek-folder", &["δεδομένα"]),
        ("names-kana-nested", &["d"]),
        ("names-arabic-long", &["d"]),
        ("names-accented-leaf", &["d"]),
    ],
);

#[test]
fn layers_equal_those_of_kitops() {
    check(MODELKITS);
}

#[test]
fn names_without_ascii_give_the_layers_of_kitops() {
    check(NAMES);
}

fn check((cases, layers): (&str, &[(&str, &[&str])])) {
    let cases: Vec<Value> = serde_json::from_str(cases).unwrap();
    assert_eq!(cases.len(), layers.len());
    for (case, (name, paths)) in cases.iter().zip(layers) {
        assert_eq!(case["name"], *name);
        let context = build(case);
        let packed: Vec<_> = paths.iter().map(|path| pack(&context, path, paths)).collect();
        let expected = case["expected"]["layers"].as_array().unwrap().iter();
        let expected: Vec<_> =
            expected.map(|layer| (text(&layer["digest"]).to_owned(), layer["size"].as_u64().unwrap())).collect();
        assert_eq!(packed, expected, "{name}");
    }
}

fn pack(context: &Context, path: &str, others: &[&str]) -> (String, u64) {
    let (_, layer) = context.pack_with(path, others, Compression::None).unwrap();
    (Digest::of(&layer).to_string(), layer.len() as u64)
}

fn build(case: &Value) -> Context {
    let mut context = Context::new();
    for file in case["files"].as_array().unwrap() {
        let times = file.get("times").map_or(1, |times| times.as_u64().unwrap());
        let bytes = text(&file["text"]).repeat(times.try_into().unwrap());
        context.file(text(&file["path"]), bytes.as_bytes());
        context.set_mode(text(&file["path"]), mode(&file["mode"]));
    }
    for directory in case.get("dirs").and_then(Value::as_array).into_iter().flatten() {
        context.directory(text(&directory["path"]));
        if let Some(value) = directory.get("mode") {
            context.set_mode(text(&directory["path"]), mode(value));
        }
    }
    context.file("Kitfile", text(&case["kitfile"]).as_bytes());
    if let Some(ignore) = case.get("kitignore") {
        text(ignore).clone_into(&mut context.ignore);
        context.file(".kitignore", context.ignore.as_bytes());
    }
    context
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn mode(value: &Value) -> u32 {
    u32::from_str_radix(text(value), 8).unwrap()
}
