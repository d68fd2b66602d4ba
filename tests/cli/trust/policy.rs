//! Policies: every operation asks them before it uses a ModelKit.

use serde_json::Value;

use super::scene::{Scene, key, kit};
use kit_testkit::registry::Fault;
use kit_testkit::sandbox::{Run, Sandbox};

/// The digests of the files below a folder of the sandbox, without the locks of the store; none if it does not exist.
fn tree(sandbox: &Sandbox, folder: &str) -> Vec<(String, String)> {
    let is_content = |path: &str| !path.starts_with(".kit/") && path != "oci-layout";
    let files = if sandbox.path(folder).exists() { sandbox.tree(folder) } else { Vec::new() };
    let digest = |content: String| kit_core::digest::Digest::of(content.as_bytes()).to_string();
    files.into_iter().filter(|(path, _)| is_content(path)).map(|(path, content)| (path, digest(content))).collect()
}

/// A ModelKit in a registry that is signed by `test-cosign.key`, and a policy that requires this signature.
struct Guarded {
    scene: Scene,
    name: String,
    digest: String,
}

impl Guarded {
    fn new() -> Self {
        let guarded = Self::unsigned();
        guarded.sign(&guarded.name, "test-cosign.key", &[]);
        guarded.scene.registry.forget_requests();
        guarded
    }

    /// The same without a signature.
    fn unsigned() -> Self {
        let scene = Scene::new(true);
        let (name, digest) = scene.put("production/net");
        let guarded = Self { scene, name, digest };
        guarded.require("signed-by = { any = ['release'] }");
        guarded
    }

    fn sandbox(&self) -> &Sandbox {
        &self.scene.sandbox
    }

    fn host(&self) -> &str {
        self.scene.registry.host()
    }

    /// Writes a policy with a rule for `production/` of the registry.
    fn require(&self, lines: &str) {
        let (host, release, other) = (self.host(), key("test-cosign.pub"), key("test-other.pub.pem"));
        let text = format!(
            "version = 1\n[keys.release]\nfile = '{release}'\n[keys.other]\nfile = '{other}'\n\
             [[rule]]\nmatch = ['{host}/production/']\n{lines}\n"
        );
        self.sandbox().write("kit/policy.toml", text);
    }

    fn sign(&self, name: &str, private: &str, flags: &[&str]) {
        kit(self.sandbox(), &[&["sign", name, "--key", &key(private), "--remote"], flags].concat()).ok();
    }

    /// Every operation that uses the ModelKit, each with its arguments.
    fn operations(&self) -> Vec<Vec<String>> {
        let copy = format!("{}/elsewhere/net:v2", self.host());
        let name = &self.name;
        let args: [&[&str]; 10] = [
            &["pull", name],
            &["unpack", name, "--remote", "-d", "out"],
            &["unpack", name, "--remote", "-d", "out", "--dry-run"],
            &["copy", name, &copy],
            &["copy", name, "oci:layout:v2"],
            &["promote", name, &copy],
            &["cp", "--remote", &format!("{name}//README.md"), "out"],
            &["cat", "--remote", &format!("{name}//README.md")],
            &["ls", "--remote", name],
            &["inspect", "--remote", name],
        ];
        args.iter().map(|args| args.iter().map(|arg| (*arg).to_owned()).collect()).collect()
    }

    /// Checks that every operation is refused with these words, changes nothing and asks for no layer.
    fn is_refused(&self, words: &str) {
        for operation in self.operations() {
            self.is_refused_by(&operation, words);
        }
    }

    fn is_refused_by(&self, operation: &[String], words: &str) {
        let sandbox = self.sandbox();
        sandbox.write("out/own.txt", "own\n");
        let before = [tree(sandbox, "kit/store"), tree(sandbox, "out"), tree(sandbox, "layout")];
        self.scene.registry.forget_requests();
        let args: Vec<_> = operation.iter().map(String::as_str).collect();
        kit(sandbox, &args).exits(1).says(words);
        let after = [tree(sandbox, "kit/store"), tree(sandbox, "out"), tree(sandbox, "layout")];
        assert_eq!(before, after, "{operation:?}");
        let log = self.scene.registry.log();
        for layer in self.layers() {
            assert!(self.scene.registry.requests_of("GET", &layer).is_empty(), "{operation:?}: {log:?}");
        }
        let writes =
            self.scene.registry.requests().into_iter().filter(|request| !["GET", "HEAD"].contains(&&*request.method));
        assert_eq!(writes.count(), 0, "{operation:?}: {log:?}");
    }

