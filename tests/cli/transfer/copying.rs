//! `copy`, mounting and `--dry-run`: blobs that are sent, blobs that are reused, and plans.

use expect_test::expect;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

#[test]
fn copy_streams_from_registry_to_registry_and_stores_nothing() {
    let (sandbox, from, to) = (Sandbox::packed(), DockerRegistry::start(), DockerRegistry::start());
    let (source, target) = (format!("{}/a/b:v1", from.host()), format!("{}/c:v2", to.host()));
    let pushed = sandbox.kit(&["push", "sample:v1", &source, PLAIN]).ok();
    let elsewhere = |args: &[&str]| sandbox.run(sandbox.command(args).env("KIT_HOME", sandbox.path("elsewhere")));
    let copied = elsewhere(&["copy", &source, &target, PLAIN]).ok().says("0 B already there, 0 B mounted");
    assert_eq!(copied.stdout, format!("Copied {}\n", pushed.digest()));
    assert!(!sandbox.path("elsewhere/store").exists());
    elsewhere(&["copy", &source, &target, PLAIN]).ok().says("0 B sent");
    elsewhere(&["copy", &target, "oci:layout:x", PLAIN]).ok();
    elsewhere(&["copy", "oci:layout:x", &format!("{}/back:v1", from.host()), PLAIN]).ok();
    elsewhere(&["unpack", &format!("{}/back:v1", from.host()), "-d", "out", PLAIN]).ok();
    assert_eq!(sandbox.read("out/README.md"), "# Sample\n");
}

#[test]
fn copy_within_a_registry_mounts() {
    let (sandbox, registry) = (Sandbox::packed(), DockerRegistry::start());
    let (source, target) = (format!("{}/a:v1", registry.host()), format!("{}/b:v1", registry.host()));
    sandbox.kit(&["push", "sample:v1", &source, PLAIN]).ok();
    let copied = sandbox.kit(&["copy", &source, &target, PLAIN]).ok();
    copied.says("0 B sent, 0 B already there").says("mounted from a\n");
    sandbox.kit(&["unpack", &target, "-d", "out", PLAIN]).ok();
}

#[test]
fn promote_moves_a_tag_without_bytes_and_shows_its_previous_target() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let team = format!("{}/team:v1", registry.host());
    let (first, second) = (format!("{}/live:stable", registry.host()), format!("{}/live:next", registry.host()));
    let digest = sandbox.kit(&["push", "sample:v1", &team, PLAIN]).ok().digest();
    let promoted = sandbox.kit(&["promote", &team, &first, "--expect", "none", PLAIN]).ok();
    assert_eq!(promoted.stdout, format!("Promoted {digest}\n"));
    promoted.says("0 B sent, ").says("the tag pointed to nothing");
    let by_digest = format!("{}/live@{digest}", registry.host());
    sandbox.kit(&["promote", &by_digest, &second, PLAIN]).ok().says("0 B sent, ");
    sandbox.kit(&["promote", &team, &first, "--expect", &digest, PLAIN]).ok().prints("already there: nothing to do");
    assert_eq!(registry.manifest("live", "stable"), registry.manifest("team", "v1"));
    sandbox.kit(&["promote", &team, &by_digest, PLAIN]).exits(2).says("the destination needs a tag");
    sandbox.kit(&["promote", &team, &first, "--expect", "v1", PLAIN]).exits(2);
    sandbox.kit(&["promote", "sample:v1", &first, PLAIN]).exits(2).says("has no registry host");
}

