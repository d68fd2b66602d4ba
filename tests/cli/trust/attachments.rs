//! `kit attach` and `kit referrers`: files beside a ModelKit, in the form of oras.

use serde_json::{Value, json};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const TYPE: &str = "application/vnd.example.eval.v1";
const EMPTY: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// Attaches two files to `sample:v1` and returns the digest of the referrer.
fn attach(sandbox: &Sandbox) -> String {
    sandbox.write("out/report.html", "<p>good</p>");
    sandbox.write("scores.json", "{}");
    let args =
        ["attach", "sample:v1", "--type", TYPE, "out/report.html:text/html", "scores.json", "--annotation", "a=b"];
    let attached = sandbox.run(sandbox.command(&args).env("SOURCE_DATE_EPOCH", "1700000000")).ok();
    attached.stdout.split_whitespace().nth(1).unwrap().to_owned()
}

fn elsewhere(sandbox: &Sandbox, args: &[&str]) -> Run {
    sandbox.run(sandbox.command(args).env("KIT_HOME", sandbox.path("elsewhere")))
}

#[test]
fn attached_files_travel_and_are_fetched_with_their_names() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let digest = attach(&sandbox);
    assert_eq!(attach(&sandbox), digest, "the same files are the same referrer");
    let there = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &there, PLAIN]).ok();
    elsewhere(&sandbox, &["pull", &there, PLAIN]).ok();
    let list = elsewhere(&sandbox, &["referrers", &there, "--type", TYPE, "--format", "json"]).ok().json();
    let created = "2023-11-14T22:13:20Z";
    assert_eq!(list.as_array().unwrap().len(), 1);
    assert_eq!(
        (&list[0]["digest"], &list[0]["created"], &list[0]["size"]),
        (&json!(digest), &json!(created), &json!(13))
    );
    let files = list[0]["files"].as_array().unwrap();
    let kinds: Vec<_> = files.iter().map(|file| (&file["name"], &file["mediaType"])).collect();
    let expected = [("out/report.html", "text/html"), ("scores.json", "application/json")];
    assert_eq!(kinds, expected.map(|(name, kind)| (json!(name), json!(kind))).each_ref().map(|(a, b)| (a, b)));
    let table = elsewhere(&sandbox, &["referrers", &there]).ok().stdout;
    assert!(table.contains(&digest[..19]) && table.contains("out/report.html, scores.json"), "{table}");
    for remote in [&[][..], &["--remote", PLAIN]] {
        let folder = format!("fetched{}", remote.len());
        let args = ["referrers", &there, &digest[..15], "--output", &folder];
        elsewhere(&sandbox, &[&args, remote].concat()).ok().prints("out/report.html\nscores.json\n");
        assert_eq!(sandbox.read(&format!("{folder}/out/report.html")), "<p>good</p>");
        assert_eq!(sandbox.read(&format!("{folder}/scores.json")), "{}");
    }
    elsewhere(&sandbox, &["referrers", &there, "sha256:0000000000"])
        .exits(4)
        .says("has no referrer `sha256:0000000000`");
}

#[test]
fn the_manifest_is_what_oras_writes() {
    let sandbox = Sandbox::packed();
    let digest = attach(&sandbox);
    let subject = sandbox.kit(&["inspect", "sample:v1", "--format", "json"]).ok().json()["digest"].clone();
    let manifest = sandbox.kit(&["referrers", "sample:v1", &digest]).ok().json();
    let expected = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "artifactType": TYPE,
        "config": { "mediaType": "application/vnd.oci.empty.v1+json", "digest": EMPTY, "size": 2 },
        "layers": [
            {
                "mediaType": "text/html",
                "digest": manifest["layers"][0]["digest"],
                "size": 11,
                "annotations": { "org.opencontainers.image.title": "out/report.html" },
            },
            {
                "mediaType": "application/json",
                "digest": EMPTY,
                "size": 2,
                "annotations": { "org.opencontainers.image.title": "scores.json" },
            },
        ],
        "subject": manifest["subject"],
        "annotations": { "a": "b", "org.opencontainers.image.created": "2023-11-14T22:13:20Z" },
    });
    assert_eq!(manifest, expected);
    assert_eq!(manifest["subject"]["digest"], subject);
}

#[test]
fn files_are_attached_in_the_registry() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let there = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &there, PLAIN]).ok();
    sandbox.write("note.txt", "hello");
    sandbox.kit(&["attach", &there, "--type", TYPE, "note.txt:text/plain", PLAIN]).ok().says("stored in the registry");
    let list = |place: &[&str]| {
        let args = ["referrers", &there, "--type", TYPE, "--format", "json", PLAIN];
        sandbox.kit(&[&args, place].concat()).ok().json().as_array().unwrap().len()
    };
    assert_eq!(list(&["--remote"]), 1);
}

#[test]
fn names_that_lead_out_of_the_folder_are_refused() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let there = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &there, PLAIN]).ok();
    let digest = attach(&sandbox);
    let manifest = sandbox.kit(&["referrers", "sample:v1", &digest]).ok().json();
    for (names, words) in [
        (["../evil", "x"], "leads outside its folder"),
        (["/evil", "x"], "leads outside its folder"),
        ([".ssh/authorized_keys", "x"], ".ssh"),
        (["x", "./x"], "two files have the name"),
        ([".", "x"], "is not a file name"),
    ] {
        let mut manifest = manifest.clone();
        let title = |name: &str| json!({ "org.opencontainers.image.title": name });
        for (at, name) in names.into_iter().enumerate() {
            manifest["layers"][at] = blob(&registry, name.as_bytes());
            manifest["layers"][at]["annotations"] = title(name);
        }
        let bytes = manifest.to_string();
        let digest = registry.add_manifest(
            "team/sample",
            "evil",
            "application/vnd.oci.image.manifest.v1+json",
            bytes.as_bytes(),
        );
        let run = sandbox.kit(&["referrers", &there, &digest, "--output", "fetched", "--remote", PLAIN]);
        assert!(run.code != Some(0), "{names:?}");
        run.says(words);
        assert!(!sandbox.path("fetched").exists() && !sandbox.path("evil").exists(), "{names:?}");
    }
}

fn blob(registry: &FakeRegistry, bytes: &[u8]) -> Value {
    json!({ "mediaType": "text/plain", "digest": registry.add_blob(bytes), "size": bytes.len() })
}

#[test]
fn what_cannot_be_attached_is_refused() {
    let sandbox = Sandbox::packed();
    sandbox.write("a.txt", "a");
    for (args, code, words) in [
        (&["--type", TYPE][..], 2, "there is nothing to attach"),
        (&["--type", "report", "a.txt"], 2, "`report` is not a type"),
        (&["--type", TYPE, "missing.txt"], 4, "missing.txt`: "),
        (&["--type", TYPE, "project"], 1, "is not a regular file"),
        (&["--type", TYPE, "a.txt", "./a.txt"], 1, "two files have the name `a.txt`"),
    ] {
        sandbox.kit(&[&["attach", "sample:v1"], args].concat()).exits(code).says(words);
    }
    sandbox.kit(&["attach", "sample:v1", "--type", TYPE, "--annotation", "reviewer=ada"]).ok();
    let list = sandbox.kit(&["referrers", "sample:v1", "--type", TYPE, "--format", "json"]).ok().json();
    assert_eq!((&list[0]["files"], &list[0]["annotations"]["reviewer"]), (&json!([]), &json!("ada")));
}
