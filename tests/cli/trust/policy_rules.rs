//! Policies: the requirements of their rules, and the commands that show and check them.

use super::guarded::Guarded;
use super::scene::{golden, key, kit};

#[test]
fn a_rule_that_warns_stops_nothing() {
    let guarded = Guarded::unsigned();
    guarded.require("mode = 'warn'\nsigned-by = { any = ['release'] }\nlicenses = { allow = ['ISC'] }");
    kit(guarded.sandbox(), &["pull", &guarded.name])
        .ok()
        .says("but its rule only warns")
        .says("; signed-by: no signature of `release`")
        .says("; licence: `")
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
    let scanned = golden().join("scan/pickle");
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
    let pickle = fs_err::read(scanned.join("evil-os-system-p0.pkl")).unwrap();
    let binary = fs_err::read(scanned.join("benign-ordered-dict.pkl")).unwrap();
    for (tag, name, content) in [("a", "b.safetensors", &binary), ("b", "x.txt", &pickle), ("c", "README.md", &binary)]
    {
        sandbox.write("disguised/Kitfile", "manifestVersion: 1.0.0\nmodel:\n  name: net\n  path: weights\n");
        sandbox.write(&format!("disguised/weights/{name}"), content);
        let kit_name = format!("{}/production/disguised-{tag}:v1", guarded.host());
        sandbox.kit(&["pack", "disguised", "-t", &kit_name]).ok();
        let words = format!("weights/{name}: its content is a pickle");
        kit(sandbox, &["unpack", &kit_name, "-d", "disguised-out"]).exits(1).says(&words);
        fs_err::remove_dir_all(sandbox.path("disguised")).unwrap();
    }
}

#[test]
fn verify_without_a_key_asks_the_policy() {
    let guarded = Guarded::unsigned();
    kit(guarded.sandbox(), &["verify", &guarded.name]).exits(1).prints("signed-by     failed");
    guarded.sign(&guarded.name, "test-cosign.key", &[]);
    kit(guarded.sandbox(), &["verify", &guarded.name]).ok().prints("signed-by     satisfied");
    kit(guarded.sandbox(), &["verify", "other.example/net:v1"]).exits(2).says("nothing says whose signature");
}

#[test]
fn verify_fails_where_a_rule_only_warns() {
    let guarded = Guarded::unsigned();
    guarded.require("mode = 'warn'\nsigned-by = { any = ['release'] }");
    let words = "does not satisfy the policy, whose rule only warns elsewhere";
    kit(guarded.sandbox(), &["verify", &guarded.name])
        .exits(1)
        .prints("not satisfied; the rule only warns")
        .says(words);
    guarded.check(&[]).ok().prints(": allowed\n");
    guarded.require("mode = 'off'\nsigned-by = { any = ['release'] }");
    kit(guarded.sandbox(), &["verify", &guarded.name]).exits(2).says("no rule of a policy is in force for it");
}

