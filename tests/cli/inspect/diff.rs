//! `diff` of two ModelKits or of a ModelKit and a folder: the changes, the areas that they affect, and the amount of
//! data that is read.

use expect_test::expect;
use serde_json::json;

use super::files::drop_tables;
use kit_testkit::platform::set_mode;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

/// A sandbox with `sample:v1`, and with changes in the folder `project`.
fn changed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/src/old_name.py", "print('moved')\n");
    let script = sandbox.write("project/src/run.sh", "echo\n");
    set_mode(&script, 0o644);
    sandbox.write("project/src/same.py", "print('same')\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    let kitfile = sandbox.read("project/Kitfile").replace("epochs: 10", "epochs: 12").replace("0.1.0", "0.2.0");
    sandbox.write("project/Kitfile", kitfile);
    sandbox.write("project/src/train.py", "print('TRAIN')\n");
    let moved = (sandbox.path("project/src/old_name.py"), sandbox.path("project/src/new_name.py"));
    fs_err::rename(moved.0, moved.1).unwrap();
    set_mode(&script, 0o755);
    fs_err::remove_file(sandbox.path("project/data/more/val.csv")).unwrap();
    sandbox.write("project/data/2026-10.csv", "a,b\n");
    sandbox.write("project/src/Dockerfile", "FROM scratch\n");
    sandbox
}

