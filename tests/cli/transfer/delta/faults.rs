//! Older versions that are damaged, missing or without a table, and tables that are wrong.

use super::scene::{DATA, PLAIN, Scene, one_table, table};

#[test]
fn a_wrong_table_is_refused() {
    let (scene, mut rows) = one_table();
    rows[3_000_000] = if rows[3_000_000] == b'1' { b'2' } else { b'1' };
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let original = scene.manifest("v1")["layers"][0]["annotations"].clone();
    scene.annotate("v2", |annotations| *annotations = original.as_object().unwrap().clone());
    scene.there(&["pull", &scene.name("v2"), PLAIN]).fails().says("do not match its table of contents");
    scene.there(&["fsck"]).ok();
}

#[test]
fn a_damaged_older_layer_costs_only_time() {
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
fn a_missing_older_layer_costs_nothing() {
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
fn missing_chunks_of_an_older_layer_are_fetched() {
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
fn an_older_layer_without_a_table_is_chunked_locally() {
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
fn files_with_wrong_table_entries_are_refused() {
    let (scene, mut rows) = one_table();
    scene.unpack("v1", "work");
    rows[3_000_000] = if rows[3_000_000] == b'1' { b'2' } else { b'1' };
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let original = scene.manifest("v1")["layers"][0]["annotations"].clone();
    scene.annotate("v2", |annotations| *annotations = original.as_object().unwrap().clone());
    let unpack = ["unpack", &scene.name("v2"), "-d", "work", "-o", PLAIN];
    scene.there(&unpack).fails().says("the table of contents does not match the layer");
}
