//! `kit key`, passwords, and the secrets that no output contains.

use super::scene::{PASSWORD, exists, key, kit};
use kit_testkit::platform::assert_mode;
use kit_testkit::sandbox::Sandbox;

#[test]
fn a_new_key_pair_is_private_and_never_replaces_files() {
    let sandbox = Sandbox::packed();
    let shown = kit(&sandbox, &["key", "new", "release", "--format", "json"]).ok().json();
    assert_mode(sandbox.path("release.key"), 0o600);
    assert!(shown["name"].as_str().unwrap().starts_with("ecdsa-p256 "), "{shown}");
    assert_eq!(shown["publicKey"], sandbox.read("release.pub"));
    for file in ["release.pub", "release.key"] {
        assert_eq!(kit(&sandbox, &["key", "show", file, "--format", "json"]).ok().json(), shown);
    }
    let before = sandbox.read("release.key");
    kit(&sandbox, &["key", "new", "release"]).exits(8).says("`release.key` exists");
    fs_err::remove_file(sandbox.path("release.key")).unwrap();
    kit(&sandbox, &["key", "new", "release"]).exits(8).says("`release.pub` exists");
    assert!(!exists(&sandbox, "release.key"));
    sandbox.write("release.key", before);
    kit(&sandbox, &["sign", "sample:v1", "--key", "release.key"]).ok().prints("Signed sha256:");
    kit(&sandbox, &["verify", "sample:v1", "--key", "release.pub"]).ok();
}

#[test]
fn a_password_comes_from_the_variable_and_may_be_empty() {
    let sandbox = Sandbox::packed();
    let encrypted = key("test-cosign.key");
    let run = sandbox.kit(&["sign", "sample:v1", "--key", &encrypted]).exits(1);
    run.says("set COSIGN_PASSWORD");
    let mut wrong = sandbox.command(&["sign", "sample:v1", "--key", &encrypted]);
    sandbox.run(wrong.env("COSIGN_PASSWORD", "wrong")).exits(1).says("the password is wrong");
    let empty = key("test-cosign-empty-password.key");
    let mut right = sandbox.command(&["sign", "sample:v1", "--key", &empty]);
    sandbox.run(right.env("COSIGN_PASSWORD", "")).ok();
    sandbox.kit(&["verify", "sample:v1", "--key", &key("test-p256.pub.pem")]).ok();
}

#[test]
fn a_key_can_be_in_a_variable_but_not_in_a_service() {
    let sandbox = Sandbox::packed();
    let pem = fs_err::read_to_string(key("test-ed25519.key.pem")).unwrap();
    let mut sign = sandbox.command(&["sign", "sample:v1", "--key", "env://SIGNING_KEY"]);
    sandbox.run(sign.env("SIGNING_KEY", pem)).ok().prints("(ed25519 50df1fedd1a7)");
    sandbox.kit(&["sign", "sample:v1", "--key", "env://SIGNING_KEY"]).exits(1).says("`SIGNING_KEY`");
    for service in ["awskms://alias/release", "k8s://release/key"] {
        sandbox.kit(&["verify", "sample:v1", "--key", service]).exits(2).says("export the public key");
    }
    sandbox
        .kit(&["sign", "sample:v1", "--key", "nowhere.key"])
        .exits(4)
        .says("cannot read the key `nowhere.key`; `kit key new PREFIX` creates a key pair");
    let public = key("test-cosign.pub");
    sandbox.kit(&["sign", "sample:v1", "--key", &public]).exits(1).says("a private key is needed");
    let private = key("test-p256.key.pem");
    sandbox.kit(&["verify", "sample:v1", "--key", &private]).exits(1).says("the public key is needed");
}

/// The parts of secrets that no output may contain: the password, and lines of the files of keys.
fn secrets(file: &str) -> Vec<String> {
    let text = fs_err::read_to_string(key(file)).unwrap();
    let public = ["test-cosign.pub", "test-p256.pub.pem", "test-rsa2048.pub.pem"];
    let public = public.map(|file| fs_err::read_to_string(key(file)).unwrap()).concat();
    // The end of a private key is that of its public key.
    let lines = text.lines().filter(|line| !line.starts_with("-----") && !public.contains(line)).map(str::to_owned);
    lines.chain([PASSWORD.to_owned()]).collect()
}

#[test]
fn no_output_contains_a_secret() {
    let sandbox = Sandbox::packed();
    let files =
        ["test-cosign.key", "test-p256.key.pem", "test-p256.sec1.pem", "test-rsa2048.pkcs1.pem", "test-p521.key.pem"];
    for file in files {
        let (path, secrets) = (key(file), secrets(file));
        for args in [
            &["sign", "sample:v1", "--as", "both", "--key"][..],
            &["key", "show"],
            &["verify", "sample:v1", "--key"],
            &["sign", "nothing:v1", "--format", "json", "--key"],
            &["approve", "sample:v1", "--as", "sre", "--key"],
            &["recall", "sample:v1", "--reason", "x", "--format", "json", "--key"],
            &["log", "sample", "--key"],
        ] {
            let args = [args, &[&path, "-vvv", "--log-level", "trace"]].concat();
            let run = kit(&sandbox, &args);
            let in_variable = [&args[..args.len() - 4], &["env://SECRET", "-vvv"]].concat();
            let mut command = sandbox.command(&in_variable);
            let text = fs_err::read_to_string(&path).unwrap();
            let other = sandbox.run(command.env("SECRET", &text).env("COSIGN_PASSWORD", PASSWORD));
            // Mistakes: the key itself in place of the name of its file.
            let (with_name, alone) = (format!("--key={text}"), [&args[..args.len() - 4], &[&text]].concat());
            let joined = sandbox.kit(&["sign", "sample:v1", &with_name]).exits(2);
            let separate = sandbox.kit(&alone).exits(2);
            let wrong = [joined.stdout, joined.stderr, separate.stdout, separate.stderr];
            for output in [run.stdout, run.stderr, other.stdout, other.stderr].into_iter().chain(wrong) {
                assert!(secrets.iter().all(|secret| !output.contains(secret)), "{args:?}: {output}");
            }
        }
    }
}
