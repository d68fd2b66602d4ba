//! Promotions: what they move, the record that they leave, the way back, and what they would do.

use expect_test::expect;
use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const PROMOTION: &str = "application/vnd.kit.promotion.v1+json";

/// A registry with two versions, `team/sample:v1` and `team/sample:v2`.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
    v1: String,
    v2: String,
}

impl Scene {
    fn new() -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        let push = |tag: &str| {
            let name = format!("{}/team/sample:{tag}", registry.host());
            sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok().digest()
        };
        sandbox.project();
        let v1 = push("v1");
        sandbox.write("project/data/train.csv", "a,b\n5,6\n");
        let v2 = push("v2");
        registry.forget_requests();
        Self { sandbox, registry, v1, v2 }
    }

    fn name(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    fn live(&self) -> String {
        self.name("production/sample:live")
    }

    fn promote(&self, tag: &str, flags: &[&str]) -> Run {
        let source = self.name(&format!("team/sample:{tag}"));
        self.sandbox.kit(&[&["promote", &source, &self.live(), PLAIN], flags].concat())
    }

    fn roll_back(&self, flags: &[&str]) -> Run {
        self.sandbox.kit(&[&["promote", "--rollback", &self.live(), PLAIN], flags].concat())
    }

    /// The versions of the repository as `kit log` shows them.
    fn log(&self, repository: &str) -> Vec<Value> {
        let log = ["log", "--remote", &self.name(repository), "--format", "json", PLAIN];
        self.sandbox.kit(&log).ok().json().as_array().unwrap().clone()
    }

    /// The promotions to the version `digest` in the production repository.
    fn promotions(&self, digest: &str) -> Vec<Value> {
        let versions = self.log("production/sample");
        let version = versions.iter().find(|version| version["digest"] == digest).unwrap();
        version["promotions"].as_array().unwrap().clone()
    }

    fn written(&self) -> usize {
        ["PUT", "POST", "PATCH", "DELETE"].iter().map(|method| self.registry.requests_of(method, "").len()).sum()
    }

    fn is_at(&self, tag: &str, digest: &str) -> bool {
        self.registry.manifest("production/sample", tag) == self.registry.manifest("team/sample", digest)
    }
}

#[test]
fn a_promotion_leaves_a_record_that_the_log_shows() {
    let scene = Scene::new();
    let mut command = scene.sandbox.command(&["promote", &scene.name("team/sample:v1"), &scene.live(), PLAIN]);
    command.env("GITLAB_CI", "true").env("CI_PROJECT_URL", "https://gitlab.example/a").env("CI_RUNNER_ID", "3");
    scene.sandbox.run(command.env("CI_JOB_URL", "https://gitlab.example/a/-/jobs/9")).ok();
    scene.promote("v2", &[]).ok();
    let [first] = &scene.promotions(&scene.v1)[..] else { panic!("one promotion") };
    let expected = json!({
        "action": "promote", "source": scene.name("team/sample:v1"), "target": scene.live(), "previous": null,
        "time": first["time"], "promoter": "https://gitlab.example/a/-/runners/3",
        "run": "https://gitlab.example/a/-/jobs/9", "policies": [], "signed": false, "signer": null,
    });
    assert_eq!(first, &expected);
    assert!(first["time"].as_str().unwrap().parse::<jiff::Timestamp>().is_ok());
    let [second] = &scene.promotions(&scene.v2)[..] else { panic!("one promotion") };
    assert_eq!((&second["previous"], &second["run"]), (&json!(scene.v1), &Value::Null));
    let log = scene.sandbox.kit(&["log", "--remote", &scene.name("production/sample"), PLAIN]).ok();
    let lines: Vec<_> = log.stdout.lines().collect();
    assert!(lines[1].starts_with("live "), "the version that lost its tag is listed too:\n{}", log.stdout);
    assert!(lines[3].starts_with("- "), "{}", log.stdout);
    assert!(lines[2].starts_with("  live: promoted 20") && lines[2].ends_with(&format!("before {}", &scene.v1[7..19])));
    assert!(lines[4].ends_with("team/sample:v1 by https://gitlab.example/a/-/jobs/9"), "{}", log.stdout);
    let listed = scene.sandbox.kit(&["list", &scene.name("production/sample"), PLAIN]).ok();
    assert_eq!(listed.stdout.lines().count(), 2, "a record is not a version:\n{}", listed.stdout);
}

