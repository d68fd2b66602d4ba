//! Tests of the documents of each form.

use super::*;
use crate::kitfile::parse;
use crate::modelkit::artifact::ModelKit;
use crate::modelkit::{BaseImage, ImageLayout, InvalidBase, Platform};
use crate::oci::MediaType;

const KITFILE_TEXT: &str = "manifestVersion: 1.0.0\npackage:\n  name: sample\n  license: MIT\nmodel:\n  path: \
                            m.safetensors\n  parts:\n  - path: lora.gguf\n  - path: tokenizer.json\nprompts:\n  \
                            - path: prompt.md\n";

fn assembly(format: Format, compression: Compression) -> Assembly {
    let kitfile = parse(KITFILE_TEXT).unwrap();
    let layer = |(section, index, path): (Section, usize, String)| {
        let layer_type = LayerType { section, format, compression };
        let mut blob = Descriptor::of(layer_type.media_type(), path.as_bytes());
        blob.annotations.insert("org.example.contents".to_owned(), "kept".to_owned());
        let file = Some(PlainFile { mode: 0o644, size: blob.size });
        PackedLayer { layer_type, index, path: path.parse().unwrap(), diff_id: blob.digest, blob, file }
    };
    let entries = kitfile.entries().into_iter().map(|entry| (entry.section, entry.index, entry.path.to_owned()));
    Assembly::new(kitfile.clone(), entries.map(layer).collect(), "1.2.3")
}

fn manifest(documents: &Documents) -> Manifest {
    Manifest::parse(&documents.manifest_bytes).unwrap()
}

/// Reads the layers of an artifact for another form of it.
fn read_back(documents: &Documents) -> Assembly {
    let modelkit = ModelKit::read(manifest(documents), &documents.config_bytes).unwrap();
    let layers = modelkit.layers.iter().map(|layer| PackedLayer::of(layer, layer.diff_id.unwrap()).unwrap());
    Assembly {
        layers: layers.collect(),
        others: modelkit.other_layers().cloned().collect(),
        kitfile: modelkit.config.kitfile,
        facts: ModelFacts::default(),
        annotations: modelkit.manifest.annotations,
    }
}

#[test]
fn the_way_to_any_family_and_back_gives_the_same_bytes() {
    for format in [Format::Raw, Format::Tar] {
        for there in [Family::ModelPack, Family::LegacyModelPack] {
            let original = assembly(format, Compression::None);
            let modelkit = original.assemble(&Form::Artifact(Family::ModelKit)).unwrap();
            let documents = original.assemble(&Form::Artifact(there)).unwrap();
            let again = read_back(&documents).assemble(&Form::Artifact(Family::ModelKit)).unwrap();
            assert_eq!(again, modelkit, "{there} {format}");
        }
    }
}

#[test]
fn the_size_of_a_file_is_written_for_uncompressed_raw_layers() {
    for (compression, expected) in [(Compression::None, true), (Compression::Gzip, false)] {
        let original = assembly(Format::Raw, compression);
        let documents = original.assemble(&Form::Artifact(Family::ModelKit)).unwrap();
        assert_eq!(read_back(&documents).layers[0].file.is_some(), expected, "{compression}");
    }
}

#[test]
fn layers_get_the_names_of_the_family_and_keep_their_other_annotations() {
    let documents =
        assembly(Format::Raw, Compression::None).assemble(&Form::Artifact(Family::LegacyModelPack)).unwrap();
    let manifest = manifest(&documents);
    let types: Vec<_> = manifest.layers.iter().map(|layer| layer.media_type.as_str()).collect();
    let expected = ["weight.v1.raw", "weight.v1.raw", "weight.config.v1.raw", "code.v1.raw"];
    assert_eq!(types, expected.map(|rest| format!("application/vnd.cnai.model.{rest}")));
    for layer in &manifest.layers {
        assert_eq!(layer.annotations["org.example.contents"], "kept");
        assert!(layer.annotations.contains_key("org.cnai.model.filepath"));
    }
}

#[test]
fn the_config_of_a_modelpack_matches_its_schema() {
    let facts = ModelFacts { precision: Some("bfloat16".to_owned()), ..ModelFacts::default() };
    let made = Assembly { facts, ..assembly(Format::Raw, Compression::None) };
    let documents = made.assemble(&Form::Artifact(Family::ModelPack)).unwrap();
    let diff_ids: Vec<_> = made.layers.iter().map(|layer| layer.diff_id).collect();
    let expected = serde_json::json!({
        "descriptor": { "name": "sample", "title": "sample", "licenses": ["MIT"] },
        "config": { "precision": "bfloat16" },
        "modelfs": { "type": "layers", "diffIds": diff_ids },
    });
    assert_eq!(serde_json::from_slice::<serde_json::Value>(&documents.config_bytes).unwrap(), expected);
}

fn image(platform: &str, layout: ImageLayout) -> Form {
    Form::Image(Box::new(Image { platform: platform.parse().unwrap(), layout, base: None }))
}

