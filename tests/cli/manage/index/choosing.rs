//! Selecting a ModelKit of an index by its labels.

use super::scene::{PLAIN, Scene, pushed};

#[test]
fn labels_select_the_modelkit_to_pull() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    registry.forget_requests();
    let pulled = scene.elsewhere(&["pull", &name, PLAIN, "-l", "quantization=Q8_0", "-l", "format=gguf"]).ok();
    assert_eq!(pulled.digest(), scene.q8);
    let fetched = |variant: &str| {
        let manifest = scene.kit(&["inspect", variant]).ok().json()["manifest"].take();
        registry.requests_of("GET", manifest["layers"][0]["digest"].as_str().unwrap()).len()
    };
    assert_eq!((fetched("sample:q8"), fetched("sample:q4")), (1, 0));
    // As with an image for several platforms, the name is that of the index.
    scene.elsewhere(&["inspect", &name]).ok().prints(&scene.q8);
    scene.elsewhere(&["unpack", &name, "-l", "quantization=Q4_0", "-d", "out", PLAIN]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    let planned = scene.elsewhere(&["pull", &name, PLAIN, "-l", "quantization=Q4_0", "--dry-run"]).ok();
    assert_eq!(planned.stdout.lines().count(), 3, "{}", planned.stdout);

    let other = scene.kit(&["pull", &name, "mine:v1", PLAIN, "-l", "quantization=Q4_0"]).ok();
    assert_eq!(other.digest(), scene.q4);
    scene.kit(&["index", "pull", &name, PLAIN]).ok();
    let refused = scene.kit(&["pull", &name, PLAIN, "-l", "quantization=Q4_0"]).fails();
    refused.says("the pull would overwrite the local index `");
}

#[test]
fn the_variants_are_listed_if_none_is_selected() {
    let scene = Scene::with_index();
    let (_registry, name) = pushed(&scene);
    let failure =
        |labels: &[&str]| scene.elsewhere(&[&["pull", &name, PLAIN], labels].concat()).fails().redacted_failure();
    expect_test::expect![[r#"
        error: Failed to pull `[REGISTRY]/team/sample:all`
          caused by: `[REGISTRY]/team/sample:all` is an index of ModelKits, not a single ModelKit; it contains:
            [DIGEST] q4 (architecture=llama, format=gguf, paramSize=2K, quantization=Q4_0)
            [DIGEST] q8 (architecture=llama, format=gguf, paramSize=2K, quantization=Q8_0)
        hint: select a ModelKit by digest (NAME@DIGEST), or by label with `kit pull` or `kit unpack`: -l quantization=Q8_0
    "#]]
    .assert_eq(&failure(&[]));
    expect_test::expect![[r#"
        error: Failed to pull `[REGISTRY]/team/sample:all`
          caused by: no ModelKit in the index `[REGISTRY]/team/sample:all` has `format=gguf` and `quantization=Q2_K`; it contains:
            [DIGEST] q4 (architecture=llama, format=gguf, paramSize=2K, quantization=Q4_0)
            [DIGEST] q8 (architecture=llama, format=gguf, paramSize=2K, quantization=Q8_0)
    "#]]
    .assert_eq(&failure(&["-l", "format=gguf", "-l", "quantization=Q2_K"]));
    expect_test::expect![[r#"
        error: Failed to pull `[REGISTRY]/team/sample:all`
          caused by: 2 ModelKits in the index `[REGISTRY]/team/sample:all` have `format=gguf`:
            [DIGEST] q4 (architecture=llama, format=gguf, paramSize=2K, quantization=Q4_0)
            [DIGEST] q8 (architecture=llama, format=gguf, paramSize=2K, quantization=Q8_0)
        hint: add labels until one ModelKit is left, such as -l quantization=Q8_0
    "#]]
    .assert_eq(&failure(&["-l", "format=gguf"]));
    scene.kit(&["unpack", "sample:q4", "-l", "format=gguf", "-d", "out"]).fails().says("`sample:q4` is not an index");
    scene.elsewhere(&["pull", &name, "-l", "format"]).exits(2).says("use `KEY=VALUE`");
}

#[test]
fn commands_that_need_a_modelkit_name_those_in_the_index() {
    let scene = Scene::with_index();
    for args in [
        &["inspect", "sample:all"][..],
        &["inspect", "sample:all", "--tensors"],
        &["info", "sample:all"],
        &["ls", "sample:all"],
        &["cat", "sample:all//README.md"],
        &["cp", "sample:all//README.md", "out"],
        &["unpack", "sample:all", "-d", "out"],
        &["lineage", "sample:all"],
        &["diff", "sample:q4", "sample:all"],
        &["verify", "q4", "sample:all"],
        &["convert", "sample:all", "--to", "modelpack"],
        &["push", "sample:all", "oci:layout:all", "--also", "image"],
        &["index", "add", "sample:all", "sample:all"],
    ] {
        let failure = scene.kit(args).fails().says("`sample:all` is an index of ModelKits, not a single ModelKit");
        assert!(
            failure.stderr.contains(&scene.q4) && failure.stderr.contains(&scene.q8),
            "{args:?} {}",
            failure.stderr
        );
    }
    assert!(!scene.sandbox.path("layout").exists() && !scene.sandbox.path("out").exists());
}
