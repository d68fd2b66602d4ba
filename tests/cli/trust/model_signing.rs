//! Signatures of folders, and of the files of a ModelKit (OpenSSF Model Signing).

use serde_json::{Value, json};

use super::scene::{Scene, golden, key, kit};
use crate::setup::peers::python;
use kit_testkit::sandbox::{Run, Sandbox};

/// A sandbox with the folder `model`.
fn model() -> Sandbox {
    let sandbox = Sandbox::new();
    for name in ["README.md", "data/train.csv", "src/a/x.py", "src/a-b/x.py", "weights/model.bin", "Kitfile"] {
        sandbox.write(&format!("model/{name}"), name);
    }
    sandbox.write("model/.git/HEAD", "ref: refs/heads/main\n");
    sandbox
}

fn sign(sandbox: &Sandbox, flags: &[&str]) -> Run {
    kit(sandbox, &[&["sign", "model", "--key", &key("test-cosign.key")], flags].concat())
}

fn verify(sandbox: &Sandbox, flags: &[&str]) -> Run {
    kit(sandbox, &[&["verify", "model", "--key", &key("test-cosign.pub"), "--model-signature"], flags].concat())
}

#[test]
fn a_folder_is_signed_and_verified() {
    let sandbox = model();
    let run = sign(&sandbox, &[]).ok().says("wrote the signature to `model/model.sig`");
    assert!(run.stdout.starts_with("Signed model (5 files, "), "{}", run.stdout);
    verify(&sandbox, &[]).ok().prints("  signed    ecdsa-p256 ").prints("5 files").says("matches `model/model.sig`");
    let before = sandbox.tree("model");
    sandbox.write("model/Kitfile", "another one");
    sandbox.write("model/.git/index", "");
    verify(&sandbox, &[]).ok();
    sandbox.write("model/README.md", "changed");
    sandbox.write("model/src/evil.py", "");
    fs_err::remove_file(sandbox.path("model/data/train.csv")).unwrap();
    let run = verify(&sandbox, &["--format", "json"]).exits(3).says("differs from what was signed: 3 differences");
    let document: Value = serde_json::from_str(&run.stdout).unwrap();
    assert_eq!(document["verified"], false);
    let expected = [("differs", "README.md"), ("missing", "data/train.csv"), ("unsigned", "src/evil.py")];
    assert_eq!(
        document["differences"],
        json!(expected.map(|(change, path)| json!({ "change": change, "path": path })))
    );
    verify(&sandbox, &["--ignore-unsigned-files"]).exits(3).says("2 differences");
    assert_ne!(sandbox.tree("model"), before);
}

#[test]
fn a_signature_of_another_key_or_none_does_not_count() {
    let sandbox = model();
    verify(&sandbox, &[]).exits(4).says("signature `model/model.sig` does not exist");
    sign(&sandbox, &["--signature", "out.sig", "--ignore", "data", "--ignore", "Kitfile"]).ok();
    assert!(!sandbox.path("model/model.sig").exists());
    sandbox.write("model/data/train.csv", "changed");
    verify(&sandbox, &["out.sig"]).ok();
    let other = key("test-p256.pub.pem");
    let run = kit(&sandbox, &["verify", "model", "--key", &other, "--model-signature", "out.sig", "--format", "json"]);
    let run = run.exits(1).says("signed by another key, or changed afterwards");
    assert_eq!(serde_json::from_str::<Value>(&run.stdout).unwrap()["verified"], false);
    let p521 = key("test-p521.pub.pem");
    kit(&sandbox, &["verify", "model", "--key", &p521, "--model-signature", "out.sig"]).exits(1).says("P-521");
    kit(&sandbox, &["verify", "model", "--model-signature", "out.sig"]).exits(2).says("whose signature counts");
    kit(&sandbox, &["sign", "model", "--key", &key("test-ed25519.key.pem")]).exits(1).says("ECDSA keys only");
    for flags in [&["--ignore", "."][..], &["--files"], &["-a", "env=prod"], &["--as", "legacy"]] {
        sign(&sandbox, flags).exits(2);
    }
}

#[cfg(unix)]
#[test]
fn a_link_cannot_be_signed_unless_it_is_ignored() {
    let sandbox = model();
    kit_testkit::platform::symlink("README.md", sandbox.path("model/link")).unwrap();
    sign(&sandbox, &[]).exits(1).says("`link` is a symbolic link").says("--ignore link");
    sign(&sandbox, &["--ignore", "link"]).ok();
    verify(&sandbox, &[]).ok();
    kit_testkit::platform::symlink("README.md", sandbox.path("model/data/link")).unwrap();
    verify(&sandbox, &[]).exits(3).prints("symbolic link").prints("data/link");
}

