//! `kit config` and `config.toml`: the precedence of settings, and the origin that is shown for each value.

use expect_test::expect;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const FILE: &str = "\
[defaults]
concurrency = 16

[registry.\"registry.example\"]
mirrors = [\"https://mirror.example/hub\", \"http://cache.example:5000\"]
ca = [\"authorities/own.pem\"]
upload = { parts = \"16MiB\" }
";

fn configured() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("kit/config.toml", FILE);
    sandbox
}

#[test]
fn every_setting_is_shown_with_its_origin() {
    let run = configured().kit(&["config", "--retry-for", "90s"]).ok();
    expect![[r#"
        SETTING   VALUE   FROM
        root   [FOLDER]/kit   KIT_HOME
        config.toml   [FOLDER]/kit/config.toml   KIT_HOME
        store   [FOLDER]/kit/store   KIT_HOME
        uploads   [FOLDER]/kit/uploads   KIT_HOME
        credentials   [FOLDER]/kit/credentials.json   KIT_HOME
        credentials, read only   [FOLDER]/home/.config/containers/auth.json   built-in
        credentials, read only   [FOLDER]/home/.docker/config.json   built-in
        plain-http   false   built-in
        tls-verify   true   built-in
        ca   none   built-in
        client-cert   none   built-in
        client-key   none   built-in
        concurrency   16   [FOLDER]/kit/config.toml:2
        retry-for   1m 30s   --retry-for
        lock-timeout   none   built-in
        sync   false   built-in
        registry.example ca   [FOLDER]/kit/authorities/own.pem   [FOLDER]/kit/config.toml:6
        registry.example mirrors   https://mirror.example/hub, http://cache.example:5000   [FOLDER]/kit/config.toml:5
        registry.example upload   parts of 16.0 MiB   [FOLDER]/kit/config.toml:7
        no-proxy   *   NO_PROXY
    "#]]
    .assert_eq(&squeezed(&run));
}

/// The columns are as wide as the path of the sandbox.
fn squeezed(run: &Run) -> String {
    regex::Regex::new(" {3,}").unwrap().replace_all(&run.redacted_stdout(), "   ").into_owned()
}

#[test]
fn settings_of_one_registry_are_shown() {
    let run =
        configured().kit(&["config", "registry.example", "--format", "{{.Setting}} = {{.Value}} ({{.From}})"]).ok();
    let text = run.redacted_stdout();
    let own = text.lines().skip_while(|line| !line.starts_with("plain-http")).collect::<Vec<_>>().join("\n");
    expect![[r#"
        plain-http = false (built-in)
        tls-verify = true (built-in)
        ca = [[FOLDER]/kit/authorities/own.pem] ([FOLDER]/kit/config.toml:6)
        client-cert = [] (built-in)
        client-key = [] (built-in)
        concurrency = 16 ([FOLDER]/kit/config.toml:2)
        retry-for = 10m (built-in)
        lock-timeout = [] (built-in)
        sync = false (built-in)
        mirrors = [https://mirror.example/hub http://cache.example:5000] ([FOLDER]/kit/config.toml:5)
        upload = parts of 16.0 MiB ([FOLDER]/kit/config.toml:7)
        no-proxy = * (NO_PROXY)"#]]
    .assert_eq(&own);
}

#[test]
#[cfg_attr(windows, ignore = "uses the folders of the XDG specification")]
fn the_users_folder_is_the_default_root() {
    let sandbox = Sandbox::new();
    sandbox.write("home/.config/kit/config.toml", "[defaults]\nconcurrency = 3\n");
    sandbox.write("elsewhere/kit/config.toml", "[defaults]\nconcurrency = 4\n");
    sandbox.write("named/config.toml", "[defaults]\nconcurrency = 5\n");
    let concurrency = |args: &[&str], variables: &[(&str, &str)]| {
        let mut command = sandbox.command(&[&["config", "--format", "json"], args].concat());
        let run = sandbox.run(command.env_remove("KIT_HOME").envs(variables.iter().copied())).ok();
        let rows = run.json();
        let row = rows.as_array().unwrap().iter().find(|row| row["setting"] == "concurrency").unwrap().clone();
        row["value"].as_u64().unwrap()
    };
    let elsewhere = sandbox.path("elsewhere");
    let elsewhere = [("XDG_CONFIG_HOME", elsewhere.to_str().unwrap())];
    assert_eq!(concurrency(&[], &[]), 3);
    assert_eq!(concurrency(&[], &elsewhere), 4);
    assert_eq!(concurrency(&["--config", "named"], &elsewhere), 5);
    assert_eq!(concurrency(&["--config", "empty"], &elsewhere), 8);
    assert_eq!(concurrency(&["--config", "named", "--concurrency", "6"], &[]), 6);
}

#[test]
fn secrets_are_not_shown() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["config"]);
    let run = sandbox.run(command.env("HTTPS_PROXY", "http://me:secret@proxy.example")).ok();
    assert!(run.stdout.contains("http://***@proxy.example") && !run.stdout.contains("secret"), "{}", run.stdout);
    let run = sandbox.kit(&["config", "--proxy", "http://me:secret@proxy.example"]).ok();
    assert!(run.stdout.contains("--proxy") && !run.stdout.contains("secret"), "{}", run.stdout);
}

#[test]
fn a_wrong_file_is_refused_with_position_and_suggestion() {
    let sandbox = Sandbox::new();
    sandbox.write("kit/config.toml", "[registry.\"a.example\"]\nmirror = [\"https://b.example\"]\n");
    let run = sandbox.kit(&["pull", "a.example/x:v1"]).fails();
    expect![[r#"
        error: [FOLDER]/kit/config.toml is not valid
          [FOLDER]/kit/config.toml:2:1: unknown key `mirror` in [registry."a.example"]; did you mean `mirrors`?
            2 | mirror = ["https://b.example"]
              | ^^^^^^
    "#]]
    .assert_eq(&run.redacted_stderr());
}

#[test]
fn a_pull_is_served_by_the_mirror_of_the_file() {
    let (registry, sandbox) = (FakeRegistry::start(), Sandbox::new());
    sandbox.project();
    let name = format!("{}/hub/team/model:v1", registry.host());
    sandbox.kit(&["pack", "project", "-t", &name]).ok();
    sandbox.kit(&["push", &name, "--plain-http"]).ok();
    let file = format!("[registry.\"registry.example\"]\nmirrors = [\"http://{}/hub\"]\n", registry.host());
    sandbox.write("other/config.toml", file);
    sandbox.kit(&["pull", "registry.example/team/model:v1", "--config", "other"]).ok();
    let list = sandbox.kit(&["list", "--config", "other", "--format", "{{.Repo}}"]).ok();
    assert_eq!(list.stdout, "registry.example/team/model\n");
}

#[test]
fn keys_are_set_read_and_removed() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["config", "set", "registry.\"localhost:5000\".plain-http", "true"]).ok();
    sandbox.kit(&["config", "set", "concurrency", "3", "registry.a.example.mirrors", "https://b.example"]).ok();
    let get = |key: &str| sandbox.kit(&["config", "get", key]).ok().stdout;
    assert_eq!(get("registry.localhost:5000.plain-http"), "true\n");
    assert_eq!(get("registry.other:5000.plain-http"), "false\n");
    assert_eq!(get("registry.a.example.mirrors"), "https://b.example\n");
    assert_eq!((get("concurrency"), get("defaults.concurrency")), ("3\n".into(), "3\n".into()));
    let json = sandbox.kit(&["config", "get", "concurrency", "--format", "json"]).ok().json();
    assert_eq!((&json["value"], &json["setting"]), (&serde_json::json!(3), &serde_json::json!("concurrency")));
    sandbox.kit(&["config", "unset", "concurrency"]).ok();
    assert_eq!(get("concurrency"), "8\n");
    assert!(!sandbox.read("kit/config.toml").contains("concurrency"));
}

#[test]
fn a_wrong_key_or_value_changes_nothing() {
    let sandbox = configured();
    for (args, code, message) in [
        (&["set", "concurency", "3"][..], 2, "unknown key `concurency`; did you mean `concurrency`?"),
        (&["set", "plain-http", "true"], 2, "`plain-http` is set for a single registry only"),
        (&["set", "concurrency", "0"], 2, "`concurrency` must be a whole number from 1 to 65535"),
        (&["set", "concurrency"], 2, "2 values required"),
        (&["set", "concurrency", "1", "retry-for"], 2, "`retry-for` has no value"),
        (&["set", "retry-for", "1m", "concurrency", "many"], 2, "`concurrency` must be a whole number"),
        (&["set", "concurrency", "1", "ca", "/nope.pem"], 2, "/nope.pem` is not a file of certificates"),
        (&["set", "registry.a.example.ca", "config.toml"], 2, "it contains no certificate in PEM format"),
        (&["get", "concurency"], 2, "did you mean `concurrency`?"),
        (&["sett"], 2, "unknown command `sett`; did you mean `set`?"),
        (&["unset", "lock-timeout"], 4, "`defaults.lock-timeout` is not set in "),
        (&["unset", "concurrency", "lock-timeout"], 4, "`defaults.lock-timeout` is not set in "),
    ] {
        sandbox.kit(&[&["config"], args].concat()).exits(code).says(message);
        assert_eq!(sandbox.read("kit/config.toml"), FILE, "{args:?}");
    }
}

#[test]
fn reading_a_setting_shows_no_password() {
    let sandbox = Sandbox::new();
    let mut command = sandbox.command(&["config", "get", "https-proxy"]);
    command.env("HTTPS_PROXY", "http://me:secret@proxy.example");
    assert_eq!(sandbox.run(&mut command).ok().stdout, "http://***@proxy.example\n");
}

#[test]
fn changes_of_several_processes_are_all_kept() {
    let sandbox = Sandbox::new();
    for round in 0..3 {
        let keys: Vec<_> = (0..8).map(|number| format!("registry.h{round}-{number}.example.concurrency")).collect();
        let set = |key: &String| {
            sandbox.command(&["config", "set", key, "3"]).stderr(std::process::Stdio::null()).spawn().unwrap()
        };
        let children: Vec<_> = keys.iter().map(set).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        for key in &keys {
            assert_eq!(sandbox.kit(&["config", "get", key]).ok().stdout, "3\n", "{key}");
        }
    }
}

#[test]
fn an_unusable_certificate_is_named_with_the_setting_that_names_it() {
    let sandbox = Sandbox::new();
    sandbox.write("bad.pem", "nonsense");
    let pull = |flags: &[&str]| sandbox.kit(&[&["pull", "localhost:1/team/a:v1"], flags].concat()).fails();
    let line = |number: usize| format!("kit/config.toml:{number})");
    sandbox.write("kit/config.toml", "[defaults]\nca = [\"missing.pem\"]\n");
    pull(&[]).says("kit/missing.pem` (from `ca` in ").says(&line(2)).says(" is not a file of certificates");
    sandbox.write("kit/config.toml", "\n[registry.\"localhost:1\"]\nca = [\"../bad.pem\"]\n");
    pull(&[]).says("bad.pem` (from `ca` in ").says(&line(3));
    sandbox.write("kit/config.toml", "[defaults]\nclient-cert = \"a.pem\"\nclient-key = \"a.key\"\n");
    pull(&[]).says("a.pem` (from `client-cert` in ").says("a.key` (from `client-key` in ").says(&line(3));
    sandbox.write("kit/config.toml", "");
    pull(&["--tls-cert", "bad.pem"]).says("bad.pem` (from --tls-cert) is not a file of certificates");
}

#[test]
fn logins_of_several_processes_are_all_kept() {
    let sandbox = Sandbox::new();
    let registries: Vec<_> = (0..4).map(|_| FakeRegistry::start()).collect();
    for _ in 0..3 {
        let login = |registry: &FakeRegistry| {
            let args = ["login", registry.host(), "-u", "ada", "-p", "right", "--plain-http"];
            sandbox.command(&args).stderr(std::process::Stdio::null()).spawn().unwrap()
        };
        let children: Vec<_> = registries.iter().map(login).collect();
        for mut child in children {
            assert!(child.wait().unwrap().success());
        }
        let stored = sandbox.read("kit/credentials.json");
        assert!(registries.iter().all(|registry| stored.contains(registry.host())), "{stored}");
        fs_err::remove_file(sandbox.path("kit/credentials.json")).unwrap();
    }
}
