//! Delivery of events to commands and web servers.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::scene::{PLAIN, SECRET, Scene};
use crate::trust::scene::{Scene as Signed, key, kit};
use kit_testkit::receiver::{Received, Receiver};

/// HMAC-SHA256 (RFC 2104), computed independently of the tested code.
fn hmac(key: &[u8], message: &[u8]) -> Vec<u8> {
    let mut block = [0_u8; 64];
    block[..key.len()].copy_from_slice(key);
    let padded = |pad: u8| block.map(|byte| byte ^ pad);
    let inner = Sha256::new().chain_update(padded(0x36)).chain_update(message).finalize();
    Sha256::new().chain_update(padded(0x5c)).chain_update(inner).finalize().to_vec()
}

/// Verifies a webhook as its receiver does, and returns the event.
#[track_caller]
fn verified(received: &Received) -> Value {
    let header = |name: &str| received.headers.get(name).unwrap_or_else(|| panic!("no {name} in {received:?}"));
    assert_eq!(header("content-type"), "application/cloudevents+json; charset=utf-8");
    let (id, timestamp) = (header("webhook-id"), header("webhook-timestamp"));
    let age = jiff::Timestamp::now().as_second() - timestamp.parse::<i64>().unwrap();
    assert!((0..300).contains(&age), "{age}");
    let key = STANDARD.decode(SECRET.strip_prefix("whsec_").unwrap()).unwrap();
    let signature = STANDARD.encode(hmac(&key, format!("{id}.{timestamp}.{}", received.body).as_bytes()));
    assert_eq!(*header("webhook-signature"), format!("v1,{signature}"));
    let event: Value = serde_json::from_str(&received.body).unwrap();
    assert_eq!(event["id"], **id);
    event
}

#[test]
fn a_webhook_is_a_signed_cloud_event() {
    let (scene, receiver) = (Scene::new(), Receiver::start());
    let (tag, url) = (scene.tag(), receiver.url("models?token=path-secret"));
    let args = [&tag, "--webhook", &url, "-vv"];
    scene.poll(&args).ok();
    let digest = scene.move_tag("v1", 2);
    let run = scene.poll(&args).ok().prints(" moved from ");
    let requests = receiver.received();
    let [webhook] = &requests[..] else { panic!("{requests:?}") };
    assert_eq!(webhook.path, "/models?token=path-secret");
    let event = verified(webhook);
    assert_eq!((&event["type"], &event["data"]["digest"]), (&"kit.tag.moved".into(), &digest.into()));
    // The address may be a secret, as that of a chat is.
    assert!(run.stderr.contains("POST") && run.stderr.contains(receiver.host()), "{}", run.stderr);
    for secret in ["path-secret", "/models", &SECRET[6..], &webhook.headers["webhook-signature"]] {
        assert!(!run.stderr.contains(secret), "`{secret}` in:\n{}", run.stderr);
    }
}

#[test]
fn an_event_is_kept_until_the_receiver_takes_it() {
    let (scene, receiver) = (Scene::new(), Receiver::start());
    let (tag, url) = (scene.tag(), receiver.url("models"));
    let args = [&tag, "--webhook", &url];
    scene.poll(&args).ok();
    scene.move_tag("v1", 2);
    for _ in 0..10 {
        receiver.answer_next(503, "");
    }
    // It was printed, and is not printed again.
    let run = scene.poll(&args).exits(6).says("1 event waits to be delivered; the next run tries again");
    assert!(run.says("answered 503").stdout.contains(" moved from "));
    let failed = receiver.received();
    assert!((3..10).contains(&failed.len()), "{failed:?}");
    for _ in failed.len()..10 {
        receiver.answer_next(204, "");
    }
    let healed = Receiver::start();
    let healed_url = healed.url("models");
    assert_eq!(scene.poll(&[&tag, "--webhook", &healed_url]).ok().stdout, "");
    let taken = healed.received();
    assert_eq!(taken.len(), 1);
    let ids: Vec<_> = failed.iter().chain(&taken).map(|webhook| verified(webhook)["id"].clone()).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    scene.poll(&[&tag, "--webhook", &healed_url]).ok();
    assert_eq!(healed.received().len(), 1);
}