/// Returns the part of the output above the documents and layers.
fn above_documents(text: &str) -> String {
    text.split_once("\nComparing:").unwrap().0.to_owned()
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn the_first_line_lists_the_concerns_and_the_rest_the_changes() {
    let sandbox = changed();
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let run = sandbox.kit(&["diff", "sample:v1", "sample:v2"]).ok();
    expect![[r#"
        sample:v1 → sample:v2    concerns: datasets, code, configuration, deployment
        Kitfile
          ~ model.parameters.epochs  10 → 12
          ~ package.version          0.1.0 → 0.2.0
        Files                        1 changed, 2 added, 1 removed, 1 moved, 1 with another mode
          + data/2026-10.csv         4 B
          - data/more/val.csv        8 B
          + src/Dockerfile           13 B
          ~ src/new_name.py          15 B   moved from src/old_name.py
          ~ src/run.sh               5 B   mode 0644 → 0755
          ~ src/train.py             15 B   +1 −1
        No change: model, docs
    "#]]
    .assert_eq(&above_documents(&run.stdout));
    let only = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--only", "deployment"]).ok();
    expect![[r#"
        sample:v1 → sample:v2    concerns: deployment
        Files               1 added
          + src/Dockerfile  13 B
    "#]]
    .assert_eq(&only.stdout);
    let markdown = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--format", "markdown"]).ok();
    expect![[r#"
        **`sample:v1` → `sample:v2`** · concerns: datasets, code, configuration, deployment

        | Kitfile | before | after |
        |---|---|---|
        | `model.parameters.epochs` | `10` | `12` |
        | `package.version` | `0.1.0` | `0.2.0` |

        1 changed, 2 added, 1 removed, 1 moved, 1 with another mode

        | File | change | |
        |---|---|---|
        | `data/2026-10.csv` | added | 4 B |
        | `data/more/val.csv` | removed | 8 B |
        | `src/Dockerfile` | added | 13 B |
        | `src/new_name.py` | moved | 15 B, moved from src/old_name.py |
        | `src/run.sh` | mode | 5 B, mode 0644 → 0755 |
        | `src/train.py` | changed | 15 B, +1 −1 |
    "#]]
    .assert_eq(&markdown.stdout);
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn a_folder_is_compared_as_it_would_be_packed() {
    let sandbox = changed();
    let by_folder = sandbox.kit(&["diff", "sample:v1", "project", "--format", "json"]).ok().json();
    sandbox.kit(&["pack", "project", "-t", "sample:v2", "--compression", "gzip"]).ok();
    let by_name = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--format", "json"]).ok().json();
    assert_eq!(by_folder["kitfile"], by_name["kitfile"]);
    let changes = |diff: &serde_json::Value| -> Vec<String> {
        let files = diff["files"].as_array().unwrap().iter();
        files.map(|file| format!("{} {} {}", file["change"], file["path"], file["from"])).collect()
    };
    assert_eq!(changes(&by_folder), changes(&by_name));
    assert_eq!(changes(&by_folder).len(), 6);
    assert_eq!(by_folder["files"][4]["before"]["mode"], json!("0644"));
    // Equal content counts as equal whether it is compressed or not.
    let run = sandbox.kit(&["diff", "project", "sample:v2", "--exit-code"]).ok();
    run.prints("project → sample:v2    concerns: nothing\n");
    let store = |sandbox: &Sandbox| sandbox.names("kit/store").len();
    let before = store(&sandbox);
    sandbox.kit(&["diff", "./project", "project", "--exit-code"]).ok().prints("ModelKits are identical");
    assert_eq!(store(&sandbox), before, "looking stores nothing");
}

#[test]
fn a_folder_is_packed_as_what_it_is_compared_with() {
    let sandbox = Sandbox::new();
    sandbox.project();
    set_mode(sandbox.path("project/README.md"), 0o600);
    sandbox.kit(&["pack", "project", "-t", "sample:raw", "--layer-format", "raw"]).ok();
    for pair in [["sample:raw", "project"], ["project", "sample:raw"]] {
        let run = sandbox.kit(&[&["diff", "--exit-code"], &pair[..]].concat()).ok();
        run.prints("ModelKits are identical");
    }
    sandbox.kit(&["pack", "project", "-t", "sample:tar"]).ok();
    let run = sandbox.kit(&["diff", "sample:raw", "sample:tar", "--exit-code"]).ok();
    run.prints("concerns: nothing");
}

#[test]
fn a_file_that_is_a_layer_is_found_where_it_moved() {
    let sandbox = Sandbox::new();
    for (path, version) in [("a.bin", "llm:v1"), ("b.bin", "llm:v2")] {
        sandbox.write("project/Kitfile", format!("manifestVersion: 1.0.0\nmodel: {{path: {path}}}\n"));
        sandbox.write(&format!("project/{path}"), "weights");
        sandbox.kit(&["pack", "project", "-t", version, "--layer-format", "raw"]).ok();
    }
    sandbox.kit(&["diff", "llm:v1", "llm:v2"]).ok().prints("~ b.bin       7 B   moved from a.bin");
}

#[test]
fn the_exit_code_distinguishes_differences_from_failures() {
    let sandbox = changed();
    let run = sandbox.kit(&["diff", "sample:v1", "project", "--exit-code", "--quiet"]);
    assert_eq!((run.code, run.stderr.as_str()), (Some(1), ""));
    sandbox.kit(&["diff", "sample:v1", "project", "--exit-code", "--only", "docs"]).ok();
    sandbox
        .kit(&["diff", "sample:v1", "project", "--only", "weights"])
        .exits(2)
        .says("`weights` is not one of model, data");
    let failure = sandbox.kit(&["diff", "sample:v1", "sample:v9", "--exit-code"]).exits(4).redacted_failure();
    expect![[r#"
        error: cannot compare `sample:v1` with `sample:v9`
          caused by: failed to find reference sample:v9: not found in the local store
        hint: similar tags: v1; `kit list sample` shows all
    "#]]
    .assert_eq(&failure);
    assert_eq!(sandbox.kit(&["diff", "sample:v1", "sample:v9"]).fails().redacted_failure(), failure);
    sandbox.kit(&["diff", "sample:v1", "./nothing"]).exits(2);
    sandbox.kit(&["diff", "sample:v1", "."]).fails().says("No Kitfile found");
    // A failure without a code of its own must not look like the answer.
    sandbox.write("broken/Kitfile", "models: {}\n");
    sandbox.kit(&["diff", "sample:v1", "broken"]).exits(1);
    sandbox.kit(&["diff", "sample:v1", "broken", "--exit-code"]).exits(2);
}

/// A model with two tensors of 4 MiB and one small one.
fn model(first: u8, extra: &str, shape: &str) -> Vec<u8> {
    const BIG: usize = 4 << 20;
    let (begin, size) = (2 * BIG, 2 * BIG + 4);
    let header = format!(r#"{{"a":{{"dtype":"U8","shape":[{BIG}],"data_offsets":[0,{BIG}]}},"#)
        + &format!(r#""b":{{"dtype":"U8","shape":{shape},"data_offsets":[{BIG},{begin}]}},"#)
        + &format!(r#""{extra}":{{"dtype":"F32","shape":[1],"data_offsets":[{begin},{size}]}}}}"#);
    let mut file = samples::safetensors(&header, size);
    let end = file.len();
    file[end - 2 * BIG - 4] = first;
    file
}

/// A sandbox with `llm:v1` and `llm:v2`, which differ in three tensors.
fn models() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.safetensors}\n");
    sandbox.write("project/model.safetensors", model(0, "old", "[4194304]"));
    sandbox.kit(&["pack", "project", "-t", "llm:v1"]).ok();
    sandbox.write("project/model.safetensors", model(1, "new", "[4194304]"));
    sandbox.kit(&["pack", "project", "-t", "llm:v2"]).ok();
    sandbox.write("project/model.safetensors", model(1, "new", "[4,1048576]"));
    sandbox.kit(&["pack", "project", "-t", "llm:v3"]).ok();
    sandbox
}

#[test]
fn changed_tensors_of_weights_are_named() {
    let sandbox = models();
    let run = sandbox.kit(&["diff", "llm:v1", "llm:v2"]).ok();
    expect![[r#"
        llm:v1 → llm:v2    concerns: model
        Files                  1 changed
          ~ model.safetensors  8.0 MiB   3 of 4 tensors changed
              ~ a  U8 [4194304]
              + new  F32 [1]
              - old  F32 [1]
        No change: datasets, code, configuration, docs, deployment
    "#]]
    .assert_eq(&above_documents(&run.stdout));
    let run = sandbox.kit(&["diff", "llm:v2", "llm:v3"]).ok();
    expect![[r#"
        llm:v2 → llm:v3    concerns: model
        Files                  1 changed
          ~ model.safetensors  8.0 MiB → 8.0 MiB   1 of 3 tensors changed
              ~ b  U8 [4194304] → U8 [4, 1048576]
        No change: datasets, code, configuration, docs, deployment
    "#]]
    .assert_eq(&above_documents(&run.stdout));
}

#[test]
fn only_headers_of_weights_in_a_registry_are_read() {
    let (sandbox, registry) = (models(), FakeRegistry::start());
    let name = |tag: &str| format!("{}/llm:{tag}", registry.host());
    for tag in ["v1", "v2"] {
        sandbox.kit(&["push", &format!("llm:{tag}"), &name(tag), PLAIN]).ok();
    }
    let compare = |more: &[&str]| {
        registry.forget_requests();
        let (one, other) = (name("v1"), name("v2"));
        let args = [&["diff", &one, &other, PLAIN, "--format", "json"], more].concat();
        let run = sandbox.run(sandbox.command(&args).env("KIT_HOME", sandbox.path("elsewhere"))).ok().json();
        let requests = registry.requests_of("GET", "/");
        let moved: u64 = requests.iter().map(|request| request.answer_bytes).sum();
        let tensors = run["files"][0]["tensors"].clone();
        let changes = tensors["changes"].as_array().unwrap().iter();
        let names: Vec<_> = changes.map(|change| change["name"].as_str().unwrap().to_owned()).collect();
        (names.join(" "), tensors["contentCompared"] == json!(true), moved, requests.len())
    };
    let (names, is_compared, moved, requests) = compare(&[]);
    assert_eq!((&names[..], is_compared), ("a new old", true), "the tables of contents have digests of the bytes");
    assert!(moved < 80 * 1024 && requests < 14, "{moved} bytes in {requests} requests");
    // Without the tables of contents, only the headers can be compared.
    for tag in ["v1", "v2"] {
        drop_tables(&sandbox, &format!("llm:{tag}"));
        sandbox.kit(&["push", &format!("llm:{tag}"), &name(tag), PLAIN]).ok();
    }
    let (names, is_compared, moved, requests) = compare(&[]);
    assert_eq!((&names[..], is_compared), ("new old", false));
    assert!(moved < 256 * 1024 && requests < 18, "{moved} bytes in {requests} requests");
    assert_eq!(compare(&["--read-limit", "100000000"]).0, "a new old");
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn large_remote_files_are_reported_as_not_compared() {
    let (sandbox, registry) = (changed(), FakeRegistry::start());
    let name = format!("{}/sample:v1", registry.host());
    drop_tables(&sandbox, "sample:v1");
    sandbox.kit(&["push", "sample:v1", &name, PLAIN]).ok();
    let remote = format!("remote://{name}");
    let run = sandbox.kit(&["diff", &remote, "project", PLAIN, "--read-limit", "0", "--only", "code"]).ok();
    run.prints("\n  ? src/same.py      14 B   same size, content not read\n")
        .prints("mode 0644 → 0755   same size, content not read");
    let run = sandbox.kit(&["diff", &remote, "project", PLAIN, "--only", "code"]).ok();
    assert!(!run.stdout.contains("same.py"), "{}", run.stdout);
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn only_the_files_that_paths_select_are_compared() {
    let sandbox = changed();
    let diff = |args: &[&str]| sandbox.kit(&[&["diff", "sample:v1", "project", "--exit-code"], args].concat());
    let paths = |args: &[&str]| diff(&[args, &["--format", "{{range .Files}}{{.Path}} {{end}}"]].concat()).stdout;
    assert_eq!(paths(&["--path", "src/*.py"]), "src/new_name.py src/train.py \n");
    assert_eq!(paths(&["--path", "src", "--path", "!src/*.py"]), "src/Dockerfile src/run.sh \n");
    // The layer of the model is the same on both sides, and is listed only to find that the pattern matches.
    for equal in ["weights/model.bin", "src/same.py"] {
        assert_eq!(diff(&["--path", equal]).code, Some(0), "{equal}");
    }
    let run = diff(&["--path", "weights/*.bin", "--path", "weight"]);
    assert_eq!(run.fails().says("no file of either side matches `weight`").code, Some(4));
}
