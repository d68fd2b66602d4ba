//! Several processes that pull into the same store at the same time: they share the downloads.

use std::io::{BufRead, BufReader};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const MODEL: usize = 20_000_000;
const DATA: usize = 2_000_000;
const LIMIT: Duration = Duration::from_secs(60);

struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
    names: [String; 2],
    /// The digests of the layers, with their sizes.
    layers: Vec<(String, u64)>,
}

impl Scene {
    /// A registry with two ModelKits that have the same two layers, and different configs; the store is empty.
    fn new() -> Self {
        let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
        let names = ["one", "two"].map(|name| format!("{}/team/{name}:v1", registry.host()));
        sandbox.write("project/m", vec![1; MODEL]);
        sandbox.write("project/d", vec![2; DATA]);
        let mut layers = Vec::new();
        for name in &names {
            let kitfile = format!(
                "manifestVersion: 1.0.0\npackage: {{description: {name}}}\nmodel: {{path: m}}\n\
                 datasets: [{{path: d}}]\n"
            );
            sandbox.write("project/Kitfile", kitfile);
            sandbox.kit(&["pack", "project", "-t", name, "--compression", "none"]).ok();
            sandbox.kit(&["push", name, "--plain-http"]).ok();
            let repository = name.trim_start_matches(registry.host()).trim_start_matches('/').trim_end_matches(":v1");
            let (_, manifest) = registry.manifest(repository, "v1").unwrap();
            let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
            let layer = |layer: &serde_json::Value| {
                (layer["digest"].as_str().unwrap().to_owned(), layer["size"].as_u64().unwrap())
            };
            layers = manifest["layers"].as_array().unwrap().iter().map(layer).collect();
        }
        fs_err::remove_dir_all(sandbox.path("kit")).unwrap();
        registry.forget_requests();
        Self { sandbox, registry, names, layers }
    }

    fn pull(&self, name: &str, options: &[&str]) -> Child {
        let args = [&["pull", name, "--plain-http"], options].concat();
        self.sandbox.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
    }

    /// The number of bytes that the registry sent of `layer`.
    fn served(&self, layer: &str) -> u64 {
        self.registry.requests_of("GET", layer).iter().map(|request| request.answer_bytes).sum()
    }

    fn wait_until(&self, what: &str, is_so: impl Fn() -> bool) {
        let begun = Instant::now();
        while !is_so() {
            assert!(begun.elapsed() < LIMIT, "{what}: {:?}", self.registry.log());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn partial_bytes(&self, layer: &str) -> u64 {
        let partial = self.sandbox.store().join(".kit/ingest").join(layer.trim_start_matches("sha256:"));
        fs_err::metadata(partial).map_or(0, |metadata| metadata.len())
    }

    fn assert_sound(&self) {
        self.sandbox.kit(&["fsck"]).ok();
        assert_eq!(fs_err::read_dir(self.sandbox.store().join(".kit/ingest")).unwrap().count(), 0);
    }
}

/// Waits for the end of `child`, which must succeed.
fn finish(child: Child) {
    let output = child.wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn ten_pulls_at_once_move_each_layer_once() {
    let scene = Scene::new();
    scene.registry.configure(|options| options.bytes_per_second = Some(20_000_000));
    // Half of them pull another ModelKit with the same layers.
    let pulls: Vec<_> = (0..10).map(|number| scene.pull(&scene.names[number % 2], &[])).collect();
    pulls.into_iter().for_each(finish);
    for (layer, bytes) in &scene.layers {
        assert_eq!(scene.served(layer), *bytes, "{layer}");
    }
    scene.assert_sound();
}

#[test]
fn a_process_fetches_other_layers_while_one_is_on_its_way() {
    let scene = Scene::new();
    scene.registry.configure(|options| options.bytes_per_second = Some(8_000_000));
    let one_by_one = ["--concurrency", "1"];
    let first = scene.pull(&scene.names[0], &one_by_one);
    scene.wait_until("the first layer is on its way", || scene.partial_bytes(&scene.layers[0].0) > 0);
    let second = scene.pull(&scene.names[1], &one_by_one);
    finish(first);
    finish(second);
    assert_eq!(scene.registry.most_at_once(), 2, "both layers were on their way at the same time");
    for (layer, bytes) in &scene.layers {
        assert_eq!(scene.served(layer), *bytes, "{layer}");
    }
}

#[test]
fn a_waiting_process_says_so_and_takes_over_when_the_other_is_killed() {
    let scene = Scene::new();
    let (layer, bytes) = &scene.layers[0];
    scene.registry.configure(|options| options.bytes_per_second = Some(1_000_000));
    let mut owner = scene.pull(&scene.names[0], &["--concurrency", "1"]);
    scene.wait_until("the layer is on its way", || scene.partial_bytes(layer) > 0);
    let mut waiting = scene.pull(&scene.names[1], &["--concurrency", "2"]);
    let mut messages = BufReader::new(waiting.stderr.take().unwrap()).lines().map(Result::unwrap);
    let message = format!("waiting for another kit process, which is downloading {layer}");
    assert!(messages.any(|line| line.contains(&message)), "it ends without a word");
    owner.kill().unwrap();
    owner.wait().unwrap();
    let there = scene.partial_bytes(layer);
    scene.registry.configure(|options| options.bytes_per_second = None);
    scene.registry.wait_until_idle();
    scene.registry.forget_requests();
    let rest: Vec<_> = messages.collect();
    assert!(waiting.wait().unwrap().success(), "{rest:?}");
    assert!(there > 0 && scene.served(layer) <= bytes - there, "{} of {bytes} bytes", scene.served(layer));
    scene.assert_sound();
}
