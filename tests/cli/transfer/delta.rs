//! `pull` of a newer version: what the older one has is not fetched again, and nothing goes wrong if that is not as it
//! should be.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::{Run, Sandbox};

const PLAIN: &str = "--plain-http";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DATA: &str = "datasets: [{path: data}]\n";

/// A user who packs and pushes, a registry, and another user who pulls.
struct Scene {
    sandbox: Sandbox,
    registry: FakeRegistry,
}

impl Scene {
    fn new(kitfile: &str) -> Self {
        let sandbox = Sandbox::new();
        sandbox.write("project/Kitfile", format!("manifestVersion: 1.0.0\n{kitfile}"));
        Self { sandbox, registry: FakeRegistry::start() }
    }

    fn name(&self, tag: &str) -> String {
        format!("{}/team/sample:{tag}", self.registry.host())
    }

    fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        self.sandbox.write(&format!("project/{path}"), content);
    }

    fn publish(&self, tag: &str, options: &[&str]) {
        let name = self.name(tag);
        self.sandbox.kit(&[&["pack", "project", "-t", &name], options].concat()).ok();
        self.sandbox.kit(&["push", &name, PLAIN]).ok();
    }

    fn there(&self, args: &[&str]) -> Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("there")))
    }

    /// Pulls, checks that the result equals the last packed version, and returns the number of bytes of blobs received.
    #[track_caller]
    fn pull(&self, tag: &str, options: &[&str]) -> (Run, u64) {
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
    fn unpack(&self, tag: &str, folder: &str) -> (Run, u64) {
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
    fn pull_everything(&self, tag: &str) -> Run {
        let (run, sent) = self.pull(tag, &[]);
        let whole: usize = self.files("project").iter().map(|(_, content)| content.len()).sum();
        assert!(sent >= whole as u64, "{sent} of {whole}");
        assert!(!run.stderr.contains("taken from"), "{}", run.stderr);
        run
    }

    /// Pulls no more than so many hundredths of everything.
    #[track_caller]
    fn pull_little(&self, tag: &str, hundredths: u64) {
        let (run, sent) = self.pull(tag, &[]);
        let whole: usize = self.files("project").iter().map(|(_, content)| content.len()).sum();
        assert!(sent * 100 <= whole as u64 * hundredths, "{sent} of {whole}");
        run.says(" taken from sample:v1");
    }

    /// All but the Kitfile, which unpacking writes in its own way.
    fn files(&self, folder: &str) -> Vec<(String, String)> {
        let files = self.sandbox.tree(folder).into_iter();
        files.filter(|(name, _)| name != "Kitfile").collect()
    }

    /// The number of bytes of blobs that were received.
    fn sent(&self) -> u64 {
        self.registry.wait_until_idle();
        self.registry.requests_of("GET", "/blobs/").iter().map(|request| request.answer_bytes).sum()
    }

    fn manifest(&self, tag: &str) -> serde_json::Value {
        serde_json::from_slice(&self.registry.manifest("team/sample", tag).unwrap().1).unwrap()
    }

    /// Changes what the only layer says of itself in the registry.
    fn annotate(&self, tag: &str, change: impl FnOnce(&mut serde_json::Map<String, serde_json::Value>)) {
        let mut manifest = self.manifest(tag);
        change(manifest["layers"][0]["annotations"].as_object_mut().unwrap());
        self.registry.add_manifest("team/sample", tag, MANIFEST, manifest.to_string().as_bytes());
    }

    /// The largest blob that is there.
    fn largest_there(&self) -> PathBuf {
        let folder = self.sandbox.path("there/store/blobs/sha256");
        let blobs = fs_err::read_dir(folder).unwrap().map(|blob| blob.unwrap().path());
        blobs.max_by_key(|blob| blob.metadata().unwrap().len()).unwrap()
    }
}

fn number(text: &str) -> u64 {
    text.parse().unwrap()
}

/// Lines of numbers that repeat nowhere, some 31 bytes each.
fn table(rows: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    (0..rows).flat_map(|_| format!("{},{},{}\n", next(), next(), next()).into_bytes()).collect()
}

/// `v1` with one table, which is there, too.
fn one_table() -> (Scene, Vec<u8>) {
    let (scene, rows) = (Scene::new(DATA), table(200_000, 1));
    scene.write("data/rows.csv", &rows);
    scene.publish("v1", &[]);
    scene.pull_everything("v1");
    (scene, rows)
}

#[test]
fn of_appended_rows_only_those_come() {
    let (scene, mut rows) = one_table();
    rows.extend(table(2_000, 2));
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.pull_little("v2", 3);
}

#[test]
fn of_inserted_rows_only_those_come_and_what_is_around_them() {
    let (scene, mut rows) = one_table();
    rows.splice(3_000_000..3_000_000, table(10, 2));
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.pull_little("v2", 5);
}

#[test]
fn files_that_stay_as_they_are_do_not_come_again_wherever_they_go() {
    let scene = Scene::new(DATA);
    let path = |number| format!("data/{}/{number}.csv", number % 7);
    for number in 0..50 {
        scene.write(&path(number), table(2_000, number));
    }
    scene.write("data/large.csv", table(100_000, 99));
    scene.publish("v1", &[]);
    scene.pull_everything("v1");
    scene.write(&path(20), table(2_100, 100));
    let (old, new) = (scene.sandbox.path("project/data/large.csv"), scene.sandbox.path("project/data/great.csv"));
    fs_err::rename(old, new).unwrap();
    scene.publish("v2", &[]);
    scene.pull_little("v2", 8);
}

#[test]
fn layers_that_are_single_files_are_taken_from_tars_and_back() {
    let (scene, mut rows) = one_table();
    for (tag, format) in [("v2", "raw"), ("v3", "tar")] {
        rows.extend(table(100, 2));
        scene.write("data/rows.csv", &rows);
        scene.write("Kitfile", "manifestVersion: 1.0.0\ndatasets: [{path: data/rows.csv}]\n");
        scene.publish(tag, &["--layer-format", format]);
        let (run, sent) = scene.pull(tag, &[]);
        run.says(" taken from sample:v");
        assert!(sent < 200_000, "{tag}: {sent}");
    }
}

#[test]
fn of_weights_with_another_header_and_head_only_those_come() {
    let scene = Scene::new("model: {path: model.safetensors}\n");
    let model = |note: &str, head: u8| {
        let header = format!(
            r#"{{"__metadata__":{{"note":"{note}"}},
            "backbone":{{"dtype":"U8","shape":[6000000],"data_offsets":[0,6000000]}},
            "head":{{"dtype":"U8","shape":[100000],"data_offsets":[6000000,6100000]}}}}"#
        );
        let mut bytes = samples::safetensors(&header, 0);
        bytes.extend(table(220_000, 1).into_iter().take(6_000_000));
        bytes.extend(vec![head; 100_000]);
        bytes
    };
    scene.write("model.safetensors", model("first", 1));
    scene.publish("v1", &[]);
    scene.pull_everything("v1");
    scene.write("model.safetensors", model("the second one", 2));
    scene.publish("v2", &[]);
    scene.pull_little("v2", 8);
}

