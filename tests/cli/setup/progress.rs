//! `--progress json`: the events of a run as JSON objects.

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;
use serde_json::{Value, json};

fn events(sandbox: &Sandbox, args: &[&str], code: i32) -> Vec<Value> {
    let run = sandbox.kit(&[args, &["--progress", "json"]].concat()).exits(code);
    run.stderr.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn find(events: &[Value], event: &str, kind: &str) -> Value {
    let is_wanted = |found: &&Value| found["event"] == event && found["kind"] == kind;
    events.iter().find(is_wanted).unwrap_or_else(|| panic!("no {event} of {kind} in {events:#?}")).clone()
}

#[test]
fn every_line_is_an_object_and_every_task_ends() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let packed = events(&sandbox, &["pack", "project", "-t", "a:v1"], 0);
    let count = |kind: &str| packed.iter().filter(|found| found["type"] == kind).count();
    assert_eq!((count("start"), count("end")), (5, 5));
    // At the beginning and at the end, and on a slow machine in between.
    assert!(count("overall") >= 2 && count("message") > 5);
    assert_eq!(events(&sandbox, &["unpack", "b:v1"], 4).last().unwrap()["type"], "error");
}

#[test]
fn a_message_contains_the_facts_of_its_step() {
    let (sandbox, registry) = (Sandbox::new(), DockerRegistry::start());
    sandbox.project();
    let packed = events(&sandbox, &["pack", "project", "-t", "a:v1"], 0);
    let layer = find(&packed, "layerPacked", "model");
    let digest = layer["digest"].as_str().unwrap();
    assert_eq!(
        layer,
        json!({
            "type": "message", "text": format!("Saved model layer: {digest}"), "event": "layerPacked", "kind": "model",
            "path": "weights/model.bin", "digest": digest, "bytes": layer["bytes"], "outcome": "saved",
        })
    );
    let again = events(&sandbox, &["pack", "project", "-t", "a:v1"], 0);
    assert_eq!(find(&again, "layerPacked", "model")["outcome"], "alreadySaved");
    assert_eq!(find(&again, "documentSaved", "manifest")["outcome"], "alreadySaved");

    let name = format!("{}/a:v1", registry.host());
    let push = ["push", "a:v1", &name, "--plain-http"];
    let copied = find(&events(&sandbox, &push, 0), "blobCopied", "model");
    let facts = |event: &Value| ["path", "digest", "bytes", "outcome"].map(|name| event[name].clone());
    assert_eq!(facts(&copied), [json!("weights/model.bin"), json!(digest), layer["bytes"].clone(), json!("copied")]);
    assert_eq!(copied["resumedBytes"], 0);
    let other = format!("{}/b:v1", registry.host());
    let mounted = find(&events(&sandbox, &["copy", &name, &other, "--plain-http"], 0), "blobCopied", "model");
    assert_eq!((&mounted["outcome"], &mounted["from"]), (&json!("mounted"), &json!("a")));
    assert_eq!(find(&events(&sandbox, &push, 0), "blobCopied", "model")["outcome"], "present");
}

#[test]
fn a_warning_contains_its_facts() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.write("project/extra.txt", "x");
    let packed = events(&sandbox, &["pack", "project", "-t", "a:v1"], 0);
    let warning = packed.iter().find(|event| event["type"] == "warning").unwrap();
    assert_eq!((&warning["event"], &warning["paths"]), (&json!("filesNotPacked"), &json!(["extra.txt"])));
}

#[test]
fn quiet_keeps_the_events() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let kinds = |args: &[&str]| {
        let events = events(&sandbox, args, 0);
        events.iter().map(|event| event["type"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    for quiet in [&["-q"][..], &["--log-level", "error"]] {
        let packed = kinds(&[&["pack", "project", "-t", "a:v1", "--no-cache"][..], quiet].concat());
        assert!(["start", "end", "message"].iter().all(|kind| packed.iter().any(|found| found == kind)), "{packed:?}");
        let failed = events(&sandbox, &[&["unpack", "b:v1"][..], quiet].concat(), 4);
        let last = failed.last().unwrap();
        assert_eq!((&last["type"], &last["exitCode"]), (&json!("error"), &json!(4)), "{quiet:?}");
    }
}