#[test]
fn a_remote_dataset_is_judged_before_it_is_unpacked() {
    let guarded = Guarded::unsigned();
    let (sandbox, server) = (guarded.sandbox(), &guarded.scene.registry);
    let pickle = fs_err::read(golden().join("scan/pickle/evil-os-system-p0.pkl")).unwrap();
    server.add_file("/evil.pkl", &pickle);
    let dataset = |hash: &str| {
        let place = format!("http://{}/evil.pkl", guarded.host());
        let dataset = serde_json::json!({ "name": "a", "path": "evil.pkl", "remotePath": place, "remoteHash": hash });
        let kitfile =
            serde_json::json!({ "manifestVersion": "1.0.0", "code": [{ "path": "src" }], "datasets": [dataset] });
        sandbox.write("far/Kitfile", kitfile.to_string());
        sandbox.write("far/src/a.py", "print()\n");
        let name = format!("{}/production/far:v1", guarded.host());
        sandbox.kit(&["pack", "far", "-t", &name, "--plain-http"]).ok();
        name
    };
    let name = dataset(&kit_testkit::registry::sha256(&pickle));
    let unpack = ["unpack", &name, "-d", "out", "--include-remote", "--plain-http"];
    guarded.require("pickle = 'forbid'");
    kit(sandbox, &unpack).exits(1).says("pickle  evil.pkl: is a pickle");
    assert!(!sandbox.path("out/evil.pkl").exists());
    guarded.require("secrets = 'forbid'");
    kit(sandbox, &unpack).ok();
    assert!(sandbox.path("out/evil.pkl").exists());
}

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn an_import_is_judged_before_it_is_packed() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    sandbox.write("repository/config.json", "{\"auto_map\": {\"AutoModel\": \"evil.Model\"}}\n");
    sandbox.write("repository/model.safetensors", kit_testkit::samples::small_safetensors());
    let git = |args: &[&str]| {
        let folder = sandbox.path("repository");
        let mut command = std::process::Command::new("git");
        let identity = ["-c", "user.name=a", "-c", "user.email=a@models.example"];
        assert!(command.current_dir(folder).args(identity).args(args).output().unwrap().status.success(), "{args:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "first"]);
    let name = format!("{}/production/imported:v1", guarded.host());
    let address = format!("file://{}", sandbox.path("repository").display());
    guarded.require("remote-code = 'forbid'");
    kit(sandbox, &["import", &address, "-t", &name]).exits(1).says("remote-code  config.json: ");
    let index = fs_err::read_to_string(sandbox.path("kit/store/index.json")).unwrap_or_default();
    assert!(!index.contains("production/imported"), "{index}");
    guarded.require("secrets = 'forbid'");
    kit(sandbox, &["import", &address, "-t", &name]).ok();
}

#[test]
fn an_import_of_a_folder_or_a_run_is_judged_before_it_is_packed() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    guarded.require("remote-code = 'forbid'");
    let name = format!("{}/production/imported:v1", guarded.host());
    for folder in ["folder", "run"] {
        sandbox.write(&format!("{folder}/config.json"), "{\"auto_map\": {\"AutoModel\": \"evil.Model\"}}\n");
        sandbox.write(&format!("{folder}/model.safetensors"), kit_testkit::samples::small_safetensors());
    }
    sandbox.write("run/MLmodel", "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n");
    for folder in ["folder", "run"] {
        for import in [["import", folder, "-t", &name], ["import", folder, "--push", &name]] {
            guarded.is_refused_by(&import.map(str::to_owned), "remote-code  config.json: ");
        }
        kit(sandbox, &["import", folder, "-t", "local:v1"]).ok();
    }
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

#[test]
fn an_identity_of_an_own_authority_is_a_key() {
    let guarded = Guarded::unsigned();
    let (leaf, between, root) = (key("test-leaf.pem"), key("test-int.pem"), key("test-ca.pem"));
    guarded.sign(&guarded.name, "test-leaf.key.pem", &["--certificate", &leaf, "--certificate-chain", &between]);
    let require = |identity: &str, ca: &str| {
        let text = format!(
            "version = 1\n[keys.ada]\nidentity = '{identity}'\nca = ['{ca}']\n\
             [[rule]]\nmatch = ['{}/production/']\nsigned-by = {{ any = ['ada'] }}\n",
            guarded.host()
        );
        guarded.sandbox().write("kit/policy.toml", text);
    };
    require("eve@models.example", &root);
    guarded.is_refused("1 invalid signature: the certificate is of `ada@models.example`, not of `eve@models.example`");
    require("ada@models.example", &key("test-leaf-tls.pem"));
    guarded.is_refused("no signature of `ada` (ada@models.example); 1 signature of another key");
    require("ada@models.example", &root);
    guarded.check(&[]).ok().prints("signed by `ada` (ada@models.example)");
    kit(guarded.sandbox(), &["pull", &guarded.name]).ok();
}

#[test]
fn an_expired_certificate_counts_only_if_the_policy_says_so() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    let (private, leaf, root) = ("test-expired-leaf.key.pem", key("test-expired-leaf.pem"), key("test-expired-ca.pem"));
    guarded.sign(&guarded.name, private, &["--certificate", &leaf]);
    let require = |expired: &str| {
        let text = format!(
            "version = 1\n[keys.ada]\nidentity = 'ada@models.example'\nca = ['{root}']\nexpired = '{expired}'\n\
             [[rule]]\nmatch = ['{}/production/']\nsigned-by = {{ any = ['ada'] }}\n",
            guarded.host()
        );
        sandbox.write("kit/policy.toml", text);
    };
    require("refuse");
    guarded.is_refused("1 invalid signature: the certificate expired at 2020-03-01");
    require("allow");
    kit(sandbox, &["pull", &guarded.name]).ok();
}

