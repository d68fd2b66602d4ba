//! Notebooks that are packed without their outputs.

use fs_err as fs;
use serde_json::json;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

/// A token, assembled at run time, so that scanners do not report this file.
fn token() -> String {
    format!("hf{}{}", '_', "aB".repeat(17))
}

/// The text of a notebook as Jupyter saves it, with an output, an execution count and the state of the interface.
fn notebook(output: &str, count: u64) -> String {
    format!(
        r##"{{
 "cells": [
  {{
   "cell_type": "code",
   "execution_count": {count},
   "metadata": {{
    "scrolled": true
   }},
   "outputs": [
    {{
     "name": "stdout",
     "output_type": "stream",
     "text": [
      "{output}\n"
     ]
    }}
   ],
   "source": [
    "print('é')"
   ]
  }}
 ],
 "metadata": {{
  "kernelspec": {{"display_name": "Python 3", "language": "python", "name": "python3"}}
 }},
 "nbformat": 4,
 "nbformat_minor": 5
}}
"##
    )
}

const STRIPPED: &str = r##"{
 "cells": [
  {
   "cell_type": "code",
   "execution_count": null,
   "metadata": {},
   "outputs": [],
   "source": [
    "print('é')"
   ]
  }
 ],
 "metadata": {
  "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"}
 },
 "nbformat": 4,
 "nbformat_minor": 5
}
"##;

fn project(text: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: nb}, {path: train.ipynb}]\n");
    sandbox.write("p/train.ipynb", text);
    sandbox.write("p/nb/deep/explore.IPYNB", text);
    sandbox.write("p/nb/plain.py", "x = 1\n");
    sandbox
}

#[test]
fn notebooks_are_packed_without_outputs_in_every_form() {
    for flags in [
        &[][..],
        &["--compression", "zstd"],
        &["--layer-format", "raw"],
        &["--layer-format", "raw", "--compression", "gzip"],
        &["--link"],
        &["--use-model-pack"],
        &["--no-cache"],
    ] {
        let sandbox = project(&notebook(&token(), 7));
        sandbox.kit(&["pack", "p", "-t", "a:v1"]).exits(8).says("this looks like a Hugging Face token");
        let before = fs::read(sandbox.path("p/train.ipynb")).unwrap();
        let run = sandbox.kit(&[&["pack", "p", "-t", "a:v1", "--strip-outputs"], flags].concat()).ok();
        run.says("Packed 2 notebooks without outputs");
        assert_eq!(fs::read(sandbox.path("p/train.ipynb")).unwrap(), before, "the working copy is untouched");
        let digest = sandbox.kit(&["inspect", "a:v1", "--format", "{{.digest}}"]).ok().stdout;
        // The layers are remembered under another key than those with outputs.
        sandbox.kit(&[&["pack", "p", "-t", "a:v1", "--strip-outputs"], flags].concat()).ok();
        assert_eq!(sandbox.kit(&["inspect", "a:v1", "--format", "{{.digest}}"]).ok().stdout, digest);
        sandbox.write("p/train.ipynb", notebook("other", 8));
        sandbox.kit(&[&["pack", "p", "-t", "a:v1", "--strip-outputs"], flags].concat()).ok();
        assert_eq!(sandbox.kit(&["inspect", "a:v1", "--format", "{{.digest}}"]).ok().stdout, digest, "{flags:?}");
        sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
        for path in ["out/train.ipynb", "out/nb/deep/explore.IPYNB"] {
            assert_eq!(sandbox.read(path), STRIPPED, "{flags:?}");
        }
        let listed = sandbox.kit(&["ls", "a:v1", "--format", "{{.path}} {{.sizeBytes}}"]).ok().stdout;
        assert!(listed.contains(&format!("train.ipynb {}", STRIPPED.len())), "{listed}");
        sandbox.kit(&["verify", "out", "a:v1", "--exact"]).ok();
        sandbox.kit(&["fsck"]).ok();
    }
}

#[test]
fn the_choice_is_part_of_the_key_of_remembered_layers() {
    let sandbox = project(&notebook("1", 1));
    sandbox.kit(&["pack", "p", "-t", "a:whole"]).ok();
    sandbox.kit(&["pack", "p", "-t", "a:stripped", "--strip-outputs"]).ok();
    sandbox.kit(&["pack", "p", "-t", "a:again"]).ok();
    assert_eq!(sandbox.kit(&["cat", "a:stripped//train.ipynb"]).ok().stdout, STRIPPED);
    assert_eq!(sandbox.kit(&["cat", "a:again//train.ipynb"]).ok().stdout, notebook("1", 1));
}

#[test]
fn locks_plans_and_registries_have_the_stripped_bytes() {
    let (sandbox, registry) = (project(&notebook(&token(), 3)), FakeRegistry::start());
    let remote = format!("{}/team/study:v1", registry.host());
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--strip-outputs", "--lock"]).ok();
    sandbox.write("p/train.ipynb", notebook("other", 4));
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--strip-outputs", "--locked"]).ok();
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--locked"]).fails();
    sandbox.kit(&["pack", "p", "--strip-outputs", "--dry-run"]).ok();
    sandbox.kit(&["pack", "p", "--strip-outputs", "--scan", "-t", "a:v2"]).ok();
    sandbox.kit(&["pack", "p", "--push", &remote, "--plain-http", "--strip-outputs"]).ok();
    let text = sandbox.kit(&["cat", &format!("{remote}//train.ipynb"), "--remote", "--plain-http"]).ok().stdout;
    assert_eq!(text, STRIPPED);
}

#[test]
fn what_is_not_a_notebook_is_packed_as_it_is_with_a_warning() {
    let sandbox = project("{\"cells\": [");
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1", "--strip-outputs"]).ok();
    run.says("cannot be read as notebooks: `nb/deep/explore.IPYNB`, `train.ipynb`");
    assert_eq!(sandbox.kit(&["cat", "a:v1//train.ipynb"]).ok().stdout, "{\"cells\": [");
    let sandbox = project(STRIPPED);
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1", "--strip-outputs"]).ok();
    assert!(!run.stderr.contains("without outputs"), "{}", run.stderr);
}

#[test]
fn a_secret_in_an_output_is_found_with_its_cell() {
    let escaped = token().replace('B', "\\u0042");
    for text in [token(), escaped] {
        let sandbox = project(&notebook(&text, 1));
        let run = sandbox.kit(&["scan", "p/train.ipynb", "--format", "json"]).fails();
        let found = &run.json()["findings"][0];
        assert_eq!((&found["rule"], &found["cell"], &found["output"]), (&json!("secret"), &json!(1), &json!(true)));
        sandbox.kit(&["scan", "p/train.ipynb"]).fails().prints("cell 1, output");
    }
}
