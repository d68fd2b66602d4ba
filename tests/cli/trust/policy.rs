//! Policies: every operation asks them before it uses a ModelKit.

use super::guarded::{Guarded, NOT_SIGNED, tree};
use super::scene::kit;
use kit_testkit::registry::Fault;

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
    #[cfg(unix)]
    {
        fs_err::remove_dir(guarded.sandbox().path("kit/policy.toml")).unwrap();
        fs_err::os::unix::fs::symlink("nowhere.toml", guarded.sandbox().path("kit/policy.toml")).unwrap();
        guarded.is_refused("cannot read the policy");
    }
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
        // Steps that run side by side may ask for the same document twice.
        log.sort();
        log.dedup();
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
fn a_subset_is_judged_like_a_copy_and_other_readers_like_inspect() {
    let guarded = Guarded::new();
    let unsigned = guarded.scene.put("team/net").0;
    let into = format!("{}/production/part:v2", guarded.host());
    let subset = ["subset", &*unsigned, "-t", &*into, "--filter", "model"].map(str::to_owned);
    guarded.is_refused_by(&subset, &format!("the policy does not allow `{into}`"));
    kit(guarded.sandbox(), &["subset", &guarded.name, "-t", &into, "--filter", "model"]).ok();
    guarded.remove_signatures();
    let name = guarded.name.clone();
    let elsewhere = format!("{}/elsewhere/part:v2", guarded.host());
    for args in
        [&["subset", &*name, "-t", &*elsewhere, "--filter", "model"][..], &["impact", &name], &["deploy", &name]]
    {
        guarded.is_refused_by(&args.iter().map(|arg| (*arg).to_owned()).collect::<Vec<_>>(), NOT_SIGNED);
    }
}

#[test]
fn a_signature_that_is_not_carried_is_an_error_where_it_is_required() {
    let guarded = Guarded::new();
    let sandbox = guarded.sandbox();
    let registry = &guarded.scene.registry;
    for command in ["copy", "promote"] {
        let into = format!("{}/production/{command}:v2", guarded.host());
        registry.fail_later(
            "PUT",
            &format!("/production/{command}/manifests/sha256:"),
            0,
            1,
            Fault::Status(403, Vec::new()),
        );
        let run = kit(sandbox, &[command, &guarded.name, &into]).fails();
        run.says("cannot copy the signatures and attestations, which the policy requires there");
        assert!(registry.manifest(&format!("production/{command}"), "v2").is_none(), "{command}");
        kit(sandbox, &[command, &guarded.name, &into]).ok();
        let elsewhere = format!("{}/elsewhere/{command}:v2", guarded.host());
        registry.fail_later(
            "PUT",
            &format!("/elsewhere/{command}/manifests/sha256:"),
            0,
            1,
            Fault::Status(403, Vec::new()),
        );
        kit(sandbox, &[command, &guarded.name, &elsewhere]).ok().says("warning: ");
    }
}

#[test]
fn a_modelkit_in_the_store_is_judged_under_its_name_however_it_is_asked_for() {
    let guarded = Guarded::unsigned();
    let (sandbox, name, digest) = (guarded.sandbox(), &guarded.name, &guarded.digest);
    let policy = sandbox.read("kit/policy.toml");
    fs_err::remove_file(sandbox.path("kit/policy.toml")).unwrap();
    kit(sandbox, &["pull", name]).ok();
    kit(sandbox, &["tag", name, "before:v1"]).ok();
    sandbox.write("kit/policy.toml", policy);
    let elsewhere = format!("{}/elsewhere/net:v2", guarded.host());
    for args in [
        &["unpack", name, "-d", "out"][..],
        &["unpack", digest, "-d", "out"],
        &["unpack", &digest[..15], "-d", "out"],
        &["unpack", &format!("oci:kit/store:{name}"), "-d", "out"],
        &["unpack", &format!("oci:kit/store@{digest}"), "-d", "out"],
        &["cat", &format!("{digest}//README.md")],
        &["tag", name, "after:v1"],
        &["tag", name, &elsewhere],
        &["tag", digest, "after:v1"],
        &["convert", name, "--to", "modelpack", "-t", "after:v1"],
        &["index", "create", "many:v1", name],
        &["copy", &format!("oci:kit/store:{name}"), &elsewhere],
    ] {
        let before = [tree(sandbox, "kit/store"), tree(sandbox, "out")];
        let run = kit(sandbox, args);
        assert!(run.stderr.contains(NOT_SIGNED) || args[1].len() == 15, "{args:?}\n{}", run.stderr);
        assert!([tree(sandbox, "kit/store"), tree(sandbox, "out")] == before, "{args:?}");
    }
    // The same repository has the same rule, and the maker of a ModelKit names it before it is signed.
    kit(sandbox, &["tag", name, &format!("{}/production/net:v3", guarded.host())]).ok();
    kit(sandbox, &["tag", "before:v1", &elsewhere]).ok();
}

