//! Transferring an index as a whole.

use std::process::Command;

use serde_json::{Value, json};

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::{FakeRegistry, sha256};

use super::scene::{INDEX, PLAIN, Scene, pushed};

#[test]
fn an_index_appears_after_its_modelkits() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let puts: Vec<_> = registry.requests_of("PUT", "/manifests/").iter().map(|put| put.target.clone()).collect();
    let ends = |end: &str| puts.iter().position(|target| target.ends_with(end)).unwrap();
    assert!(ends(&scene.q4) < ends("/all") && ends(&scene.q8) < ends("/all"), "{puts:?}");
    let (kind, bytes) = registry.manifest("team/sample", "all").unwrap();
    let stored = scene.kit(&["index", "inspect", "sample:all"]).ok().json();
    assert_eq!((kind.as_str(), serde_json::from_slice::<Value>(&bytes).unwrap()), (INDEX, stored));

    registry.forget_requests();
    scene.kit(&["push", "sample:all", &name, PLAIN]).ok().says("0 B sent");
    let planned = scene.kit(&["push", "sample:all", &name, PLAIN, "--dry-run"]).ok();
    assert_eq!(planned.stdout.lines().filter(|line| line.starts_with("skip ")).count(), 5, "{}", planned.stdout);
    scene.kit(&["index", "push", "sample:q4", &name, PLAIN]).fails().says("`sample:q4` is not an index");
}

#[test]
fn a_pulled_index_is_complete_and_is_removed_completely() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let digest = scene.elsewhere(&["index", "pull", &name, PLAIN, "--with-modelkits"]).ok().digest();
    assert_eq!(digest, sha256(&registry.manifest("team/sample", "all").unwrap().1));
    scene.elsewhere(&["fsck"]).ok();
    registry.forget_requests();
    let repository = name.trim_end_matches(":all");
    for (digest, variant) in [(&scene.q4, "Q4_0"), (&scene.q8, "Q8_0")] {
        scene.elsewhere(&["inspect", &format!("{repository}@{digest}")]).ok().prints(digest);
        scene.elsewhere(&["unpack", &name, "-l", &format!("quantization={variant}"), "-d", variant]).ok();
    }
    assert!(
        scene.sandbox.tree("Q4_0") == scene.sandbox.tree("q4")
            && scene.sandbox.tree("Q8_0") == scene.sandbox.tree("q8")
    );
    assert_eq!(registry.requests().len(), 0, "everything is here");
    // The referrers of the ModelKits were pulled as well.
    scene.elsewhere(&["lineage", &format!("{repository}@{}", scene.q4)]).ok();
    let list = || scene.elsewhere(&["list", "--format", "json"]).ok().json();
    assert_eq!(list().as_array().unwrap().len(), 1);

    scene.elsewhere(&["tag", &format!("{repository}@{}", scene.q4), "kept:v1"]).ok();
    scene.elsewhere(&["index", "delete", &name, "--with-modelkits"]).ok();
    assert_eq!(list()[0]["digest"], json!(scene.q4));
    scene.elsewhere(&["remove", "kept:v1"]).ok();
    assert_eq!(scene.sandbox.names("elsewhere/store/blobs"), Vec::<String>::new());
}

#[test]
fn an_index_is_pulled_with_its_referenced_models() {
    let scene = Scene::new();
    let registry = FakeRegistry::start();
    scene.sandbox.allow_plain_http(registry.host());
    let (base, child) = (format!("{}/base:v1", registry.host()), format!("{}/child:all", registry.host()));
    scene.kit(&["push", "sample:q4", &base, PLAIN]).ok();
    for name in ["one", "two"] {
        let kitfile = format!("manifestVersion: 1.0.0\npackage: {{name: {name}}}\nmodel: {{path: '{base}'}}\n");
        scene.sandbox.write(&format!("{name}/Kitfile"), kitfile);
        scene.kit(&["pack", name, "-t", &format!("child:{name}"), PLAIN]).ok();
    }
    scene.kit(&["index", "create", "child:all", "child:one", "child:two"]).ok();
    scene.kit(&["push", "child:all", &child, PLAIN]).ok();
    let copied = scene.elsewhere(&["copy", &child, "oci:layout:all", PLAIN]).ok();
    assert_eq!(copied.stderr.matches("which was not copied").count(), 1, "{}", copied.stderr);
    let pulled = scene.elsewhere(&["index", "pull", &child, PLAIN, "--with-modelkits"]).ok();
    assert_eq!(pulled.stderr.matches("Pulling referenced modelkit").count(), 1, "{}", pulled.stderr);
    scene.elsewhere(&["inspect", &base]).ok().prints(&scene.q4);
}

