//! The events that a watch notices, and the requests that it costs.

use expect_test::expect;
use serde_json::{Value, json};

use super::scene::{PLAIN, Scene};
use crate::trust::scene::{Scene as Signed, key, kit};
use kit_testkit::sandbox::Run;

#[test]
fn a_poll_costs_one_request_for_each_tag() {
    let scene = Scene::new();
    let tag = scene.tag();
    scene.poll(&[&tag]).ok().says("Watching 1 tag of");
    scene.registry.forget_requests();
    assert_eq!(scene.poll(&[&tag]).ok().stdout, "");
    assert_eq!(scene.registry.log(), ["HEAD /v2/team/net/manifests/v1 200"]);
    // What is attached to a version is another question, and costs another request.
    scene.poll(&[&tag, "--attached"]).ok();
    scene.registry.forget_requests();
    scene.poll(&[&tag, "--attached"]).ok();
    let log = scene.registry.log();
    assert_eq!(log.len(), 2, "{log:?}");
    assert!(log[1].starts_with("GET /v2/team/net/referrers/sha256:") && log[1].ends_with(" 200"), "{log:?}");
}

#[test]
fn a_repository_costs_one_request_more() {
    let scene = Scene::new();
    for version in 2..5 {
        scene.move_tag(&format!("v{version}"), version);
    }
    let repository = scene.name("team/net");
    scene.poll(&[&repository]).ok().says("Watching 4 tags of");
    scene.registry.forget_requests();
    scene.poll(&[&repository, &scene.tag()]).ok();
    let mut log = scene.registry.log();
    log.sort();
    let heads = (1..5).map(|version| format!("HEAD /v2/team/net/manifests/v{version} 200"));
    assert!(log.iter().eq(&["GET /v2/team/net/tags/list 200".to_owned()].into_iter().chain(heads).collect::<Vec<_>>()));
}

#[test]
fn a_running_watch_sends_one_request_for_each_poll_whatever_the_registry_supports() {
    for (has_head, has_digest, method) in [(true, true, "HEAD"), (false, true, "GET"), (true, false, "GET")] {
        let scene = Scene::new();
        scene.registry.configure(|options| (options.head, options.digest_header) = (has_head, has_digest));
        let mut watching = scene.start(&[&scene.tag()]);
        watching.wait_for("Watching 1 tag of");
        scene.registry.forget_requests();
        scene.move_tag("v1", 2);
        assert!(watching.first_result().contains(" moved from sha256:"));
        let first = scene.registry.requests();
        assert!(first.iter().all(|request| request.method == method), "{:?}", scene.registry.log());
        // The manifest is sent only when it has changed.
        let sent = first.iter().filter(|request| request.method == "GET" && request.status == 200).count();
        assert_eq!(sent, usize::from(method == "GET"), "{:?}", scene.registry.log());
    }
}

fn redacted(run: &Run) -> String {
    let digests = regex::Regex::new("sha256:[0-9a-f]{12}…").unwrap().replace_all(&run.stdout, "[DIGEST]").into_owned();
    let times = regex::Regex::new("(?m)^[0-9T:.-]+Z").unwrap().replace_all(&digests, "[TIME]").into_owned();
    regex::Regex::new(r"127\.0\.0\.1:\d+").unwrap().replace_all(&times, "[REGISTRY]").into_owned()
}