#[test]
fn another_spelling_of_the_host_does_not_avoid_the_rule() {
    let guarded = Guarded::unsigned();
    let port = guarded.host().rsplit(':').next().unwrap();
    for host in ["127.1", "0x7f.0.0.1", "2130706433", "0177.0.0.1"] {
        let name = format!("{host}:{port}/production/net:v2");
        let args = ["unpack", &name, "--remote", "--plain-http", "-d", "out"];
        kit(guarded.sandbox(), &args).exits(1).says(NOT_SIGNED);
    }
}

#[test]
fn a_pull_whose_content_is_refused_leaves_the_store_as_it_was() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    sandbox.write("bad/Kitfile", "manifestVersion: 1.0.0\ncode:\n  - path: src\n");
    sandbox.write("bad/src/config.json", "{\"auto_map\": {\"AutoModel\": \"evil.Model\"}}\n");
    let name = format!("{}/production/bad:v1", guarded.host());
    sandbox.kit(&["pack", "bad", "-t", &name, "--config", "elsewhere"]).ok();
    sandbox.kit(&["push", &name, "--config", "elsewhere"]).ok();
    sandbox.kit(&["save", &name, "-o", "bad.tar", "--config", "elsewhere"]).ok();
    guarded.require("remote-code = 'forbid'");
    kit(sandbox, &["pull", &guarded.name]).ok();
    // Without the notes about what the disk may not have written yet.
    let content = || {
        let mut files = tree(sandbox, "kit/store");
        files.retain(|(path, _)| !path.starts_with(".kit/pending/"));
        files
    };
    let before = content();
    for args in [&["pull", &name][..], &["load", "bad.tar"]] {
        kit(sandbox, args).exits(1).says("remote-code");
        assert_eq!(content(), before, "{args:?}");
    }
}

#[test]
fn content_is_read_once_for_both_names_of_a_copy() {
    let guarded = Guarded::unsigned();
    guarded.require("remote-code = 'forbid'");
    let requests = |target: &str| {
        guarded.scene.registry.forget_requests();
        kit(guarded.sandbox(), &["copy", &guarded.name, &format!("{}/{target}", guarded.host())]).ok();
        let count = |layer: &String| guarded.scene.registry.requests_of("GET", layer).len();
        guarded.layers().iter().map(count).collect::<Vec<_>>()
    };
    assert_eq!(requests("elsewhere/net:v2"), requests("production/other:v2"));
}

#[test]
fn a_form_that_appears_after_it_was_looked_for_is_not_copied() {
    let guarded = Guarded::new();
    let sandbox = guarded.sandbox();
    let forms = ["--config", "elsewhere"];
    kit(sandbox, &[&["pull", &guarded.name][..], &forms].concat()).ok();
    kit(sandbox, &[&["push", &guarded.name, "--also", "modelpack"][..], &forms].concat())
        .ok()
        .says("whose digest is different; sign it, too");
    let registry = &guarded.scene.registry;
    let copy = format!("{}/elsewhere/net:v2", guarded.host());
    kit(sandbox, &["copy", &guarded.name, &copy]).exits(1).says("production/net@sha256:").says(NOT_SIGNED);
    // A registry that shows the form only when it is copied.
    for method in ["HEAD", "GET"] {
        registry.fail_later(method, "/manifests/v2-modelpack", 0, 1, Fault::Status(404, Vec::new()));
    }
    kit(sandbox, &["copy", &guarded.name, &copy]).ok();
    assert!(registry.manifest("elsewhere/net", "v2").is_some());
    assert!(registry.manifest("elsewhere/net", "v2-modelpack").is_none());
}

#[test]
fn a_pull_fails_if_the_required_signature_is_not_stored() {
    let guarded = Guarded::new();
    let (sandbox, registry) = (guarded.sandbox(), &guarded.scene.registry);
    let referrers = format!("/referrers/{}", guarded.digest);
    // The list is read to judge the signature, and again to copy it.
    registry.fail_later("GET", &referrers, 1, 1, Fault::Status(403, Vec::new()));
    let pull = kit(sandbox, &["pull", &guarded.name]).fails();
    pull.says("cannot copy the signatures and attestations, which the policy requires there");
    assert!(kit(sandbox, &["list", "--format", "json"]).ok().json().as_array().unwrap().is_empty());
    kit(sandbox, &["pull", &guarded.name]).ok();
    kit(sandbox, &["unpack", &guarded.name, "-d", "new"]).ok();
}
