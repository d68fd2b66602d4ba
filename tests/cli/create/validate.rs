//! `validate`: problems are reported before packing. `schema`: an editor finds them while a Kitfile is written.

use expect_test::expect;
use serde_json::Value;

use kit_testkit::sandbox::{Sandbox, repository};

#[test]
fn a_good_project_has_no_findings() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\npackage:\n  license: MIT\ncode:\n  - path: src\n");
    sandbox.write("p/src/a.py", "print()\n");
    let run = sandbox.kit(&["validate", "p", "--strict"]).ok();
    assert_eq!((&*run.stdout, &*run.stderr), ("", "Kitfile: 0 errors, 0 warnings\n"));
    let run = sandbox.kit(&["validate", "p", "--format", "json"]).ok();
    assert_eq!(run.json(), Value::Array(Vec::new()));
}

#[test]
fn every_rule_reports_position_and_remedy() {
    let sandbox = Sandbox::new();
    sandbox.write(
        "p/Kitfile",
        "package:\n  name: x\n\
         model:\n  path: registry.example/base:v1\n  parts:\n    - path: adapter.bin\n\
         code:\n  - path: src\n  - path: notes\n\
         datasets:\n  - path: data\n  - path: gone\n  - remotePath: other.example/set:v2\n",
    );
    sandbox.write("p/.kitignore", "notes\n");
    sandbox.write("p/adapter.bin", "weights");
    sandbox.write("p/notes/a.md", "");
    sandbox.write("p/left.txt", "");
    for path in [
        "a.py",
        ".DS_Store",
        "__pycache__/a.pyc",
        "__pycache__/b.pyc",
        "sub/x.swp",
        ".env",
        ".env.example",
        "sub/a.orig",
    ] {
        sandbox.write(&format!("p/src/{path}"), "");
    }
    let token = format!("hf{}{}", '_', "aB".repeat(17));
    sandbox.write("p/src/.env", "PASSWORD=x\n");
    sandbox.write("p/src/settings.py", format!("import os\nTOKEN = '{token}'\n"));
    sandbox.write("p/src/binary", format!("{}{token}", "\0".repeat(64)));
    fs_err::create_dir(sandbox.path("p/data")).unwrap();
    let run = sandbox.kit(&["validate", "p"]).fails();
    assert!(!run.stdout.contains(&token) && !run.stderr.contains(&token));
    expect![[r#"
        src/.env: error: a file with this name usually holds secrets (secret)
          add `src/.env` to .kitignore to exclude it; revoke the secret if it was ever pushed
        src/settings.py:2: error: this looks like a Hugging Face token (secret)
          add `src/settings.py` to .kitignore to exclude it; revoke the secret if it was ever pushed
        Kitfile:12:11: error: path `gone` does not exist (missing-path)
          correct the path; it is relative to the packed folder
        Kitfile: warning: `manifestVersion` is missing; write `manifestVersion: 1.0.0` (version)
          write `manifestVersion: 1.0.0`
        Kitfile:8:5: warning: no licence is given for code[0], code[1], datasets[0], datasets[1], datasets[2] (licence)
          add `license:` with an SPDX identifier there, or under `package` for all entries
        Kitfile:4:9: warning: `registry.example/base:v1` is a tag, which may point to another version later (unpinned-parent)
          write `registry.example/base:v1@DIGEST`; `kit inspect registry.example/base:v1` shows the digest
        Kitfile:13:17: warning: `other.example/set:v2` is a tag, which may point to another version later (unpinned-parent)
          write `other.example/set:v2@DIGEST`; `kit inspect other.example/set:v2` shows the digest
        src/sub/a.orig: warning: this was left behind by a tool, and would be packed (junk)
          add `**/a.orig` to .kitignore to exclude it
        Kitfile:9:11: warning: the Kitfile lists `notes`, but .kitignore excludes it (ignored)
          remove the line from .kitignore, or remove the entry
        Kitfile:11:11: warning: `data` contains no files, so its layer would be empty (empty-layer)
          add files to it, or remove the entry
        left.txt: warning: not in any layer, and would not be packed (uncovered)
          add it to the Kitfile, or to .kitignore if it should not be packed
    "#]].assert_eq(&run.stdout);
    run.says("3 errors, ");
    let rows = sandbox.kit(&["validate", "p", "--format", "json"]).fails().json();
    assert_eq!(rows[0]["rule"], "secret");
    let rules = sandbox.kit(&["validate", "p", "--format", "{{.rule}}"]).fails().stdout;
    assert_eq!(rules.lines().count(), rows.as_array().unwrap().len());
}

#[test]
fn the_same_problem_of_many_files_is_one_line() {
    let sandbox = Sandbox::new();
    sandbox.project();
    for name in ["a", "b", "c", "d", "e"] {
        sandbox.write(&format!("project/{name}.txt"), "x");
    }
    let run = sandbox.kit(&["validate", "project"]).ok();
    let run = run.says("Kitfile: 0 errors, 6 warnings (with --strict, warnings are errors)\n");
    let last: Vec<_> = run.stdout.lines().skip(2).collect();
    assert_eq!(
        last,
        [
            "a.txt, b.txt, c.txt and 2 more: warning: not in any layer, and would not be packed (uncovered)",
            "  add it to the Kitfile, or to .kitignore if it should not be packed",
        ]
    );
    let rows = sandbox.kit(&["validate", "project", "--format", "json"]).ok().json();
    assert_eq!(rows.as_array().unwrap().len(), 6, "scripts get all");
}

#[test]
fn parser_errors_are_reported_with_their_position() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncoed: []\nmodel:\n  path: ../x\n");
    let run = sandbox.kit(&["validate", "p"]).fails();
    expect![[r#"
        Kitfile:2:1: error: unknown field `coed`; did you mean `code`? (kitfile)
          correct it; `kit schema` describes every field
        Kitfile:4:9: error: the path `../x` leads outside the folder of the Kitfile (model) (kitfile)
          correct it; `kit schema` describes every field
    "#]]
    .assert_eq(&run.stdout);
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ndocs:\n  - path: a\n");
    sandbox.write("p/a", "");
    sandbox.write("p/.kitignore", "[\n");
    sandbox.kit(&["validate", "p"]).fails().prints(".kitignore: error: invalid .kitignore file");
    sandbox.kit(&["validate", "nowhere"]).fails();
}

#[test]
fn warnings_fail_only_where_they_shall() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["validate", "project"]).ok().prints("(licence)");
    sandbox.kit(&["validate", "project", "--strict"]).fails().says("0 errors, 1 warning");
    let everything = "manifestVersion: 1.0.0\npackage: {license: MIT}\ncode: [{path: .}]\n";
    sandbox.write("other.yaml", everything);
    sandbox.kit(&["validate", "project", "--strict", "-f", "other.yaml"]).fails().prints("(misplaced)");
    sandbox.write("other.yaml", format!("{everything}model: {{path: weights}}\ndatasets: [{{path: data}}]\n"));
    sandbox.kit(&["validate", "project", "--strict", "-f", "other.yaml"]).ok();
}

#[test]
fn the_schema_is_the_one_that_is_published() {
    let published = fs_err::read_to_string(repository().join("crates/core/src/kitfile/schema.json")).unwrap();
    assert_eq!(Sandbox::new().kit(&["schema"]).ok().stdout, published);
}

#[test]
fn the_advice_for_a_secret_names_its_entry_and_what_was_not_searched_is_named() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "package: {license: MIT}\ncode: [{path: prod.env}, {path: src}]\n");
    sandbox.write("p/prod.env", "PASSWORD=x\n");
    sandbox.write("p/src/credentials.json", "{}");
    let log = fs_err::File::create(sandbox.path("p/src/a.md")).unwrap();
    log.set_len(300 * 1024 * 1024).unwrap();
    let run = sandbox.kit(&["validate", "p"]).fails();
    for line in [
        "prod.env: error: a file with this name usually holds secrets (secret)\n",
        "  add `prod.env` to .kitignore to exclude it and delete its entry from the Kitfile; revoke the secret",
        "src/credentials.json: warning: a file with this name usually holds secrets (secret)\n  add \
         `src/credentials.json` to .kitignore to exclude it; revoke",
        "src/a.md: warning: not searched for secrets, because it is too large (300.0 MiB) (not-searched)\n",
    ] {
        assert!(run.stdout.contains(line), "{}", run.stdout);
    }
}

