//! Drafts for listings.

use super::*;
use crate::kitfile::{to_yaml, validate};

/// A listing from `name`, `name=size` and `folder/name`; a name that ends with `/` is an empty folder.
fn listing(names: &[&str]) -> Vec<Found> {
    let mut all: Vec<Found> = Vec::new();
    for name in names {
        let (name, size) = name.split_once('=').map_or((*name, 1), |(name, size)| (name, size.parse().unwrap()));
        let Some((folder, inner)) = name.split_once('/') else {
            all.push(Found { name: name.to_owned(), kind: FoundKind::File { size } });
            continue;
        };
        let inner = (!inner.is_empty()).then(|| listing(&[&format!("{inner}={size}")]).remove(0));
        match all.iter_mut().find(|found| found.name == folder) {
            Some(Found { kind: FoundKind::Folder(content), .. }) => content.extend(inner),
            _ => all.push(Found { name: folder.to_owned(), kind: FoundKind::Folder(inner.into_iter().collect()) }),
        }
    }
    all
}

/// Compares the text after the manifest version.
fn check(names: &[&str], license: Option<&str>, expected: &str) {
    let kitfile = detect(&listing(names), Hints { license, ..Hints::default() }).kitfile;
    assert!(validate(&kitfile).is_empty());
    assert_eq!(to_yaml(&kitfile), format!("manifestVersion: 1.0.0\n{expected}"), "{names:?}");
}

#[test]
fn files_go_where_their_names_say() {
    for (names, expected) in [
        (&[][..], ""),
        (&["Kitfile", ".kitfile", ".kitignore", "Kitfile.lock"], ""),
        (&["net.GGUF"], "model:\n  name: net\n  path: net.GGUF\n"),
        (
            &["README.md", "License", "a.pdf"],
            "docs:\n  - path: License\n    description: License file\n  - path: README.md\n    description: \
             Readme file\n  - path: a.pdf\n",
        ),
        (&["b.csv", "a.parquet"], "datasets:\n  - path: a.parquet\n  - path: b.csv\n"),
        (&["a.json"], "datasets:\n  - path: a.json\n"),
        (&["m.onnx", "config.json"], "model:\n  name: m\n  path: m.onnx\n  parts:\n    - path: config.json\n"),
        (&["train.py", "src/x.py"], "code:\n  - path: .\n"),
        (&["b.ipynb", "a.IPYNB", "c.csv"], "code:\n  - path: a.IPYNB\n  - path: b.ipynb\ndatasets:\n  - path: c.csv\n"),
        (&["x.ipynb", "x.py"], "code:\n  - path: .\n"),
        (&[".env", ".git/config", ".gitattributes", "__pycache__/a.pyc", "a.csv"], "datasets:\n  - path: a.csv\n"),
        (
            &["requirements.txt", "COPYING"],
            "code:\n  - path: .\ndocs:\n  - path: COPYING\n    description: License file\n",
        ),
        (
            &["m.bin", "tokenizer.model", "train.jsonl"],
            "model:\n  name: m\n  path: m.bin\n  parts:\n    - path: tokenizer.model\ndatasets:\n  - path: \
             train.jsonl\n",
        ),
        (&["AGENTS.md", "triage.prompt.yml"], "prompts:\n  - path: AGENTS.md\n  - path: triage.prompt.yml\n"),
    ] {
        check(names, None, expected);
    }
}

#[test]
fn the_model_is_the_file_that_dwarfs_the_others() {
    for (names, expected) in [
        (&["a.bin=1", "b.bin=9"][..], "  name: b\n  path: b.bin\n  parts:\n    - path: a.bin\n"),
        (&["b.bin=5", "a.bin=4"], "  path: a.bin\n  parts:\n    - path: b.bin\n"),
        (
            &["clf.pkl=9", "model.safetensors"],
            "  name: model\n  path: model.safetensors\n  parts:\n    - path: clf.pkl\n",
        ),
        (
            &["features.pkl=9", "model.joblib", "scaler.pkl"],
            "  name: model\n  path: model.joblib\n  parts:\n    - path: features.pkl\n    - path: scaler.pkl\n",
        ),
        (&["scaler.pkl"], "  name: scaler\n  path: scaler.pkl\n"),
        (&["a.bin=0", "b.bin=0"], "  path: a.bin\n  parts:\n    - path: b.bin\n"),
        (
            &["a.bin=5", "m-00001-of-00002.bin=9", "m-00002-of-00002.bin=9"],
            "  name: m\n  path: m-00001-of-00002.bin\n  parts:\n    - path: a.bin\n    - path: \
             m-00002-of-00002.bin\n",
        ),
        (
            &["m-00001-of-00002.bin=1", "m-00002-of-00002.bin=1"],
            "  name: m\n  path: m-00001-of-00002.bin\n  parts:\n    - path: m-00002-of-00002.bin\n",
        ),
        (&["a.bin=18446744073709551615", "b.bin=18446744073709551615"], "  path: a.bin\n  parts:\n    - path: b.bin\n"),
    ] {
        check(names, None, &format!("model:\n{expected}"));
    }
}

