//! Files that other programs run or trust are unpacked only with the consent of the user, and temporary files never get
//! into or out of a ModelKit.

use fs_err as fs;
use serde_json::json;

use super::hostile::{Layout, tar};
use kit_testkit::sandbox::Sandbox;

const CONSENT: &str = "--allow-unsafe-paths";

/// A ModelKit `a:v1` of a whole project, as KitOps packs it: with its `.git`.
fn project_with(sandbox: &Sandbox, extra: &[&str]) {
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m}\ncode: [{path: .}]\n");
    sandbox.write("project/m", "weights");
    for path in extra {
        sandbox.write(&format!("project/{path}"), "content");
    }
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
}

#[test]
fn a_git_folder_is_unpacked_with_consent_only() {
    let sandbox = Sandbox::new();
    project_with(&sandbox, &["a.py", "sub/.GIT/hooks/post-checkout"]);
    let run = sandbox.kit(&["unpack", "a:v1", "-d", "out", "-q"]).fails();
    expect_test::expect![[r#"
        error: cannot unpack `a:v1` into `out`
          caused by: cannot unpack code .
          caused by: refused to unpack `sub/.GIT`: git would run hooks and commands from this folder
        hint: KitOps packs `.git` if the path of a layer is the whole project; if you trust the ModelKit, add --allow-unsafe-paths
    "#]]
    .assert_eq(&run.redacted_stderr());
    assert!(!sandbox.path("out").exists());
    sandbox.kit(&["cp", "a:v1//.", "out"]).fails().says("refused to unpack `out/sub/.GIT/hooks/post-checkout`");
    assert!(!sandbox.path("out").exists());
    sandbox.kit(&["unpack", "a:v1", "-d", "out", "--filter", "model"]).ok();
    assert_eq!(sandbox.names("out"), ["m"]);
    for args in [&["unpack", "a:v1", "-d", "trusted", CONSENT][..], &["cp", "a:v1//.", "copied", CONSENT]] {
        sandbox.kit(args).ok();
    }
    for folder in ["trusted", "copied"] {
        assert_eq!(sandbox.names(folder), ["Kitfile", "a.py", "m", "sub/.GIT/hooks/post-checkout"]);
    }
}

#[test]
fn an_ssh_folder_from_a_registry_is_refused() {
    let sandbox = Sandbox::new();
    let registry = kit_testkit::registry::FakeRegistry::start();
    project_with(&sandbox, &[".ssh/authorized_keys"]);
    let name = format!("{}/team/a:v1", registry.host());
    sandbox.kit(&["push", "a:v1", &name, "--plain-http"]).ok();
    let unpack = ["unpack", &name, "--plain-http", "-d", "out"];
    sandbox.kit(&unpack).fails().says("refused to unpack `.ssh`: ssh would trust keys");
    assert!(!sandbox.path("out").exists());
    sandbox.kit(&[&unpack[..], &[CONSENT]].concat()).ok();
}

#[test]
fn start_up_files_are_refused_in_the_home_folder() {
    let sandbox = Sandbox::new();
    project_with(&sandbox, &[".bashrc", ".config/autostart/x.desktop"]);
    fs::create_dir(sandbox.path("home")).unwrap();
    let run = sandbox.kit(&["unpack", "a:v1", "-d", "home"]).fails();
    let run = run.says("`.bashrc`: a shell or another program would run or trust it in the home folder");
    run.says("hint: unpack into another folder, or");
    assert!(sandbox.names("home").is_empty());
    sandbox.kit(&["unpack", "a:v1", "-d", "home/work"]).ok();
    sandbox.kit(&["unpack", "a:v1", "-d", "home", CONSENT]).ok();
}

#[test]
fn temporary_files_are_neither_packed_nor_unpacked() {
    let sandbox = Sandbox::new();
    let leftovers = [".kit-unpack-0123456789abcdef/new/m", "sub/.kit-save-abcdef", ".kit-write-abcdef"];
    for path in leftovers {
        sandbox.write(&format!("project/{path}"), "leftover");
    }
    sandbox.write("project/.kitignore", "!**/.kit-*\n");
    project_with(&sandbox, &["sub/a.py"]);
    sandbox.kit(&["unpack", "a:v1", "-d", "out"]).ok();
    assert_eq!(sandbox.names("out"), ["Kitfile", "m", "sub/a.py"]);
    let run = sandbox.kit(&["validate", "project"]).ok();
    assert!(!(run.stdout + &run.stderr).contains(".kit-"));
    sandbox.kit(&["diff", "a:v1", "project", "--exit-code"]).ok();
    sandbox.kit(&["verify", "project", "a:v1"]).ok();

    for path in leftovers {
        let name = format!("d/{path}");
        let layout = Layout::new(&sandbox);
        let layer = layout.layer("tar", &tar(&name, b"planted"));
        layout.publish_annotated(
            &json!({ "model": { "path": "d", "digest": layer["digest"] } }),
            std::slice::from_ref(&layer),
            &json!({}),
        );
        let run = sandbox.kit(&["unpack", "oci:layout:v1", "-d", "new", CONSENT]).fails();
        run.says(&format!("refused to unpack `{name}`: kit uses such names for temporary files"));
        assert!(!sandbox.path("new").exists());
    }
}
