//! `diff` of notebooks: by cell, without outputs and execution counts.

use expect_test::expect;
use serde_json::{Value, json};

use kit_testkit::sandbox::Sandbox;

fn code(source: &str, count: u64) -> Value {
    json!({ "cell_type": "code", "source": source, "execution_count": count, "metadata": { "scrolled": count == 1 },
        "outputs": [{ "output_type": "stream", "name": "stdout", "text": format!("run {count}\n") }] })
}

fn write(sandbox: &Sandbox, cells: &[Value]) {
    let text = json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4 }).to_string();
    sandbox.write("p/train.ipynb", text);
}

/// A sandbox with `a:v1`, and with another version of its notebook in the folder `p`.
fn changed(after: &[Value]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: train.ipynb}]\n");
    let [load, train, show] = ["rows = load()\nprint(rows)\n", "model.fit(rows)\n", "model.show()\n"];
    write(&sandbox, &[code(load, 1), code(train, 1), code(show, 1)]);
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    write(&sandbox, after);
    sandbox
}

#[test]
fn cells_are_compared_and_their_outputs_are_not() {
    let sandbox = changed(&[
        code("model.show()\n", 4),
        code("rows = load()\nprint(len(rows))\n", 2),
        json!({ "cell_type": "markdown", "source": "# New\n", "metadata": {} }),
    ]);
    expect![[r#"
        a:v1 → p    concerns: code
        Files            1 changed
          ~ train.ipynb  572 B → 468 B   cells: 1 changed, 1 added, 1 removed   outputs of 2 cells changed
              - cell 2 (code)   +0 −1
              ~ cell 2 (code)   +1 −1   moved from 1
              + cell 3 (markdown)   +1 −0
    "#]]
    .assert_eq(&sandbox.kit(&["diff", "a:v1", "p", "--only", "code"]).ok().stdout);
    expect![[r#"
        a:v1 → p    concerns: code
        Files            1 changed
          ~ train.ipynb  572 B → 468 B   cells: 1 changed, 1 added, 1 removed   outputs of 2 cells changed
              - cell 2 (code)   +0 −1
              ~ cell 2 (code)   +1 −1   moved from 1
              + cell 3 (markdown)   +1 −0

        --- a/train.ipynb, cell 2
        +++ /dev/null
        @@ -1 +0,0 @@
        -model.fit(rows)

        --- a/train.ipynb, cell 1
        +++ b/train.ipynb, cell 2
        @@ -1,2 +1,2 @@
         rows = load()
        -print(rows)
        +print(len(rows))

        --- /dev/null
        +++ b/train.ipynb, cell 3
        @@ -0,0 +1 @@
        +# New
    "#]]
    .assert_eq(&sandbox.kit(&["diff", "a:v1", "p", "--only", "code", "--patch"]).ok().stdout);
    let found = sandbox.kit(&["diff", "a:v1", "p", "--format", "json"]).ok().json();
    let file = &found["files"][0];
    assert_eq!(file["text"], Value::Null);
    assert_eq!(file["notebook"]["outputsOnly"], json!(false));
    let changes: Vec<_> = file["notebook"]["cells"].as_array().unwrap().iter().map(|cell| &cell["change"]).collect();
    assert_eq!(changes, ["removed", "changed", "added"].map(|word| json!(word)).iter().collect::<Vec<_>>());
    sandbox.kit(&["diff", "a:v1", "p", "--format", "markdown"]).ok().prints("cells: 1 changed, 1 added, 1 removed");
}

#[test]
fn a_run_changes_only_outputs() {
    let sandbox = changed(&["rows = load()\nprint(rows)\n", "model.fit(rows)\n", "model.show()\n"].map(|s| code(s, 9)));
    sandbox.kit(&["diff", "a:v1", "p"]).ok().prints("outputs only");
    let found = sandbox.kit(&["diff", "a:v1", "p", "--format", "json"]).ok().json();
    let notebook = &found["files"][0]["notebook"];
    assert_eq!((&notebook["outputsOnly"], &notebook["outputsChanged"]), (&json!(true), &json!(3)));
    sandbox.kit(&["pack", "p", "-t", "a:v2"]).ok();
    sandbox.kit(&["diff", "a:v1", "a:v2", "--for", "app"]).ok().prints("compatible");
}

#[test]
fn what_is_not_a_notebook_is_compared_as_a_text() {
    let sandbox = changed(&[]);
    sandbox.write("p/train.ipynb", "{");
    let found = sandbox.kit(&["diff", "a:v1", "p", "--format", "json"]).ok().json();
    assert_eq!(found["files"][0]["notebook"], Value::Null);
    assert_eq!(found["files"][0]["text"]["added"], json!(1));
}