#[test]
fn the_files_of_a_modelkit_are_signed_without_unpacking_it() {
    let scene = Scene::new(true);
    let (name, _) = scene.put("team/net");
    let sandbox = &scene.sandbox;
    let private = key("test-cosign.key");
    let sign = |flags: &[&str]| kit(sandbox, &[&["sign", &name, "--key", &private, "--files"], flags].concat());
    let run = sign(&["--format", "json"]).ok().json();
    assert_eq!(run["signatures"].as_array().unwrap().len(), 2);
    let again = sign(&["--format", "json"]).ok().json();
    assert_eq!(again["signatures"][1]["new"], false);
    let public = key("test-cosign.pub");
    let verify = |name: &str, flags: &[&str]| kit(sandbox, &[&["verify", name, "--key", &public], flags].concat());
    verify(&name, &[]).ok().prints("  files     ecdsa-p256 ").prints("9 files");
    verify(&name, &["--type", "model-signing"]).ok().prints("attested");
    kit(sandbox, &["verify", &name, "--key", &key("test-p256.pub.pem"), "--type", "model-signing"]).exits(1);
    let got = kit(sandbox, &["attest", &name, "--key", &public, "--get", "model-signing", "--bundle"]).ok().stdout;
    sandbox.write("model.sig", got);
    kit(sandbox, &["unpack", &name, "-d", "out"]).ok();
    kit(sandbox, &["verify", "out", "--model-signature", "model.sig", "--key", &public]).ok();
    // The list of another ModelKit by the same key.
    kit(sandbox, &["unpack", &name, "-d", "other"]).ok();
    sandbox.write("other/README.md", "changed");
    let other = name.replace(":v2", ":v3");
    kit(sandbox, &["pack", "other", "--push", &other]).ok();
    let bundle = kit(sandbox, &["copy", &name, "oci:layout:v2"]).ok();
    drop(bundle);
    let (_, digest) = (&other, kit(sandbox, &["inspect", &other, "--remote", "--format", "{{.Digest}}"]).ok().stdout);
    let subject = scene.registry.manifest("team/net", "v3").unwrap().1;
    let layer = sandbox.read("model.sig").trim_end().to_owned();
    let blob = scene.registry.add_blob_to("team/net", layer.as_bytes());
    let config = scene.registry.add_blob_to("team/net", b"{}");
    let kind = "application/vnd.dev.sigstore.bundle.v0.3+json";
    let referrer = json!({
        "schemaVersion": 2, "mediaType": super::scene::MANIFEST, "artifactType": kind,
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": config, "size": 2 },
        "layers": [{ "mediaType": kind, "digest": blob, "size": layer.len() }],
        "subject": { "mediaType": super::scene::MANIFEST, "digest": digest.trim(), "size": subject.len() },
    });
    scene.put_referrer("team/net", digest.trim(), referrer.to_string().as_bytes(), 7);
    kit(sandbox, &["sign", &other, "--key", &private, "--remote"]).ok();
    verify(&other, &["--remote"]).exits(1).says("`README.md` differs");
    verify(&other, &["--remote", "--type", "model-signing"]).exits(1).says("`README.md` differs");
}

#[test]
#[cfg_attr(windows, ignore = "runs Python packages, which scripts/test.sh installs on Unix only")]
fn model_signing_and_kit_verify_the_signatures_of_each_other() {
    let Some(python) = python() else { return };
    let sandbox = model();
    let keys = golden().join("keys");
    let leaf = key("test-leaf.key.pem");
    let (certificate, between, root) = (key("test-leaf.pem"), key("test-int.pem"), key("test-ca.pem"));
    sign(&sandbox, &["--signature", "key.sig"]).ok();
    let chain = ["--certificate", &certificate, "--certificate-chain", &between, "--certificate-chain", &root];
    kit(&sandbox, &[&["sign", "model", "--key", &leaf, "--signature", "certificate.sig"], &chain[..]].concat()).ok();
    let arguments = ["model", keys.to_str().unwrap()];
    let seen = crate::setup::peers::run(&python, &sandbox, "", "model_signatures.py", &arguments);
    assert_eq!(seen["verified"], json!(["key.sig", "certificate.sig"]));
    for (name, signer) in
        [("their-key.sig", ["--key", &key("test-p256.pub.pem")]), ("their-certificate.sig", ["--ca", &root])]
    {
        kit(&sandbox, &[&["verify", "model", "--model-signature", name], &signer[..]].concat()).ok().prints("6 files");
    }
}