#[test]
fn folders_go_by_name_or_by_content() {
    for (names, expected) in [
        (&["docs/a.bin", "src/a.bin"][..], "code:\n  - path: src\ndocs:\n  - path: docs\n"),
        (&["data/README.md", "data/a.csv", "prompts/a.md"], "datasets:\n  - path: data\nprompts:\n  - path: prompts\n"),
        (&["d/a.csv", "d/b.zip", "d/m.json"], "datasets:\n  - path: d\n"),
        (&["d/README", "d/a.md"], "docs:\n  - path: d\n"),
        (&["p/a.prompt.md", "p/a.prompt"], "prompts:\n  - path: p\n"),
        (&["p/skill.md", "p/run.py"], "prompts:\n  - path: p\n"),
        (&["docs/Skill.MD", "docs/a.pdf"], "prompts:\n  - path: docs\n"),
        (&["SKILL.md", "run.py", "m.bin", "LICENSE"], "prompts:\n  - path: .\n"),
        (&["d/a.csv", "d/.hidden", "d/Thumbs.db"], "datasets:\n  - path: d\n"),
        (
            &["a/x.ipynb", "b/x.ipynb", "c/x.ipynb", "d/x.ipynb", "e/x.ipynb", "f/x.ipynb", "g/x.ipynb", "g/m.json"],
            "code:\n  - path: a\n  - path: b\n  - path: c\n  - path: d\n  - path: e\n  - path: f\n  - path: g\n",
        ),
        (
            &["w/a.bin=9", "w/b.bin=1", "w/t.json"],
            "model:\n  name: w/a\n  path: w/a.bin\n  parts:\n    - path: w/b.bin\n    - path: w/t.json\n",
        ),
        (&["w/a.bin", "w/x.py"], "model:\n  name: w/a\n  path: w/a.bin\ncode:\n  - path: w\n"),
        (&["w/", "x/m.json"], "code:\n  - path: w\ndatasets:\n  - path: x\n"),
        (&["w/", "x/m.yaml"], "code:\n  - path: w\n  - path: x\n"),
        (&["a/", "b/", "c/", "d/", "e/"], "code:\n  - path: a\n  - path: b\n  - path: c\n  - path: d\n  - path: e\n"),
        (&["a/", "b/", "c/", "d/", "e/", "f/"], "code:\n  - path: .\n"),
    ] {
        check(names, None, expected);
    }
}

#[test]
fn a_folder_of_the_model_is_not_code() {
    let names = ["model.bin=9", "modules.json", "1_Pooling/config.json", "2_Dense/x.bin", "2_Dense/a.dat", "etc/a.py"];
    let model_folders = &["1_Pooling".to_owned(), "2_Dense".to_owned()];
    let kitfile = detect(&listing(&names), Hints { model_folders, ..Hints::default() }).kitfile;
    let expected = "manifestVersion: 1.0.0\nmodel:\n  name: model\n  path: model.bin\n  parts:\n    - path: \
                    2_Dense/x.bin\n    - path: 1_Pooling/config.json\n    - path: 2_Dense/a.dat\n    - path: \
                    modules.json\ncode:\n  - path: etc\n";
    assert_eq!(to_yaml(&kitfile), expected);
}

#[test]
fn checkpoints_in_a_folder_of_their_own_are_left_out_beside_the_final_model() {
    let checkpoint = ["checkpoints/checkpoint-100/model.safetensors", "checkpoints/checkpoint-100/trainer_state.json"];
    let names = [&["model.safetensors", "config.json"][..], &checkpoint].concat();
    let Detected { kitfile, left_out } = detect(&listing(&names), Hints::default());
    let parts: Vec<_> = kitfile.model.iter().flat_map(|model| &model.parts).map(|part| part.path.as_str()).collect();
    assert_eq!((parts, left_out), (vec!["config.json"], vec!["checkpoints/checkpoint-100".to_owned()]));
    let kitfile = detect(&listing(&checkpoint), Hints::default()).kitfile;
    assert_eq!(kitfile.model.unwrap().path, checkpoint[0], "without another model, the checkpoint is the result");
}

#[test]
fn files_of_subfolders_get_entries_down_to_the_depth() {
    let names = ["a/README.md", "a/m.bin", "a/x.py", "b/a.csv", "train.py"];
    let kitfile = detect(&listing(&names), Hints { depth: 1, ..Hints::default() }).kitfile;
    let expected = "manifestVersion: 1.0.0\nmodel:\n  name: a/m\n  path: a/m.bin\ncode:\n  - path: a/x.py\n  - \
                    path: train.py\ndatasets:\n  - path: b/a.csv\ndocs:\n  - path: a/README.md\n    \
                    description: Readme file\n";
    assert_eq!(to_yaml(&kitfile), expected);
}

#[test]
fn a_licence_applies_to_the_main_part() {
    for (names, expected) in [
        (&["m.bin", "a.csv"][..], "model:\n  name: m\n  path: m.bin\n  license: MIT\ndatasets:\n  - path: a.csv\n"),
        (&["a.csv", "src/"], "code:\n  - path: src\ndatasets:\n  - path: a.csv\n    license: MIT\n"),
        (
            &["a.csv", "b.csv", "src/"],
            "code:\n  - path: src\n    license: MIT\ndatasets:\n  - path: a.csv\n  - path: b.csv\n",
        ),
        (&[], "package:\n  license: MIT\n"),
    ] {
        check(names, Some("MIT"), expected);
    }
}

proptest::proptest! {
    #[test]
    fn any_listing_gives_a_valid_kitfile(
                names in proptest::collection::btree_set(
                    "[a-z ]{1,3}(/|/?[a-c]{0,2}\\.(bin|csv|md|json|py|ipynb|prompt|onnx))",
                    0..12,
                ),
            ) {
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        for depth in [0, 1] {
            let named = &["a".to_owned()];
            let hints = Hints { license: Some("MIT"), depth, model_folders: named, models: named, model_files: named };
            assert!(validate(&detect(&listing(&names), hints).kitfile).is_empty());
        }
    }
}
