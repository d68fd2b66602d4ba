//! The files that scripts/packages.sh makes of the archives of a release, and the GitHub Action, which installs kit
//! with them. The program in the archives is a shell script that starts the tested one.
#![cfg(target_os = "linux")]

use std::env::consts::ARCH;
use std::path::{Path, PathBuf};
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox, binary, repository};

/// Makes the archives of this machine's target and of Windows, and their checksums, in `dist`, and serves them with
/// what packages.sh adds.
fn release(sandbox: &Sandbox, registry: &FakeRegistry) -> String {
    let name = format!("kit-0.1.0-{ARCH}-unknown-linux-musl");
    let program = format!("#!/bin/sh\nexec {} \"$@\"\n", binary().display());
    sandbox.write(&format!("dist/{name}/kit"), program);
    sandbox.write(&format!("dist/{name}/LICENSE"), "the licence\n");
    sandbox.write(&format!("dist/{name}/THIRD-PARTY-LICENSES"), "the licences of others\n");
    sandbox.write(&format!("dist/{name}/man/kit.1"), ".TH kit 1\n");
    for script in ["kit.bash", "kit.zsh", "kit.fish"] {
        sandbox.write(&format!("dist/{name}/completions/{script}"), "completion\n");
    }
    let url = format!("http://{}/v0.1.0", registry.host());
    let windows = "kit-0.1.0-x86_64-pc-windows-gnu";
    let script = format!(
        "chmod 755 {name}/kit && tar -czf {name}.tar.gz {name} && mkdir {windows} && \
         mv {name}/kit {windows}/kit.exe && python3 -m zipfile -c {windows}.zip {windows} && rm -r {name} {windows} && \
         sha256sum *.gz *.zip > SHA256SUMS && {}/scripts/packages.sh --no-lint . 0.1.0 {url}",
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

/// The programs that install.sh always needs.
const NEEDED: [&str; 11] = ["sh", "uname", "mktemp", "rm", "awk", "mkdir", "cp", "chmod", "mv", "tar", "gzip"];

/// Runs install.sh with these changes of the environment.
fn install_with(sandbox: &Sandbox, change: impl FnOnce(&mut Command) -> &mut Command) -> Run {
    let mut command = Command::new("/bin/sh");
    command.arg(sandbox.path("dist/install.sh")).env("SHELL", "/bin/bash").env("NO_PROXY", "*");
    command.env_remove("KIT_DOWNLOAD_URL").env_remove("KIT_INSTALL_DIR").env("HOME", sandbox.path("home"));
    fs::create_dir_all(sandbox.path("tmp")).unwrap();
    command.env("TMPDIR", sandbox.path("tmp"));
    change(&mut command);
    let run = sandbox.run(&mut command);
    assert_eq!(sandbox.names("tmp"), Vec::<String>::new(), "temporary files stay: {}", run.stderr);
    run
}

fn install(sandbox: &Sandbox) -> Run {
    install_with(sandbox, |command| command)
}

/// A folder with links to these programs only.
fn only(sandbox: &Sandbox, name: &str, programs: &[&str]) -> PathBuf {
    let script =
        format!("mkdir {name}; for it in {}; do ln -s \"$(command -v $it)\" {name}/; done", programs.join(" "));
    sandbox.run(shell(&script).current_dir(sandbox.path("."))).ok();
    sandbox.path(name)
}

/// A folder with a program that answers as `uname` of another system.
fn uname(sandbox: &Sandbox, system: &str, machine: &str) -> String {
    let script = format!("#!/bin/sh\n[ \"$1\" = -m ] && echo {machine} || echo {system}\n");
    let path = sandbox.write("fake/uname", script);
    sandbox.run(Command::new("chmod").arg("755").arg(&path)).ok();
    format!("{}:/usr/bin:/bin", path.parent().unwrap().display())
}

#[test]
fn the_script_installs_what_has_the_right_checksum() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    let archive = release(&sandbox, &registry);
    let program = sandbox.path("home/.local/bin/kit");
    install(&sandbox).ok().prints("Installed kit 0.1.0 as ").says("/.local/bin:$PATH\"' >> ~/.bashrc");
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
fn the_script_needs_few_programs() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    for (others, problem) in [
        (&["curl", "sha256sum"][..], None),
        (&["wget", "shasum"], None),
        (&["curl", "openssl"], None),
        (&["curl"], Some("error: there is no program that computes SHA-256")),
        (&["sha256sum"], Some("error: neither curl nor wget is installed")),
    ] {
        let path = only(&sandbox, &others.join("-"), &[&NEEDED[..], others].concat());
        let run = install_with(&sandbox, |command| command.env("PATH", path));
        match problem {
            None => drop(run.ok()),
            Some(problem) => drop(run.exits(1).says(problem).says("hint: install ")),
        }
    }
}

#[test]
fn the_script_says_what_a_shell_starts() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    let own = sandbox.path("home/.local/bin");
    let path = |first: &str| format!("{first}{}:/usr/bin:/bin", own.display());
    let run = install_with(&sandbox, |command| command.env("PATH", path(""))).ok();
    assert_eq!(run.stderr, "Next: kit doctor, kit completion --install, kit init\n");
    // KitOps is called kit as well.
    let other = sandbox.write("other/kit", "#!/bin/sh\n");
    sandbox.run(Command::new("chmod").arg("755").arg(&other)).ok();
    let first = format!("{}:", other.parent().unwrap().display());
    install_with(&sandbox, |command| command.env("PATH", path(&first)))
        .ok()
        .says(&format!("warning: a shell starts {} instead", other.display()));
    for (shell, expected) in
        [("/usr/bin/zsh", ">> ~/.zshrc\n"), ("/usr/bin/fish", "  fish_add_path '"), ("/bin/dash", ">> ~/.profile\n")]
    {
        install_with(&sandbox, |command| command.env("SHELL", shell)).ok().says(expected);
    }
}

