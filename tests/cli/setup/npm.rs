//! The npm packages that scripts/npm.sh makes of the archives of a release. Runs only if npm is installed.
#![cfg(target_os = "linux")]

use std::env::consts::ARCH;
use std::process::Command;

use fs_err as fs;

use kit_testkit::sandbox::{Run, Sandbox, binary, repository};

const NODE: &str = "node -p '`${process.platform}-${process.arch}`'";

fn shell(sandbox: &Sandbox, script: &str) -> Run {
    let mut command = Command::new("bash");
    command.arg("-euc").arg(script).current_dir(sandbox.path(".")).env("HOME", sandbox.path("home"));
    sandbox.run(&mut command)
}

/// Makes the packages of the tested program, and installs them into the folder `installed` without a network.
///
/// The program in the archive is a shell script that starts the tested one.
fn install(sandbox: &Sandbox) -> Option<String> {
    let platform = shell(sandbox, &format!("command -v npm >/dev/null && {NODE} || true")).ok().stdout;
    let platform = platform.trim().to_owned();
    if platform.is_empty() {
        return None;
    }
    let name = format!("kit-0.1.0-{ARCH}-unknown-linux-musl");
    sandbox.write(&format!("dist/{name}/kit"), format!("#!/bin/sh\nexec {} \"$@\"\n", binary().display()));
    sandbox.write(&format!("dist/{name}/THIRD-PARTY-LICENSES"), "the licences of others\n");
    let npm = format!(
        "cd dist && chmod 755 {name}/kit && tar -czf {name}.tar.gz {name} && {}/scripts/npm.sh . 0.1.0",
        repository().display()
    );
    shell(sandbox, &npm).ok().prints(&format!("npm/kit-modelkit-{platform}-0.1.0.tgz\n")).says("left out: ");
    shell(sandbox, "npm install --offline --no-audit --no-fund --prefix installed dist/npm/*.tgz").ok();
    Some(platform)
}

#[test]
fn npm_installs_the_program_for_the_platform() {
    let sandbox = Sandbox::new();
    let Some(platform) = install(&sandbox) else { return };
    let kit = "installed/node_modules/.bin/kit";
    shell(&sandbox, &format!("{kit} version")).ok().prints("Version:");
    shell(&sandbox, &format!("{kit} info nope:v1")).exits(4).says("error: ");

    let package = format!("installed/node_modules/kit-modelkit-{platform}");
    assert_eq!(sandbox.read(&format!("{package}/THIRD-PARTY-LICENSES")), "the licences of others\n");
    let program = format!("{package}/bin/kit");
    // A signal for the launcher reaches the program, whose exit code counts.
    sandbox.write(
        &program,
        "#!/bin/sh\ntrap 'echo ended >&2; exit 143' TERM\nkill -TERM $PPID\nfor i in $(seq 200); do sleep 0.05; done\n",
    );
    shell(&sandbox, kit).exits(143).says("ended");
    fs::remove_file(sandbox.path(&program)).unwrap();
    shell(&sandbox, kit).exits(1).says(&format!("error: there is no kit for {platform}")).says("hint: ");
}

#[test]
fn npm_packages_need_an_archive() {
    let sandbox = Sandbox::new();
    shell(&sandbox, &format!("{}/scripts/npm.sh . 0.1.0", repository().display()))
        .exits(1)
        .says("there are no archives for 0.1.0");
}
