//! `kit init NOTEBOOK`: the Kitfile for a notebook, and its code as modules.

use std::path::Path;
use std::process::Command;

use expect_test::expect;
use fs_err as fs;
use serde_json::{Value, json};

use kit_testkit::sandbox::Sandbox;

fn cell(tags: &[&str], source: &str) -> Value {
    json!({ "cell_type": "code", "metadata": { "tags": tags }, "execution_count": 1, "source": source,
        "outputs": [{ "output_type": "stream", "name": "stdout", "text": "x" }] })
}

/// A project whose notebook trains, measures and serves a model with nothing but the standard library.
fn project() -> Sandbox {
    let cells = [
        json!({ "cell_type": "markdown", "metadata": {}, "source": "# Mean" }),
        cell(&[], "%matplotlib inline\n!pip install -q sklearn_extra==0.3.0\nimport json\nfrom pathlib import Path\n"),
        cell(&[], "try:\n    import sklearn.svm as svm\nexcept ImportError:\n    svm = None\nimport helpers\n"),
        cell(&["parameters"], "epochs = 3\nrate: float = 0.5  # halves\nnames = ['a', 'b']\nstart = float(1)\n"),
        cell(&[], "DATA = Path('data')\nrows = [float(line) for line in open(DATA / 'train.csv')]\n"),
        cell(
            &[],
            "def step(w, x):\n    return w - rate * (w - x)\n\nclass Mean:\n    w = start\n\n    \
                   def fit(self, xs):\n        for _ in range(epochs):\n            for x in xs:\n                \
                   self.w = step(self.w, x)\n        return self\n",
        ),
        cell(
            &[],
            "model = Mean()\nmodel.fit(rows)\nnote = '''\nas it\n  is'''\nwith open('out/model.pkl', 'w') as f:\n    \
                   json.dump({'w': model.w}, f)\n",
        ),
        cell(
            &[],
            "def evaluate(model):\n    return max(abs(model.w - x) for x in rows)\n\
                   print('error', round(evaluate(model), 4))\n\
             %time worst = evaluate(model)\nif worst > 9:\n    !echo bad\n",
        ),
        cell(
            &[],
            "class Server:\n    def launch(self):\n        print('serving', round(model.w, 4), worst > 0)\n\n\
                   Server().launch()\n",
        ),
    ];
    let text = json!({ "cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5 }).to_string();
    let sandbox = Sandbox::new();
    sandbox.write("p/train.ipynb", text);
    sandbox.write("p/helpers.py", "X = 1\n");
    sandbox.write("p/data/train.csv", "1\n2\n3\n");
    sandbox.write("p/uv.lock", "[[package]]\nname = \"scikit-learn\"\nversion = \"1.4.0\"\n");
    sandbox
}

#[test]
fn the_kitfile_has_what_the_notebook_loads_and_writes() {
    let sandbox = project();
    let run = sandbox.kit(&["init", "p/train.ipynb", "--author", "Ada", "-o", "-"]).ok();
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
          authors: [Ada]
        code:
          # train.ipynb has the parameters epochs = 3, rate = 0.5, names = ['a', 'b'], start = float(1)
          # train.ipynb writes out/model.pkl, which does not exist yet
          # train.ipynb cell 7 looks like training
          # train.ipynb cell 8 looks like evaluation
          # train.ipynb cell 9 looks like serving
          # train.ipynb imports scikit-learn==1.4.0, sklearn_extra==0.3.0
          - path: train.ipynb
          - path: helpers.py
          - path: uv.lock
        datasets:
          - path: data/train.csv
    "#]]
    .assert_eq(&run.stdout);
    // The end is the same once the model exists.
    let (_, end) = run.stdout.split_once("  # train.ipynb cell 7").unwrap();
    sandbox.write("p/out/model.pkl", "{}");
    sandbox.kit(&["init", "p/train.ipynb", "--author", "Ada"]).ok().prints("Saved to path");
    assert!(sandbox.path("p/Kitfile").exists() && sandbox.path("p/.kitignore").exists());
    expect![[r#"
        manifestVersion: 1.0.0
        package:
          name: p
          authors: [Ada]
        model:
          name: model
          path: out/model.pkl
          parameters:
            epochs: 3
            names:
              - a
              - b
            rate: 0.5
        code:
          # train.ipynb has parameters without a literal value: start = float(1)
    "#]]
    .assert_eq(sandbox.read("p/Kitfile").strip_suffix(&format!("  # train.ipynb cell 7{end}")).unwrap());
    sandbox.kit(&["init", "p/train.ipynb"]).fails().says("already exists");
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
}

#[test]
#[cfg_attr(windows, ignore = "runs python3, which wine does not have")]
fn extracted_modules_do_what_the_notebook_does() {
    let sandbox = project();
    sandbox.write("p/out/.keep", "");
    let run = sandbox.kit(&["init", "p/train.ipynb", "--extract", "p/src", "--format", "json"]).ok();
    let names = ["parameters.py", "common.py", "train.py", "evaluate.py", "serve.py", "requirements.txt"];
    let extracted: Vec<_> = run.json()["extracted"].as_array().unwrap().iter().map(Value::to_string).collect();
    assert!(extracted.iter().zip(names).all(|(path, name)| path.contains(name)), "{extracted:?}");
    run.says("Extracted parameters.py, common.py, train.py, evaluate.py, serve.py, requirements.txt to p/src");
    assert_eq!(sandbox.read("p/src/requirements.txt"), "scikit-learn==1.4.0\nsklearn_extra==0.3.0\n");
    assert!(sandbox.read("p/Kitfile").contains("  - path: src\n"));
    expect![[r#"
        """The training of train.ipynb."""

        from functools import cache
        import json

        from common import Mean, rows


        @cache
        def run_training():
            """Trains the model as the notebook does."""
            # Cell 7
            model = Mean()
            model.fit(rows)
            note = '''
        as it
          is'''
            with open('out/model.pkl', 'w') as f:
                json.dump({'w': model.w}, f)
            return model


        if __name__ == "__main__":
            run_training()
    "#]]
    .assert_eq(&sandbox.read("p/src/train.py"));
    for name in names.iter().filter(|name| Path::new(name).extension() == Some("py".as_ref())) {
        let compiled =
            Command::new("python3").args(["-m", "py_compile"]).arg(sandbox.path("p/src").join(name)).output();
        let compiled = compiled.unwrap();
        assert!(compiled.status.success(), "{name}: {}", String::from_utf8_lossy(&compiled.stderr));
    }
    for (name, expected) in
        [("train.py", ""), ("evaluate.py", "error 1.4258\n"), ("serve.py", "error 1.4258\nserving 2.4258 True\n")]
    {
        let run = Command::new("python3")
            .arg(format!("src/{name}"))
            .current_dir(sandbox.path("p"))
            .env("PYTHONPATH", ".")
            .output()
            .unwrap();
        assert_eq!(String::from_utf8_lossy(&run.stdout), expected, "{name}: {}", String::from_utf8_lossy(&run.stderr));
    }
    assert!(sandbox.read("p/out/model.pkl").contains("\"w\""));
}

#[test]
fn nothing_is_overwritten_without_force() {
    let sandbox = project();
    sandbox.write("p/src/train.py", "mine");
    let run = sandbox.kit(&["init", "p/train.ipynb", "--extract", "p/src"]).fails();
    run.says("`p/src/train.py` already exists; use --force to overwrite it");
    assert!(!sandbox.path("p/Kitfile").exists(), "nothing is written");
    assert_eq!(sandbox.read("p/src/train.py"), "mine");
    sandbox.kit(&["init", "p/train.ipynb", "--extract", "p/src", "--force"]).ok();
    assert_ne!(sandbox.read("p/src/train.py"), "mine");
}

#[test]
fn other_files_are_refused() {
    let sandbox = project();
    sandbox.write("p/broken.ipynb", "{");
    sandbox.kit(&["init", "p/broken.ipynb"]).fails().says("`p/broken.ipynb` is not a notebook of format 3 or 4");
    sandbox.kit(&["init", "p/none.ipynb"]).exits(4).says("notebook `p/none.ipynb` does not exist");
    sandbox.kit(&["init", "p", "--extract", "src"]).exits(2).says("--extract requires a notebook");
    let other = json!({ "cells": [cell(&[], "x <- 1")], "metadata": { "kernelspec": { "language": "R" } } });
    sandbox.write("p/r.ipynb", other.to_string());
    sandbox.kit(&["init", "p/r.ipynb", "--extract", "src", "-o", "-"]).fails().says("it has no Python code");
    fs::remove_file(sandbox.path("p/r.ipynb")).unwrap();
}
