//! `kit remove --remote`: tags and ModelKits in a registry.

use kit_testkit::registry::{FakeRegistry, TagDeletion};
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";

/// A ModelKit with the tags `v1` and `v2` in `registry`, and its name without a tag.
fn pushed(registry: &FakeRegistry) -> (Sandbox, String) {
    let (sandbox, repository) = (Sandbox::new(), format!("{}/team/sample", registry.host()));
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", &format!("{repository}:v1,v2")]).ok();
    for tag in ["v1", "v2"] {
        sandbox.kit(&["push", &format!("{repository}:{tag}"), PLAIN]).ok();
    }
    (sandbox, repository)
}

fn tags(sandbox: &Sandbox, repository: &str) -> String {
    sandbox.kit(&["list", repository, PLAIN, "--format", "{{range .Tags}}{{.}} {{end}}"]).ok().stdout
}

#[test]
fn a_tag_is_removed_alone() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let name = format!("{repository}:v1");
    let run = sandbox.kit(&["remove", "--remote", &name, PLAIN]).ok();
    run.says(&format!("Untagging remote ModelKit {name}\n")).prints(&format!("Untagged {name}"));
    assert_eq!(tags(&sandbox, &repository), "v2 \n");
}

#[test]
fn a_modelkit_is_not_removed_with_tags_that_were_not_named() {
    let registry = FakeRegistry::start();
    let (sandbox, repository) = pushed(&registry);
    let digest = sandbox.kit(&["inspect", &format!("{repository}:v1")]).ok().json()["digest"].take();
    let whole = format!("{repository}@{}", digest.as_str().unwrap());
    let name = format!("{repository}:v1");
    for (args, others) in [(&["--force", &name][..], "v2"), (&[whole.as_str()], "v1, v2")] {
        let run = sandbox.kit(&[&["remove", "--remote", PLAIN], args].concat()).fails();
        run.says(&format!("`{whole}` has other tags in the registry: {others}")).says("hint: use --all-tags");
    }
    assert_eq!(tags(&sandbox, &repository), "v1 v2 \n");
    // With both tags named, none is lost unexpectedly.
    let both = format!("{repository}:v1,v2");
    let run = sandbox.kit(&["remove", "--remote", "--force", &both, PLAIN]).ok();
    run.prints(&format!("Removed {repository}:v1 (digest")).prints(&format!("Untagged {repository}:v2"));
    assert!(registry.manifest("team/sample", "v2").is_none());
}

#[test]
fn a_registry_that_deletes_the_manifest_of_a_tag_loses_no_other_tag() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.tag_deletion = TagDeletion::Manifest);
    let (sandbox, repository) = pushed(&registry);
    let run = sandbox.kit(&["remove", "--remote", &format!("{repository}:v1"), PLAIN]).ok();
    run.says("the registry also deleted the tag `v2` of the same ModelKit; it is restored");
    assert_eq!(tags(&sandbox, &repository), "v2 \n");
    sandbox.kit(&["inspect", "--remote", &format!("{repository}:v2"), PLAIN]).ok();
}

#[test]
fn a_registry_without_deletion_of_tags_deletes_a_manifest_with_its_only_tag() {
    for answer in [TagDeletion::Unsupported, TagDeletion::Invalid] {
        let registry = FakeRegistry::start();
        registry.configure(|options| options.tag_deletion = answer);
        let (sandbox, repository) = pushed(&registry);
        let run = sandbox.kit(&["remove", "--remote", &format!("{repository}:v1"), PLAIN]).fails();
        run.says("does not delete single tags").says("has other tags: v2").says("hint: use --force --all-tags");
        assert_eq!(tags(&sandbox, &repository), "v1 v2 \n");
        sandbox.write("project/README.md", "# Other\n");
        let name = format!("{repository}:v3");
        sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok();
        let planned = sandbox.kit(&["remove", "--remote", &name, PLAIN, "--dry-run"]).ok();
        planned.says("a registry that cannot delete single tags deletes the ModelKit itself");
        let run = sandbox.kit(&["remove", "--remote", &name, PLAIN]).ok();
        run.says("It had no other tag, so the registry deleted the ModelKit itself");
        sandbox.kit(&["pack", "project", "--push", &name, PLAIN]).ok();
        let removed = sandbox.kit(&["remove", "--remote", &name, PLAIN, "--format", "json"]).ok().json();
        assert_eq!(
            (&removed["artifacts"][0]["action"], &removed["artifacts"][0]["references"][0]),
            (&"removed".into(), &name.into())
        );
        assert!(removed["artifacts"][0]["digest"].as_str().unwrap().starts_with("sha256:"));
        assert_eq!(tags(&sandbox, &repository), "v1 v2 \n");
    }
}

#[test]
fn a_modelkit_is_removed_with_all_its_tags() {
    for by_digest in [false, true] {
        let registry = FakeRegistry::start();
        let (sandbox, repository) = pushed(&registry);
        let digest = sandbox.kit(&["inspect", &format!("{repository}:v1")]).ok().json()["digest"].take();
        let whole = format!("{repository}@{}", digest.as_str().unwrap());
        let name = format!("{repository}:v1");
        let args: &[&str] = if by_digest { &[&whole] } else { &["--force", &name] };
        let remove = ["remove", "--remote", "--all-tags", PLAIN];
        let planned = sandbox.kit(&[&remove[..], args, &["--dry-run"]].concat()).ok();
        planned.prints(&format!("Would untag {repository}:v2 (digest {}", digest.as_str().unwrap()));
        assert_eq!(tags(&sandbox, &repository), "v1 v2 \n");
        let run = sandbox.kit(&[&["remove", "--remote", "--all-tags", PLAIN], args].concat()).ok();
        run.says(&format!("Deleting remote ModelKit {whole}\n")).prints(&format!("Untagged {repository}:v2"));
        assert!(registry.manifest("team/sample", "v2").is_none());
    }
}

#[test]
fn a_registry_that_cannot_delete_is_named() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.delete = false);
    let (sandbox, repository) = pushed(&registry);
    for flags in [&["--force", "--all-tags"][..], &[]] {
        let name = format!("{repository}:v1");
        let run = sandbox.kit(&[&["remove", "--remote", &name, PLAIN], flags].concat()).fails();
        run.says(&format!("unsupported by registry {}", if flags.is_empty() { "`" } else { "" }));
        assert_eq!(tags(&sandbox, &repository), "v1 v2 \n");
    }
}

#[test]
fn wrong_usage_is_explained_as_in_kitops() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["remove", "--all", "--remote"]).exits(2).says("cannot use --all with --remote");
    sandbox.kit(&["remove", "sample"]).exits(2).says("tag or digest is required when removing (sample:<tag>)");
    let tag = sandbox.kit(&["tag", "sample", "other:v1"]).exits(2);
    tag.says("source ModelKit reference requires a tag or digest (sample:<tag>)");
}
