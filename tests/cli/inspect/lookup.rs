//! References are looked up in the local store first, then in the registry that they contain.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

/// A ModelKit with the tags `v1` and `v2` in `registry` only, and the name of its repository.
fn pushed(registry: &FakeRegistry) -> (Sandbox, String) {
    let (sandbox, repository) = (Sandbox::new(), format!("{}/team/sample", registry.host()));
    sandbox.project();
    sandbox.kit(&["pack", "project", PLAIN, "--push", &format!("{repository}:v1,v2")]).ok();
    (sandbox, repository)
}

#[test]
fn info_inspect_and_log_ask_the_registry_in_the_name() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let name = format!("{repository}:v1");
    sandbox.kit(&["info", &name, PLAIN]).ok().prints("name: sample");
    let digest = sandbox.kit(&["inspect", &name, PLAIN]).ok().json()["digest"].take();
    for reference in [&name, &repository] {
        let log = sandbox.kit(&["log", reference, PLAIN, "--format", "json"]).ok().json();
        assert_eq!((&log[0]["digest"], &log[0]["tags"]), (&digest, &serde_json::json!(["v1", "v2"])));
    }
}

#[test]
fn the_local_store_is_preferred_without_a_request() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let name = format!("{repository}:v1");
    sandbox.kit(&["pull", &name, PLAIN]).ok();
    let before = registry.requests().len();
    for command in ["info", "inspect", "log"] {
        sandbox.kit(&[command, &name, PLAIN]).ok();
    }
    assert_eq!(registry.requests().len(), before, "{:?}", registry.log());
    // Another version of the same repository is still found in the registry.
    sandbox.kit(&["inspect", &format!("{repository}:v2"), PLAIN]).ok();
    sandbox.kit(&["log", &format!("{repository}:v2"), PLAIN]).ok().prints("v1, v2");
}

#[test]
fn a_missing_tag_lists_similar_ones() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let name = format!("{repository}:v3");
    let hint = format!("hint: similar tags: v1, v2; `kit list {repository}` shows all");
    for command in ["info", "inspect", "ls", "pull", "verify"] {
        let args: &[&str] = if command == "verify" { &["verify", "project", &name] } else { &[command, &name] };
        sandbox.kit(&[args, &[PLAIN]].concat()).fails().says(&format!("`{name}` was not found")).says(&hint);
    }
    sandbox.kit(&["pack", "project", "-t", "sample:v1,v10,latest,next,old,older"]).ok();
    let run = sandbox.kit(&["info", "sample:v11"]).fails();
    run.says("not found in the local store").says("hint: similar tags: v1, v10, old, next, older; `kit list sample`");
}

#[test]
fn a_registry_without_a_list_of_tags_gets_the_general_hint() {
    let registry = FakeRegistry::start();
    let sandbox = Sandbox::new();
    let name = format!("{}/team/nothing:v1", registry.host());
    let run = sandbox.kit(&["inspect", &name, PLAIN]).fails().says(&format!("`{name}` was not found"));
    run.says("shows the tags of the repository");
}

#[test]
fn a_tag_that_points_to_another_digest_is_a_warning() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let old = sandbox.kit(&["inspect", &format!("{repository}:v1"), PLAIN]).ok().json()["digest"].take();
    sandbox.write("project/README.md", "# Other\n");
    sandbox.kit(&["pack", "project", PLAIN, "--push", &format!("{repository}:v1")]).ok();
    let pinned = |tag: &str| format!("{repository}:{tag}@{}", old.as_str().unwrap());
    let warning = format!("warning: `{repository}:v1` points to sha256:");
    for command in [&["unpack", "-d", "out"][..], &["pull"]] {
        let name = pinned("v1");
        sandbox.kit(&[command, &[&name, PLAIN]].concat()).ok().says(&warning);
        let name = pinned("v2");
        let run = sandbox.kit(&[command, &[&name, PLAIN]].concat()).ok();
        assert!(!run.stderr.contains("points to"), "{}", run.stderr);
    }
}

#[test]
fn similar_tags_are_named_wherever_a_tag_is_missing() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["tag", "sample:v1", "sample:v2"]).ok();
    for args in
        [&["remove", "sample:v9"][..], &["remove", "-f", "sample:v9"], &["list", "sample:v9"], &["log", "sample:v9"]]
    {
        sandbox.kit(args).exits(4).says("hint: similar tags: v1, v2; `kit list sample` shows all");
    }
}

#[test]
fn a_new_name_that_may_have_been_meant_as_a_tag_is_reported() {
    let sandbox = Sandbox::packed();
    let hint = "`best` is a name, not a tag; did you mean `kit tag sample:v1 sample:best`?";
    sandbox.kit(&["tag", "sample:v1", "best"]).ok().says(hint);
    for name in ["sample", "sample:best", "best:v1", "team/best"] {
        let run = sandbox.kit(&["tag", "sample:v1", name]).ok();
        assert!(!run.stderr.contains("did you mean"), "{name}: {}", run.stderr);
    }
}

#[test]
fn a_folder_is_compared_as_a_folder_without_a_dot_in_front() {
    let sandbox = Sandbox::packed();
    sandbox.write("out/weights/model.bin", "weights\n");
    let run = sandbox.kit(&["diff", "sample:v1", "out"]).fails();
    assert!(!run.stderr.contains("not found in the local store"), "{}", run.stderr);
    run.says("Kitfile");
    sandbox.kit(&["tag", "sample:v1", "out:latest"]).ok();
    sandbox.kit(&["diff", "sample:v1", "out", "--exit-code"]).ok();
}

#[test]
fn a_file_is_not_imported_from_the_hub() {
    let sandbox = Sandbox::new();
    sandbox.write("clf.pkl", "x");
    sandbox.kit(&["import", "clf.pkl"]).exits(2).says("`clf.pkl` is a file; to pack it, run `kit init` and `kit pack`");
}

#[test]
fn a_quiet_gate_warns_that_it_compared_the_local_copy_of_a_tag() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let (v1, v2) = (format!("{repository}:v1"), format!("{repository}:v2"));
    sandbox.kit(&["pull", &v1, PLAIN]).ok();
    sandbox.write("project/README.md", "# Moved\n");
    sandbox.kit(&["pack", "project", PLAIN, "--push", &v1]).ok();
    let gate = |flags: &[&str]| sandbox.kit(&[&["diff", &v1, &v2, PLAIN, "-q"], flags].concat());
    gate(&["--exit-code"]).ok().says(&format!("Reading {v1} from the local store; --remote reads the registry"));
    assert!(!gate(&[]).ok().stderr.contains("local store"), "only a gate needs it");
    assert!(!gate(&["--exit-code", "--remote"]).exits(1).stderr.contains("local store"));
}
