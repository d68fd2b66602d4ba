//! Selecting a ModelKit of an index by its labels.

use kit_testkit::registry::FakeRegistry;

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
    // In the local store, the ModelKit and the index keep the same name.
    let index = scene.elsewhere(&["index", "pull", &name, PLAIN]).ok().digest();
    let digest = |args: &[&str]| scene.elsewhere(args).ok().json()["digest"].take();
    assert_eq!(digest(&["inspect", &name]), scene.q8.as_str());
    assert_eq!(digest(&["index", "info", &name, "--format", "json"]), index.as_str());
    assert_eq!(scene.elsewhere(&["pull", &name, PLAIN, "-l", "quantization=Q4_0"]).ok().digest(), scene.q4);
    assert_eq!(digest(&["index", "info", &name, "--format", "json"]), index.as_str());
    scene.elsewhere(&["index", "delete", &name]).ok();
    assert_eq!(digest(&["inspect", &name]), scene.q4.as_str());
}

#[test]
fn an_index_of_one_modelkit_needs_no_labels() {
    let scene = Scene::new();
    let registry = FakeRegistry::start();
    let name = format!("{}/team/one:all", registry.host());
    scene.kit(&["index", "create", "one:all", "sample:q4"]).ok();
    scene.kit(&["push", "one:all", &name, PLAIN]).ok();
    assert_eq!(scene.elsewhere(&["pull", &name, PLAIN]).ok().digest(), scene.q4);
    scene.kit(&["unpack", "one:all", "-d", "out"]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    scene.kit(&["pull", &name, PLAIN, "-l", "a=b", "-l", "a=c"]).exits(2).says("each key can be specified only once");
}

#[test]
fn the_modelkits_of_an_index_without_them_come_from_the_registry() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let pulled = scene.elsewhere(&["index", "pull", &name, PLAIN]).ok();
    assert_eq!(registry.requests_of("GET", "/blobs/").len(), 0, "only the index was pulled");
    assert_eq!(
        scene.elsewhere(&["index", "inspect", &name]).ok().stdout,
        scene.kit(&["index", "inspect", "sample:all"]).ok().stdout
    );
    scene.elsewhere(&["fsck"]).ok();
    registry.forget_requests();
    scene.elsewhere(&["unpack", &name, "-l", "quantization=Q4_0", "-d", "out", PLAIN]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    assert_eq!(registry.requests_of("GET", &pulled.digest()).len(), 0, "the index was in the local store");
    let repository = name.trim_end_matches(":all");
    let incomplete = scene.elsewhere(&["save", &name, "-o", "all.tar"]).fails();
    incomplete.says("was not found").says("kit index pull --with-modelkits");
    scene.elsewhere(&["inspect", &format!("{repository}@{}", scene.q4), PLAIN]).ok();
    scene.elsewhere(&["index", "pull", &name, PLAIN, "--with-modelkits"]).ok();
    scene.elsewhere(&["save", &name, "-o", "all.tar"]).ok();
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
          caused by: 2 ModelKits in the index match `format=gguf`:
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
