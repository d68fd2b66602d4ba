//! Many processes that use one store at the same time.

use std::process::Child;

use kit_testkit::sandbox::Sandbox;

const PROCESSES: usize = 20;

fn spawn(sandbox: &Sandbox, args: &[&str]) -> Child {
    let mut command = sandbox.command(args);
    command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    command.spawn().unwrap()
}

#[test]
fn twenty_concurrent_packs_lose_nothing() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let name = |number: usize| format!("many/kit{}:v{number}", number % 4);
    let packs: Vec<_> =
        (0..PROCESSES).map(|number| spawn(&sandbox, &["pack", "project", "-t", &name(number)])).collect();
    for mut pack in packs {
        assert!(pack.wait().unwrap().success());
    }
    let listed = sandbox.kit(&["list"]).ok().stdout;
    assert_eq!(listed.lines().count(), PROCESSES + 1, "{listed}");
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn packing_tagging_and_removing_at_once_leaves_a_sound_store() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "base:v1"]).ok();
    for project in 0..4 {
        sandbox.write(&format!("p{project}/Kitfile"), "manifestVersion: 1.0.0\nmodel: {path: m}\n");
        sandbox.write(&format!("p{project}/m"), vec![b'a'; 100_000 + project]);
    }
    let mut running = Vec::new();
    for number in 0..PROCESSES {
        let project = format!("p{}", number % 4);
        let name = format!("busy:v{}", number % 5);
        running.push(match number % 4 {
            0 | 1 => spawn(&sandbox, &["pack", &project, "-t", &name]),
            2 => spawn(&sandbox, &["tag", "base:v1", &name]),
            _ => spawn(&sandbox, &["remove", "--force", &name]),
        });
    }
    for mut process in running {
        process.wait().unwrap();
    }
    sandbox.kit(&["fsck"]).ok();
    sandbox.kit(&["unpack", "base:v1", "-d", "out"]).ok();
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    assert_eq!(fs_err::read_dir(sandbox.store().join("blobs/sha256")).unwrap().count(), 0, "no orphan is left");
}
