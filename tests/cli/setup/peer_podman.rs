//! The image of scripts/image.sh, and the init container in `examples/deploy`, run by podman against a registry on this
//! machine.
//!
//! podman is not installed by scripts. The tests run if there are a `podman`, a `runc` and an `umoci` on the PATH;
//! otherwise `scripts/test.sh` reports that they were skipped.
#![cfg(target_os = "linux")]

use std::os::unix::fs::MetadataExt;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use kit_testkit::registry::{Access, FakeRegistry};
use kit_testkit::sandbox::{Run, Sandbox, binary, repository};

/// The storage of podman in the sandbox, and what works in a container as well: no overlays, no systemd, and no higher
/// limits than those of this process.
const PODMAN: &str = "podman --storage-driver vfs --root $PWD/storage --runroot $PWD/run \
                      --runtime runc --cgroup-manager cgroupfs";
const RUN: &str = "run --rm --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024";

fn shell(sandbox: &Sandbox, script: &str) -> Run {
    let mut command = Command::new("bash");
    command.arg("-euc").arg(script).current_dir(sandbox.path(".")).env("NO_PROXY", "*");
    sandbox.run(command.env("HOME", sandbox.path("home")))
}

/// Makes the image with the tested program, loads it, and returns its ID. `None` without podman.
///
/// The tested program is not static as those of a release, so the libraries that it needs are added to the image.
fn image(sandbox: &Sandbox) -> Option<String> {
    if shell(sandbox, "command -v podman runc umoci strip >/dev/null || echo missing").ok().stdout == "missing\n" {
        return None;
    }
    let script = format!(
        "strip -o program {program}
         cp {repository}/LICENSE . && echo 'the licences of others' >THIRD-PARTY-LICENSES
         SOURCE_DATE_EPOCH=1 {repository}/scripts/image.sh program layout:test >&2
         for it in $(ldd program | grep -o '/[^ ]*'); do install -D -m 755 \"$(realpath $it)\" \"libraries$it\"; done
         umoci insert --rootless --image layout:test libraries / >&2
         {PODMAN} pull --quiet oci:layout:test",
        program = binary().display(),
        repository = repository().display(),
    );
    Some(shell(sandbox, &script).ok().stdout.trim().to_owned())
}

#[test]
fn podman_runs_the_image_as_a_user_without_rights() {
    let sandbox = Sandbox::new();
    let Some(image) = image(&sandbox) else { return };
    shell(&sandbox, &format!("{PODMAN} {RUN} {image} version")).ok().prints("Version:");
    let user = format!("{PODMAN} image inspect --format '{{{{.User}}}} {{{{.Architecture}}}}' {image}");
    let architecture = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    assert_eq!(shell(&sandbox, &user).ok().stdout, format!("10001:10001 {architecture}\n"));
    let licences = format!("{PODMAN} create {image} | xargs -I ID {PODMAN} cp ID:/usr/share/doc/kit - | tar -xO");
    shell(&sandbox, &licences).ok().prints("Apache License").prints("the licences of others");
    // It has a place for a store, and the authorities that it trusts.
    shell(&sandbox, &format!("{PODMAN} {RUN} {image} doctor")).ok().prints("/tmp/kit/store, created by");
    shell(&sandbox, &format!("{PODMAN} {RUN} {image} list registry.invalid/a --retry-for 0s"))
        .exits(6)
        .says("cannot reach `registry.invalid`");
}

/// The members of a YAML document.
fn example(file: &str) -> Value {
    let text = fs::read_to_string(repository().join("examples/deploy").join(file)).unwrap();
    kit_core::yaml::read_value(&text).unwrap()
}

/// The init container does what its Pod asks for: the command, the user, the variables, the mounts and read-only files.
#[test]
fn the_init_container_unpacks_the_model() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    let Some(image) = image(&sandbox) else { return };
    let name = format!("{}/team/digits:v1", registry.host());
    let digits = repository().join("examples/digits");
    sandbox.kit(&["pack", digits.to_str().unwrap(), "--push", &name]).ok();
    registry.configure(|options| options.access = Access::Basic { username: "ada", password: "right" });
    let secret = format!(r#"{{"auths": {{"{}": {{"auth": "YWRhOnJpZ2h0"}}}}}}"#, registry.host());
    sandbox.write("secret/config.json", secret);
    fs::create_dir(sandbox.path("model")).unwrap();

    let pod = example("init-container.yaml");
    let container = &pod["spec"]["initContainers"][0];
    let command = container["command"].to_string().replace("registry.example", registry.host());
    let user = &pod["spec"]["securityContext"]["runAsUser"];
    let start = format!("{PODMAN} {RUN} --read-only --read-only-tmpfs=false --user {user} --entrypoint '{command}'");
    let variables = container["env"].as_array().unwrap().iter().map(|variable| {
        format!("--env {}={}", variable["name"].as_str().unwrap(), variable["value"].as_str().unwrap())
    });
    let mounts = container["volumeMounts"].as_array().unwrap().iter().map(|mount| {
        // `U` is what fsGroup does in a Pod.
        let mode = if mount["readOnly"] == true { "ro" } else { "U" };
        let (folder, path) = (mount["name"].as_str().unwrap(), mount["mountPath"].as_str().unwrap());
        format!("--volume \"$PWD/{folder}:{path}:{mode}\"")
    });
    let run = [start].into_iter().chain(variables).chain(mounts).chain([image]).collect::<Vec<_>>().join(" ");

    shell(&sandbox, &run).ok().says("Unpacked 3 files into /model");
    let weights = sandbox.path("model/weights/model.safetensors");
    assert_eq!(fs::read(&weights).unwrap(), fs::read(digits.join("weights/model.safetensors")).unwrap());
    assert_eq!(sandbox.names("model"), ["config.json", "preprocessor.json", "weights/model.safetensors"]);
    assert_ne!(fs::metadata(&weights).unwrap().uid(), 0);

    // After a restart, the files that are there are compared and kept.
    let written = fs::metadata(&weights).unwrap().ino();
    shell(&sandbox, &run).ok().says("Nothing to do");
    assert_eq!(fs::metadata(&weights).unwrap().ino(), written);
    // Without the secret, the Pod says why it does not start.
    sandbox.write("secret/config.json", "{}");
    shell(&sandbox, &run).exits(5).says("401");
}

/// The command of the example for KServe is the same.
#[test]
fn the_init_containers_of_the_examples_agree() {
    let pod = example("init-container.yaml");
    let service = example("inference-service.yaml");
    let ours = &pod["spec"]["initContainers"][0];
    let served = &service["spec"]["predictor"]["initContainers"][0];
    assert_eq!(ours["image"], served["image"]);
    let flags = |container: &Value| -> Vec<String> {
        let words = container["command"].as_array().unwrap().iter().map(|word| word.as_str().unwrap().to_owned());
        words.filter(|word| word.starts_with("--")).collect()
    };
    assert_eq!(flags(ours), flags(served));
}
