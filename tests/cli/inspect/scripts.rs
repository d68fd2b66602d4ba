//! Output that scripts and SDKs of KitOps parse.

use kit_testkit::sandbox::Sandbox;
use serde_json::json;

use crate::transfer::{Layout, tar};

#[test]
fn inspect_writes_json_and_nothing_else() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["tag", "sample:v1", "sample:latest"]).ok();
    for name in ["sample:v1", "sample"] {
        let run = sandbox.kit(&["inspect", name]).ok();
        assert_eq!(run.stderr, "");
        let json = run.json();
        let keys: Vec<_> = json.as_object().unwrap().keys().collect();
        assert_eq!(keys, ["digest", "cliVersion", "kitfile", "manifest"]);
    }
}

#[test]
fn an_artifact_without_a_kitfile_has_none_in_inspect_and_a_derived_one_in_info() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    let mut layer = layout.layer("tar", &tar("m", b"weights"));
    layer["mediaType"] = "application/vnd.cncf.model.weight.v1.tar".into();
    layer["annotations"] = json!({ "org.cncf.model.filepath": "m" });
    layout.publish_as("application/vnd.cncf.model.manifest.v1+json", &[layer]);
    let json = sandbox.kit(&["inspect", "oci:layout:v1"]).ok().json();
    assert!(json.get("kitfile").is_none() && json.get("manifest").is_some(), "{json}");
    let info = sandbox.kit(&["info", "oci:layout:v1"]).ok().prints("model:\n  path: m\n");
    info.says("Artifact does not include Kitfile: functionality may be impacted");
}

#[test]
fn the_last_filter_of_info_counts() {
    let info = Sandbox::packed().kit(&["info", "sample:v1", "--filter", "model.name", "--filter", "package.name"]).ok();
    assert_eq!(info.stdout, "sample\n");
}

#[test]
fn a_list_is_filtered_by_parts() {
    let sandbox = Sandbox::packed();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\nprompts: [{name: review, path: review.md}]\n");
    sandbox.write("p/review.md", "Review");
    sandbox.kit(&["pack", "p", "-t", "prompts:v1"]).ok();
    sandbox.kit(&["index", "create", "sample:all", "sample:v1"]).ok();
    for (filters, expected) in [
        (&[][..], &["prompts", "sample", "sample"][..]),
        (&["model"], &["sample"]),
        (&["prompts"], &["prompts"]),
        (&["prompts:review,other"], &["prompts"]),
        (&["prompts:review.md", "datasets:training"], &["prompts", "sample"]),
        (&["datasets,model:nothing"], &[]),
        (&["mcpservers"], &[]),
        (&["kitfile"], &["prompts", "sample"]),
    ] {
        let filters: Vec<_> = filters.iter().flat_map(|filter| ["-f", *filter]).collect();
        let run = sandbox.kit(&[&["list", "--format", "{{.Repo}}"], &*filters].concat()).ok();
        let mut found: Vec<_> = run.stdout.lines().collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{filters:?}");
    }
    sandbox.kit(&["list", "--filter", "models"]).exits(2).says("invalid filter type models (must be one of");
}

#[test]
fn no_cell_of_a_list_is_empty_or_has_two_blanks() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\npackage: {name: 'a   b ', authors: ['  ']}\n");
    sandbox.kit(&["pack", "p", "-t", "x:v1", "--allow-empty"]).ok();
    let list = sandbox.kit(&["list"]).ok().stdout;
    let cells = |line: &str| line.split("  ").filter(|cell| !cell.is_empty()).count();
    assert!(list.lines().all(|line| cells(line) == 6), "{list}");
}

#[test]
fn diff_has_the_lines_of_kitops() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/README.md", "# Other\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let config = |name: &str| {
        let digest = sandbox.kit(&["inspect", name]).ok().json()["manifest"]["config"]["digest"].take();
        digest.as_str().unwrap()[..17].to_owned()
    };
    let (one, other) = (config("sample:v1"), config("sample:v2"));
    let run = sandbox.kit(&["diff", "sample:v1", "sample:v2"]).ok();
    run.prints(&format!("Configs differ:\n  ModelKit1 Config Digest: {one}\n  ModelKit2 Config Digest: {other}\n"))
        .prints("  Annotations are identical \n");
}

#[test]
fn a_wrong_field_in_a_template_is_wrong_usage_before_any_work() {
    let sandbox = Sandbox::packed();
    // The ModelKit does not exist, which only work would show.
    for args in [
        &["list", "nothing"][..],
        &["inspect", "nothing:v1"],
        &["inspect", "nothing:v1", "--tensors"],
        &["ls", "nothing:v1"],
        &["log", "nothing:v1"],
        &["verify", "nowhere"],
    ] {
        let run = sandbox.kit(&[args, &["--format", "{{.Nope}}"]].concat()).exits(2);
        run.says("there is no field `Nope`");
    }
    for args in [&["info", "sample:v1"][..], &["version"]] {
        sandbox.kit(&[args, &["--format", "{{.Nope}}"]].concat()).exits(2).says("there is no field `Nope`");
    }
    // All fields of the reference are known.
    for (args, fields) in [
        (&["list"][..], "repo digest tags modelName size sizeBytes modelKits author linked names recalled recalls"),
        (&["ls", "sample:v1"], "path mode size sizeBytes layer offset"),
        (&["inspect", "sample:v1"], "digest cliVersion kitfile manifest"),
        (&["inspect", "sample:v1", "--tensors"], "digest models"),
        (&["verify", "project", "sample:v1"], "equal digest files size sizeBytes differences"),
        (
            &["log", "sample:v1", "--files"],
            "tags digest author time commit builder run previous promotions notices metrics comparedWith owners \
             kitfileChanged layers files",
        ),
    ] {
        let template: Vec<_> = fields.split(' ').map(|field| format!("{{{{.{field}}}}}")).collect();
        sandbox.kit(&[args, &["--format", &template.concat()]].concat()).ok();
        let first = |value: &serde_json::Value| value.get(0).unwrap_or(value).as_object().unwrap().len();
        let document = sandbox.kit(&[args, &["--format", "json"]].concat()).ok().json();
        assert_eq!(first(&document), fields.split(' ').count(), "{args:?}");
    }
}
