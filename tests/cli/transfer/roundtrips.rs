//! The number of requests of each command: on a slow line, every round trip counts.
//!
//! Each number is checked with a registry that lists referrers, and with one that has the capabilities of
//! docker-registry 2.8, which does not.

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

/// A ModelKit with three layers, and a registry for it.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new(has_referrers_api: bool) -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        registry.configure(|options| options.referrers = has_referrers_api);
        sandbox.write(
            "project/Kitfile",
            "manifestVersion: 1.0.0\npackage: {name: net}\nmodel: {path: weights.bin}\ncode: [{path: run.py}]\n\
             datasets: [{path: train.csv}]\n",
        );
        sandbox.write("project/weights.bin", "weights");
        sandbox.write("project/run.py", "print()");
        sandbox.write("project/train.csv", "a,b");
        Self { sandbox, registry }
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/team/net:{tag}", self.registry.host())
    }

    fn pack(&self) {
        self.sandbox.kit(&["pack", "project", "-t", &self.name("v1")]).ok();
    }

    fn run(&self, args: &[&str]) {
        self.sandbox.kit(&[args, &["--plain-http"]].concat()).ok();
    }

    /// Runs `kit`, and checks the number of requests that it sends.
    fn check(&self, args: &[&str], at_most: usize) {
        self.registry.forget_requests();
        self.run(args);
        let log = self.registry.log();
        assert!(log.len() <= at_most, "{args:?} sends {} requests:\n{}", log.len(), log.join("\n"));
    }
}

#[test]
fn listing_reads_each_tag_once_and_each_config_once() {
    let scene = Scene::new(false);
    scene.pack();
    scene.run(&["push", &scene.name("v1")]);
    let (media_type, bytes) = scene.registry.manifest("team/net", "v1").unwrap();
    for number in 0..249 {
        scene.registry.add_manifest("team/net", &format!("t{number}"), &media_type, &bytes);
    }
    // Three pages of tags, 250 tags, one config, a question for the referrers API, and the referrers.
    scene.check(&["list", scene.name("v1").trim_end_matches(":v1")], 256);
}

#[test]
fn a_push_and_a_pull_take_few_requests() {
    for has_referrers_api in [true, false] {
        let scene = Scene::new(has_referrers_api);
        let name = scene.name("v1");
        scene.pack();
        scene.check(&["push", &name], 19);
        scene.check(&["push", &name], 5);
        scene.sandbox.kit(&["remove", &name, "--force"]).ok();
        // Three of them are for companions: signatures, attestations and bills of materials of cosign.
        scene.check(&["pull", &name], 12);
        scene.check(&["pull", &name], 8);
    }
}

#[test]
fn a_pull_reads_the_referrers_and_the_tables_beside_the_config() {
    let scene = Scene::new(true);
    // A table of more files than fit into the manifest is a blob.
    for number in 0..100 {
        scene.sandbox.write(&format!("project/many/{number}.csv"), "a,b");
    }
    scene.sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\npackage: {name: net}\ndatasets: [{path: many}]\n");
    let name = scene.name("v1");
    scene.pack();
    scene.run(&["push", &name]);
    scene.sandbox.kit(&["remove", &name, "--force"]).ok();
    let (_, manifest) = scene.registry.manifest("team/net", "v1").unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let config = manifest["config"]["digest"].as_str().unwrap().to_owned();
    // Nothing that waits for the config is requested.
    scene.registry.fail_later("GET", &config, 0, usize::MAX, Fault::Status(404, Vec::new()));
    scene.registry.forget_requests();
    scene.sandbox.kit(&["pull", &name, "--plain-http"]).fails();
    assert_eq!(scene.registry.requests_of("GET", "/referrers/").len(), 1, "{:?}", scene.registry.log());
    let blobs = scene.registry.requests_of("GET", "/blobs/");
    let others: Vec<_> = blobs.iter().filter(|request| !request.target.contains(&config)).collect();
    assert_eq!(others.len(), 1, "the table: {:?}", scene.registry.log());
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    assert!(!others[0].target.contains(layer));
}

#[test]
fn what_was_listed_once_is_listed_again_with_one_request_for_each_tag() {
    for has_referrers_api in [true, false] {
        let scene = Scene::new(has_referrers_api);
        let tags = ["v1", "v2", "v3", "v4"];
        for tag in tags {
            scene.sandbox.write("project/weights.bin", tag);
            scene.sandbox.kit(&["pack", "project", "-t", &scene.name(tag)]).ok();
            scene.run(&["push", &scene.name(tag)]);
        }
        let name = scene.name("v1");
        let repository = name.trim_end_matches(":v1");
        // The list of tags, a possible question for the referrers API; the manifest of each tag, its config and its
        // referrers, of which none is a recall.
        scene.check(&["list", repository], 2 + 3 * tags.len());
        scene.check(&["list", repository], 2 + 2 * tags.len());
        // The list of tags, a possible question for the referrers API, and for each tag the manifest, the referrers,
        // and an attestation of two documents.
        scene.check(&["log", "--remote", repository], 2 + 4 * tags.len());
        scene.check(&["log", "--remote", repository], 2 + 2 * tags.len());
        scene.sandbox.kit(&["cache", "info"]).ok().prints("Manifests and configs of registries: ");
        let before = scene.sandbox.kit(&["cache", "info", "--format", "json"]).ok().json();
        assert!(before["fetchedBytes"].as_u64().unwrap() > 0, "{before}");
        scene.sandbox.kit(&["cache", "clear"]).ok();
        let after = scene.sandbox.kit(&["cache", "info", "--format", "json"]).ok().json();
        assert_eq!(after["fetchedBytes"], 0);
        scene.check(&["list", repository], 2 + 3 * tags.len());
    }
}