#[test]
fn where_nothing_is_the_same_everything_comes_and_little_else() {
    let (scene, rows) = one_table();
    scene.write("data/rows.csv", table(200_000, 2));
    scene.publish("v2", &[]);
    scene.pull_everything("v2");
    assert!(scene.sent() < rows.len() as u64 * 102 / 100, "{}", scene.sent());
}

#[test]
fn who_does_not_want_parts_of_older_versions_gets_none() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let (run, sent) = scene.pull("v2", &["--no-delta"]);
    assert!(sent >= rows.len() as u64, "{sent}");
    assert!(!run.stderr.contains("taken from"), "{}", run.stderr);
}

#[test]
fn a_table_that_lies_costs_time_and_nothing_else() {
    let (scene, mut rows) = one_table();
    rows[3_000_000] = if rows[3_000_000] == b'1' { b'2' } else { b'1' };
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let told = scene.manifest("v1")["layers"][0]["annotations"].clone();
    scene.annotate("v2", |annotations| *annotations = told.as_object().unwrap().clone());
    scene.pull_everything("v2");
    scene.there(&["fsck"]).ok();
}

#[test]
fn an_older_layer_that_is_damaged_costs_time_and_nothing_else() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let blob = scene.largest_there();
    let mut bytes = fs_err::read(&blob).unwrap();
    bytes[100_000] ^= 1;
    fs_err::write(blob, bytes).unwrap();
    scene.pull_everything("v2");
}