#[test]
fn a_refused_event_does_not_stop_the_others() {
    let (scene, receiver) = (Scene::new(), Receiver::start());
    let (repository, url) = (scene.name("team/net"), receiver.url(""));
    let args = [&repository, "--webhook", &url];
    scene.poll(&args).ok();
    for (tag, version) in [("v1", 2), ("v2", 2), ("v3", 3)] {
        scene.move_tag(tag, version);
    }
    receiver.answer_next(400, "");
    scene.poll(&args).ok();
    let subjects: Vec<_> = receiver.received().iter().map(|webhook| verified(webhook)["subject"].clone()).collect();
    assert_eq!(subjects, ["v1", "v2", "v3", "v1"]);
}

#[test]
fn redirects_are_not_followed_and_410_ends_the_watch() {
    let (scene, receiver, other) = (Scene::new(), Receiver::start(), Receiver::start());
    let (tag, url) = (scene.tag(), receiver.url(""));
    let args = [&tag, "--webhook", &url];
    scene.poll(&args).ok();
    scene.move_tag("v1", 2);
    for status in [302, 308] {
        receiver.answer_next(status, &format!("location: {}\r\n", other.url("")));
    }
    receiver.answer_next(410, "");
    scene.poll(&args).exits(1).says("answered 410: it accepts no more events");
    assert_eq!(receiver.received().len(), 3);
    assert!(other.received().is_empty());
    scene.poll(&args).ok();
    assert_eq!(receiver.received().len(), 4);
}

#[test]
#[cfg_attr(windows, ignore = "runs a command line for a shell of Unix")]
fn a_command_gets_the_event_as_json_and_in_variables() {
    let scene = Scene::new();
    let tag = scene.tag();
    let before = scene.move_tag("v1", 1);
    let line = r#"echo noise; cat > event.json; printf '%s\n' "$KIT_EVENT" "$KIT_REF" "$KIT_TAG" "$KIT_DIGEST" \
        "$KIT_PREVIOUS" "<$KIT_ATTACHED$KIT_ATTACHED_TYPE>" "<$KIT_WEBHOOK_SECRET>" > variables"#;
    let args = [&tag, "--format", "json", "--exec", line];
    scene.poll(&args).ok();
    let after = scene.move_tag("v1", 2);
    let run = scene.poll(&args).ok().says("noise");
    assert_eq!(scene.sandbox.read("event.json"), run.stdout);
    let expected = format!("kit.tag.moved\n{tag}\nv1\n{after}\n{before}\n<>\n<>\n");
    assert_eq!(scene.sandbox.read("variables"), expected);
}

#[test]
#[cfg_attr(windows, ignore = "runs a command line for a shell of Unix")]
fn a_command_that_fails_is_run_again() {
    let scene = Scene::new();
    let tag = scene.tag();
    let args = [&tag, "--exec", "echo $KIT_EVENT_ID >> runs; test $(wc -l < runs) -gt 2"];
    scene.poll(&args).ok();
    scene.move_tag("v1", 2);
    scene.poll(&args).ok().says("the command of --exec failed (exit code 1)").says("the command of --exec works again");
    let runs = scene.sandbox.read("runs");
    let ids: Vec<_> = runs.lines().collect();
    assert!(ids.len() == 3 && ids.iter().all(|id| id.starts_with("evt_") && *id == ids[0]), "{runs}");
}

#[test]
#[cfg_attr(windows, ignore = "runs a command line for a shell of Unix")]
fn nothing_that_a_registry_chooses_becomes_part_of_a_command() {
    let scene = Signed::new(true);
    let (name, _) = scene.put("team/net");
    scene.sandbox.write("predicate.json", "{}");
    let watch = ["watch", PLAIN, "--once", "--attached", &name, "--exec", "printf '%s' \"$KIT_ATTACHED_TYPE\" > kind"];
    kit(&scene.sandbox, &watch).ok();
    let kind = "urn:x:$(touch created)`touch created`;touch created";
    let key = key("test-cosign.key");
    let args = ["attest", &name, "--key", &key, "--type", kind, "--predicate", "predicate.json", "--remote"];
    kit(&scene.sandbox, &args).ok();
    kit(&scene.sandbox, &watch).ok();
    assert_eq!(scene.sandbox.read("kind"), kind);
    assert!(!scene.sandbox.path("created").exists());
}
