//! `kit scan`: folders, files and ModelKits, the formats of its output and its exit codes.

use std::collections::BTreeMap;

use expect_test::expect;
use fs_err as fs;
use serde_json::{Value, json};

use kit_testkit::platform::symlink;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Sandbox, repository};

/// A pickle that calls `os.system`.
const EVIL: &[u8] = b"\x80\x02cos\nsystem\nX\x02\0\0\0id\x85R.";
/// A pickle that creates an object of an unknown class.
const UNKNOWN: &[u8] = b"\x80\x02cmycompany.models\nRanker\n)\x81.";

fn token() -> String {
    format!("ghp{}{}", '_', "aB".repeat(18))
}

/// A project with findings of all levels.
fn project() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write(
        "p/Kitfile",
        "manifestVersion: 1.0.0\npackage:\n  name: p\nmodel:\n  name: m\n  path: weights\ncode:\n- path: src\n",
    );
    sandbox.write("p/weights/model.pkl", EVIL);
    sandbox.write("p/weights/head.pkl", UNKNOWN);
    sandbox.write("p/weights/modeling.py", "print()\n");
    sandbox.write("p/src/train.py", format!("x = 1\ntoken = '{}'\n", token()));
    sandbox
}

#[test]
fn findings_are_lines_and_high_ones_fail() {
    let sandbox = project();
    let run = sandbox.kit(&["scan", "p"]).exits(1);
    expect![[r#"
        high    src/train.py         secret         a GitHub token               line 2
        medium  weights/head.pkl     pickle-global  mycompany.models.Ranker      offset 2
        high    weights/model.pkl    pickle-global  os.system                    offset 2
        low     weights/modeling.py  code           Python source among weights
    "#]]
    .assert_eq(&run.stdout);
    assert!(!run.stdout.contains(&token()) && !run.stderr.contains(&token()));
    let run = run.says("5 files, ").says(": 2 high, 1 medium, 1 low · ");
    run.says("error: `p` has 2 findings of level high");
    sandbox.kit(&["scan", "p", "--fail-on", "never"]).ok();
    sandbox.write(
        "p/Kitfile",
        sandbox.read("p/Kitfile").replace("name: p", &format!("name: p\n  description: {}", token())),
    );
    sandbox.kit(&["scan", "p", "--filter", "kitfile"]).exits(1).prints("high  Kitfile  secret");
    sandbox.kit(&["scan", "p/src/train.py"]).exits(1).prints("high  p/src/train.py");
    sandbox.kit(&["scan", "p", "--filter", "model"]).exits(1).says("1 high, 1 medium, 1 low");
}

#[test]
fn the_lowest_level_that_fails_is_a_choice() {
    let sandbox = project();
    fs::remove_file(sandbox.path("p/weights/model.pkl")).unwrap();
    fs::remove_file(sandbox.path("p/src/train.py")).unwrap();
    for (level, code) in [("high", 0), ("medium", 1), ("low", 1), ("never", 0)] {
        sandbox.kit(&["scan", "p/weights", "--fail-on", level]).exits(code);
    }
    let allowed = ["scan", "p/weights", "--fail-on", "medium", "--allow-global"];
    for global in ["mycompany.*", "mycompany.models.Ranker"] {
        sandbox.kit(&[&allowed[..], &[global]].concat()).exits(0);
    }
    sandbox.kit(&[&allowed[..], &["mycompany.models.Other"]].concat()).exits(1);
    sandbox.kit(&[&allowed[..], &["os system"]].concat()).exits(2).says("MODULE.NAME");
    sandbox.write("kit/config.toml", "[scan]\nallow-globals = [\"mycompany.*\"]\n");
    let run = sandbox.kit(&["scan", "p/weights", "--fail-on", "medium", "--format", "json"]).exits(0);
    assert_eq!(run.json()["scanner"]["allowedGlobals"], json!(["mycompany.*"]));
    sandbox.write("kit/config.toml", "[scan]\nallow-globals = [\"no name\"]\n");
    sandbox.kit(&["scan", "p"]).exits(2).says("`allow-globals` must be a list of imports");
}

/// The paths, rules and levels of the findings.
fn findings(document: &Value) -> Vec<String> {
    let text = |finding: &Value, key: &str| finding[key].as_str().unwrap().to_owned();
    let finding = |finding: &Value| ["path", "rule", "level"].map(|key| text(finding, key)).join(" ");
    let mut findings: Vec<_> = document["findings"].as_array().unwrap().iter().map(finding).collect();
    findings.sort();
    findings
}

#[test]
fn a_modelkit_has_the_findings_of_its_folder_wherever_it_is() {
    let sandbox = project();
    let registry = FakeRegistry::start();
    sandbox.allow_plain_http(registry.host());
    let expected = findings(&sandbox.kit(&["scan", "p", "--format", "json"]).exits(1).json());
    assert_eq!(expected.len(), 4);
    for compression in ["none", "gzip", "zstd"] {
        let name = format!("{}/p:{compression}", registry.host());
        let pack = ["pack", "p", "-t", &name, "--compression", compression, "--allow-secrets", "--no-scan"];
        sandbox.kit(&pack).ok();
        let local = sandbox.kit(&["scan", &name, "--format", "json"]).exits(1).json();
        assert_eq!(findings(&local), expected, "{compression}");
        assert!(local["digest"].as_str().unwrap().starts_with("sha256:"));
        sandbox.kit(&["push", &name, "--allow-secrets"]).ok();
        let remote = sandbox.kit(&["scan", &name, "--remote", "--format", "json"]).exits(1).json();
        assert_eq!(remote, local);
        let layout = format!("oci:layout:{compression}");
        sandbox.kit(&["copy", &name, &layout]).ok();
        assert_eq!(findings(&sandbox.kit(&["scan", &layout, "--format", "json"]).exits(1).json()), expected);
    }
    let one = sandbox.kit(&["scan", &format!("{}/p:none", registry.host()), "-f", "code"]).exits(1);
    assert_eq!(one.stdout.lines().count(), 1);
}

#[test]
fn files_of_the_kitfile_are_scanned_although_they_are_ignored() {
    let sandbox = project();
    sandbox.write("p/.kitignore", "weights/model.pkl\nsrc\nother\n");
    sandbox.write("p/other/x.py", token());
    let found = findings(&sandbox.kit(&["scan", "p", "--format", "json"]).exits(1).json());
    let expected =
        ["src/train.py secret high", "weights/head.pkl pickle-global medium", "weights/modeling.py code low"];
    assert_eq!(found, expected);
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn links_out_of_the_folder_are_refused_or_followed_as_when_packing() {
    let sandbox = Sandbox::new();
    sandbox.write("cache/blob", EVIL);
    sandbox.write("cache/folder/inner.pkl", EVIL);
    for (link, target) in [("model.pkl", "../../cache/blob"), ("more", "../../cache/folder")] {
        for kitfile in [Some("manifestVersion: 1.0.0\nmodel: {path: weights}\n"), None] {
            fs::remove_dir_all(sandbox.path("p")).unwrap_or_default();
            sandbox.write("p/weights/plain.pkl", UNKNOWN);
            if let Some(kitfile) = kitfile {
                sandbox.write("p/Kitfile", kitfile);
            }
            symlink(target, sandbox.path(&format!("p/weights/{link}"))).unwrap();
            let run = sandbox.kit(&["scan", "p", "--fail-on", "never"]).exits(8);
            assert_eq!(run.stdout, "", "nothing of what the link leads to");
            run.says(&format!("it is a symbolic link to `{target}`, outside of the context folder"));
            let run = sandbox.kit(&["scan", "p", "--follow-symlinks"]).exits(1);
            run.prints(&format!("high    weights/{link}")).prints("os.system");
        }
        let pack = ["pack", "p", "-t", "p:v1", "--scan"];
        sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: weights}\n");
        sandbox.kit(&pack).fails().says("outside of the context folder");
        sandbox.kit(&[&pack[..], &["--follow-symlinks"]].concat()).fails().says("the scan has 1 finding of level high");
    }
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn a_link_inside_the_folder_is_followed() {
    let sandbox = project();
    symlink("../weights/model.pkl", sandbox.path("p/src/again.dat")).unwrap();
    sandbox.kit(&["scan", "p", "--filter", "code"]).exits(1).prints("high  src/again.dat  pickle-global");
}

#[test]
fn a_scan_that_cannot_be_completed_never_succeeds() {
    let sandbox = project();
    for (args, code) in [
        (&["scan"][..], 2),
        (&["scan", "p", "--fail-on", "some"], 2),
        (&["scan", "p", "--format", "xml"], 2),
        (&["scan", "./missing"], 4),
        (&["scan", "missing:v1"], 4),
        (&["scan", "p", "--filter", "datasets"], 4),
        (&["scan", "p", "--remote"], 2),
    ] {
        sandbox.kit(args).exits(code);
    }
    sandbox.write("p/.kitignore", "[a\n");
    assert_ne!(sandbox.kit(&["scan", "p"]).exits(2).stderr, "");
}

#[test]
fn the_log_in_sarif_names_rules_and_places() {
    let sandbox = project();
    let log = sandbox.kit(&["scan", "p", "--format", "sarif"]).exits(1).json();
    assert_eq!(log["version"], "2.1.0");
    let results = log["runs"][0]["results"].as_array().unwrap();
    assert_eq!(results.len(), 4);
    let secret = &results[0];
    assert_eq!((&secret["ruleId"], &secret["level"]), (&json!("secret"), &json!("error")));
    let place = &secret["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "src/train.py");
    assert_eq!(place["region"]["startLine"], 2);
    let rules = log["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    for rule in rules {
        assert!(rule["help"]["text"].as_str().is_some_and(|text| text.ends_with('.')), "{rule}");
    }
}

#[test]
fn the_vectors_have_the_same_levels_in_a_folder() {
    let sandbox = Sandbox::new();
    let folder = repository().join("tests/golden/trust/scan");
    let table: BTreeMap<String, Value> =
        serde_json::from_slice(&fs::read(folder.join("verdicts.json")).unwrap()).unwrap();
    let document = sandbox.kit(&["scan", folder.to_str().unwrap(), "--format", "json"]).exits(1).json();
    let order = ["clean", "low", "medium", "high"];
    let rank = |level: &Value| order.iter().position(|known| level == known).unwrap();
    let mut worst = BTreeMap::new();
    let of_content = |finding: &&Value| finding["rule"] != "code";
    for finding in document["findings"].as_array().unwrap().iter().filter(of_content) {
        let path = finding["path"].as_str().unwrap().split('!').next().unwrap().to_owned();
        let level = worst.entry(path).or_insert(0);
        *level = rank(&finding["level"]).max(*level);
    }
    for (path, verdict) in table {
        assert_eq!(worst.get(&path).copied().unwrap_or(0), rank(&verdict["level"]), "{path}");
    }
}

#[test]
fn nothing_in_the_examples_is_high() {
    let sandbox = Sandbox::new();
    let examples = repository().join("examples");
    sandbox.kit(&["scan", examples.to_str().unwrap()]).ok();
}

#[test]
fn packing_warns_of_pickles_or_refuses_after_a_scan() {
    let sandbox = project();
    let warning = "loading these files runs code: weights/model.pkl (os.system); `kit scan` reports everything";
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-secrets"]).ok().says(warning);
    sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-secrets"]).ok().says(warning);
    let silent = sandbox.kit(&["pack", "p", "-t", "a:v1", "--allow-secrets", "--no-scan"]).ok();
    assert!(!silent.stderr.contains("runs code"), "{}", silent.stderr);
    let refused = sandbox.kit(&["pack", "p", "-t", "b:v1", "--allow-secrets", "--scan"]).exits(8);
    refused.says("high    weights/model.pkl").says("2 findings of level high; nothing was packed");
    sandbox.kit(&["inspect", "b:v1"]).exits(4);
    sandbox
        .kit(&["validate", "p"])
        .fails()
        .prints("weights/model.pkl: warning: loading this file runs code: os.system");
    fs::remove_file(sandbox.path("p/weights/model.pkl")).unwrap();
    fs::remove_file(sandbox.path("p/src/train.py")).unwrap();
    sandbox.write("p/src/a.py", "");
    sandbox.kit(&["pack", "p", "-t", "b:v1", "--scan"]).ok().says("medium  weights/head.pkl");
}
