//! `kit verify`: comparing a folder with a lock or a ModelKit.

use expect_test::expect;
use fs_err as fs;
use serde_json::json;

use super::files::drop_tables;
use kit_testkit::platform::{set_mode, symlink};
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Sandbox, repository};

fn packed_project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    // The mode must not depend on the umask.
    set_mode(sandbox.path("project/src/train.py"), 0o644);
    sandbox.kit(&["pack", "project", "-t", "sample:v1", "--lock"]).ok();
    sandbox
}

#[test]
fn unpacked_files_equal_packed_files() {
    let sandbox = packed_project();
    for compression in ["none", "gzip-fastest", "zstd"] {
        sandbox.kit(&["pack", "project", "-t", compression, "--compression", compression]).ok();
        sandbox.kit(&["unpack", compression, "-d", compression]).ok();
        let run = sandbox.kit(&["verify", compression, compression]).ok();
        assert_eq!(run.stdout, "");
        run.says(&format!("matches `{compression}:latest` · 51 B read, 6 files · "));
    }
}

#[test]
fn everything_that_differs_is_listed() {
    let sandbox = packed_project();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    sandbox.write("out/data/train.csv", "a,b\n1,3\n");
    sandbox.write("out/weights/model.bin", "more weights\n");
    sandbox.write("out/data/new.csv", "");
    sandbox.write("out/data/ignored.csv", "");
    sandbox.write("out/.kitignore", "data/ignored.csv\n");
    sandbox.write("out/beside", "in no layer");
    fs::remove_file(sandbox.path("out/data/more/val.csv")).unwrap();
    fs::remove_file(sandbox.path("out/README.md")).unwrap();
    fs::create_dir(sandbox.path("out/README.md")).unwrap();
    sandbox.write("out/Kitfile", "manifestVersion: 1.0.0\n");
    let lock = sandbox.path("project/Kitfile.lock").display().to_string();
    let run = sandbox.kit(&["verify", "out", "sample:v1"]).fails();
    expect![[r#"
        CHANGE    PATH                EXPECTED               FOUND
        content   Kitfile             sha256:f87ba9d4a235…   sha256:ca6505ea09f6…
        kind      README.md
        missing   data/more/val.csv
        extra     data/new.csv
        content   data/train.csv      sha256:492d5ea49605…   sha256:8baab0330389…
        size      weights/model.bin   8                      13
    "#]]
    .assert_eq(&run.redacted_stdout());
    expect![[r#"
        error: `out` differs from `sample:v1`: 6 differences
    "#]]
    .assert_eq(&run.redacted_failure());
    assert_eq!(sandbox.kit(&["verify", "out", "--lock", &lock]).fails().stdout, run.stdout);
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn another_mode_is_a_difference() {
    let sandbox = packed_project();
    set_mode(sandbox.path("project/src/train.py"), 0o755);
    for standard in [&["sample:v1"][..], &[]] {
        let run = sandbox.kit(&[&["verify", "project"], standard].concat()).fails();
        expect![[r#"
            CHANGE   PATH           EXPECTED   FOUND
            mode     src/train.py   644        755
        "#]]
        .assert_eq(&run.redacted_stdout());
    }
}

#[test]
fn verifying_with_a_lock_reads_only_the_folder() {
    let sandbox = packed_project();
    fs::remove_dir_all(sandbox.path("kit")).unwrap();
    sandbox.kit(&["verify", "project"]).ok().says("project matches `project/Kitfile.lock`");
    sandbox.write("project/weights/model.bin", "Weights\n");
    sandbox.kit(&["verify", "project"]).fails().prints("content   weights/model.bin   sha256:");
    assert!(!sandbox.path("kit").exists());
    fs::remove_file(sandbox.path("project/Kitfile.lock")).unwrap();
    sandbox.kit(&["verify", "project"]).fails().says("create it with `kit pack --lock`");
    sandbox.kit(&["verify", "nowhere"]).fails().says("folder `nowhere` does not exist");
}

#[test]
fn a_remote_modelkit_is_compared_without_storing_it() {
    let (sandbox, registry) = (packed_project(), FakeRegistry::start());
    let remote = format!("{}/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &remote, "--plain-http"]).ok();
    let verify = ["verify", "project", &remote, "--plain-http"];
    sandbox.kit(&verify).ok();
    sandbox.write("project/README.md", "# Simple\n");
    sandbox.kit(&verify).fails().prints("content   README.md   sha256:");
    assert_eq!(sandbox.kit(&["list"]).ok().stdout.lines().count(), 2, "the packed one and the heading");
}

#[test]
fn a_layer_is_read_only_without_its_table_and_proves_nothing_when_damaged() {
    let sandbox = packed_project();
    for blob in fs::read_dir(sandbox.store().join("blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        let content = fs::read(&path).unwrap();
        if content.windows(8).any(|piece| piece == b"weights\n") {
            fs::write(&path, content.iter().map(|byte| if *byte == b'w' { b'v' } else { *byte }).collect::<Vec<_>>())
                .unwrap();
        }
    }
    sandbox.kit(&["verify", "project", "sample:v1"]).ok();
    drop_tables(&sandbox, "sample:v1");
    sandbox.kit(&["verify", "project", "sample:v1"]).fails().says("does not match its digest");
}

#[test]
fn only_selected_parts_are_compared() {
    let sandbox = packed_project();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--filter", "datasets:training"]).ok();
    let lock = sandbox.path("project/Kitfile.lock").display().to_string();
    for standard in [&["sample:v1"][..], &["--lock", &lock]] {
        let verify = |filter: &str| sandbox.kit(&[&["verify", "out", "--filter", filter], standard].concat());
        verify("datasets:training").ok().says(" 2 files");
        verify("datasets:data").ok();
        verify("code").fails().prints("missing   src/train.py");
        verify("kitfile").fails().prints("missing   Kitfile");
        verify("weights").exits(2);
    }
}

#[test]
fn a_kitfile_with_the_same_content_in_another_formatting_is_equal() {
    let sandbox = packed_project();
    let kitfile = sandbox.read("project/Kitfile");
    sandbox.write("project/Kitfile", format!("# A comment\n{}", kitfile.replace("[Ada]", "\n    - \"Ada\"")));
    sandbox.kit(&["verify", "project"]).ok();
    sandbox.kit(&["verify", "project", "sample:v1"]).ok();
    sandbox.write("project/Kitfile", kitfile.replace("Ada", "Eve"));
    sandbox.kit(&["verify", "project"]).fails().prints("content   Kitfile   sha256:");
}

#[test]
fn files_of_a_parent_are_compared_where_the_parent_can_be_read() {
    let sandbox = packed_project();
    sandbox.write("tuned/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: 'sample:v1'}\ncode: [{path: .}]\n");
    sandbox.write("tuned/app.py", "app");
    sandbox.kit(&["pack", "tuned", "-t", "tuned:v1", "--lock"]).ok();
    sandbox.kit(&["unpack", "tuned:v1", "-d", "out"]).ok();
    fs::copy(sandbox.path("tuned/Kitfile.lock"), sandbox.path("out/Kitfile.lock")).unwrap();
    sandbox.kit(&["verify", "out", "tuned:v1"]).ok().says(" 3 files");
    sandbox.kit(&["verify", "out"]).ok().says(" 1 file ");
    sandbox.write("out/weights/tokenizer.json", "[]\n");
    sandbox.kit(&["verify", "out", "tuned:v1"]).fails().prints("content   weights/tokenizer.json");
    sandbox.write("out/extra.py", "");
    sandbox.kit(&["verify", "out"]).fails().prints("extra    extra.py");
}

#[test]
fn modelkits_of_kitops_are_compared() {
    let sandbox = Sandbox::new();
    for layout in fs::read_dir(repository().join("tests/golden/layouts")).unwrap() {
        let layout = layout.unwrap();
        let name = layout.file_name().into_string().unwrap();
        let reference = format!("oci:{}:v1", layout.path().display());
        sandbox.kit(&["unpack", &reference, "-d", &name]).ok();
        sandbox.kit(&["verify", &name, &reference]).ok();
    }
}

#[test]
fn json_lists_the_differences() {
    let sandbox = packed_project();
    sandbox.write("project/README.md", "# Sampled\n");
    let report = sandbox.kit(&["verify", "project", "--format", "json"]).fails().json();
    let size = json!([{ "change": "size", "path": "README.md", "expected": "9", "found": "10" }]);
    assert_eq!((&report["equal"], &report["files"], &report["differences"]), (&json!(false), &json!(6), &size));
    let template = "{{range .differences}}{{.path}}: {{.change}}{{end}}";
    assert_eq!(sandbox.kit(&["verify", "project", "--format", template]).fails().stdout, "README.md: size\n");
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_link_counts_as_its_target() {
    let sandbox = packed_project();
    fs::rename(sandbox.path("project/weights/model.bin"), sandbox.path("model.bin")).unwrap();
    symlink("../../model.bin", sandbox.path("project/weights/model.bin")).unwrap();
    sandbox.kit(&["verify", "project"]).ok();
    fs::remove_file(sandbox.path("model.bin")).unwrap();
    sandbox.kit(&["verify", "project", "--filter", "code"]).ok();
}

#[test]
fn only_the_files_that_paths_select_are_verified() {
    let sandbox = packed_project();
    sandbox.write("project/data/train.csv", "changed\n");
    sandbox.write("project/data/new.csv", "");
    for standard in [&["sample:v1"][..], &[]] {
        let verify = |paths: &[&str]| sandbox.kit(&[&["verify", "project"], standard, paths].concat());
        verify(&["--path", "src"]).ok().says(", 1 file · ");
        verify(&["--path", "!data"]).ok();
        verify(&["--path", "data", "--path", "!data/new.csv"]).fails().says(": 1 difference");
        verify(&["--path", "data/new.csv"]).fails().prints("extra    data/new.csv");
        assert_eq!(verify(&["--path", "train.csv"]).fails().says("matches `train.csv`").code, Some(4));
    }
}

#[test]
fn additional_files_outside_the_layers_differ_only_with_exact() {
    let sandbox = packed_project();
    sandbox.write("project/beside", "");
    sandbox.write("project/folder/beside", "");
    sandbox.write("project/data/beside", "");
    sandbox.write("project/ignored", "");
    sandbox.write("project/.kitignore", "ignored\n");
    for standard in [&["sample:v1"][..], &[]] {
        let verify = |flags: &[&str]| {
            let format = ["--format", "{{range .Differences}}{{.Change}} {{.Path}}, {{end}}"];
            sandbox.kit(&[&["verify", "project"], standard, flags, &format].concat()).fails().stdout
        };
        assert_eq!(verify(&[]), "extra data/beside, \n");
        assert_eq!(verify(&["--exact"]), "extra beside, extra data/beside, extra folder/beside, \n");
        // The datasets are not verified, so that their files are not extra either.
        assert_eq!(verify(&["--exact", "-f", "model"]), "extra beside, extra folder/beside, \n");
    }
}

#[test]
fn without_a_lock_the_name_of_a_modelkit_is_asked_for() {
    let sandbox = Sandbox::packed();
    fs_err::create_dir(sandbox.path("full")).unwrap();
    sandbox.kit(&["verify", "full"]).exits(4).says(
        "lock file `full/Kitfile.lock` not found; create it with `kit pack --lock`, or compare with a ModelKit: \
         `kit verify full NAME:TAG`",
    );
}