    /// The digests of the layers of the ModelKit that the tag points to.
    fn layers(&self) -> Vec<String> {
        let (_, bytes) = self.scene.registry.manifest("production/net", "v2").unwrap();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers.map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect()
    }

    /// The tags and digests of the referrers of the ModelKit.
    fn remove_signatures(&self) {
        let requests = kit(
            self.sandbox(),
            &["verify", &self.name, "--remote", "--key", &key("test-cosign.pub"), "--format", "json"],
        );
        for signature in requests.ok().json()["signatures"].as_array().unwrap() {
            self.scene.registry.remove_manifest("production/net", signature["manifest"].as_str().unwrap());
        }
    }

    fn check(&self, flags: &[&str]) -> Run {
        kit(self.sandbox(), &[&["policy", "check", &self.name, "--remote"], flags].concat())
    }
}

const NOT_SIGNED: &str = "no signature of `release` (ecdsa-p256 ";

#[test]
fn a_signed_modelkit_is_used_by_every_operation() {
    let guarded = Guarded::new();
    for operation in guarded.operations() {
        fs_err::remove_dir_all(guarded.sandbox().path("out")).ok();
        guarded.sandbox().write("out/own.txt", "own\n");
        let args: Vec<_> = operation.iter().map(String::as_str).collect();
        kit(guarded.sandbox(), &args).ok();
    }
}

#[test]
fn without_a_signature_every_operation_is_refused() {
    let guarded = Guarded::unsigned();
    guarded.is_refused(NOT_SIGNED);
}

#[test]
fn a_removed_signature_stops_every_operation() {
    let guarded = Guarded::new();
    guarded.remove_signatures();
    guarded.is_refused(NOT_SIGNED);
}

#[test]
fn a_signature_by_another_key_stops_every_operation() {
    let guarded = Guarded::unsigned();
    guarded.sign(&guarded.name, "test-p384.key.pem", &[]);
    guarded.is_refused("; 1 signature of another key");
}

#[test]
fn an_old_signature_of_another_digest_stops_every_operation() {
    let guarded = Guarded::unsigned();
    let registry = &guarded.scene.registry;
    guarded.sign(&guarded.name, "test-cosign.key", &["--as", "legacy"]);
    let tag = |digest: &str| format!("{}.sig", digest.replace(':', "-"));
    let (_, signature) = registry.manifest("production/net", &tag(&guarded.digest)).unwrap();
    // The tag moves to another ModelKit, and the signature is put beside that.
    guarded.sandbox().project();
    guarded.sandbox().kit(&["pack", "project", "-t", &guarded.name, "--config", "elsewhere"]).ok();
    let other = guarded.sandbox().kit(&["push", &guarded.name, "--config", "elsewhere"]).ok().digest();
    registry.add_manifest("production/net", &tag(&other), super::scene::MANIFEST, &signature);
    guarded.is_refused("1 invalid signature: it is of sha256:");
}

#[test]
fn a_tag_that_moves_to_an_unsigned_modelkit_is_refused() {
    let guarded = Guarded::new();
    kit(guarded.sandbox(), &["pull", &guarded.name]).ok();
    guarded.sandbox().project();
    let team = format!("{}/production/net:v2", guarded.host());
    guarded.sandbox().kit(&["pack", "project", "-t", &team, "--config", "elsewhere"]).ok();
    let push = ["push", &team, "--config", "elsewhere"];
    guarded.sandbox().kit(&push).ok();
    guarded.is_refused(NOT_SIGNED);
    // What was pulled is still signed.
    kit(guarded.sandbox(), &["unpack", &guarded.name, "-d", "pulled"]).ok();
}

