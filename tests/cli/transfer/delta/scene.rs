//! A user who packs and pushes new versions, and a user who pulls them.

use std::path::PathBuf;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::{Run, Sandbox};

pub(super) const PLAIN: &str = "--plain-http";
pub(super) const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const DATA: &str = "datasets: [{path: data}]\n";

/// A user who packs and pushes, a registry, and another user who pulls.
pub(super) struct Scene {
    pub(super) sandbox: Sandbox,
    pub(super) registry: FakeRegistry,
}

impl Scene {
    pub(super) fn new(kitfile: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("project/Kitfile", format!("manifestVersion: 1.0.0\n{kitfile}"));
        Self { sandbox, registry: FakeRegistry::start() }
    }

    pub(super) fn name(&self, tag: &str) -> String {
        format!("{}/team/sample:{tag}", self.registry.host())
    }

    pub(super) fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.sandbox.write(&format!("project/{path}"), content);
    }

    pub(super) fn publish(&self, tag: &str, options: &[&str]) {
        let name = self.name(tag);
        self.sandbox.kit(&[&["pack", "project", "-t", &name], options].concat()).ok();
        self.sandbox.kit(&["push", &name, PLAIN]).ok();
    }

    pub(super) fn there(&self, args: &[&str]) -> Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("there")))
    }

    /// Pulls, checks that the result equals the last packed version, and returns the number of bytes of blobs received.
    #[track_caller]
    pub(super) fn pull(&self, tag: &str, options: &[&str]) -> (Run, u64) {
        self.registry.forget_requests();
        let run = self.there(&[&["pull", &self.name(tag), PLAIN], options].concat()).ok();
        let sent = self.sent();
        let out = format!("out-{tag}");
        self.there(&["unpack", &self.name(tag), "-d", &out, "-o"]).ok();
        assert!(self.files(&out) == self.files("project"), "other files were unpacked");
        (run, sent)
    }

    /// The same for an unpacking straight from the registry, over what is in the folder.
    #[track_caller]
    pub(super) fn unpack(&self, tag: &str, folder: &str) -> (Run, u64) {
        self.registry.forget_requests();
        let empty = self.sandbox.path("nothing-here");
        let args = ["unpack", &self.name(tag), "-d", folder, "-o", PLAIN];
        let run = self.sandbox.run(self.sandbox.command(&args).env("KIT_HOME", empty)).ok();
        let sent = self.sent();
        assert!(self.files(folder) == self.files("project"), "other files were unpacked");
        (run, sent)
    }

    /// Pulls what has no more in common with what is there than `bytes`.
    #[track_caller]
    pub(super) fn pull_everything(&self, tag: &str) -> Run {
        let (run, sent) = self.pull(tag, &[]);
        let whole: usize = self.files("project").iter().map(|(_, content)| content.len()).sum();
        assert!(sent >= whole as u64, "{sent} of {whole}");
        assert!(!run.stderr.contains("taken from"), "{}", run.stderr);
        run
    }

    /// Pulls no more than so many hundredths of everything.
    #[track_caller]
    pub(super) fn pull_little(&self, tag: &str, hundredths: u64) {
        let (run, sent) = self.pull(tag, &[]);
        let whole: usize = self.files("project").iter().map(|(_, content)| content.len()).sum();
        assert!(sent * 100 <= whole as u64 * hundredths, "{sent} of {whole}");
        run.says(" taken from sample:v1");
    }

    /// All but the Kitfile, which unpacking writes in its own way.
    pub(super) fn files(&self, folder: &str) -> Vec<(String, String)> {
        let files = self.sandbox.tree(folder).into_iter();
        files.filter(|(name, _)| name != "Kitfile").collect()
    }

    /// The number of bytes of blobs that were received.
    pub(super) fn sent(&self) -> u64 {
        self.registry.wait_until_idle();
        self.registry.requests_of("GET", "/blobs/").iter().map(|request| request.answer_bytes).sum()
    }

    pub(super) fn manifest(&self, tag: &str) -> serde_json::Value {
        serde_json::from_slice(&self.registry.manifest("team/sample", tag).unwrap().1).unwrap()
    }

    /// Changes what the only layer says of itself in the registry.
    pub(super) fn annotate(&self, tag: &str, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
        let mut manifest = self.manifest(tag);
        change(manifest["layers"][0]["annotations"].as_object_mut().unwrap());
        self.registry.add_manifest("team/sample", tag, MANIFEST, manifest.to_string().as_bytes());
    }

    /// The largest blob that is there.
    pub(super) fn largest_there(&self) -> PathBuf {
        let folder = self.sandbox.path("there/store/blobs/sha256");
        let blobs = fs_err::read_dir(folder).unwrap().map(|blob| blob.unwrap().path());
        blobs.max_by_key(|blob| blob.metadata().unwrap().len()).unwrap()
    }
}

pub(super) fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

/// Lines of numbers that repeat nowhere, some 31 bytes each.
pub(super) fn table(rows: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..rows).flat_map(|_| format!("{},{},{}\n", next(), next(), next()).into_bytes()).collect()
}

/// `v1` with one table, which is there, too.
pub(super) fn one_table() -> (Scene, Vec<u8>) {
    let (scene, rows) = (Scene::new(DATA), table(200_000, 1));
    scene.write("data/rows.csv", &rows);
    scene.publish("v1", &[]);
    scene.pull_everything("v1");
    (scene, rows)
}