#[test]
fn an_archive_carries_an_index_with_all_of_it() {
    let scene = Scene::with_index();
    scene.kit(&["save", "sample:all", "-o", "all.tar"]).ok();
    scene.elsewhere(&["load", "all.tar"]).ok();
    scene.elsewhere(&["fsck"]).ok();
    scene.elsewhere(&["unpack", "sample:all", "-l", "quantization=Q4_0", "-d", "out"]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    let about = |args: &[&str]| scene.elsewhere(args).ok().stderr.matches("provenance record: copied").count();
    assert_eq!(
        about(&["push", "sample:all", "oci:layout:all"]),
        2,
        "the referrers of the ModelKits were loaded as well"
    );
    scene.kit(&["save", "sample:all", "--since", "sample:q4", "-o", "rest.tar"]).ok();
    scene.kit(&["push", "sample:q4", "oci:q4-only:q4"]).ok();
    let third =
        |args: &[&str]| scene.sandbox.run(scene.sandbox.command(args).env("KIT_HOME", scene.sandbox.path("third")));
    third(&["load", "rest.tar"]).fails().says("README.md");
    third(&["pull", "oci:q4-only:q4", "sample:q4"]).ok();
    third(&["load", "rest.tar"]).ok();
    third(&["fsck"]).ok();
}

#[test]
fn an_untrusted_index_adds_nothing_else() {
    let scene = Scene::with_index();
    let (registry, name) = pushed(&scene);
    let (_, bytes) = registry.manifest("team/sample", "all").unwrap();
    let good: Value = serde_json::from_slice(&bytes).unwrap();
    let publish = |index: &Value| registry.add_manifest("team/sample", "all", INDEX, index.to_string().as_bytes());
    let pull = || scene.elsewhere(&["index", "pull", &name, PLAIN, "--with-modelkits", "--retry-for", "1s"]).fails();

    let mut other = good.clone();
    other["artifactType"] = json!("application/vnd.example.other");
    publish(&other);
    pull().says(":all` is not an index of ModelKits");
    let mut long = good.clone();
    long["manifests"][0]["size"] = json!(1_u64 << 40);
    publish(&long);
    pull();
    scene.elsewhere(&["copy", &name, "oci:layout:all", PLAIN]).fails().says(", the limit is 64.0 MiB");
    let mut nested = good.clone();
    nested["manifests"][0] = json!({ "mediaType": INDEX, "digest": sha256(&bytes), "size": bytes.len() });
    registry.add_manifest("team/sample", "nested", INDEX, &bytes);
    publish(&nested);
    pull();
    let mut lying = good;
    lying["manifests"][0]["digest"] = json!(sha256(b"{}"));
    lying["manifests"][0]["size"] = json!(2);
    publish(&lying);
    pull().says("was not found");
    assert_eq!(scene.elsewhere(&["list", "--format", "json"]).ok().json(), json!([]));
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn docker_registry_and_skopeo_keep_an_index_unchanged() {
    let scene = Scene::with_index();
    let registry = DockerRegistry::start();
    let name = format!("{}/team/sample:all", registry.host());
    let refused = scene.kit(&["index", "push", "sample:all", &name, PLAIN, "--retry-for", "1s"]).fails();
    refused.says("does not contain every ModelKit the index references").says("push those ModelKits first");
    for kit in ["q4", "q8"] {
        scene.kit(&["push", &format!("sample:{kit}"), &name.replace(":all", &format!(":{kit}")), PLAIN]).ok();
    }
    let pushed = scene.kit(&["index", "push", "sample:all", &name, PLAIN]).ok();
    let digest = pushed.says(&format!("Pushing index sample:all to {name}")).digest();
    let raw = |place: &str| {
        let output = Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false", place]).output().unwrap();
        assert!(output.status.success(), "{place}: {}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    assert_eq!(sha256(&raw(&format!("docker://{name}"))), digest);

    let live = format!("{}/production/sample:live", registry.host());
    scene.elsewhere(&["promote", &name, &live, PLAIN]).ok().says("0 B sent").prints(&digest);
    scene.elsewhere(&["copy", &live, "oci:layout:live", PLAIN]).ok().prints(&digest);
    assert_eq!(sha256(&raw(&format!("oci:{}:live", scene.sandbox.path("layout").display()))), digest);
    let again = format!("{}/again:all", registry.host());
    scene.elsewhere(&["push", "oci:layout:live", &again, PLAIN]).ok().prints(&digest);
    scene.elsewhere(&["list", again.trim_end_matches(":all"), PLAIN]).ok().prints("<index of 2>");
    scene.elsewhere(&["pull", "oci:layout:live", "mine:q8", "-l", "quantization=Q8_0"]).ok().prints(&scene.q8);
    assert_eq!(scene.elsewhere(&["index", "pull", &again, PLAIN]).ok().digest(), digest);
    scene.elsewhere(&["index", "push", &again, "oci:layout:again"]).ok().prints(&digest);
    scene.elsewhere(&["index", "pull", &again, PLAIN, "--with-modelkits"]).ok().prints(&digest);
    scene.elsewhere(&["save", &again, "-o", "all.tar"]).ok();
    let third =
        |args: &[&str]| scene.sandbox.run(scene.sandbox.command(args).env("KIT_HOME", scene.sandbox.path("third")));
    third(&["load", "all.tar"]).ok();
    assert_eq!(third(&["index", "info", &again, "--format", "json"]).ok().json()["digest"], digest);
    scene.elsewhere(&["unpack", &again, "-l", "quantization=Q4_0", "-d", "out"]).ok();
    assert!(scene.sandbox.tree("out") == scene.sandbox.tree("q4"));
    scene.kit(&["remove", "--remote", "--force", &again, PLAIN]).ok().prints(&digest);
}

/// An index whose entries have no `artifactType`, as the first version of `KitOps` with indexes wrote it, goes through
/// skopeo 1.9 unchanged; an `artifactType` makes skopeo write another index, without labels.
#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn skopeo_copies_an_index_without_artifact_types_unchanged() {
    let scene = Scene::with_index();
    let registry = DockerRegistry::start();
    let name = format!("{}/team/sample:all", registry.host());
    scene.kit(&["index", "push", "sample:all", &name, PLAIN, "--with-modelkits"]).ok();
    let fake = FakeRegistry::start();
    let first = format!("{}/team/sample:all", fake.host());
    scene.kit(&["push", "sample:all", &first, PLAIN]).ok();
    let mut index = scene.kit(&["index", "inspect", "sample:all"]).ok().json();
    for entry in index["manifests"].as_array_mut().unwrap() {
        entry.as_object_mut().unwrap().remove("artifactType");
    }
    let digest = fake.add_manifest("team/sample", "all", INDEX, index.to_string().as_bytes());
    scene.elsewhere(&["index", "pull", &first, PLAIN]).ok().prints(&digest);
    scene.elsewhere(&["index", "push", &first, &name, PLAIN]).ok().prints(&digest);
    let copy = format!("{}/copy/sample:all", registry.host());
    let (from, to) = (format!("docker://{name}"), format!("docker://{copy}"));
    let plain = ["--src-tls-verify=false", "--dest-tls-verify=false"];
    let copied = Command::new("skopeo").args(["copy", "--all"]).args(plain).args([from, to]).output().unwrap();
    assert!(copied.status.success(), "{}", String::from_utf8_lossy(&copied.stderr));
    scene.elsewhere(&["index", "pull", &copy, PLAIN]).ok().prints(&digest);
    scene.elsewhere(&["pull", &copy, PLAIN, "-l", "quantization=Q8_0"]).ok().prints(&scene.q8);
}
