//! Signatures, scans and bills of materials: cosign and libraries from the Python package index read what `kit` wrote,
//! find what `kit` finds, and write what `kit` verifies. See `peers.rs` for the installation of the libraries.
//!
//! cosign is not installed by scripts. The tests run if there is a `cosign` on the PATH; otherwise `scripts/test.sh`
//! reports that they were skipped.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::peers::{python, run};
use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::{Run, Sandbox, repository};

const PASSWORD: &str = "test-password";
/// The settings of cosign for signatures without a transparency log.
const WITHOUT_LOG: &str = r#"{
    "mediaType": "application/vnd.dev.sigstore.signingconfig.v0.2+json",
    "rekorTlogConfig": {},
    "tsaConfig": {}
}"#;
const TEST_RESULT: &str = "https://in-toto.io/attestation/test-result/v0.1";

fn golden(path: &str) -> String {
    repository().join("tests/golden/trust").join(path).display().to_string()
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn the_cyclonedx_library_accepts_bills_of_materials() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::packed();
    sandbox.kit(&["load", &golden("modelkit")]).ok();
    for (name, files) in [("sample:v1", 5), ("sentiment:v2", 8)] {
        let arguments = [("1.6", "cyclonedx"), ("1.7", "cyclonedx-1.7")].map(|(version, format)| {
            let output = format!("{version}.json");
            sandbox.kit(&["sbom", name, "--format", format, "--output", &output]).ok();
            format!("{version}={output}")
        });
        let seen = run(&python, &sandbox, "", "validate_sboms.py", &[&arguments[0], &arguments[1]]);
        let package = name.split_once(':').unwrap().0;
        for version in ["1.6", "1.7"] {
            assert_eq!(seen[version]["name"], package);
            assert_eq!(seen[version]["components"].as_array().unwrap().len(), files, "{}", seen[version]);
        }
    }
}

