//! The files that scripts/packages.sh makes of the archives of a release, and the GitHub Action, which installs kit
//! with them. The program in the archives is a shell script that starts the tested one.
#![cfg(target_os = "linux")]

use std::env::consts::ARCH;
use std::path::Path;
use std::process::Command;

use fs_err as fs;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox, binary, repository};

/// Makes the archive of this machine's target and its checksum in `dist`, and serves them with what packages.sh adds.
fn release(sandbox: &Sandbox, registry: &FakeRegistry) -> String {
    let name = format!("kit-0.1.0-{ARCH}-unknown-linux-musl");
    let program = format!("#!/bin/sh\nexec {} \"$@\"\n", binary().display());
    sandbox.write(&format!("dist/{name}/kit"), program);
    sandbox.write(&format!("dist/{name}/LICENSE"), "the licence\n");
    sandbox.write(&format!("dist/{name}/man/kit.1"), ".TH kit 1\n");
    for script in ["kit.bash", "kit.zsh", "kit.fish"] {
        sandbox.write(&format!("dist/{name}/completions/{script}"), "completion\n");
    }
    let url = format!("http://{}/v0.1.0", registry.host());
    let script = format!(
        "chmod 755 {name}/kit && tar -czf {name}.tar.gz {name} && rm -r {name} && sha256sum *.gz > SHA256SUMS && \
         {}/scripts/packages.sh . 0.1.0 {url}",
        repository().display()
    );
    sandbox.run(shell(&script).current_dir(sandbox.path("dist"))).ok();
    for (file, _) in sandbox.tree("dist") {
        registry.add_file(&format!("/v0.1.0/{file}"), &fs::read(sandbox.path("dist").join(&file)).unwrap());
    }
    format!("{name}.tar.gz")
}

fn shell(script: &str) -> Command {
    let mut command = Command::new("bash");
    command.arg("-euc").arg(script);
    command
}

fn install(sandbox: &Sandbox) -> Run {
    let mut command = Command::new("sh");
    command.arg(sandbox.path("dist/install.sh"));
    command.env_remove("KIT_DOWNLOAD_URL").env_remove("KIT_INSTALL_DIR").env("HOME", sandbox.path("home"));
    sandbox.run(command.env("NO_PROXY", "*"))
}

#[test]
fn the_script_installs_what_has_the_right_checksum() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    let archive = release(&sandbox, &registry);
    let program = sandbox.path("home/.local/bin/kit");
    install(&sandbox).ok().prints("Installed kit 0.1.0 as ").says("Add ");
    sandbox.run(Command::new(&program).arg("version").env("HOME", sandbox.path("home"))).ok().prints("Version:");
    fs::remove_file(&program).unwrap();

    let mut changed = fs::read(sandbox.path("dist").join(&archive)).unwrap();
    changed.push(0);
    registry.add_file(&format!("/v0.1.0/{archive}"), &changed);
    install(&sandbox).exits(1).says("has the SHA-256 ").says("hint: nothing was installed");
    assert!(!program.exists());
    assert_eq!(sandbox.names("home/.local/bin"), Vec::<String>::new(), "no part of it stays");

    registry.add_file("/v0.1.0/SHA256SUMS", b"0123  another.tar.gz\n");
    install(&sandbox).exits(1).says("does not name kit-0.1.0-");
    drop(registry);
    install(&sandbox).exits(1).says("error: cannot download ").says("hint: check the address");
}

#[test]
fn the_debian_package_has_program_man_page_and_completions() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    let is_package = |name: &String| Path::new(name).extension() == Some("deb".as_ref());
    let package = sandbox.names("dist").into_iter().find(is_package).unwrap();
    let listing = format!("dpkg-deb --contents dist/{package} | awk '{{ print $1, $2, $6 }}' | grep -v '^d'");
    let run = sandbox.run(shell(&listing).current_dir(sandbox.path("."))).ok();
    let expected = "\
-rwxr-xr-x root/root ./usr/bin/kit
-rw-r--r-- root/root ./usr/share/bash-completion/completions/kit
-rw-r--r-- root/root ./usr/share/doc/kit/copyright
-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/kit.fish
-rw-r--r-- root/root ./usr/share/man/man1/kit.1.gz
-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_kit
";
    let mut lines: Vec<_> = run.stdout.lines().collect();
    lines.sort_unstable_by_key(|line| line.rsplit(' ').next());
    assert_eq!(lines.join("\n") + "\n", expected);
}

/// Runs a step of the action, with the inputs as variables.
fn step(sandbox: &Sandbox, name: &str, inputs: &[(&str, &str)]) -> Run {
    let installed = sandbox.path("temp/kit-bin");
    let mut command = Command::new(repository().join("packaging/action.sh"));
    command.arg(name).current_dir(sandbox.path(".")).env("HOME", sandbox.path("home"));
    command.env("KIT_HOME", sandbox.path("kit")).env("RUNNER_TEMP", sandbox.path("temp"));
    for file in ["GITHUB_PATH", "GITHUB_OUTPUT", "GITHUB_STEP_SUMMARY"] {
        command.env(file, sandbox.path(file));
    }
    command.env("PATH", format!("{}:/usr/bin:/bin", installed.display())).env("NO_PROXY", "*");
    sandbox.run(command.envs(inputs.iter().copied()))
}

#[test]
fn the_action_installs_and_publishes() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    sandbox.project();
    fs::create_dir(sandbox.path("temp")).unwrap();
    let url = format!("http://{}/v0.1.0", registry.host());
    step(&sandbox, "install", &[("KIT_ACTION_VERSION", ""), ("KIT_ACTION_URL", &url)]).ok();
    assert_eq!(sandbox.read("GITHUB_PATH"), format!("{}\n", sandbox.path("temp/kit-bin").display()));

    let tag = |tag: &str| format!("{}/team/sample:{tag}", registry.host());
    let publish = |version: &str, since: &str| {
        let inputs = [("KIT_ACTION_TAG", tag(version)), ("KIT_ACTION_PATH", "project".to_owned())];
        let others = [("KIT_ACTION_ALSO", String::new()), ("KIT_ACTION_SINCE", since.to_owned())];
        let inputs: Vec<_> = inputs.iter().chain(&others).map(|(name, value)| (*name, value.as_str())).collect();
        step(&sandbox, "publish", &inputs).ok();
        let digest = sandbox.kit(&["inspect", "--remote", &tag(version), "--format", "{{.Digest}}"]).ok().stdout;
        assert!(sandbox.read("GITHUB_OUTPUT").contains(&format!("digest={}\n", digest.trim())));
    };
    publish("v1", "");
    sandbox.write("project/README.md", "changed\n");
    publish("v2", &tag("v1"));
    let summary = sandbox.read("GITHUB_STEP_SUMMARY");
    assert!(summary.contains(&tag("v2")) && summary.contains("README.md"), "{summary}");
    assert!(sandbox.read("GITHUB_OUTPUT").contains("changes="));
}

#[test]
fn the_inputs_of_the_action_are_those_of_its_script() {
    let (action, script) =
        ["action.yml", "packaging/action.sh"].map(|path| fs::read_to_string(repository().join(path)).unwrap()).into();
    let variables = |text: &str| -> Vec<String> {
        let names =
            text.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with("KIT_ACTION_"));
        let mut names: Vec<_> = names.map(str::to_owned).collect();
        names.sort();
        names.dedup();
        names
    };
    assert_eq!(variables(&action), variables(&script));
}
