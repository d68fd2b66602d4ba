//! What a newcomer reads when something is not where it was looked for.

use crate::sandbox::Sandbox;

#[test]
fn a_folder_that_is_no_layout_is_not_blamed_on_the_tag() {
    let sandbox = Sandbox::new();
    for args in [&["unpack", "oci:nowhere:v1"][..], &["pull", "oci:nowhere:v1"], &["list", "oci:nowhere"]] {
        sandbox.kit(args).fails().says("/nowhere` is not an OCI image layout: there is no `oci-layout` file");
    }
    assert!(!sandbox.path("nowhere").exists());
}

#[test]
fn who_asks_a_registry_is_not_told_of_the_local_store() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    for args in [&["info", "-r", "a:v1"][..], &["inspect", "-r", "a:v1"], &["diff", "local://a:v1", "remote://a:v1"]] {
        sandbox.kit(args).fails().says("`a:v1` names no registry").says("hint: put the registry in front");
    }
}

#[test]
fn what_pack_cannot_find_is_named() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "nowhere"]).fails().says("error: cannot pack `nowhere`").says("No such file or directory");
    let run = sandbox.kit(&["pack", "project", "-f", "Kitfile"]).fails();
    run.says("error: cannot read the Kitfile `Kitfile`").says("No such file or directory");
}