/// The imports of level high that `kit scan` finds in a file.
fn dangerous(sandbox: &Sandbox, path: &str) -> BTreeSet<String> {
    let document = sandbox.kit(&["scan", path, "--fail-on", "never", "--format", "json"]).ok().json();
    let findings = document["findings"].as_array().unwrap().iter();
    let high = findings.filter(|it| it["rule"] == "pickle-global" && it["level"] == "high");
    high.map(|finding| finding["detail"].as_str().unwrap().to_owned()).collect()
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn picklescan_finds_the_same_dangerous_imports() {
    let Some(python) = python() else { return };
    let sandbox = Sandbox::new();
    let paths = [
        "pickle/benign-ordered-dict.pkl",
        "pickle/evil-builtins-exec.pkl",
        "pickle/evil-inst-opcode.pkl",
        "pickle/evil-no-proto.pkl",
        "pickle/evil-obj-opcode.pkl",
        "pickle/evil-os-system-p0.pkl",
        "pickle/evil-os-system-p4.pkl",
        "pickle/evil-put-get.pkl",
        "pickle/evil-runpy.pkl",
        "pickle/evil-second-pickle.pkl",
        "torch/benign-state-dict.pt",
        "torch/evil-data-pkl.pt",
        "torch/evil-plain-pickle.bin",
    ]
    .map(|path| golden(&format!("scan/{path}")));
    let seen = run(&python, &sandbox, "", "pickle_globals.py", &paths.each_ref().map(String::as_str));
    for path in &paths {
        let expected: BTreeSet<_> =
            seen[path].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect();
        assert_eq!(dangerous(&sandbox, path), expected, "{path}");
        assert_eq!(expected.is_empty(), path.contains("benign"), "{path}");
    }
}

/// Returns the path of cosign, if it is installed.
#[allow(clippy::disallowed_methods, reason = "the rule is for the program, not for tests")]
fn cosign() -> Option<PathBuf> {
    let folders = std::env::var_os("PATH")?;
    std::env::split_paths(&folders).map(|folder| folder.join("cosign")).find(|path| path.is_file())
}

/// A sandbox with a ModelKit in a registry.
struct Scene {
    sandbox: Sandbox,
    _registry: DockerRegistry,
    cosign: PathBuf,
    name: String,
}

impl Scene {
    fn new() -> Option<Self> {
        let cosign = cosign()?;
        let (sandbox, registry) = (Sandbox::packed(), DockerRegistry::start());
        sandbox.allow_plain_http(registry.host());
        let name = format!("{}/team/sample:v1", registry.host());
        sandbox.kit(&["tag", "sample:v1", &name]).ok();
        sandbox.kit(&["push", &name]).ok();
        sandbox.write("result.json", json!({ "configuration": [], "result": "PASSED" }).to_string());
        sandbox.write("without-log.json", WITHOUT_LOG);
        Some(Self { sandbox, _registry: registry, cosign, name })
    }

    /// Runs `kit` on the ModelKit in the registry, with a key of the golden files.
    fn kit(&self, command: &str, key: &str, flags: &[&str]) -> Run {
        let key = golden(&format!("keys/{key}"));
        let args = [&[command, &self.name, "--remote", "--key", &key], flags].concat();
        self.sandbox.run(self.sandbox.command(&args).env("COSIGN_PASSWORD", PASSWORD))
    }

    /// Runs cosign on the ModelKit in the registry, with a key of the golden files.
    fn cosign(&self, command: &str, key: &str, flags: &[&str]) -> Run {
        let mut cosign = Command::new(&self.cosign);
        cosign.arg(command).arg("--key").arg(golden(&format!("keys/{key}"))).args(flags);
        cosign.args(["--allow-http-registry", &self.name]).current_dir(self.sandbox.path(""));
        cosign.env_clear().env("HOME", self.sandbox.path("home")).env("NO_PROXY", "*").env("COSIGN_PASSWORD", PASSWORD);
        self.sandbox.run(cosign.stdin(Stdio::null()))
    }
}

/// Expects that cosign failed, for this reason. It has many exit codes.
#[track_caller]
fn is_refused(run: Run, reason: &str) {
    assert_ne!(run.code, Some(0));
    run.says(reason);
}

#[test]
#[cfg_attr(windows, ignore = "runs cosign, which scripts/test.sh looks for on Unix only")]
fn cosign_verifies_our_signatures() {
    let keys = [
        ("test-cosign.key", "test-cosign.pub", &[][..]),
        ("test-ed25519.key.pem", "test-ed25519.pub.pem", &[]),
        ("test-rsa2048.key.pem", "test-rsa2048.pub.pem", &[]),
        ("test-p384.key.pem", "test-p384.pub.pem", &["--signature-digest-algorithm", "sha384"]),
    ];
    for (private, public, flags) in keys {
        let Some(scene) = Scene::new() else { return };
        let verify = |value: &str| {
            let annotation = format!("env={value}");
            scene.cosign("verify", public, &[&["--insecure-ignore-tlog", "-a", &annotation], flags].concat())
        };
        is_refused(verify("prod"), "no signatures found");
        scene.kit("sign", private, &["-a", "env=prod"]).ok();
        verify("prod").ok();
        is_refused(verify("dev"), "missing or incorrect annotation");
        is_refused(scene.cosign("verify", "test-other.pub.pem", &["--insecure-ignore-tlog"]), "no matching");
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs cosign, which scripts/test.sh looks for on Unix only")]
fn cosign_verifies_our_signatures_of_the_old_form() {
    let Some(scene) = Scene::new() else { return };
    scene.kit("sign", "test-cosign.key", &["--as", "legacy"]).ok();
    let flags = ["--insecure-ignore-tlog", "--new-bundle-format=false"];
    scene.cosign("verify", "test-cosign.pub", &flags).ok();
    is_refused(scene.cosign("verify", "test-other.pub.pem", &flags), "no matching signatures: invalid signature");
}

#[test]
#[cfg_attr(windows, ignore = "runs cosign, which scripts/test.sh looks for on Unix only")]
fn cosign_verifies_our_attestations() {
    let Some(scene) = Scene::new() else { return };
    let predicate = ["--predicate", "result.json", "--type"];
    scene.kit("attest", "test-cosign.key", &[&predicate[..], &["test-result"]].concat()).ok();
    scene.kit("attest", "test-cosign.key", &["--scan"]).ok();
    scene.kit("attest", "test-cosign.key", &["--sbom"]).ok();
    for (kind, is_there) in
        [(TEST_RESULT, true), ("urn:kit:scan:v1", true), ("cyclonedx", true), ("slsaprovenance1", false)]
    {
        let run = scene.cosign("verify-attestation", "test-cosign.pub", &["--insecure-ignore-tlog", "--type", kind]);
        assert_eq!(run.code == Some(0), is_there, "{kind}: {}", run.stderr);
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs cosign, which scripts/test.sh looks for on Unix only")]
fn we_verify_signatures_and_attestations_of_cosign() {
    let Some(scene) = Scene::new() else { return };
    let sign = ["--signing-config", "without-log.json", "--yes"];
    scene.kit("verify", "test-cosign.pub", &[]).exits(1);
    scene.cosign("sign", "test-cosign.key", &[&sign[..], &["-a", "env=prod"]].concat()).ok();
    scene.kit("verify", "test-cosign.pub", &["-a", "env=prod"]).ok().prints("signed    ecdsa-p256 fd50f21f2fc7");
    scene.kit("verify", "test-cosign.pub", &["-a", "env=dev"]).exits(1);
    scene.kit("verify", "test-other.pub.pem", &[]).exits(1);
    let predicate = ["--type", TEST_RESULT, "--predicate", "result.json"];
    scene.cosign("attest", "test-cosign.key", &[&sign[..], &predicate].concat()).ok();
    let found: Value = scene.kit("attest", "test-cosign.pub", &["--get", "test-result"]).ok().json();
    assert_eq!(found["result"], "PASSED");
}
