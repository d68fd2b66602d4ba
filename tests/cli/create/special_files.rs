//! Files that block or never end, and links to files that a project must not show.
#![cfg(unix)]

use std::path::Path;
use std::process::Command;

use fs_err::os::unix::fs::symlink;
use kit_testkit::sandbox::Sandbox;

fn make_fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Runs `kit` and stops it if it blocks.
#[track_caller]
fn refused(sandbox: &Sandbox, args: &[&str], expected: &str) {
    let kit = sandbox.command(args);
    let mut command = Command::new("timeout");
    command.env_clear().envs(kit.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(kit.get_current_dir().unwrap()).arg("20").arg(kit.get_program()).args(args);
    let run = sandbox.run(&mut command);
    assert!(matches!(run.code, Some(1..=8)), "{args:?}: {:?} {}", run.code, run.stderr);
    let text = format!("{}{}", run.stdout, run.stderr);
    assert!(text.contains(expected), "{args:?}: {text}");
}

#[test]
fn nothing_but_a_regular_file_is_read() {
    for kind in ["fifo", "device"] {
        for (file, args) in [
            ("project/Kitfile", &["pack", "project", "-t", "b:v1"][..]),
            ("project/Kitfile", &["validate", "project"]),
            ("project/Kitfile", &["update", "project"]),
            ("project/Kitfile", &["diff", "./project", "a:v1"]),
            ("project/Kitfile", &["pack", "project", "-f", "project/Kitfile", "-t", "b:v1"]),
            ("project/.kitignore", &["pack", "project", "-t", "b:v1"]),
            ("project/.kitignore", &["validate", "project"]),
            ("project/Kitfile.lock", &["pack", "project", "-t", "b:v1", "--locked"]),
            ("project/Kitfile.lock", &["verify", "project"]),
            ("kit/config.toml", &["config"]),
            ("kit/credentials.json", &["logout", "registry.example"]),
            ("kit/store/index.json", &["list"]),
            ("kit/store/oci-layout", &["list"]),
            ("kit/store/.kit/index.lock", &["tag", "a:v1", "b:v1"]),
            ("kit/store/.kit/use.lock", &["inspect", "a:v1"]),
        ] {
            let sandbox = Sandbox::new();
            sandbox.project();
            sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
            let path = sandbox.path(file);
            if path.exists() {
                fs_err::remove_file(&path).unwrap();
            }
            if kind == "device" && file.starts_with("kit/store/.kit/") {
                continue; // a symbolic link is refused as a lock file anyway
            }
            match kind {
                "fifo" => make_fifo(&path),
                _ => symlink("/dev/zero", &path).unwrap(),
            }
            refused(&sandbox, args, "not a regular file");
        }
    }
}

#[test]
fn a_blob_that_is_a_fifo_does_not_block() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    for blob in fs_err::read_dir(sandbox.store().join("blobs/sha256")).unwrap() {
        let path = blob.unwrap().path();
        fs_err::remove_file(&path).unwrap();
        make_fifo(&path);
    }
    for args in [&["inspect", "a:v1"][..], &["unpack", "a:v1", "-d", "out"], &["fsck"]] {
        refused(&sandbox, args, "");
    }
}

#[test]
fn a_pipe_that_the_shell_opened_is_a_kitfile() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let kit = sandbox.command(&[]);
    let mut command = Command::new("bash");
    command.env_clear().envs(kit.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.current_dir(kit.get_current_dir().unwrap());
    command.args(["-c", "\"$0\" pack project -t a:v1 -f <(cat project/Kitfile)"]).arg(kit.get_program());
    sandbox.run(&mut command).ok();
}

#[test]
fn the_content_of_a_linked_file_outside_of_the_folder_is_not_shown() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox.write("secret", "db_password: hunter2\nother: [\n");
    let links = [("secret", "hunter2"), ("/proc/self/environ", "KIT_HOME=")];
    for (target, content) in links {
        for (file, args) in [
            ("Kitfile", &["pack", "project", "-t", "b:v1"][..]),
            ("Kitfile", &["pack", "project", "-f", "project/Kitfile", "-t", "b:v1"]),
            ("Kitfile", &["validate", "project"]),
            ("Kitfile", &["update", "project"]),
            ("Kitfile", &["diff", "./project", "a:v1"]),
            ("Kitfile.lock", &["verify", "project"]),
            ("Kitfile.lock", &["pack", "project", "-t", "b:v1", "--locked"]),
            (".kitignore", &["pack", "project", "-t", "b:v1"]),
        ] {
            let path = sandbox.path("project").join(file);
            let before = fs_err::read(&path).ok();
            if before.is_some() {
                fs_err::remove_file(&path).unwrap();
            }
            symlink(if target.starts_with('/') { target.into() } else { sandbox.path(target) }, &path).unwrap();
            let run = sandbox.kit(args);
            let text = format!("{}{}", run.stdout, run.stderr);
            assert!(!text.contains(content) && !text.contains("db_password"), "{args:?}: {text}");
            assert!(file == ".kitignore" || run.code != Some(0), "{args:?}: {text}");
            fs_err::remove_file(&path).unwrap();
            if let Some(before) = before {
                fs_err::write(&path, before).unwrap();
            }
        }
    }
}

#[test]
fn a_kitfile_may_be_a_link() {
    let sandbox = Sandbox::new();
    sandbox.project();
    fs_err::rename(sandbox.path("project/Kitfile"), sandbox.path("Kitfile.shared")).unwrap();
    symlink("../Kitfile.shared", sandbox.path("project/Kitfile")).unwrap();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
}