#[test]
fn an_older_layer_that_is_damaged_and_cut_short_costs_no_more() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let blob = scene.largest_there();
    let mut bytes = fs_err::read(&blob).unwrap();
    bytes.truncate(2_000_000);
    bytes[100_000] ^= 1;
    fs_err::write(blob, bytes).unwrap();
    scene.pull_everything("v2");
}

#[test]
fn an_older_layer_that_is_gone_costs_nothing() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    fs_err::remove_file(scene.largest_there()).unwrap();
    scene.pull_everything("v2");
}

#[test]
fn an_older_layer_that_is_linked_serves_as_long_as_its_file_is_the_same() {
    for is_changed in [false, true] {
        let (scene, mut rows) = (Scene::new(DATA), table(200_000, 1));
        for path in ["mine/data/rows.csv", "project/data/rows.csv"] {
            scene.sandbox.write(path, &rows);
        }
        scene.sandbox.write("mine/Kitfile", format!("manifestVersion: 1.0.0\n{DATA}"));
        scene.there(&["pack", "mine", "-t", &scene.name("v1"), "--link"]).ok().says("Linked dataset layer");
        if is_changed {
            scene.sandbox.write("mine/data/rows.csv", table(200_000, 2));
        }
        rows.extend(b"1,2,3\n");
        scene.write("data/rows.csv", &rows);
        scene.publish("v2", &[]);
        // Where the file system makes clones, the layer is still what it was.
        if is_changed {
            scene.pull("v2", &[]);
        } else {
            scene.pull_little("v2", 3);
        }
    }
}

#[test]
fn compressed_layers_are_fetched_whole() {
    let (scene, mut rows) = one_table();
    let mut pull = |tag: &str, compression: &str| {
        rows.extend(b"1,2,3\n");
        scene.write("data/rows.csv", &rows);
        scene.publish(tag, &["--compression", compression]);
        let (run, _) = scene.pull(tag, &[]);
        assert!(!run.stderr.contains("taken from"), "{tag}: {}", run.stderr);
    };
    pull("v2", "zstd");
    scene.there(&["remove", &scene.name("v1")]).ok();
    pull("v3", "zstd");
    pull("v4", "none");
}

#[test]
fn what_is_missing_of_an_older_layer_is_fetched() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let blob = fs_err::OpenOptions::new().write(true).open(scene.largest_there()).unwrap();
    blob.set_len(2_000_000).unwrap();
    let (_, sent) = scene.pull("v2", &[]);
    let missing = rows.len() as u64 - 2_000_000;
    assert!((missing..missing + 200_000).contains(&sent), "{sent} came and {missing} are missing");
}

#[test]
fn a_registry_without_ranges_sends_everything_once() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.registry.configure(|options| options.ranges = false);
    scene.pull_everything("v2");
    let layer = scene.manifest("v2")["layers"][0]["digest"].as_str().unwrap().to_owned();
    let asked = scene.registry.requests_of("GET", &layer).len();
    assert_eq!(asked, 2, "once for a byte, and once for everything");
}

#[test]
fn a_layer_without_a_table_is_fetched_whole() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.annotate("v2", serde_json::Map::clear);
    scene.pull_everything("v2");
}

