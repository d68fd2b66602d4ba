//! Two authentic descriptions of one thing that contradict each other: the digest of the manifest covers both, and the
//! contradiction is found before anything is written.

use serde_json::{Value, json};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// The annotation of a ModelPack with its Kitfile.
const KITFILE: &str = "ml.kitops.modelkit.kitfile";

/// A registry with the project as `honest`, packed with `flags`.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new(flags: &[&str]) -> Self {
        let scene = Self { sandbox: Sandbox::new(), registry: FakeRegistry::start() };
        scene.sandbox.project();
        let name = scene.name("honest");
        scene.sandbox.kit(&[&["pack", "project", "--push", &name, PLAIN], flags].concat()).ok();
        scene
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/team/sample:{tag}", self.registry.host())
    }

    fn manifest(&self) -> Value {
        serde_json::from_slice(&self.registry.manifest("team/sample", "honest").unwrap().1).unwrap()
    }

    /// Publishes `manifest` as `forged`.
    fn publish(&self, manifest: &Value) {
        self.registry.add_manifest("team/sample", "forged", MANIFEST, manifest.to_string().as_bytes());
    }

    /// Publishes the honest manifest with a changed config.
    fn forge_config(&self, change: impl FnOnce(&mut Value)) {
        let mut manifest = self.manifest();
        let config = self.registry.blob(manifest["config"]["digest"].as_str().unwrap()).unwrap();
        let mut config: Value = serde_json::from_slice(&config).unwrap();
        change(&mut config);
        let config = config.to_string();
        manifest["config"]["digest"] = self.registry.add_blob_to("team/sample", config.as_bytes()).into();
        manifest["config"]["size"] = config.len().into();
        self.publish(&manifest);
    }

    /// Runs `kit` on the forged ModelKit.
    fn run(&self, command: &str, more: &[&str]) -> Run {
        self.sandbox.kit(&[&[command, &self.name("forged"), PLAIN], more].concat())
    }

    /// Expects that nothing is unpacked, with these words.
    #[track_caller]
    fn is_not_unpacked(&self, words: &str) {
        self.run("unpack", &["-d", "out"]).fails().says(words);
        assert!(!self.sandbox.path("out").exists());
    }
}

fn another() -> Value {
    format!("sha256:{}", "a".repeat(64)).into()
}

#[test]
fn an_entry_whose_digest_is_not_that_of_a_layer_is_refused() {
    let scene = Scene::new(&[]);
    scene.forge_config(|config| config["model"]["digest"] = another());
    scene.is_not_unpacked("not found in manifest");
    scene.run("ls", &[]).ok().says("the files of model are not listed").says("not found in manifest");
    scene
        .sandbox
        .kit(&["diff", &scene.name("honest"), &scene.name("forged"), PLAIN])
        .ok()
        .prints("- weights/model.bin");
    // The digest of a layer of another kind.
    scene.forge_config(|config| config["model"]["digest"] = config["docs"][0]["digest"].clone());
    scene.is_not_unpacked("it is outside the path of the layer");
    scene.run("ls", &[]).fails().says("`README.md` is not in that layer");
}

/// Newer versions may have further kinds of layers, so they are carried, but their files are not unpacked.
#[test]
fn a_layer_that_no_entry_names_is_reported_and_not_unpacked() {
    let scene = Scene::new(&[]);
    scene.forge_config(|config| config["docs"] = json!([]));
    scene.run("ls", &[]).ok().says("no entry of the Kitfile names it");
    scene.run("unpack", &["-d", "out"]).ok();
    assert!(!scene.sandbox.path("out/README.md").exists());
}

#[test]
fn the_kitfile_of_a_modelpack_is_compared_with_its_layers() {
    let scene = Scene::new(&["--use-model-pack"]);
    let forge = |change: &dyn Fn(&mut Value)| {
        let mut manifest = scene.manifest();
        let mut kitfile: Value = serde_json::from_str(manifest["annotations"][KITFILE].as_str().unwrap()).unwrap();
        change(&mut kitfile);
        manifest["annotations"][KITFILE] = kitfile.to_string().into();
        scene.publish(&manifest);
    };
    forge(&|kitfile| kitfile["model"]["digest"] = another());
    scene.is_not_unpacked("not found in manifest");
    forge(&|kitfile| kitfile["code"] = json!([]));
    scene.run("ls", &[]).ok().says("no entry of the Kitfile names it");
}

#[test]
fn the_path_in_the_kitfile_counts_and_not_that_in_the_annotations_of_a_layer() {
    let scene = Scene::new(&["--use-model-pack"]);
    let mut manifest = scene.manifest();
    let mut forged = 0;
    for layer in manifest["layers"].as_array_mut().unwrap() {
        for (key, value) in layer["annotations"].as_object_mut().unwrap() {
            if key.ends_with(".filepath") {
                (*value, forged) = ("evil".into(), forged + 1);
            }
        }
    }
    assert!(forged > 0);
    scene.publish(&manifest);
    for (tag, folder) in [("honest", "one"), ("forged", "other")] {
        scene.sandbox.kit(&["unpack", &scene.name(tag), "-d", folder, PLAIN]).ok();
    }
    assert_eq!(scene.sandbox.tree("one"), scene.sandbox.tree("other"));
}