#[test]
fn promote_leaves_a_tag_that_is_not_where_it_should_be() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let name = |name: &str| format!("{}/{name}", registry.host());
    let old = sandbox.kit(&["push", "sample:v1", &name("live:stable"), PLAIN]).ok().digest();
    sandbox.write("project/README.md", "# Better\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox.kit(&["push", "sample:v2", &name("team:v2"), PLAIN]).ok();
    let before = registry.manifest("live", "stable");
    registry.forget_requests();
    let refused = sandbox.kit(&["promote", &name("team:v2"), &name("live:stable"), "--expect", "none", PLAIN]).fails();
    expect![[r#"
        error: cannot promote `[REGISTRY]/team:v2` to `[REGISTRY]/live:stable`
          caused by: `[REGISTRY]/live:stable` points to [DIGEST], expected nothing
        hint: check what the tag points to now, then use `--expect [DIGEST]` to move it
    "#]]
    .assert_eq(&refused.redacted_failure());
    assert!(registry.requests_of("POST", "/uploads/").is_empty(), "nothing travels for what is refused");
    // Another client moves the tag after it was read for the first time.
    let other = Fault::Header("docker-content-digest", format!("sha256:{}", "0".repeat(64)));
    registry.fail_later("HEAD", "/live/manifests/stable", 1, 1, other);
    let refused = sandbox.kit(&["promote", &name("team:v2"), &name("live:stable"), "--expect", &old, PLAIN]).fails();
    refused.says("points to sha256:0000").says(&format!(", expected {old}"));
    assert_eq!(registry.manifest("live", "stable"), before);
    sandbox.kit(&["promote", &name("team:v2"), &name("live:stable"), "--expect", &old, PLAIN]).ok();
    assert_ne!(registry.manifest("live", "stable"), before);
}

#[test]
fn push_mounts_blobs_from_repositories_the_store_knows() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    registry.configure(|options| options.own_blobs = true);
    let (base, other) = (format!("{}/base:v1", registry.host()), format!("{}/other:v1", registry.host()));
    sandbox.kit(&["tag", "sample:v1", &base]).ok();
    sandbox.kit(&["push", &base, PLAIN]).ok().says("0 B mounted");
    registry.forget_requests();
    sandbox.kit(&["push", "sample:v1", &other, PLAIN]).ok().says("0 B sent, 0 B already there");
    let sent: u64 = registry.requests_of("PUT", "/uploads/").iter().map(|request| request.body_bytes).sum();
    assert_eq!(sent, 0);
    assert!(registry.manifest("other", "v1").is_some());
}

#[test]
fn a_dry_run_shows_the_plan_and_changes_nothing() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    registry.configure(|options| options.own_blobs = true);
    let (base, other) = (format!("{}/base:v1", registry.host()), format!("{}/other:v1", registry.host()));
    let run = sandbox.kit(&["push", "sample:v1", &base, "--dry-run", PLAIN]).ok();
    expect![[r#"
        send            4096 [DIGEST] datasets data
        send            2560 [DIGEST] model weights/model.bin
        send            2560 [DIGEST] model.parts weights/tokenizer.json
        send            2560 [DIGEST] code src
        send            2048 [DIGEST] docs README.md
        send            1163 [DIGEST] config
    "#]]
    .assert_eq(&run.redacted_stdout());
    assert_eq!(run.stderr, "14.6 KiB would be sent, 0 B mounted, 0 B skipped; nothing was changed\n");
    sandbox.kit(&["push", "sample:v1", &base, PLAIN]).ok();
    let run = sandbox.kit(&["copy", &base, &other, "--dry-run", PLAIN]).ok();
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("mount ") && line.ends_with(" from base")).count(), 6);
    sandbox.kit(&["push", "sample:v1", &base, "--dry-run", PLAIN]).ok().prints("skip ").says("0 B would be sent");
    assert!(registry.requests().iter().all(|request| !request.target.contains("/other/") || request.method == "HEAD"));
    let pull = ["pull", &base, "--dry-run", PLAIN];
    let run = sandbox.run(sandbox.command(&pull).env("KIT_HOME", sandbox.path("elsewhere"))).ok();
    assert_eq!(run.stdout.lines().filter(|line| line.starts_with("send ")).count(), 6);
    sandbox.kit(&["push", "sample:v1", "oci:layout:v1", "--dry-run"]).ok().prints("send ");
    assert!(!sandbox.path("elsewhere").exists() && !sandbox.path("layout").exists());
}

#[test]
fn copy_names_the_parent_that_it_does_not_copy() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let (base, tuned) = (format!("{}/base:v1", registry.host()), format!("{}/tuned:v1", registry.host()));
    sandbox.kit(&["push", "sample:v1", &base, PLAIN]).ok();
    sandbox
        .write("tuned/Kitfile", format!("manifestVersion: 1.0.0\nmodel: {{path: '{base}'}}\ncode: [{{path: app}}]\n"));
    sandbox.write("tuned/app", "app");
    sandbox.kit(&["pack", "tuned", "-t", &tuned, PLAIN]).ok();
    sandbox.kit(&["push", &tuned, PLAIN]).ok();
    let copied = sandbox.kit(&["copy", &tuned, "oci:layout:v1", PLAIN]).ok();
    copied.says(&format!("The model refers to {base}, which was not copied"));
}

/// The layer is not there and the registry is not reached: the size in the manifest is enough.
#[test]
fn a_layer_over_the_ceiling_of_a_registry_is_refused_before_anything_moves() {
    let sandbox = Sandbox::new();
    let blob = |media_type: &str, size: u64| {
        let digest = kit_core::digest::Digest::of(media_type.as_bytes());
        serde_json::json!({ "mediaType": media_type, "digest": digest, "size": size })
    };
    let mut layer = blob("application/vnd.kitops.modelkit.model.v1.tar", 65_700_000_000);
    layer["annotations"] = serde_json::json!({ "org.cncf.model.filepath": "weights/model.safetensors" });
    let manifest = serde_json::json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": "application/vnd.kitops.modelkit.manifest.v1+json",
        "config": blob("application/vnd.kitops.modelkit.config.v1+json", 2),
        "layers": [layer],
    });
    let manifest = manifest.to_string();
    let digest = kit_core::digest::Digest::of(manifest.as_bytes());
    sandbox.write(&format!("layout/blobs/sha256/{}", digest.hex()), &manifest);
    sandbox.write("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [{
        "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": digest, "size": manifest.len(),
        "annotations": { "org.opencontainers.image.ref.name": "v1" },
    }] });
    sandbox.write("layout/index.json", index.to_string());
    for arguments in [&["push"][..], &["copy"], &["push", "--dry-run"]] {
        let names = ["oci:layout:v1", "1.dkr.ecr.eu-west-1.amazonaws.com/a:v1"];
        let run = sandbox.kit(&[arguments, &names].concat()).fails();
        let words = "  caused by: `1.dkr.ecr.eu-west-1.amazonaws.com` accepts layers of at most 52,000 MiB\n\
                     hint: list the shards";
        run.says(words).says("weights/model.safetensors (61.1 GiB)\n");
    }
}