#[test]
fn tags_that_move_appear_and_disappear_are_noticed_once() {
    let scene = Scene::new();
    let (repository, later) = (scene.name("team/net"), scene.name("team/later:v1"));
    let gone = scene.move_tag("gone", 7);
    assert_eq!(scene.poll(&[&repository, &later, "--exit-code"]).exits(0).stdout, "");
    scene.move_tag("v1", 2);
    scene.move_tag("v2", 2);
    scene.registry.remove_manifest("team/net", &gone);
    scene.registry.add_manifest("team/later", "v1", "application/vnd.oci.image.manifest.v1+json", b"{}");
    let run = scene.poll(&[&repository, &later, "--exit-code"]);
    assert_eq!(run.code, Some(10), "{}", run.stderr);
    expect![[r#"
        [TIME] [REGISTRY]/team/later:v1 appeared ([DIGEST])
        [TIME] [REGISTRY]/team/net:gone was removed (it was [DIGEST])
        [TIME] [REGISTRY]/team/net:v1 moved from [DIGEST] to [DIGEST]
        [TIME] [REGISTRY]/team/net:v2 appeared ([DIGEST])
    "#]]
    .assert_eq(&redacted(&run));
    assert_eq!(scene.poll(&[&repository, &later, "--exit-code"]).exits(0).stdout, "");
}

#[test]
fn an_event_is_a_cloud_event_in_one_line() {
    let scene = Scene::new();
    let before = scene.move_tag("v1", 1);
    assert_eq!(scene.events(&[&scene.tag()]), [Value::Null; 0]);
    let after = scene.move_tag("v1", 2);
    let events = scene.events(&[&scene.tag()]);
    let [event] = &events[..] else { panic!("{events:?}") };
    let (id, time) = (event["id"].as_str().unwrap(), event["time"].as_str().unwrap());
    assert!(id.starts_with("evt_") && time.parse::<jiff::Timestamp>().is_ok(), "{event}");
    let repository = scene.name("team/net");
    let expected = json!({
        "specversion": "1.0",
        "id": id,
        "source": format!("oci://{repository}"),
        "type": "kit.tag.moved",
        "subject": "v1",
        "time": time,
        "datacontenttype": "application/json",
        "data": {
            "reference": scene.tag(),
            "repository": repository,
            "tags": ["v1"],
            "digest": after,
            "previous": before,
            "attached": null,
        },
    });
    assert_eq!(*event, expected);
    scene.move_tag("v1", 3);
    let template = "{{.type}} {{.data.reference}}";
    let run = scene.poll(&[&scene.tag(), "--format", template]).ok();
    assert_eq!(run.stdout, format!("kit.tag.moved {}\n", scene.tag()));
}

#[test]
fn a_recall_an_attestation_and_a_signature_are_noticed_when_they_are_attached() {
    for has_referrers_api in [true, false] {
        let scene = Signed::new(has_referrers_api);
        let (name, digest) = scene.put("team/net");
        let version = format!("{}/team/net@{digest}", scene.registry.host());
        scene.sandbox.write("predicate.json", r#"{"result":"PASSED","configuration":[]}"#);
        let attest = |kind: &str| {
            let key = key("test-cosign.key");
            let args = ["attest", &name, "--key", &key, "--type", kind, "--predicate", "predicate.json", "--remote"];
            kit(&scene.sandbox, &args).ok();
        };
        let poll = |args: &[&str]| {
            let run = kit(&scene.sandbox, &[&["watch", PLAIN, "--once", "--format", "json"], args].concat()).ok();
            let events: Vec<Value> = run.stdout.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
            let facts = |event: &Value| {
                let data = &event["data"];
                (
                    event["type"].as_str().unwrap().to_owned(),
                    data["tags"].clone(),
                    data["attached"]["predicateType"].clone(),
                )
            };
            events.iter().map(facts).collect::<Vec<_>>()
        };
        // What is there already is not news.
        attest("test-result");
        assert_eq!(poll(&[&name, "--attached"]), []);
        assert_eq!(poll(&[&version]), []);
        attest("urn:kit:recall:v1");
        attest("scan");
        kit(&scene.sandbox, &["sign", &name, "--key", &key("test-cosign.key"), "--remote"]).ok();
        let mut found = poll(&[&name, "--attached"]);
        found.sort_by_key(|(kind, ..)| kind.clone());
        let kinds: Vec<_> = found.iter().map(|(kind, ..)| &kind[..]).collect();
        assert_eq!(kinds, ["kit.attestation.attached", "kit.recall.attached", "kit.signature.attached"]);
        assert_eq!((&found[1].1, &found[1].2), (&json!(["v2"]), &json!("urn:kit:recall:v1")));
        assert_eq!(poll(&[&name, "--attached"]), []);
        // A version can be watched by its digest alone, with one request.
        let found = poll(&[&version]);
        assert!(found.len() == 3 && found.iter().all(|(_, tags, _)| *tags == json!([])), "{found:?}");
        scene.registry.forget_requests();
        assert_eq!(poll(&[&version]), []);
        assert_eq!(scene.registry.log().len(), 1, "{:?}", scene.registry.log());
    }
}

#[test]
fn a_tag_that_moves_to_a_recalled_version_reports_the_recall() {
    let scene = Signed::new(true);
    let (name, digest) = scene.put("team/net");
    let live = format!("{}/team/net:live", scene.registry.host());
    let key = key("test-cosign.key");
    scene.sandbox.write("recall.json", r#"{"action":"recall"}"#);
    let args =
        ["attest", &name, "--key", &key, "--type", "urn:kit:recall:v1", "--predicate", "recall.json", "--remote"];
    kit(&scene.sandbox, &args).ok();
    let manifest = "application/vnd.oci.image.manifest.v1+json";
    scene.registry.add_manifest("team/net", "live", manifest, br#"{"schemaVersion":2,"layers":[]}"#);
    let poll = || kit(&scene.sandbox, &["watch", PLAIN, "--once", "--attached", &live]).ok();
    assert_eq!(poll().stdout, "");
    let (_, bytes) = scene.registry.manifest("team/net", &digest).unwrap();
    scene.registry.add_manifest("team/net", "live", manifest, &bytes);
    poll().prints("/team/net:live moved from").prints(" recall sha256:");
}

#[test]
fn only_registries_can_be_watched() {
    let scene = Scene::new();
    for (args, words) in [
        (&["net:v1"][..], "is not in a registry"),
        (&["oci:folder:v1"], "invalid reference"),
        (&["kit.example/a", "--every", "500ms"], "--every is at least 1s"),
        (&["kit.example/a", "--once", "--webhook", "http://hooks.example/secret-path"], "not encrypted"),
        (&["kit.example/a", "--once", "--webhook", "https://hooks.example/secret-path"], "KIT_WEBHOOK_SECRET"),
        (&["kit.example/a", "--exit-code"], "--once"),
        (&["kit.example/a", "--once", "--format", "{{.nothing}}"], "nothing"),
    ] {
        let run = scene.sandbox.kit(&[&["watch"], args].concat()).exits(2).says(words);
        assert!(!run.stderr.contains("secret-path"), "{}", run.stderr);
    }
}

#[test]
fn the_first_version_of_a_repository_that_did_not_exist_is_noticed() {
    let scene = Scene::new();
    let later = scene.name("team/later");
    scene.poll(&[&later]).ok().says("Watching 0 tags");
    scene.registry.add_manifest("team/later", "v1", "application/vnd.oci.image.manifest.v1+json", b"{}");
    scene.poll(&[&later]).ok().prints("/team/later:v1 appeared");
}