#[test]
fn a_token_in_data_is_a_warning_because_packing_does_not_refuse_it() {
    let sandbox = Sandbox::new();
    let token = format!("hf{}{}", '_', "aB".repeat(17));
    sandbox.write("p/Kitfile", "package: {license: MIT}\ndatasets: [{path: data}]\n");
    sandbox.write("p/data/issues.csv", format!("id,text\n1,{token}\n"));
    let run = sandbox.kit(&["validate", "p"]).ok();
    let line = "data/issues.csv:2: warning: this looks like a Hugging Face token (secret)\n";
    assert!(run.stdout.contains(line), "{}", run.stdout);
    sandbox.kit(&["pack", "p", "-t", "m:v1"]).ok();
}

#[test]
fn a_file_that_is_only_in_the_project_is_named_with_its_path() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Other", "package: {license: MIT}\ncode: [{path: a.py}]\n");
    sandbox.write("p/a.py", "");
    for args in [&["pack", "p", "-t", "m:v1"][..], &["validate", "p"]] {
        let run = sandbox.kit(&[args, &["-f", "Other"]].concat()).fails();
        run.says("there is no file `Other`; --file starts at the current folder: use `--file p/Other`");
        sandbox.kit(&[args, &["-f", "p/Other"]].concat()).ok();
    }
    sandbox.kit(&["pack", "p", "-t", "m:v1", "-f", "Missing"]).fails().says("cannot read the Kitfile `Missing`");
}