#[test]
fn a_tag_that_moves_after_it_was_judged_is_not_followed() {
    let guarded = Guarded::new();
    guarded.sandbox().project();
    let other = format!("{}/production/net:other", guarded.host());
    guarded.sandbox().kit(&["pack", "project", "-t", &other, "--config", "elsewhere"]).ok();
    let pushed = guarded.sandbox().kit(&["push", &other, "--config", "elsewhere"]).ok().digest();
    for method in ["HEAD", "GET"] {
        let (repository, tag) = ("production/net".to_owned(), "v2".to_owned());
        let fault = Fault::MoveTag { repository, tag, digest: pushed.clone() };
        guarded.scene.registry.fail(method, "/manifests/v2", fault);
    }
    assert_eq!(kit(guarded.sandbox(), &["pull", &guarded.name]).ok().digest(), guarded.digest);
}

#[test]
fn a_registry_that_fails_is_not_taken_for_one_without_a_policy() {
    let guarded = Guarded::new();
    guarded.scene.registry.fail_later("GET", "/referrers/", 0, 1000, Fault::Status(403, Vec::new()));
    for operation in guarded.operations() {
        let sandbox = guarded.sandbox();
        let before = [tree(sandbox, "kit/store"), tree(sandbox, "out")];
        let args: Vec<_> = operation.iter().map(String::as_str).collect();
        kit(sandbox, &args).fails().says("cannot read the signatures");
        assert_eq!(before, [tree(sandbox, "kit/store"), tree(sandbox, "out")], "{operation:?}");
    }
}

#[test]
fn a_policy_that_cannot_be_read_stops_every_operation() {
    let guarded = Guarded::new();
    guarded.require("signed-by = { any = ['relaese'] }");
    guarded.is_refused("policy.toml:8:22: the policy has no key `relaese`; did you mean `release`?");
    guarded.sandbox().write("kit/policy.toml", "version = 1\ndefault = 'refuse'\n[keys.a]\nfile = 'missing.pub'\n");
    guarded.is_refused("policy.toml:4:8: the key `a` cannot be read from");
    fs_err::remove_file(guarded.sandbox().path("kit/policy.toml")).unwrap();
    fs_err::create_dir(guarded.sandbox().path("kit/policy.toml")).unwrap();
    guarded.is_refused("cannot read the policy");
}

#[test]
fn a_policy_is_named_by_a_flag_or_a_variable() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    fs_err::rename(sandbox.path("kit/policy.toml"), sandbox.path("own.toml")).unwrap();
    let pull = ["pull", &guarded.name, "--policy", "own.toml"];
    kit(sandbox, &pull).exits(1).says(NOT_SIGNED);
    sandbox.run(sandbox.command(&["pull", &guarded.name]).env("KIT_POLICY", "own.toml")).exits(1).says(NOT_SIGNED);
    kit(sandbox, &["pull", &guarded.name, "--policy", "missing.toml"]).exits(1).says("cannot read the policy");
    kit(sandbox, &["pull", &guarded.name]).ok();
    // The store is not trusted more than a registry.
    kit(sandbox, &["unpack", &guarded.name, "-d", "out", "--policy", "own.toml"]).exits(1).says(NOT_SIGNED);
    assert!(!sandbox.path("out").exists());
}

#[test]
fn without_a_rule_nothing_more_is_requested() {
    let guarded = Guarded::new();
    let requests = |policy: &str| {
        guarded.sandbox().write("kit/policy.toml", policy);
        guarded.scene.registry.forget_requests();
        let pull = ["pull", &guarded.name, "--config", "kit"];
        kit(guarded.sandbox(), &pull).ok();
        fs_err::remove_dir_all(guarded.sandbox().path("kit/store")).unwrap();
        let mut log = guarded.scene.registry.log();
        log.sort();
        log
    };
    let rule = "[[rule]]\nmatch = ['other.example/']\nsecrets = 'forbid'\n";
    let asked = requests(&format!("version = 1\n{rule}"));
    fs_err::remove_file(guarded.sandbox().path("kit/policy.toml")).unwrap();
    let unasked = requests("version = 1\n[[rule]]\nmatch = ['local/']\nmode = 'off'\n");
    assert_eq!(asked, unasked);
}