#[test]
fn the_script_replaces_an_older_program_and_nothing_else() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    let into = |folder: &str| {
        let folder = sandbox.path(folder);
        install_with(&sandbox, |command| command.env("KIT_INSTALL_DIR", folder))
    };
    let old = sandbox.write("with/kit", "old");
    into("with").ok();
    assert_ne!(fs::read_to_string(old).unwrap(), "old");
    assert_eq!(sandbox.names("with"), ["kit"]);
    fs::create_dir_all(sandbox.path("folder/kit")).unwrap();
    into("folder").exits(1).says("/folder/kit is a folder");
    assert_eq!(sandbox.names("folder/kit"), Vec::<String>::new());
    sandbox.write("file", "");
    into("file").exits(1).says("error: cannot create the folder ").says("hint: set KIT_INSTALL_DIR ");
    install_with(&sandbox, |command| command.env_remove("HOME")).exits(1).says("HOME is not set");
}

#[test]
fn the_script_knows_the_systems() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    let on = |system: &str, machine: &str| {
        let path = uname(&sandbox, system, machine);
        install_with(&sandbox, |command| command.env("PATH", path))
    };
    on("Linux", "riscv64").exits(1).says("error: there is no kit for the processor riscv64").says("hint: compile it");
    on("FreeBSD", "amd64").exits(1).says("error: there is no kit for the system FreeBSD").says("hint: compile it");
    on("Darwin", "arm64").exits(1).says("does not name kit-0.1.0-aarch64-apple-darwin.tar.gz");
    // Git Bash: the runners of GitHub have it.
    on("MINGW64_NT-10.0", "x86_64").ok().prints("/home/.local/bin/kit.exe\n");
    assert_eq!(sandbox.names("home/.local/bin"), ["kit.exe"]);
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
-rw-r--r-- root/root ./usr/share/doc/kit/THIRD-PARTY-LICENSES.gz
-rw-r--r-- root/root ./usr/share/doc/kit/changelog.gz
-rw-r--r-- root/root ./usr/share/doc/kit/copyright
-rw-r--r-- root/root ./usr/share/fish/vendor_completions.d/kit.fish
-rw-r--r-- root/root ./usr/share/man/man1/kit.1.gz
-rw-r--r-- root/root ./usr/share/zsh/vendor-completions/_kit
";
    let mut lines: Vec<_> = run.stdout.lines().collect();
    lines.sort_unstable_by_key(|line| line.rsplit(' ').next());
    assert_eq!(lines.join("\n") + "\n", expected);
    let licences = "dpkg-deb --fsys-tarfile dist/*.deb | tar -xO ./usr/share/doc/kit/THIRD-PARTY-LICENSES.gz | zcat";
    let run = sandbox.run(shell(licences).current_dir(sandbox.path("."))).ok();
    assert_eq!(run.stdout, "the licences of others\n");
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
    publish("v1", &tag("live"));
    let summary = sandbox.read("GITHUB_STEP_SUMMARY");
    assert!(summary.ends_with(&format!("There is no `{}` yet.\n", tag("live"))), "{summary}");
    assert!(!sandbox.read("GITHUB_OUTPUT").contains("changes="));
    sandbox.write("project/README.md", "changed\n");
    publish("v2", &tag("v1"));
    let summary = sandbox.read("GITHUB_STEP_SUMMARY");
    assert!(summary.contains(&tag("v2")) && summary.contains("README.md"), "{summary}");
    assert!(sandbox.read("GITHUB_OUTPUT").contains("changes="));
}