#[test]
fn promoting_what_the_tag_already_points_to_changes_nothing() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    scene.registry.forget_requests();
    let again = scene.promote("v1", &[]).ok();
    assert_eq!(
        (again.stdout, again.stderr),
        (format!("{} already there: nothing to do ({})\n", scene.live(), scene.v1), String::new())
    );
    assert_eq!(scene.written(), 0);
    assert_eq!(scene.promotions(&scene.v1).len(), 1);
    let again = scene.promote("v1", &["--format", "json"]).ok().json();
    assert_eq!((&again["artifacts"][0]["action"], &again["previousDigest"]), (&json!("unchanged"), &json!(scene.v1)));
    // A signature that was added to the source in the meantime still arrives.
    let (_, manifest) = scene.registry.manifest("team/sample", &scene.v1).unwrap();
    let config = scene.registry.add_blob(b"{}");
    let signature = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "artifactType": "a/signature",
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 }, "layers": [],
        "subject": {
            "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": scene.v1, "size": manifest.len(),
        },
    });
    let bytes = signature.to_string().into_bytes();
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    let digest = kit_testkit::registry::sha256(&bytes);
    scene.registry.add_manifest("team/sample", &digest, media_type, &bytes);
    scene.promote("v1", &[]).ok();
    assert!(scene.registry.manifest("production/sample", &digest).is_some());
}

#[test]
fn a_rollback_returns_to_the_version_before_and_can_be_rolled_back() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    scene.promote("v2", &[]).ok();
    let back = scene.roll_back(&[]).ok();
    assert_eq!(back.stdout, format!("Rolled back to {}\n", scene.v1));
    back.says(&format!("the tag pointed to {}", scene.v2));
    assert!(scene.is_at("live", &scene.v1));
    let [rollback, _] = &scene.promotions(&scene.v1)[..] else { panic!("two records, the newest first") };
    let source = scene.name(&format!("production/sample@{}", scene.v1));
    assert_eq!((&rollback["action"], &rollback["source"]), (&json!("rollback"), &json!(source)));
    let again = scene.roll_back(&["--format", "json"]).ok().json();
    assert_eq!((&again["digest"], &again["previousDigest"]), (&json!(scene.v2), &json!(scene.v1)));
    assert_eq!(again["artifacts"][0]["action"], "rolledBack");
    assert!(scene.is_at("live", &scene.v2));
    let third = scene.roll_back(&["--expect", &scene.v2, "-q"]).ok().says("which undoes the rollback of 20");
    third.prints(&scene.v1);
    let log = scene.sandbox.kit(&["log", "--remote", &scene.name("production/sample"), PLAIN]).ok();
    log.prints("  live: rolled back 20");
}

#[test]
fn a_rollback_of_a_tag_that_was_moved_without_a_record_is_refused() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    scene.promote("v2", &[]).ok();
    scene.sandbox.kit(&["copy", &scene.name("team/sample:v1"), &scene.live(), PLAIN]).ok();
    let refused = scene.roll_back(&[]).exits(7);
    refused.says(&format!("points to {}, but its latest promotion moved it to {}", scene.v1, scene.v2));
    assert!(scene.is_at("live", &scene.v1));
    let versions = scene.log("production/sample");
    let later = versions.iter().find(|version| version["digest"] == scene.v2).expect("the later promotion is shown");
    assert_eq!(later["promotions"].as_array().unwrap().len(), 1);
    // A version without any record leads to the latest promotion as well.
    scene.sandbox.kit(&["copy", &scene.name("team/sample:v2"), &scene.name("production/sample:v2"), PLAIN]).ok();
    scene.sandbox.write("project/data/train.csv", "a,b\n7,8\n");
    scene.sandbox.kit(&["pack", "project", "--push", &scene.live(), PLAIN]).ok();
    scene.roll_back(&[]).exits(7).says("it was moved without a record");
    // A promotion is a record again.
    scene.promote("v2", &[]).ok();
    scene.roll_back(&[]).ok();
    scene.roll_back(&[]).ok().says("which undoes the rollback of 20");
}