#[test]
fn a_load_asks_for_the_names_in_the_archive() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    let hidden = ["--policy", "allow.toml"];
    sandbox.write("allow.toml", "version = 1\n[[rule]]\nmatch = ['local/']\nmode = 'off'\n");
    kit(sandbox, &[&["pull", &*guarded.name], &hidden[..]].concat()).ok();
    kit(sandbox, &[&["save", &*guarded.name, "-o", "kits.tar"], &hidden[..]].concat()).ok();
    kit(sandbox, &["remove", &guarded.name]).ok();
    kit(sandbox, &["prune", "--force"]);
    let before = tree(sandbox, "kit/store");
    kit(sandbox, &["load", "kits.tar"]).exits(1).says(NOT_SIGNED).says("kit policy check");
    assert_eq!(tree(sandbox, "kit/store"), before);
    let elsewhere = format!("{}/elsewhere", guarded.host());
    kit(sandbox, &["load", "kits.tar", "--push", &elsewhere]).exits(1).says(NOT_SIGNED);
    guarded.require("mode = 'off'");
    kit(sandbox, &["load", "kits.tar"]).ok();
}

#[test]
fn a_copy_asks_for_both_names() {
    let guarded = Guarded::new();
    let unsigned = guarded.scene.put("team/net").0;
    let into = format!("{}/production/copy:v2", guarded.host());
    for args in [["copy", &*unsigned, &*into], ["promote", &unsigned, &into]] {
        guarded.is_refused_by(&args.map(str::to_owned), &format!("the policy does not allow `{into}`"));
    }
    kit(guarded.sandbox(), &["copy", &guarded.name, &into]).ok();
    kit(guarded.sandbox(), &["pull", &into]).ok();
}

#[test]
fn a_rule_that_warns_stops_nothing() {
    let guarded = Guarded::unsigned();
    guarded.require("mode = 'warn'\nsigned-by = { any = ['release'] }\nlicenses = { allow = ['ISC'] }");
    kit(guarded.sandbox(), &["pull", &guarded.name])
        .ok()
        .says("but its rule only warns")
        .says(NOT_SIGNED)
        .says("is not allowed");
}

#[test]
fn the_check_lists_every_requirement() {
    let guarded = Guarded::new();
    guarded.require("signed-by = { any = ['release'] }\nlicenses = { allow = ['ISC'] }\nformats = ['gguf']");
    let checked = guarded.check(&[]).exits(1);
    for words in
        ["signed-by     satisfied   signed by `release`", "licence       failed", "format        failed", ": refused\n"]
    {
        assert!(checked.stdout.contains(words), "{words}\n{}", checked.stdout);
    }
    let json = guarded.check(&["--format", "json"]).exits(1).json();
    assert_eq!((&json["allowed"], &json["rules"][0]["digest"]), (&false.into(), &guarded.digest.as_str().into()));
    guarded.require("signed-by = { any = ['release'] }");
    guarded.check(&[]).ok().prints(": allowed\n");
    assert!(!guarded.sandbox().path("kit/store/index.json").exists());
}

#[test]
fn an_attestation_counts_by_its_predicate_and_its_key() {
    let guarded = Guarded::new();
    let sandbox = guarded.sandbox();
    guarded
        .require("attestations = [{ type = 'test-result', signed-by = { any = ['release'] }, result = ['PASSED'] }]");
    guarded.is_refused("attestation  test-result by `release` (ecdsa-p256 ");
    let attest = |result: &str, private: &str| {
        sandbox.write("predicate.json", format!("{{\"result\":\"{result}\",\"configuration\":[]}}"));
        let args = [
            "attest",
            &guarded.name,
            "--key",
            &key(private),
            "--type",
            "test-result",
            "--predicate",
            "predicate.json",
            "--remote",
        ];
        kit(sandbox, &args).ok();
    };
    attest("PASSED", "test-p384.key.pem");
    guarded.is_refused(": there is none; 1 by another key");
    attest("FAILED", "test-cosign.key");
    guarded.is_refused("test-result by `release` says FAILED, not PASSED");
    attest("PASSED", "test-cosign.key");
    kit(sandbox, &["pull", &guarded.name]).ok();
}