#[test]
fn an_older_layer_without_a_table_is_cut_here() {
    let (scene, mut rows) = (Scene::new(DATA), table(200_000, 1));
    scene.write("data/rows.csv", &rows);
    scene.publish("v1", &[]);
    scene.annotate("v1", serde_json::Map::clear);
    scene.pull_everything("v1");
    rows.extend(table(100, 2));
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.pull_little("v2", 3);
}

#[test]
fn what_is_unpacked_straight_from_a_registry_is_taken_from_the_files_that_are_there() {
    let scene = Scene::new("datasets: [{path: data}]\nmodel: {path: model.safetensors}\n");
    let mut rows = table(200_000, 1);
    let weights = |head: u8| {
        let header = r#"{"backbone":{"dtype":"U8","shape":[6000000],"data_offsets":[0,6000000]},
            "head":{"dtype":"U8","shape":[100000],"data_offsets":[6000000,6100000]}}"#;
        let mut bytes = samples::safetensors(header, 0);
        bytes.extend(table(220_000, 3).into_iter().take(6_000_000));
        bytes.extend(vec![head; 100_000]);
        bytes
    };
    scene.write("data/rows.csv", &rows);
    scene.write("model.safetensors", weights(1));
    scene.publish("v1", &[]);
    scene.unpack("v1", "work");
    rows.splice(3_000_000..3_000_000, table(10, 2));
    scene.write("data/rows.csv", &rows);
    scene.write("model.safetensors", weights(2));
    scene.publish("v2", &[]);
    let (run, sent) = scene.unpack("v2", "work");
    assert!(sent < 600_000, "{sent}");
    run.says(" taken from ");
}

#[test]
fn files_that_a_table_lies_about_are_fetched_whole() {
    let (scene, mut rows) = one_table();
    scene.unpack("v1", "work");
    rows[3_000_000] = if rows[3_000_000] == b'1' { b'2' } else { b'1' };
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let told = scene.manifest("v1")["layers"][0]["annotations"].clone();
    scene.annotate("v2", |annotations| *annotations = told.as_object().unwrap().clone());
    let (run, sent) = scene.unpack("v2", "work");
    assert!(sent >= rows.len() as u64, "{sent}");
    assert!(!run.stderr.contains("taken from"), "{}", run.stderr);
}

#[test]
fn a_killed_pull_of_changes_goes_on_where_it_was() {
    let (scene, old) = one_table();
    let rows = [table(100_000, 2), old, table(100_000, 3)].concat();
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.registry.configure(|options| options.bytes_per_second = Some(4_000_000));
    let before = scene.registry.paced_bytes();
    let mut command = scene.sandbox.command(&["pull", &scene.name("v2"), PLAIN]);
    command.env("KIT_HOME", scene.sandbox.path("there")).stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = command.spawn().unwrap();
    let begun = Instant::now();
    while scene.registry.paced_bytes() < before + 4_500_000 {
        assert!(begun.elapsed() < Duration::from_secs(60), "it never came so far");
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    scene.registry.configure(|options| options.bytes_per_second = None);
    let folder = fs_err::read_dir(scene.sandbox.path("there/store/.kit/ingest")).unwrap();
    let kept = folder.map(|file| file.unwrap().metadata().unwrap().len()).max().unwrap();
    assert!(kept > 1_000_000, "{kept}");
    scene.registry.wait_until_idle();
    let (run, sent) = scene.pull("v2", &[]);
    run.says(" resumed");
    let layer = scene.manifest("v2")["layers"][0]["digest"].as_str().unwrap().to_owned();
    let again = scene.registry.requests_of("GET", &layer);
    let starts = again.iter().filter_map(|request| Some(number(request.header("range")?[6..].split('-').next()?)));
    assert!(starts.filter(|start| *start > 0).all(|start| start >= kept), "what is here came again");
    assert!(sent < 6_300_000, "{sent}");
}
