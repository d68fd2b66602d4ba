//! The comparison of a manifest with a ModelKit.

use expect_test::expect;
use serde_json::{Value, json};

use super::{Scene, check};

#[test]
fn a_manifest_is_compared_with_the_modelkit() {
    let scene = Scene::new();
    let manifest = scene.deploy("team/net:v1", &["--as", "kserve"]).ok().stdout;
    scene.sandbox.write("service.yaml", &manifest);
    scene.deploy("team/net:v1", &["--check", "service.yaml"]).ok().says("`service.yaml` matches");
    scene.sandbox.write("net/data.csv", "b\n");
    scene.push("net", "team/net:v2", &["--also", "image"]);
    let run = scene.deploy("team/net:v2", &["--check", "service.yaml"]).exits(3).says("1 difference");
    check(
        &run,
        &expect![[r#"
        DRIFT         PLACE                             EXPECTED                                                                  FOUND
        otherDigest   spec.predictor.model.storageUri   [DIGEST]   [DIGEST]
    "#]],
    );
    let image = scene.digest("team/net", "v1-image");
    let changed = manifest.replace(&format!("@{image}"), ":v1").replace("memory: 1Mi", "memory: 1");
    scene.sandbox.write("service.yaml", changed);
    check(
        &scene.deploy("team/net:v1", &["--check", "service.yaml"]).exits(3),
        &expect![[r#"
        DRIFT             PLACE                                            EXPECTED                                                                  FOUND
        notPinned         spec.predictor.model.storageUri                  [DIGEST]   v1
        tooLittleMemory   spec.predictor.model.resources.requests.memory   80 B                                                                      1 B
    "#]],
    );
    let found = scene.deploy("team/net:v1", &["--check", "service.yaml", "--format", "json"]).exits(3).json();
    let kinds: Vec<_> = found["differences"].as_array().unwrap().iter().map(|it| it["kind"].clone()).collect();
    assert_eq!(kinds, [json!("notPinned"), json!("tooLittleMemory")]);
    scene.sandbox.write("other.json", json!({ "image": "registry.example/server:1.0" }).to_string());
    let run = scene.deploy("team/net:v1", &["--check", "other.json"]).exits(3);
    run.prints("notNamed");
    scene.sandbox.write("bad.yaml", "a: [\n");
    scene.deploy("team/net:v1", &["--check", "bad.yaml"]).exits(1).says("`bad.yaml`: line ");
    scene.deploy("team/net:v1", &["--check", "absent.yaml"]).exits(4);
}

#[test]
fn a_manifest_of_every_form_matches_the_modelkit_that_it_was_made_for() {
    let scene = Scene::new();
    for form in ["image-volume", "init-container", "kserve", "compose"] {
        let args = ["--as", form, "--image", "registry.example/server:1.0", "--kit-image", "registry.example/kit:1"];
        scene.sandbox.write("manifest.yaml", scene.deploy("team/net:v1", &args).ok().stdout);
        let run = scene.deploy("team/net:v1", &["--check", "manifest.yaml", "--format", "json"]).ok();
        assert_eq!(run.json()["differences"], Value::Array(Vec::new()), "{form}");
    }
}
