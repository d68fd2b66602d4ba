//! The output of `list`, `inspect`, `info`, `diff` and `version`.

use expect_test::expect;

use kit_testkit::sandbox::Sandbox;

fn packed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1,stable"]).ok();
    sandbox
}

#[test]
fn list_shows_a_row_per_tag() {
    let sandbox = packed();
    sandbox.write("bare/Kitfile", "manifestVersion: 1.0.0\n");
    sandbox.kit(&["pack", "bare", "--allow-empty"]).ok();
    let run = sandbox.kit(&["list"]).ok();
    expect![[r#"
        REPOSITORY   TAG      MAINTAINER   NAME     SIZE       DIGEST
        <none>       <none>   <none>       <none>   0 B        [DIGEST]
        sample       stable   Ada          sample   13.5 KiB   [DIGEST]
        sample       v1       Ada          sample   13.5 KiB   [DIGEST]
    "#]]
    .assert_eq(&run.redacted_stdout());
    let run = sandbox.kit(&["list", "--format", "{{.Repo}} {{.Tags}} {{.Author}}"]).ok();
    assert_eq!(run.stdout, "<none> [] <none>\nsample [stable v1] Ada\n");
    let only = |name: &str| sandbox.kit(&["list", name, "--format", "{{.Tags}}"]).ok().stdout;
    assert_eq!((only("sample"), only("sample:v1")), ("[stable v1]\n".into(), "[v1]\n".into()));
    for missing in ["sample:v9", "nope"] {
        let run = sandbox.kit(&["list", missing]).exits(4);
        run.says(&format!("failed to find reference {missing}: not found in the local store"));
    }
    assert_eq!(sandbox.kit(&["list", "sample", "--filter", "prompts", "--format", "json"]).ok().stdout, "[]\n");
    let json = sandbox.kit(&["list", "--format", "json"]).ok().json();
    assert_eq!(json[1]["tags"], serde_json::json!(["stable", "v1"]));
    let run = sandbox.kit(&["list", "--format", "{{.Repo}} {{.Tag}}"]).exits(2);
    run.says("cannot use the template `{{.Repo}} {{.Tag}}`: there is no field `Tag`; did you mean `tags`?")
        .says("    1 | {{.Repo}} {{.Tag}}\n      |             ^^^^\n");
    let run = sandbox.kit(&["list", "--format", "{{.Nope}}"]).exits(2);
    run.says("there is no field `Nope`; the fields are `repo`, `digest`, `tags`, `modelName`, ");
    sandbox.kit(&["list", "--format", "{{"]).exits(2).says("cannot use the template `{{`");
}

#[test]
fn info_prints_the_kitfile_or_a_part_of_it() {
    let sandbox = packed();
    let run = sandbox.kit(&["info", "sample:v1"]).ok();
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: sample
          version: 0.1.0
          authors: [Ada]
        model:
          name: net
          path: weights/model.bin
          parts:
            - name: tokenizer
              path: weights/tokenizer.json
          parameters:
            epochs: 10
        code:
          - path: src
        datasets:
          - name: training
            path: data/
        docs:
          - path: README.md
    "#]]
    .assert_eq(&run.stdout);
    let part = |filter: &str| sandbox.kit(&["info", "sample:v1", "--filter", filter]).ok().stdout;
    assert_eq!(part("model.parameters.epochs"), "10\n");
    assert_eq!(part("package.name"), "sample\n");
    assert!(part("datasets").starts_with("- name: training\n"), "{}", part("datasets"));
    sandbox.kit(&["info", "sample:v1", "--filter", "model.x"]).fails().says("cannot find required node");
}

#[test]
fn inspect_prints_json_whatever_is_logged() {
    let sandbox = packed();
    let plain = sandbox.kit(&["inspect", "sample:v1"]).ok();
    for flags in [&["--log-level", "error"][..], &["-v"], &["-vv"], &["-q"]] {
        let args = [&["inspect", "sample:v1"], flags].concat();
        assert_eq!(sandbox.kit(&args).ok().stdout, plain.stdout);
    }
    let json = plain.json();
    assert_eq!(json["manifest"]["artifactType"], "application/vnd.kitops.modelkit.manifest.v1+json");
    let annotations = &json["manifest"]["layers"][0]["annotations"];
    assert_eq!(annotations["org.cncf.model.filepath"], "weights/model.bin");
    assert_eq!(annotations["org.opencontainers.image.title"], "weights/model.bin");
    assert_eq!(json["kitfile"]["model"]["parameters"]["epochs"], 10);
    sandbox.kit(&["inspect", "nothing:v1"]).fails().says("Could not find modelkit nothing:v1");
    sandbox.kit(&["inspect", "-r", "sample:v1"]).exits(2).says("`sample:v1` has no registry host");
}

#[test]
fn diff_shows_what_two_modelkits_share() {
    let sandbox = packed();
    sandbox.write("project/README.md", "# Better\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox.kit(&["diff", "sample:v1", "sample:stable"]).ok().prints("ModelKits are identical");
    let run = sandbox.kit(&["diff", "sample:v1", "local://sample:v2"]).ok();
    let text =
        regex::Regex::new("sha256:[0-9a-f]{10}").unwrap().replace_all(&run.redacted_stdout(), "[SHORT]").into_owned();
    expect![[r#"
        sample:v1 → local://sample:v2    concerns: docs
        Files          1 changed
          ~ README.md  9 B   +1 −1
        No change: model, datasets, code, configuration, deployment

        Comparing:
        ---------------------------------------
        ModelKit1: sample:v1
        ModelKit2: local://sample:v2

        Manifests:
        ---------------------------------------
        ModelKit1: [DIGEST]
        ModelKit2: [DIGEST]

        Configurations:
        ---------------------------------------
        Configs differ:
          ModelKit1 Config Digest: [SHORT]
          ModelKit2 Config Digest: [SHORT]

        Annotations:
        ---------------------------------------
          Annotations are identical 
        ml.kitops.modelkit.cli-version=0.1.0

        Shared Layers:
        ---------------------------------------
        Type      | Digest             | Size       | Path
        code      | [SHORT]  | 2.5 KiB    | src
        dataset   | [SHORT]  | 4.0 KiB    | data
        model     | [SHORT]  | 2.5 KiB    | weights/model.bin
        modelpart | [SHORT]  | 2.5 KiB    | weights/tokenizer.json

        Unique Layers to ModelKit1 (sample:v1):
        ---------------------------------------
        Type      | Digest             | Size       | Path
        docs      | [SHORT]  | 2.0 KiB    | README.md

        Unique Layers to ModelKit2 (local://sample:v2):
        ---------------------------------------
        Type      | Digest             | Size       | Path
        docs      | [SHORT]  | 2.0 KiB    | README.md
    "#]]
    .assert_eq(&text);
}

#[test]
fn info_of_an_image_form_names_the_modelkit() {
    let sandbox = packed();
    sandbox.kit(&["push", "sample:v1", "oci:layout:v1", "--also", "image"]).ok();
    let run = sandbox.kit(&["info", "oci:layout:v1-image"]).fails();
    assert!(
        run.stderr.starts_with("error: `oci:") && run.stderr.contains("but to a container image"),
        "{}",
        run.stderr
    );
    assert!(!run.stderr.contains("Could not find") && !run.stderr.contains("caused by"), "{}", run.stderr);
    run.says("hint: if it is the image form of a ModelKit, use the name of that: `oci:").says("layout:v1`");
}

#[test]
fn an_empty_store_says_what_fills_it() {
    let sandbox = Sandbox::new();
    let run =
        sandbox.kit(&["list"]).ok().says("The local store is empty: `kit pack` and `kit pull` add ModelKits to it");
    assert_eq!(run.stdout.lines().count(), 1);
    for flags in [&["--format", "json"][..], &["--quiet"], &["--filter", "model"]] {
        let run = sandbox.kit(&[&["list"], flags].concat());
        assert!(!run.stderr.contains("is empty"), "{flags:?}: {}", run.stderr);
    }
}
