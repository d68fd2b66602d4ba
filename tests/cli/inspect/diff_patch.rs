//! `diff --patch`: the changed lines of small texts, whose control characters never reach the terminal.

use std::process::Command;

use expect_test::expect;
use serde_json::json;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const KITFILE: &str = "manifestVersion: 1.0.0\ncode: [{path: src}]\n";

/// A sandbox with `code:v1`, and with changes in the folder `project`.
fn changed(compression: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", KITFILE);
    sandbox.write("project/src/config.json", "{\n  \"rate\": 0.1,\n  \"steps\": 10\n}\n");
    sandbox.write("project/src/gone.sh", "echo\n");
    sandbox.write("project/src/image.bin", b"\0\x01\x02");
    sandbox.write("project/src/README.md", "Text\n````\n\u{1b}[2Jcode\n````\n");
    sandbox.kit(&["pack", "project", "-t", "code:v1", "--compression", compression]).ok();
    sandbox.write("project/src/config.json", "{\n  \"rate\": 0.2,\n  \"batch\": 8,\n  \"steps\": 10\n}\n");
    fs_err::remove_file(sandbox.path("project/src/gone.sh")).unwrap();
    sandbox.write("project/src/new.py", "pass");
    sandbox.write("project/src/image.bin", b"\0\x03\x02");
    sandbox.write("project/src/README.md", "Text\n````\n\u{1b}[2Jcode\r\n````\n");
    sandbox
}

#[test]
fn changed_lines_are_counted_and_shown_if_asked_for() {
    for compression in ["none", "zstd"] {
        let sandbox = changed(compression);
        let table = sandbox.kit(&["diff", "code:v1", "project", "--only", "configuration"]).ok();
        expect![[r#"
            code:v1 → project    concerns: configuration
            Files                1 changed
              ~ src/config.json  33 B → 47 B   +2 −1
        "#]]
        .assert_eq(&table.stdout);
        let table = sandbox.kit(&["diff", "code:v1", "project", "--only", "code", "--patch"]).ok();
        let short = sandbox.kit(&["diff", "code:v1", "project", "--only", "code", "-p"]).ok();
        assert_eq!(short.stdout, table.stdout, "the spelling of kit 0.1");
        expect![[r#"
            code:v1 → project    concerns: code
            Files              2 changed, 1 added, 1 removed
              ~ src/README.md  24 B → 25 B   +1 −1
              - src/gone.sh    5 B   +0 −1
              ~ src/image.bin  3 B
              + src/new.py     4 B   +1 −0

            --- a/src/README.md
            +++ b/src/README.md
            @@ -1,4 +1,4 @@
             Text
             ````
            -\u{1b}[2Jcode
            +\u{1b}[2Jcode\r
             ````

            --- a/src/gone.sh
            +++ /dev/null
            @@ -1 +0,0 @@
            -echo

            --- /dev/null
            +++ b/src/new.py
            @@ -0,0 +1 @@
            +pass
            \ No newline at end of file
        "#]]
        .assert_eq(&table.stdout);
    }
}

#[test]
fn in_markdown_no_text_leaves_its_fence() {
    let sandbox = changed("none");
    let run = sandbox.kit(&["diff", "code:v1", "project", "--patch", "--format", "markdown"]).ok();
    expect![[r#"
        **`code:v1` → `project`** · concerns: code, configuration

        3 changed, 1 added, 1 removed

        | File | change | |
        |---|---|---|
        | `src/README.md` | changed | 24 B → 25 B, +1 −1 |
        | `src/config.json` | changed | 33 B → 47 B, +2 −1 |
        | `src/gone.sh` | removed | 5 B, +0 −1 |
        | `src/image.bin` | changed | 3 B |
        | `src/new.py` | added | 4 B, +1 −0 |

        `````diff
        --- a/src/README.md
        +++ b/src/README.md
        @@ -1,4 +1,4 @@
         Text
         ````
        -\u{1b}[2Jcode
        +\u{1b}[2Jcode\r
         ````
        `````

        ```diff
        --- a/src/config.json
        +++ b/src/config.json
        @@ -1,4 +1,5 @@
         {
        -  "rate": 0.1,
        +  "rate": 0.2,
        +  "batch": 8,
           "steps": 10
         }
        ```

        ```diff
        --- a/src/gone.sh
        +++ /dev/null
        @@ -1 +0,0 @@
        -echo
        ```

        ```diff
        --- /dev/null
        +++ b/src/new.py
        @@ -0,0 +1 @@
        +pass
        \ No newline at end of file
        ```
    "#]]
    .assert_eq(&run.stdout);
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn git_applies_patches_of_json_output() {
    let sandbox = changed("none");
    sandbox.kit(&["unpack", "code:v1", "-d", "tree"]).ok();
    let run = sandbox.kit(&["diff", "code:v1", "project", "--patch", "--format", "json"]).ok().json();
    let patches = run["files"].as_array().unwrap().iter().filter_map(|file| file["text"]["patch"].as_str());
    let patch = sandbox.write("all.patch", patches.collect::<String>());
    let applied = Command::new("git").arg("apply").arg(patch).current_dir(sandbox.path("tree")).output().unwrap();
    assert!(applied.status.success(), "{applied:?}");
    for name in ["README.md", "config.json", "new.py"] {
        assert_eq!(sandbox.read(&format!("tree/src/{name}")), sandbox.read(&format!("project/src/{name}")));
    }
    assert!(!sandbox.path("tree/src/gone.sh").exists());
    let without = sandbox.kit(&["diff", "code:v1", "project", "--format", "json"]).ok().json();
    assert_eq!(without["files"][1]["text"], json!({ "added": 2, "removed": 1, "patch": null }));
}

#[test]
fn only_small_remote_files_are_read_for_their_lines() {
    let (sandbox, registry) = (changed("none"), FakeRegistry::start());
    let name = format!("{}/code:v1", registry.host());
    sandbox.kit(&["push", "code:v1", &name, "--plain-http"]).ok();
    let remote = format!("remote://{name}");
    let diff = |limit: &str| {
        let args = ["diff", &remote, "project", "--plain-http", "--only", "configuration", "--read-limit", limit];
        sandbox.kit(&args).ok().stdout
    };
    assert!(diff("33").contains("33 B → 47 B   +2 −1"));
    assert!(!diff("32").contains("+2 −1"));
}