#[test]
fn the_inputs_of_the_action_are_no_commands() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    fs::create_dir(sandbox.path("temp")).unwrap();
    let url = format!("http://{}/v0.1.0", registry.host());
    let hostile = "0.1.0; touch injected";
    step(&sandbox, "install", &[("KIT_ACTION_VERSION", hostile), ("KIT_ACTION_URL", &url)])
        .exits(1)
        .says("::error::the input `version` is not a version");
    for hostile in ["$(touch injected)", "}; touch injected; : ${", "'; touch injected; '"] {
        step(&sandbox, "install", &[("KIT_ACTION_URL", hostile)]).exits(1).says("cannot download ");
    }
    step(&sandbox, "install", &[("KIT_ACTION_REPOSITORY", "https://github.example/")])
        .exits(1)
        .says("::error::the repository of the action is not known");
    step(&sandbox, "install", &[("KIT_ACTION_VERSION", "v0.1.0"), ("KIT_ACTION_URL", &url)]).ok();
    let publish = |path: &str, tag: &str| {
        let inputs = [("KIT_ACTION_TAG", tag), ("KIT_ACTION_PATH", path), ("KIT_ACTION_ALSO", "")];
        step(&sandbox, "publish", &[&inputs[..], &[("KIT_ACTION_SINCE", "")]].concat())
    };
    publish("--help", "r.example/a:v1").exits(4).says("folder `--help` does not exist");
    publish(".", "--help").exits(2).says("--help");
    assert!(!sandbox.path("injected").exists());
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

/// The lines of a script of the job in the GitLab component.
fn job_script(job: &Value, name: &str) -> String {
    job[name].as_array().unwrap().iter().flat_map(|line| [line.as_str().unwrap(), "\n"]).collect()
}

#[test]
fn the_component_for_gitlab_installs_and_publishes() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    release(&sandbox, &registry);
    let text = fs::read_to_string(repository().join("templates/kit.yml")).unwrap();
    let (spec, jobs) = text.split_once("\n---\n").unwrap();
    let [spec, jobs] = [spec, jobs].map(|text| kit_core::yaml::read_value(text).unwrap());
    let job = &jobs["kit-publish"];
    for input in spec["spec"]["inputs"].as_object().unwrap().keys() {
        assert!(text.contains(&format!("$[[ inputs.{input} ]]")), "{input} is not used");
    }
    // The whole folder is packed: nothing of the job is in it.
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: .}]\n");
    sandbox.write("project/train.py", "print(1)\n");
    let publish = |version: &str, since: &str| {
        let mut command = Command::new("sh");
        command.arg("-euc").arg(job_script(job, "before_script") + &job_script(job, "script"));
        command.current_dir(sandbox.path("project")).env("KIT_HOME", sandbox.path("kit")).env("NO_PROXY", "*");
        command.env("HOME", sandbox.path("home")).env("TMPDIR", sandbox.path("temp")).env("PATH", "/usr/bin:/bin");
        let name = format!("{}/team/sample:{version}", registry.host());
        let inputs = [("download_url", format!("http://{}/v0.1.0", registry.host())), ("tag", name)];
        let inputs: Vec<_> =
            inputs.into_iter().chain([("path", ".".to_owned()), ("since", since.to_owned())]).collect();
        for (variable, value) in job["variables"].as_object().unwrap() {
            let value = value.as_str().unwrap();
            let given = inputs.iter().find(|(input, _)| value == format!("$[[ inputs.{input} ]]")).unwrap();
            command.env(variable, &given.1);
        }
        sandbox.run(&mut command).ok().prints("Installed kit 0.1.0 as ");
    };
    fs::create_dir(sandbox.path("temp")).unwrap();
    publish("v1", &format!("{}/team/sample:live", registry.host()));
    let name = |version: &str| format!("{}/team/sample:{version}", registry.host());
    let files = sandbox.kit(&["ls", &name("v1"), "--format", "{{.Path}}"]).ok().stdout;
    assert_eq!(files, "Kitfile\ntrain.py\n");
    assert!(sandbox.read("project/kit.env").starts_with("KIT_DIGEST=sha256:"));
    // The runner cleans the folder before each job.
    for left in ["kit.env", "kit-digest", "kit-changes.md"] {
        fs::remove_file(sandbox.path("project").join(left)).unwrap();
    }
    sandbox.write("project/train.py", "print(2)\n");
    publish("v2", &name("v1"));
    assert!(sandbox.read("project/kit-changes.md").contains("train.py"));
}