#[test]
fn records_that_a_registry_deleted_are_counted() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    let gone = Fault::Status(404, Vec::new());
    let record = scene.registry.requests_of("PUT", "/production/sample/manifests/sha256").pop().unwrap();
    scene.registry.fail_later("GET", &record.target, 0, usize::MAX - 1, gone);
    let log = scene.sandbox.kit(&["log", "--remote", &scene.name("production/sample"), PLAIN]).ok();
    log.says("1 record of promotions of").says("cannot be read");
}

#[test]
fn a_rollback_without_a_record_or_from_another_state_is_refused() {
    let scene = Scene::new();
    let refused = scene.roll_back(&[]).exits(4);
    assert!(refused.stderr.contains("cannot roll back"), "{}", refused.stderr);
    let push = scene.name("team/sample:v1");
    let refused = scene.sandbox.kit(&["promote", "--rollback", &push, PLAIN]).exits(4);
    expect![[r#"
        error: cannot roll back `[REGISTRY]/team/sample:v1`
          caused by: no record of a promotion of `[REGISTRY]/team/sample:v1` to [DIGEST] was found
        hint: `kit log --remote` lists the versions and promotions of the repository; promote one of them by its digest
    "#]]
    .assert_eq(&refused.redacted_failure());
    scene.promote("v1", &[]).ok();
    scene.roll_back(&[]).exits(4).says("did not exist before it was promoted");
    scene.promote("v2", &[]).ok();
    scene.roll_back(&["--expect", &scene.v1]).exits(7).says(&format!("expected {}", scene.v1));
    assert!(scene.is_at("live", &scene.v2));
    // Another client moves the tag after the record was read.
    let other = Fault::Header("docker-content-digest", format!("sha256:{}", "0".repeat(64)));
    scene.registry.fail_later("HEAD", "/production/sample/manifests/live", 1, 1, other);
    scene.roll_back(&[]).exits(7).says("points to sha256:0000");
    scene.registry.heal();
    scene.registry.remove_manifest("production/sample", &scene.v1);
    scene.roll_back(&[]).exits(4).says("cannot read the version before the promotion");
    assert!(scene.is_at("live", &scene.v2));
    scene.sandbox.kit(&["promote", "--rollback", &scene.live(), "a:v1", PLAIN]).exits(2);
    scene.sandbox.kit(&["promote", &scene.live(), PLAIN]).exits(2);
    let bare = scene.name("production/sample");
    scene.sandbox.kit(&["promote", &scene.live(), &bare, PLAIN]).exits(2).says("the destination needs a tag");
    scene.sandbox.kit(&["promote", "--rollback", "sample:v1"]).exits(2).says("has no registry host");
    scene.sandbox.kit(&["promote", "--rollback", "oci:layout:v1"]).exits(2).says("is an image layout");
}

#[test]
fn the_record_of_another_repository_is_not_the_way_back() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    scene.promote("v2", &[]).ok();
    let copy = scene.name("copy/sample:live");
    scene.sandbox.kit(&["copy", &scene.live(), &copy, PLAIN]).ok();
    let versions = scene.log("copy/sample");
    assert_eq!(versions[0]["promotions"][0]["target"], scene.live(), "records travel with the ModelKit");
    scene.sandbox.kit(&["promote", "--rollback", &copy, PLAIN]).exits(4).says("no record of a promotion");
    let log = scene.sandbox.kit(&["log", "--remote", &scene.name("copy/sample"), PLAIN]).ok();
    log.prints(&format!("  {}: promoted", scene.live()));
}

#[test]
fn a_record_that_cannot_be_attached_is_a_warning() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    let refused = Fault::Status(403, Vec::new());
    // The first manifest without a tag is the provenance attestation of the ModelKit.
    scene.registry.fail_later("PUT", "/production/sample/manifests/sha256", 1, usize::MAX - 1, refused);
    let promoted = scene.promote("v2", &[]).ok();
    assert_eq!(promoted.stdout, format!("Promoted {}\n", scene.v2));
    promoted.says(&format!("warning: cannot attach `{PROMOTION}` to the ModelKit"));
    assert!(scene.is_at("live", &scene.v2));
}

