//! The names that a ModelKit gets when it is packed.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

#[test]
fn a_repeated_tag_adds_a_name_in_the_same_repository() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let tags = ["-t", "a:v1", "-t", "a:v2,v3", "-t", "a:v1"];
    sandbox.kit(&[&["pack", "project"], &tags[..]].concat()).ok().says("tagged a:v1, a:v2, a:v3");
    let digest = |name: &str| sandbox.kit(&["inspect", name]).ok().json()["digest"].clone();
    assert_eq!(digest("a:v1"), digest("a:v2"));
    assert_eq!(digest("a:v1"), digest("a:v3"));
    let registry = FakeRegistry::start();
    let remote = |tag: &str| format!("{}/team/a:{tag}", registry.host());
    let names = ["--push", &remote("v1"), "--push", &remote("v2"), "--plain-http"];
    sandbox.kit(&[&["pack", "project"], &names[..]].concat()).ok();
    assert_eq!(registry.manifest("team/a", "v1"), registry.manifest("team/a", "v2"));
    // Another repository needs a step of its own.
    let refused = sandbox.kit(&["pack", "project", "-t", "b:v1", "-t", "c:v1"]).exits(2);
    refused.says("`b:v1` and `c:v1` are in different repositories").says("`kit tag b:v1 c:v1`");
    sandbox.kit(&["inspect", "b:v1"]).fails();
    let convert = ["convert", "a:v1", "--to", "modelpack", "-t", "m:v1", "-t", "m:v2"];
    sandbox.kit(&convert).exits(2).says("`kit tag m:v1 m:v2`");
    sandbox.kit(&["pack", "project", "-t", "oci:layout:v1", "-t", "oci:layout:v2", "--push"]).exits(2);
}
