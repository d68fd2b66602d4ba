//! `kit remove --remote`: tags and ModelKits in a registry.

use kit_testkit::registry::FakeRegistry;
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
fn a_modelkit_is_removed_with_all_its_tags() {
    for by_digest in [false, true] {
        let registry = FakeRegistry::start();
        let (sandbox, repository) = pushed(&registry);
        let digest = sandbox.kit(&["inspect", &format!("{repository}:v1")]).ok().json()["digest"].take();
        let whole = format!("{repository}@{}", digest.as_str().unwrap());
        let name = format!("{repository}:v1");
        let args: &[&str] = if by_digest { &[&whole] } else { &["--force", &name] };
        let run = sandbox.kit(&[&["remove", "--remote", PLAIN], args].concat()).ok();
        run.says(&format!("Deleting remote ModelKit {whole}\n"));
        assert!(registry.manifest("team/sample", "v2").is_none());
    }
}

#[test]
fn a_registry_that_cannot_delete_is_named() {
    let registry = FakeRegistry::start();
    registry.configure(|options| options.delete = false);
    let (sandbox, repository) = pushed(&registry);
    for flag in ["--force", "--force=false"] {
        let run = sandbox.kit(&["remove", "--remote", flag, &format!("{repository}:v1"), PLAIN]).fails();
        run.says(&format!("removing models is unsupported by registry {}", registry.host()));
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