#[test]
fn registries_without_the_referrers_api_keep_records_too() {
    let scene = Scene::new();
    let docker = DockerRegistry::start();
    let live = format!("{}/production/sample:live", docker.host());
    for tag in ["v1", "v2"] {
        scene.sandbox.kit(&["promote", &scene.name(&format!("team/sample:{tag}")), &live, PLAIN]).ok();
    }
    for expected in [&scene.v1, &scene.v2, &scene.v1] {
        scene.sandbox.kit(&["promote", "--rollback", &live, PLAIN]).ok().prints(expected);
    }
}

#[test]
fn a_dry_run_shows_the_move_and_writes_nothing() {
    let scene = Scene::new();
    let planned = scene.promote("v1", &["--dry-run", "--also", "image"]).ok();
    let lines: Vec<_> = planned.stdout.lines().filter(|line| line.starts_with("move ")).collect();
    assert!(lines[0].ends_with(&format!("{} {} from nothing", scene.v1, scene.live())), "{}", planned.stdout);
    assert!(lines[1].ends_with(&format!("{}-image from nothing", scene.live())), "{}", planned.stdout);
    assert_eq!(lines.len(), 2);
    assert_eq!(
        planned.stdout.lines().filter(|line| line.starts_with("mount ")).count(),
        0,
        "the registry shares blobs"
    );
    scene.promote("v1", &["--dry-run", "--expect", &scene.v2]).exits(7);
    assert_eq!(scene.written(), 0);
    scene.promote("v1", &[]).ok();
    scene.promote("v1", &["--dry-run"]).ok().prints("keep ");
    scene.promote("v2", &[]).ok();
    scene.registry.forget_requests();
    let planned = scene.roll_back(&["--dry-run", "--format", "json"]).ok().json();
    let tag = json!({
        "action": "move", "tag": scene.live(), "digest": scene.v1, "previousDigest": scene.v2,
    });
    assert_eq!((&planned["dryRun"], &planned["tags"]), (&json!(true), &json!([tag])));
    assert_eq!(scene.written(), 0);
    assert!(scene.is_at("live", &scene.v2));
}

#[test]
fn other_forms_are_made_moved_and_moved_back() {
    let scene = Scene::new();
    let image = |tag: &str| scene.registry.manifest("production/sample", &format!("{tag}-image")).map(|it| it.1);
    let promoted = scene.promote("v1", &["--also", "image,modelpack"]).ok();
    assert_eq!(promoted.stdout.lines().count(), 3, "{}", promoted.stdout);
    let first = image("live").unwrap();
    scene.promote("v1", &["--also", "image,modelpack"]).ok().prints("nothing to do");
    // A version without an image leaves the old one, and says so.
    scene
        .promote("v2", &[])
        .ok()
        .says("`live-image` still holds another version; `--also image` of `kit push` and `kit promote` moves it");
    assert_eq!(image("live").as_ref(), Some(&first));
    scene.promote("v2", &["--also", "image"]).ok().prints("live-image");
    let second = image("live").unwrap();
    assert_ne!(first, second);
    let back = scene.roll_back(&[]).ok().prints("live-image");
    assert!(!back.stderr.contains("live-image` stays at another version"), "{}", back.stderr);
    assert_eq!((image("live"), scene.is_at("live", &scene.v1)), (Some(first.clone()), true));

    // The image of a version is promoted by itself, and its own tag rolled back.
    let (source, target) = (scene.name("production/sample:live-image"), scene.name("edge/sample:live"));
    scene.sandbox.kit(&["promote", &source, &target, PLAIN]).ok().prints("Promoted");
    assert_eq!(scene.registry.manifest("edge/sample", "live").map(|it| it.1), Some(first));
    let v2 = format!("{}@{}", scene.name("production/sample"), kit_testkit::registry::sha256(&second));
    scene.sandbox.kit(&["promote", &v2, &target, PLAIN]).ok();
    scene.sandbox.kit(&["promote", "--rollback", &target, PLAIN]).ok();
    assert_ne!(scene.registry.manifest("edge/sample", "live").map(|it| it.1), Some(second));
}