#[test]
fn an_image_lists_tars_without_the_annotations_of_files() {
    let made = assembly(Format::Tar, Compression::Zstd);
    let documents = made.assemble(&image("linux/arm64/v8", ImageLayout::Root)).unwrap();
    let manifest = manifest(&documents);
    assert_eq!(manifest.artifact_type, None);
    for layer in &manifest.layers {
        assert_eq!(layer.media_type.as_str(), "application/vnd.oci.image.layer.v1.tar+zstd");
        assert!(layer.annotations.is_empty());
    }
    let config: serde_json::Value = serde_json::from_slice(&documents.config_bytes).unwrap();
    assert_eq!((&config["architecture"], &config["variant"]), (&"arm64".into(), &"v8".into()));
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 4);
    assert_eq!(config["history"].as_array().unwrap().len(), 4);
    assert_eq!(config["config"]["Labels"]["org.opencontainers.image.title"], "sample");
}

#[test]
fn the_link_is_the_last_layer_and_raw_layers_are_left_out() {
    let mut made = assembly(Format::Tar, Compression::Gzip);
    made.layers[0].layer_type.format = Format::Raw;
    let documents = made.assemble(&image("linux/amd64", ImageLayout::Link)).unwrap();
    let manifest = manifest(&documents);
    let (link, bytes) = &documents.blobs[0];
    assert_eq!((manifest.layers.len(), manifest.layers.last(), Digest::of(bytes)), (4, Some(link), link.digest));
    assert!(manifest.layers.iter().all(|layer| layer.digest != made.layers[0].blob.digest));
    let config: serde_json::Value = serde_json::from_slice(&documents.config_bytes).unwrap();
    assert_eq!(config["rootfs"]["diff_ids"][3], link.digest.to_string());
}

#[test]
fn a_base_image_comes_first() {
    let blob = |content: &str, kind: &'static str| Descriptor::of(MediaType::of(kind), content.as_bytes());
    let read = |layer: &'static str, config: &'static str, content: &serde_json::Value| {
        let (layers, config) = (vec![blob("base", layer)], blob("config", config));
        BaseImage::read(&Manifest::new(MediaType::of("a"), config, layers), content.to_string().as_bytes())
    };
    let (layer, config) =
        ("application/vnd.docker.image.rootfs.diff.tar.gzip", "application/vnd.docker.container.image.v1+json");
    let content = serde_json::json!({
        "architecture": "arm64", "os": "linux", "variant": "v8",
        "rootfs": { "type": "layers", "diff_ids": ["sha256:x"] },
        "config": { "Env": ["PATH=/bin"], "Entrypoint": ["/bin/sh"], "Cmd": ["a"], "Labels": { "a": "b" } },
    });
    let base = read(layer, config, &content).unwrap();
    let form = Image { platform: Platform::host(), layout: ImageLayout::Link, base: Some(base) };
    let documents = assembly(Format::Tar, Compression::None).assemble(&Form::Image(Box::new(form))).unwrap();
    let first = &manifest(&documents).layers[0];
    assert_eq!(first.media_type.as_str(), "application/vnd.oci.image.layer.v1.tar+gzip");
    let made: serde_json::Value = serde_json::from_slice(&documents.config_bytes).unwrap();
    assert_eq!((&made["architecture"], &made["rootfs"]["diff_ids"][0]), (&"arm64".into(), &"sha256:x".into()));
    assert_eq!((made["history"].as_array().unwrap().len(), made["config"].get("Entrypoint")), (6, None));
    assert_eq!(made["config"]["Cmd"], serde_json::json!(["sleep", "infinity"]));
    assert_eq!((&made["config"]["Env"][0], &made["config"]["Labels"]["a"]), (&"PATH=/bin".into(), &"b".into()));

    let other = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";
    assert!(matches!(read(other, config, &content), Err(InvalidBase::Layer { .. })));
    assert!(matches!(read(layer, "application/json", &content), Err(InvalidBase::NotAnImage(_))));
    assert!(matches!(read(layer, config, &serde_json::json!({})), Err(InvalidBase::Field(_))));
}

#[test]
fn a_layer_that_a_form_cannot_list_is_refused() {
    let image = image("linux/amd64", ImageLayout::Link);
    let modelpack = Form::Artifact(Family::ModelPack);
    for (form, format, compression, expected) in [
        (
            &image,
            Format::Raw,
            Compression::None,
            "the layer `m.safetensors` is raw, and an image has no media type for such layers",
        ),
        (
            &modelpack,
            Format::Raw,
            Compression::Gzip,
            "the layer `m.safetensors` is raw and compressed, and a ModelPack has no media type for such layers",
        ),
    ] {
        let refused = assembly(format, compression).assemble(form).unwrap_err();
        assert_eq!(refused.to_string(), expected);
    }
    for form in [image, modelpack] {
        let empty = Assembly { layers: Vec::new(), ..assembly(Format::Tar, Compression::None) };
        assert!(matches!(empty.assemble(&form), Err(UnsupportedForm::NoLayers(_))));
    }
}

#[test]
fn platforms_are_named_as_go_names_them() {
    for (text, is_platform) in
        [("linux/amd64", true), ("linux/arm64/v8", true), ("linux", false), ("a/b/c/d", false), ("linux//x", false)]
    {
        let parsed = text.parse::<Platform>().map(|platform| platform.to_string());
        assert_eq!(parsed.ok().as_deref(), is_platform.then_some(text), "{text}");
    }
}
