//! When the machine runs out of something: a clear error, and nothing half-made is left.

use std::process::Command;

use fs_err as fs;

use crate::sandbox::Sandbox;

#[test]
fn running_out_of_open_files_leaves_nothing_behind() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "a:v1"]).ok();
    let mut failures = 0;
    for limit in 8..=40 {
        let script = format!("ulimit -n {limit}; exec \"$@\"");
        let mut command = Command::new("bash");
        command.args(["-c", &script, "bash", env!("CARGO_BIN_EXE_kit"), "unpack", "a:v1", "-d", "out"]);
        command.env("KIT_HOME", sandbox.path("kit")).current_dir(sandbox.path("."));
        let run = sandbox.run(&mut command);
        if run.code == Some(0) {
            fs::remove_dir_all(sandbox.path("out")).unwrap();
        } else {
            failures += 1;
            assert!(!sandbox.path("out").exists(), "{limit}: {:?} {}", sandbox.names("out"), run.stderr);
        }
    }
    assert!((1..25).contains(&failures), "{failures} of 33 failed; 64 open files must do");
}