#[test]
fn forms_that_were_pushed_with_their_versions_move_back() {
    let scene = Scene::new();
    for tag in ["v1", "v2"] {
        let name = scene.name(&format!("team/sample:{tag}"));
        scene.sandbox.kit(&["pull", &name, PLAIN]).ok();
        scene.sandbox.kit(&["push", &name, PLAIN, "--also", "image,modelpack"]).ok();
        scene.promote(tag, &[]).ok().prints("live-image").prints("live-modelpack");
    }
    let at = |repository: &str, tag: &str| scene.registry.manifest(repository, tag).map(|it| it.1);
    let planned = scene.roll_back(&["--dry-run"]).ok().prints("live-image from sha256:");
    assert!(!planned.stderr.contains("stays at another version"), "{}", planned.stderr);
    scene.roll_back(&[]).ok();
    for suffix in ["", "-image", "-modelpack"] {
        let (live, v1) = (format!("live{suffix}"), format!("v1{suffix}"));
        assert_eq!(at("production/sample", &live), at("team/sample", &v1), "{suffix}");
    }
}

#[test]
fn a_form_that_the_undone_promotion_did_not_move_stays() {
    let scene = Scene::new();
    let image = || scene.registry.manifest("production/sample", "live-image").map(|it| it.1);
    scene.promote("v1", &["--also", "image"]).ok();
    scene.promote("v2", &["--also", "image"]).ok();
    let second = image();
    // A version with the same layers and the same image.
    let push = scene.name("team/sample:v3");
    let kitfile = scene.sandbox.read("project/Kitfile");
    scene.sandbox.write("project/Kitfile", kitfile.replace("name: sample", "name: sample\n  description: other"));
    scene.sandbox.kit(&["pack", "project", "--push", &push, PLAIN]).ok();
    scene.promote("v3", &[]).ok();
    assert_eq!(image(), second);
    let back = scene.roll_back(&[]).ok();
    assert_eq!((image(), scene.is_at("live", &scene.v2)), (second, true), "{}", back.stdout);
}

#[test]
fn a_form_without_an_earlier_one_stays_and_a_dry_run_reports_it() {
    let scene = Scene::new();
    scene.promote("v1", &[]).ok();
    scene.promote("v2", &["--also", "image"]).ok();
    let warning = "`live-image` stays at another version: the rollback does not move it";
    scene.roll_back(&["--dry-run"]).ok().says(warning);
    scene.roll_back(&[]).ok().says(warning);
    let warning = "`live-image` still holds another version";
    scene.promote("v1", &["--dry-run"]).ok().says(warning);
    let planned = scene.promote("v1", &["--dry-run", "--also", "image"]).ok();
    assert!(!planned.stderr.contains(warning), "{}", planned.stderr);
}

#[test]
fn an_image_of_other_tools_is_not_promoted() {
    let scene = Scene::new();
    let config = json!({ "history": [{ "created_by": "RUN make" }] }).to_string().into_bytes();
    let manifest = json!({
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json", "layers": [],
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json", "digest": scene.registry.add_blob(&config),
            "size": config.len(),
        },
    });
    let media_type = "application/vnd.oci.image.manifest.v1+json";
    scene.registry.add_manifest("team/tool", "v1", media_type, manifest.to_string().as_bytes());
    let promoted = scene.sandbox.kit(&["promote", &scene.name("team/tool:v1"), &scene.live(), PLAIN]).fails();
    promoted.says("does not refer to a ModelKit or ModelPack, but to a container image");
    assert!(scene.registry.manifest("production/sample", "live").is_none());
}