#[test]
fn content_is_judged_before_a_modelkit_has_its_name() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    sandbox.write("bad/Kitfile", "manifestVersion: 1.0.0\ncode:\n  - path: src\n");
    sandbox.write("bad/src/config.json", "{\"auto_map\": {\"AutoModel\": \"evil.Model\"}}\n");
    let name = format!("{}/production/bad:v1", guarded.host());
    sandbox.kit(&["pack", "bad", "-t", &name]).ok();
    sandbox.kit(&["push", &name]).ok();
    sandbox.kit(&["remove", &name]).ok();
    guarded.require("remote-code = 'forbid'");
    let words = "remote-code  src/config.json: ";
    kit(sandbox, &["pull", &name]).exits(1).says(words);
    let index = sandbox.read("kit/store/index.json");
    assert!(!index.contains("production/bad"), "{index}");
    kit(sandbox, &["unpack", &name, "--remote", "-d", "out"]).exits(1).says(words);
    assert!(!sandbox.path("out").exists());
    let copy = format!("{}/elsewhere/bad:v1", guarded.host());
    kit(sandbox, &["copy", &name, &copy]).exits(1).says(words);
    kit(sandbox, &["promote", &name, &copy]).exits(1).says(words);
    kit(sandbox, &["cp", "--remote", &format!("{name}//src/config.json"), "."]).exits(1).says(words);
    guarded.require("secrets = 'forbid'");
    kit(sandbox, &["pull", &name]).ok();
}

#[test]
fn pickles_are_forbidden_or_limited_to_known_names() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    let scanned = super::scene::golden().join("scan/pickle");
    let put = |tag: &str, files: &[&str]| {
        fs_err::remove_dir_all(sandbox.path("kit-files")).ok();
        sandbox.write("kit-files/Kitfile", "manifestVersion: 1.0.0\nmodel:\n  name: net\n  path: weights\n");
        for file in files {
            sandbox.write(&format!("kit-files/weights/{file}"), fs_err::read(scanned.join(file)).unwrap());
        }
        let name = format!("{}/production/{tag}:v1", guarded.host());
        sandbox.kit(&["pack", "kit-files", "-t", &name]).ok();
        sandbox.kit(&["push", &name]).ok();
        sandbox.kit(&["remove", &name]).ok();
        name
    };
    let clean = put("clean", &["benign-ordered-dict.pkl"]);
    let evil = put("evil", &["benign-ordered-dict.pkl", "evil-os-system-p0.pkl"]);
    let none = put("none", &["benign-text-class.py"]);
    guarded.require("pickle = 'listed'");
    kit(sandbox, &["pull", &clean]).ok();
    kit(sandbox, &["pull", &evil]).exits(1).says("pickle  weights/evil-os-system-p0.pkl: ");
    guarded.require("pickle = 'forbid'");
    kit(sandbox, &["unpack", &clean, "-d", "out"]).exits(1).says("weights/benign-ordered-dict.pkl: is a pickle");
    assert!(!sandbox.path("out").exists());
    kit(sandbox, &["pull", &none]).ok();
    guarded.require("formats = ['safetensors']");
    kit(sandbox, &["pull", &evil]).exits(1).says("weights/evil-os-system-p0.pkl: pickle is not allowed");
    kit(sandbox, &["pull", &none]).ok();
}

#[test]
fn a_policy_is_shown_and_tested() {
    let guarded = Guarded::new();
    let sandbox = guarded.sandbox();
    kit(sandbox, &["policy", "show"]).ok().prints("policy.toml  1 rule, 2 keys; other names are allowed\n");
    kit(sandbox, &["policy", "show", &guarded.name]).ok().prints(&format!(
        "rule for `{}/production/` (enforce)\n    signed-by     signed by `release`\n",
        guarded.host()
    ));
    kit(sandbox, &["policy", "show", "other.example/net"]).ok().prints("no rule matches, such names are allowed");
    kit(sandbox, &["policy", "test", "kit/policy.toml"]).ok().says("is valid: 1 rule, 2 keys");
    sandbox.write("wrong.toml", "version = 1\ndefault = 'deny'\n");
    kit(sandbox, &["policy", "test", "wrong.toml"]).exits(1).says("wrong.toml:2:11: `default` must be");
    let example = kit(sandbox, &["policy", "init"]).ok().stdout;
    sandbox.write("example.toml", example);
    kit(sandbox, &["policy", "test", "example.toml"]).ok();
}
