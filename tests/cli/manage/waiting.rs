//! Locks of the local store that another process holds.

use std::fs::File;

use kit_testkit::sandbox::Sandbox;

fn packed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    sandbox
}

/// Takes the lock `name`, as another process would, and writes the number of this process into its file.
fn hold(sandbox: &Sandbox, name: &str) -> File {
    let path = sandbox.store().join(".kit").join(name);
    fs_err::write(&path, std::process::id().to_string()).unwrap();
    let file = File::options().read(true).write(true).open(path).unwrap();
    file.lock().unwrap();
    file
}

#[test]
fn waiting_for_a_lock_ends_at_the_timeout() {
    let sandbox = packed();
    sandbox.kit(&["save", "a:v1", "-o", "a.tar"]).ok();
    let process = std::process::id();
    for (lock, args) in [
        ("index.lock", &["tag", "a:v1", "b:v1"][..]),
        ("index.lock", &["remove", "a:v1"]),
        ("index.lock", &["pack", "project", "-t", "c:v1"]),
        ("use.lock", &["inspect", "a:v1"]),
        ("use.lock", &["load", "a.tar"]),
        ("use.lock", &["unpack", "a:v1", "-d", "out"]),
        ("use.lock", &["pack", "project", "-t", "c:v1"]),
    ] {
        let held = hold(&sandbox, lock);
        let failed = sandbox.kit(&[args, &["--lock-timeout", "100ms"]].concat()).exits(6);
        assert!(failed.stderr.contains(&format!("process {process} holds the lock")), "{args:?}: {}", failed.stderr);
        assert!(failed.stderr.contains("hint: wait until that process ends"), "{args:?}: {}", failed.stderr);
        drop(held);
    }
    sandbox.kit(&["tag", "a:v1", "b:v1", "--lock-timeout", "0s"]).ok();
    let _held = hold(&sandbox, "index.lock");
    sandbox.kit(&["tag", "a:v1", "b:v1", "--lock-timeout", "0s"]).exits(6).says("still held it after 0s");
}

#[test]
fn the_timeout_can_be_set_by_the_environment_and_the_file() {
    let sandbox = packed();
    let held = hold(&sandbox, "index.lock");
    let mut command = sandbox.command(&["tag", "a:v1", "b:v1"]);
    sandbox.run(command.env("KIT_LOCK_TIMEOUT", "50ms")).fails();
    let mut command = sandbox.command(&["tag", "a:v1", "b:v1"]);
    let wrong = sandbox.run(command.env("KIT_LOCK_TIMEOUT", "soon")).fails();
    assert!(wrong.stderr.contains("KIT_LOCK_TIMEOUT must be a time"), "{}", wrong.stderr);
    sandbox.write("kit/config.toml", "[defaults]\nlock-timeout = \"50ms\"\n");
    sandbox.kit(&["tag", "a:v1", "b:v1"]).fails();
    drop(held);
}

#[test]
fn a_long_wait_is_reported_and_goes_on() {
    let sandbox = packed();
    let held = hold(&sandbox, "index.lock");
    let child = sandbox.command(&["tag", "a:v1", "b:v1", "--progress", "json"]);
    let mut child = { child }.stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    let stderr = child.stderr.take().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(stderr), &mut line).unwrap();
    drop(held);
    assert!(child.wait().unwrap().success());
    let event: serde_json::Value = serde_json::from_str(&line).unwrap();
    assert_eq!(event["event"], "waitingForLock", "{line}");
    assert_eq!(event["process"], std::process::id(), "{line}");
    sandbox.kit(&["inspect", "b:v1"]).ok();
}

#[cfg(unix)]
#[test]
fn other_users_cannot_open_the_locks() {
    use std::os::unix::fs::MetadataExt;
    let sandbox = packed();
    for name in ["index.lock", "use.lock"] {
        let mode = fs_err::metadata(sandbox.store().join(".kit").join(name)).unwrap().mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
}
