//! `kit diff --for` and `--propose-version`.

use expect_test::expect;
use serde_json::json;

use super::story;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

#[test]
fn each_role_gets_a_verdict_with_reasons_and_owners() {
    let sandbox = story::versions();
    let run = sandbox.kit(&["diff", "sentiment:v1", "sentiment:v2", "--for", "all", "--propose-version"]).ok();
    expect![[r#"
        sentiment:v1 → sentiment:v2
        app: breaking
          LEVEL      FACT      PLACE                               CHANGE                                          OWNERS
          breaking   tensors   weights/model.safetensors           1 tensor: head.weight [64, 4] → [96, 4]         @ml, role:sre
          breaking   labels    weights/config.json                 1: positive → neutral; new labels 2: positive   @app
          changed    weights   weights/model.safetensors           1 file with other bytes                         @ml, role:sre
          changed    licence   package.license                     MIT → CC-BY-NC-4.0                              legal@example.com
          changed    metrics   model.parameters.metrics.accuracy   0.91 → 0.87                                     @ml
        sre: breaking
          LEVEL      FACT       PLACE                       CHANGE                                    OWNERS
          breaking   memory     weights/model.safetensors   1.0 KiB → 1.5 KiB (+512 B, +50 %)         @ml, role:sre
          changed    tensors    weights/model.safetensors   1 tensor: head.weight [64, 4] → [96, 4]   @ml, role:sre
          changed    packages   requirements.txt            torch 2.3.0 → 2.4.0                       role:sre
        data: changed
          LEVEL     FACT      PLACE                               CHANGE                                          OWNERS
          changed   weights   weights/model.safetensors           1 file with other bytes                         @ml, role:sre
          changed   labels    weights/config.json                 1: positive → neutral; new labels 2: positive   @app
          changed   licence   package.license                     MIT → CC-BY-NC-4.0                              legal@example.com
          changed   metrics   model.parameters.metrics.accuracy   0.91 → 0.87                                     @ml
        security: breaking
          LEVEL      FACT       PLACE              CHANGE                OWNERS
          breaking   licence    package.license    MIT → CC-BY-NC-4.0    legal@example.com
          changed    packages   requirements.txt   torch 2.3.0 → 2.4.0   role:sre
        Version: 1.4.0 → 2.0.0
    "#]].assert_eq(&run.stdout);
    let data = sandbox.kit(&["diff", "sentiment:v1", "sentiment:v2", "--for", "app", "--format", "json"]).ok().json();
    let labels =
        &data["verdicts"][0]["reasons"].as_array().unwrap().iter().find(|it| it["fact"] == "labels").unwrap().clone();
    let expected = json!({
        "fact": "labels",
        "level": "breaking",
        "file": "weights/config.json",
        "field": null,
        "change": "1: positive → neutral; new labels 2: positive",
        "why": "the meaning of an output changes",
        "owners": ["@app"],
    });
    assert_eq!(*labels, expected);
    assert_eq!(data["version"], json!({ "current": "1.4.0", "proposed": "2.0.0", "declared": "1.4.0" }));
}

#[test]
fn the_exit_code_is_the_verdict() {
    let sandbox = story::versions();
    let code = |args: &[&str], code| {
        let run = sandbox.kit(&[&["diff", "sentiment:v1"], args, &["--exit-code"]].concat());
        assert_eq!((run.code, &*run.stderr), (Some(code), ""), "{args:?}");
    };
    code(&["sentiment:v2", "--for", "app"], 20);
    code(&["sentiment:v2", "--for", "data,security"], 20);
    code(&["sentiment:v1", "--for", "all"], 0);
    sandbox.write("project/README.md", "# Other\n");
    story::project(&sandbox);
    sandbox.write("project/data/train.csv", "text,label\nb,0\n");
    sandbox.kit(&["pack", "project", "-t", "sentiment:v3"]).ok();
    code(&["sentiment:v3", "--for", "data"], 10);
    code(&["sentiment:v3", "--for", "app,sre,security"], 0);
    sandbox.kit(&["diff", "sentiment:v1", "sentiment:v9", "--for", "app", "--exit-code"]).exits(4);
    sandbox.kit(&["diff", "sentiment:v1", "sentiment:v2", "--for", "boss"]).exits(2);
    sandbox.kit(&["diff", "sentiment:v1", "sentiment:v2", "--for", "app", "--only", "model"]).exits(2);
}

#[test]
fn a_metric_below_its_floor_is_breaking() {
    let sandbox = story::versions();
    let run = |minimum: &str| {
        sandbox.kit(&["diff", "sentiment:v1", "sentiment:v2", "--for", "data", "--minimum", minimum]).ok()
    };
    run("accuracy=0.9").prints("0.87 is below the minimum of 0.9");
    run("f1=0.9").prints("metric `f1`: neither the parameters of the model nor an evaluation contain it");
    assert!(!run("accuracy=0.8").stdout.contains("below"));
    sandbox.kit(&["diff", "sentiment:v1", "sentiment:v2", "--for", "data", "--minimum", "accuracy"]).exits(2);
}

#[test]
fn the_next_version_follows_from_the_verdicts() {
    let sandbox = story::versions();
    let next = |first: &str, second: &str| sandbox.kit(&["diff", first, second, "--propose-version"]).ok().stdout;
    assert_eq!(next("sentiment:v1", "sentiment:v2"), "2.0.0\n");
    assert_eq!(next("sentiment:v1", "sentiment:v1"), "1.4.0\n");
    sandbox.project();
    let kitfile = sandbox.read("project/Kitfile").replace("  version: 0.1.0\n", "");
    sandbox.write("project/Kitfile", kitfile);
    sandbox.kit(&["pack", "project", "-t", "sample:v3.1.4", "-t", "sample:old"]).ok();
    sandbox.write("project/README.md", "# Other\n");
    assert_eq!(next("sample:v3.1.4", "./project"), "v3.1.5\n");
    sandbox.kit(&["diff", "sample:old", "./project", "--propose-version"]).fails().says("like 1.2.3");
}

#[test]
fn a_registry_is_read_by_ranges() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    story::project(&sandbox);
    let large = |rows| sandbox.write("project/weights/model.safetensors", story::safetensors(rows));
    let name = |tag: &str| format!("{}/team/sentiment:{tag}", registry.host());
    for (tag, rows) in [("v1", 200_000), ("v2", 300_000)] {
        large(rows);
        sandbox.kit(&["pack", "project", "-t", &name(tag)]).ok();
        sandbox.kit(&["push", &name(tag), "--plain-http"]).ok();
    }
    registry.forget_requests();
    let args = ["diff", &name("v1"), &name("v2"), "--remote", "--plain-http", "--for", "sre"];
    let run = sandbox.kit(&args).ok();
    let run = run.prints("3.0 MiB → 4.5 MiB (+1.5 MiB, +50 %)");
    run.prints("head.weight [200000, 4] → [300000, 4]");
    let bytes: u64 = registry.requests_of("GET", "/blobs/").iter().map(|request| request.answer_bytes).sum();
    assert!(bytes > 0 && bytes < 1 << 20, "{bytes} bytes of 8 MB");
}

#[test]
fn what_cannot_be_known_is_said() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok();
    sandbox.write("project/weights/model.bin", "other\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let run = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--for", "sre,app"]).ok();
    let run = run.prints("tensors, shapes and memory of weights/model.bin: only safetensors and GGUF headers are read");
    run.prints("weights/model.bin   1 file with other bytes").prints("sre: compatible, as far as is known");
    let lock = sandbox.kit(&["diff", "project/Kitfile.lock", "sample:v2", "--for", "sre"]).ok();
    lock.prints("contents of files: a lock contains only their digests");
}

#[test]
fn a_new_import_of_a_pickle_is_breaking_for_security() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/weights/model.bin", b"\x80\x02}q\x00.");
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.write("project/weights/model.bin", b"\x80\x02cposix\nsystem\nq\x00X\x02\x00\x00\x00lsq\x01\x85Rq\x02.");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let run = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--for", "security"]).ok();
    run.prints("security: breaking").prints("pickle imports   weights/model.bin   posix.system");
}
