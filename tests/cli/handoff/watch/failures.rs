//! Watches through failures of the registry, of the receiver, and through restarts.

use super::scene::{SECRET, Scene};
use kit_testkit::receiver::Receiver;
use kit_testkit::registry::Fault;

#[test]
fn a_registry_that_fails_for_a_while_is_reported_once_and_no_event_is_lost() {
    let (scene, receiver) = (Scene::new(), Receiver::start());
    let mut watching = scene.start(&[&scene.name("team/net"), "--webhook", &receiver.url("")]);
    watching.wait_for("Watching 1 tag of");
    scene.registry.fail_later("GET", "/tags/list", 0, usize::MAX, Fault::Status(503, Vec::new()));
    let failing = watching.wait_for("answered 503");
    assert!(failing.contains("trying again in 1 s"), "{failing}");
    scene.move_tag("v1", 2);
    scene.move_tag("v2", 2);
    // At least two further attempts, each with one request.
    while scene.registry.requests_of("GET", "/tags/list").iter().filter(|request| request.status == 503).count() < 3 {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    assert!(receiver.received().is_empty());
    scene.registry.heal();
    let meanwhile = watching.wait_for("works again");
    assert!(!meanwhile.contains("503"), "reported once: {meanwhile}");
    let subjects: Vec<_> = receiver.wait_for(2).iter().map(|webhook| webhook.body.contains("kit.tag.moved")).collect();
    assert_eq!(subjects, [true, false]);
}

#[test]
fn one_tag_that_fails_does_not_hide_the_others() {
    let scene = Scene::new();
    scene.move_tag("v2", 1);
    let args = [&*scene.name("team/net"), "--retry-for", "0s", "--concurrency", "1"];
    scene.poll(&args).ok();
    scene.move_tag("v1", 2);
    scene.move_tag("v2", 2);
    scene.registry.fail("HEAD", "/manifests/v2", Fault::Status(500, Vec::new()));
    let run = scene.poll(&args).exits(6).says("cannot watch `").says("answered 500");
    assert!(run.stdout.contains("/team/net:v1 moved") && !run.stdout.contains(":v2"), "{}", run.stdout);
    let run = scene.poll(&args).ok();
    assert!(run.stdout.contains("/team/net:v2 moved") && !run.stdout.contains(":v1"), "{}", run.stdout);
}

#[test]
fn a_receiver_that_fails_gets_the_event_later() {
    let (scene, receiver) = (Scene::new(), Receiver::start());
    let mut watching = scene.start(&[&scene.tag(), "--webhook", &receiver.url("")]);
    watching.wait_for("Watching 1 tag of");
    receiver.answer_next(500, "");
    receiver.answer_next(429, "retry-after: 1\r\n");
    scene.move_tag("v1", 2);
    let requests = receiver.wait_for(3);
    assert_eq!(requests.iter().map(|webhook| webhook.status).collect::<Vec<_>>(), [500, 429, 204]);
    assert!(requests.iter().all(|webhook| webhook.headers["webhook-id"] == requests[0].headers["webhook-id"]));
    let messages = watching.wait_for("works again");
    assert_eq!(messages.matches("trying again in").count(), 1, "{messages}");
}

#[test]
fn an_event_outlives_the_process() {
    let (scene, receiver) = (Scene::new(), Receiver::start());
    let (tag, url) = (scene.tag(), receiver.url(""));
    let args = [&*tag, "--webhook", &url];
    let mut watching = scene.start(&args);
    watching.wait_for("Watching 1 tag of");
    receiver.answer_next(503, "");
    scene.move_tag("v1", 2);
    watching.wait_for("answered 503");
    watching.child.kill().unwrap();
    drop(watching);
    let before = receiver.received().len();
    scene.poll(&args).ok();
    let requests = receiver.received();
    assert_eq!(requests.len(), before + 1);
    assert_eq!(requests[before].headers["webhook-id"], requests[0].headers["webhook-id"]);
}

#[cfg(unix)]
#[test]
fn signals_end_a_watch_and_the_commands_that_it_runs() {
    use rustix::process::{Pid, Signal, kill_process};
    for (signal, code, name) in [(Signal::INT, 130, "SIGINT"), (Signal::TERM, 143, "SIGTERM")] {
        let scene = Scene::new();
        let mut watching = scene.start(&[&scene.tag(), "--exec", "echo started >&2; exec sleep 600"]);
        watching.wait_for("Watching 1 tag of");
        if signal == Signal::TERM {
            scene.move_tag("v1", 2);
            watching.wait_for("started");
        }
        kill_process(Pid::from_child(&watching.child), signal).unwrap();
        // Standard error is closed only when the command has ended as well.
        let (ended, messages) = watching.end();
        assert_eq!((ended, messages), (Some(code), format!("kit: interrupted by {name}\n")));
        let names = scene.sandbox.names("kit/watch");
        assert!(names.len() == 2 && names.iter().all(|name| !name.contains("kit-write")), "{names:?}");
    }
}

#[test]
fn a_state_belongs_to_one_process() {
    let scene = Scene::new();
    let state = ["--state", "watch.json"];
    let mut watching = scene.start(&[&[&*scene.tag()], &state[..]].concat());
    watching.wait_for("Watching 1 tag of");
    scene.poll(&[&[&*scene.tag()], &state[..]].concat()).exits(1).says("another process watches with the state in");
    drop(watching);
    scene.poll(&[&[&*scene.tag()], &state[..]].concat()).ok();
    assert!(!scene.sandbox.read("watch.json").contains(SECRET));
    scene.sandbox.write("watch.json", "[]");
    scene.poll(&[&[&*scene.tag()], &state[..]].concat()).exits(1).says("is not the state of a watch");
}

#[test]
fn a_watch_that_can_never_succeed_fails_at_once() {
    let scene = Scene::new();
    scene.registry.fail("HEAD", "/manifests/v1", Fault::Status(403, Vec::new()));
    let (code, messages) = scene.start(&[&scene.tag()]).end();
    assert_eq!(code, Some(5), "{messages}");
    assert!(messages.contains("cannot watch `"), "{messages}");
    // A failure that can pass does not end it, not even at the beginning.
    scene.registry.fail("HEAD", "/manifests/v1", Fault::Status(503, Vec::new()));
    let mut watching = scene.start(&[&scene.tag()]);
    watching.wait_for("works again");
}
