//! A registry with a ModelKit and a policy for it, for the tests of policies.

use std::path::Path;

use serde_json::Value;

use super::scene::{Scene, key, kit};
use kit_testkit::sandbox::{Run, Sandbox};

/// The digests of the files below a folder of the sandbox; none if it does not exist. The locks of a store contain the
/// number of a process.
pub fn tree(sandbox: &Sandbox, folder: &str) -> Vec<(String, String)> {
    let files = if sandbox.path(folder).exists() { sandbox.tree(folder) } else { Vec::new() };
    let digest = |path: &str, content: String| {
        let content = if Path::new(&path).extension() == Some("lock".as_ref()) { String::new() } else { content };
        kit_core::digest::Digest::of(content.as_bytes()).to_string()
    };
    files.into_iter().map(|(path, content)| (path.clone(), digest(&path, content))).collect()
}

/// A ModelKit in a registry that is signed by `test-cosign.key`, and a policy that requires this signature.
pub struct Guarded {
    pub scene: Scene,
    pub name: String,
    pub digest: String,
}

impl Guarded {
    pub fn new() -> Self {
        let guarded = Self::unsigned();
        guarded.sign(&guarded.name, "test-cosign.key", &[]);
        guarded.scene.registry.forget_requests();
        guarded
    }

    /// The same without a signature.
    pub fn unsigned() -> Self {
        let scene = Scene::new(true);
        let (name, digest) = scene.put("production/net");
        let guarded = Self { scene, name, digest };
        guarded.require("signed-by = { any = ['release'] }");
        guarded
    }

    pub fn sandbox(&self) -> &Sandbox {
        &self.scene.sandbox
    }

    pub fn host(&self) -> &str {
        self.scene.registry.host()
    }

    /// Writes a policy with a rule for `production/` of the registry.
    pub fn require(&self, lines: &str) {
        let (host, release, other) = (self.host(), key("test-cosign.pub"), key("test-other.pub.pem"));
        let text = format!(
            "version = 1\n[keys.release]\nfile = '{release}'\n[keys.other]\nfile = '{other}'\n\
             [[rule]]\nmatch = ['{host}/production/']\n{lines}\n"
        );
        self.sandbox().write("kit/policy.toml", text);
    }

    pub fn sign(&self, name: &str, private: &str, flags: &[&str]) {
        kit(self.sandbox(), &[&["sign", name, "--key", &key(private), "--remote"], flags].concat()).ok();
    }

    /// Every operation that uses the ModelKit, each with its arguments.
    pub fn operations(&self) -> Vec<Vec<String>> {
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
    pub fn is_refused(&self, words: &str) {
        for operation in self.operations() {
            self.is_refused_by(&operation, words);
        }
    }

    pub fn is_refused_by(&self, operation: &[String], words: &str) {
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
    pub fn layers(&self) -> Vec<String> {
        let (_, bytes) = self.scene.registry.manifest("production/net", "v2").unwrap();
        let manifest: Value = serde_json::from_slice(&bytes).unwrap();
        let layers = manifest["layers"].as_array().unwrap().iter();
        layers.map(|layer| layer["digest"].as_str().unwrap().to_owned()).collect()
    }

    /// The tags and digests of the referrers of the ModelKit.
    pub fn remove_signatures(&self) {
        let requests = kit(
            self.sandbox(),
            &["verify", &self.name, "--remote", "--key", &key("test-cosign.pub"), "--format", "json"],
        );
        for signature in requests.ok().json()["signatures"].as_array().unwrap() {
            self.scene.registry.remove_manifest("production/net", signature["manifest"].as_str().unwrap());
        }
    }

    pub fn check(&self, flags: &[&str]) -> Run {
        kit(self.sandbox(), &[&["policy", "check", &self.name, "--remote"], flags].concat())
    }
}

pub const NOT_SIGNED: &str = "no signature of `release` (ecdsa-p256 ";