#[test]
fn a_signed_list_of_files_must_be_that_of_the_modelkit() {
    let guarded = Guarded::new();
    let sandbox = guarded.sandbox();
    guarded.require("signed-by = { any = ['release'] }\nfiles-signed = true");
    guarded.is_refused("files-signed  no statement about the files by `release`");
    // The list of another ModelKit, put beside this one.
    sandbox.project();
    let other = format!("{}/production/net:other", guarded.host());
    sandbox.kit(&["pack", "project", "-t", &other, "--config", "elsewhere"]).ok();
    sandbox.kit(&["push", &other, "--config", "elsewhere"]).ok();
    let sign = ["sign", &other, "--files", "--remote", "--format", "json", "--key", &key("test-cosign.key")];
    let signed = kit(sandbox, &sign).ok().json();
    let registry = &guarded.scene.registry;
    let lists = signed["signatures"].as_array().unwrap().iter();
    let documents =
        lists.map(|list| registry.manifest("production/net", list["manifest"].as_str().unwrap()).unwrap().1);
    let list =
        documents.map(|bytes| String::from_utf8(bytes.to_vec()).unwrap()).find(|text| text.contains("model_signing"));
    let mut list: serde_json::Value = serde_json::from_str(&list.unwrap()).unwrap();
    let size = registry.manifest("production/net", &guarded.digest).unwrap().1.len();
    list["subject"]["digest"] = guarded.digest.as_str().into();
    list["subject"]["size"] = size.into();
    registry.add_manifest("production/net", "list", super::scene::MANIFEST, list.to_string().as_bytes());
    kit(sandbox, &["pull", &guarded.name])
        .exits(1)
        .says("no statement about the files")
        .says("unsigned")
        .says("missing");
    guarded.sign(&guarded.name, "test-p384.key.pem", &["--files"]);
    kit(sandbox, &["pull", &guarded.name]).exits(1).says("no statement about the files");
    guarded.sign(&guarded.name, "test-cosign.key", &["--files"]);
    guarded.check(&[]).ok().prints("the signed files are those of the ModelKit");
    kit(sandbox, &["pull", &guarded.name]).ok();
}

#[test]
fn packing_warns_of_what_the_policy_of_the_name_would_refuse() {
    let guarded = Guarded::unsigned();
    let sandbox = guarded.sandbox();
    sandbox.write(
        "bad/Kitfile",
        "manifestVersion: 1.0.0\nmodel: {path: weights, license: CC-BY-NC-4.0}\ncode: [{path: src}]\n",
    );
    sandbox.write("bad/weights/model.pkl", b"cposix\nsystem\n)R.");
    sandbox.write("bad/weights/model.safetensors", kit_testkit::samples::safetensors("{}", 0));
    sandbox.write("bad/src/run.py", "print()");
    sandbox.write("bad/notes.txt", format!("in no layer: ghp{}{}", '_', "aB".repeat(18)));
    let name = format!("{}/production/bad:v1", guarded.host());
    guarded.require(
        "signed-by = { any = ['release'] }\nfiles-signed = true\npickle = 'listed'\nsecrets = 'forbid'\n\
         formats = ['safetensors']\nlicenses = { allow = ['MIT'] }\n\
         attestations = [{ type = 'test-result', signed-by = { any = ['release'] } }]",
    );
    for args in [
        &["pack", "bad", "-t", &name][..],
        &["pack", "bad", "-t", &name, "--dry-run"],
        &["pack", "bad", "--push", &name],
    ] {
        let run = kit(sandbox, args).ok();
        assert!(run.stderr.contains("warning: the policy would not allow the use of `"), "{}", run.stderr);
        for words in [
            "; format: weights/model.pkl: pickle is not allowed",
            "; licence: `model`: CC-BY-NC-4.0",
            "; pickle: weights/model.pkl: posix.system",
        ] {
            assert!(run.stderr.contains(words), "{words}\n{}", run.stderr);
        }
        // What is made after packing, and what is not packed.
        let warning = run.stderr.lines().find(|line| line.contains("would not allow")).unwrap();
        for words in ["signed-by", "attestation", "files-signed", "secret", "notes.txt"] {
            assert!(!warning.contains(words), "{words}\n{warning}");
        }
    }
    let quiet = |name: &str| assert!(!kit(sandbox, &["pack", "bad", "-t", name]).ok().stderr.contains("policy"));
    quiet(&format!("{}/elsewhere/bad:v1", guarded.host()));
    guarded.require("signed-by = { any = ['release'] }");
    quiet(&name);
    sandbox.write("kit/policy.toml", "version = 1\ndefault = 'refuse'\n");
    kit(sandbox, &["pack", "bad", "-t", &name]).ok().says("would not allow the use of `").says("no rule");
    sandbox.write("kit/policy.toml", "version = 1\nrules = 2\n");
    kit(sandbox, &["pack", "bad", "-t", &name]).ok().says("was not evaluated: ").says("`rules`");
}
