//! `KITOWNERS`: attached by `kit pack`, checked by `kit validate`, named by `kit diff` and `kit log`.

use expect_test::expect;
use serde_json::json;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;

const OWNERS: &str =
    "# who answers for what\n*  @all\nmodel  @ml role:sre\ndatasets  @data\npackage.license  role:legal\n";

/// A project with owners, and two versions that differ in a dataset, the model and the licence.
fn versions() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/KITOWNERS", OWNERS);
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.write("project/data/train.csv", "a,b\n5,6\n");
    let kitfile = sandbox.read("project/Kitfile").replace("package:\n", "package:\n  license: MIT\n");
    sandbox.write("project/Kitfile", kitfile);
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox
}

#[test]
fn owners_are_attached_and_never_part_of_a_layer() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let kitfile = sandbox.read("project/Kitfile").replace("- path: src", "- path: .");
    sandbox.write("project/Kitfile", kitfile);
    let without = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok().digest();
    sandbox.write("project/KITOWNERS", OWNERS);
    let with = sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok().digest();
    assert_eq!(with, without);
    let listed = sandbox.kit(&["ls", "sample:v1"]).ok().stdout;
    assert!(!listed.contains("KITOWNERS"), "{listed}");
    sandbox.write("project/KITOWNERS", "* team\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).fails().says("KITOWNERS:1:3: `team` is not an owner");
}

#[test]
fn a_difference_names_the_owners_of_its_changes() {
    let sandbox = versions();
    let run = sandbox.kit(&["diff", "sample:v1", "sample:v2"]).ok();
    expect![[r#"
        Owners
            @data       data/train.csv
            role:legal  package.license
    "#]]
    .assert_eq(&owners_of(&run.stdout));
    let data = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--format", "json"]).ok().json();
    let expected = json!([
        { "owner": "@data", "fields": [], "files": ["data/train.csv"] },
        { "owner": "role:legal", "fields": ["package.license"], "files": [] },
    ]);
    assert_eq!(data["owners"], expected);
    let markdown = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--format", "markdown"]).ok().stdout;
    assert!(markdown.contains("| Owner | changes |\n|---|---|\n| @data | data/train.csv |\n"), "{markdown}");
    // The owners of a folder are those of its file, and changes without an owner are listed last.
    sandbox.write("project/KITOWNERS", "src/*  @code\n");
    sandbox.write("project/src/train.py", "print(2)\n");
    sandbox.write("project/README.md", "# Other\n");
    let folder = sandbox.kit(&["diff", "sample:v2", "./project", "--format", "json"]).ok().json();
    let owners: Vec<_> = folder["owners"].as_array().unwrap().iter().map(|it| it["owner"].clone()).collect();
    assert_eq!(owners, [json!("@all"), json!("@code")]);
}

/// The part of the output about owners.
fn owners_of(stdout: &str) -> String {
    let lines = stdout.lines().skip_while(|line| *line != "Owners").enumerate();
    let lines = lines.take_while(|(at, line)| *at == 0 || line.starts_with("    "));
    lines.fold(String::new(), |text, (_, line)| text + line + "\n")
}

#[test]
fn the_log_names_the_owners_of_the_changes() {
    let sandbox = versions();
    for args in [&["log", "sample"][..], &["log", "sample", "--files"]] {
        sandbox.kit(args).ok().prints("\n  owners: @data, role:legal\n");
    }
    let data = sandbox.kit(&["log", "sample", "--format", "json"]).ok().json();
    assert_eq!((&data[0]["owners"], &data[1]["owners"]), (&json!(["@data", "role:legal"]), &json!(null)));
}

#[test]
fn owners_travel_to_a_registry_and_are_read_there() {
    let (sandbox, registry) = (versions(), DockerRegistry::start());
    let name = |tag: &str| format!("{}/team/sample:{tag}", registry.host());
    for tag in ["v1", "v2"] {
        sandbox.kit(&["push", &format!("sample:{tag}"), &name(tag), "--plain-http"]).ok();
    }
    let args = ["diff", &name("v1"), &name("v2"), "--remote", "--plain-http", "--format", "json"];
    let data = sandbox.kit(&args).ok().json();
    assert_eq!(data["owners"][0]["owner"], "@data");
    let log = sandbox.kit(&["log", "--remote", &name("v2"), "--plain-http", "--format", "json"]).ok().json();
    assert_eq!(log[0]["owners"], json!(["@data", "role:legal"]));
}

#[test]
fn the_owners_that_were_attached_last_count() {
    let sandbox = versions();
    let owner = |epoch: &str, owners: &str| {
        sandbox.write("project/KITOWNERS", owners);
        let mut command = sandbox.command(&["pack", "project", "-t", "sample:v2"]);
        sandbox.run(command.env("SOURCE_DATE_EPOCH", epoch)).ok();
        let data = sandbox.kit(&["diff", "sample:v1", "sample:v2", "--format", "json"]).ok().json();
        data["owners"].as_array().unwrap().iter().map(|it| it["owner"].to_string()).collect::<Vec<_>>().join(" ")
    };
    assert!(owner("4000000000", "* @b\n").contains("@b"));
    assert!(owner("4000000001", "* @c\n").contains("@c"));
    let back = owner("4000000002", "* @b\n");
    assert!(back.contains("@b") && !back.contains("@c"), "{back}");
}

#[test]
fn validation_finds_mistakes_in_the_owners() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/KITOWNERS", "dataset:train @a\nmodel team\n");
    let run = sandbox.kit(&["validate", "project"]).fails();
    let run = run.prints("KITOWNERS:1:1: error: `dataset` is not a section; did you mean `datasets`? (owners)");
    run.prints("KITOWNERS:2:7: error: `team` is not an owner");
    sandbox.write("project/KITOWNERS", "src/ @a\n*.rs @b\nmodel.parameters.epochs @c\npackage.license @d\n");
    let data = sandbox.kit(&["validate", "project", "--format", "json"]).ok().json();
    let findings = data.as_array().unwrap();
    let of = |rule: &str| -> Vec<String> {
        let found = findings.iter().filter(|it| it["rule"] == rule);
        found.map(|it| format!("{} {}", it["place"].as_str().unwrap(), it["message"].as_str().unwrap())).collect()
    };
    let unmatched = of("unmatched-owners");
    assert_eq!(unmatched[0], "KITOWNERS:2:1 `*.rs` matches no file, entry or field");
    let unowned = of("unowned").join("\n");
    assert!(unowned.contains("no line of KITOWNERS gives `README.md` an owner"), "{unowned}");
    assert!(unowned.contains("Kitfile:") && !unowned.contains("src/"), "{unowned}");
}
