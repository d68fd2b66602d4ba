//! The data that is fetched for a new version, by the kind of change.

use std::process::Stdio;
use std::time::{Duration, Instant};

use kit_testkit::samples;

use super::scene::{DATA, PLAIN, Scene, number, one_table, table};

#[test]
fn appended_rows_fetch_only_themselves() {
    let (scene, mut rows) = one_table();
    rows.extend(table(2_000, 2));
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.pull_little("v2", 3);
}

#[test]
fn inserted_rows_fetch_only_the_chunks_around_them() {
    let (scene, mut rows) = one_table();
    rows.splice(3_000_000..3_000_000, table(10, 2));
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    scene.pull_little("v2", 5);
}

#[test]
fn scattered_changes_in_a_large_file_fetch_only_the_parts_around_them() {
    let (scene, mut rows) = (Scene::new(DATA), table(2_200_000, 1));
    let change = |rows: &mut Vec<u8>, digit| (0..40).for_each(|number| rows[number * 1_600_000 + 5] = digit);
    change(&mut rows, b'1');
    scene.write("data/rows.csv", &rows);
    scene.publish("v1", &[]);
    scene.pull_everything("v1");
    change(&mut rows, b'2');
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    // Chunks of 128 KiB, with what is fetched between two of them, would be a tenth.
    scene.pull_little("v2", 6);
}

#[test]
fn scattered_changes_are_found_in_an_unpacked_file() {
    let (scene, mut rows) = (Scene::new(DATA), table(2_200_000, 1));
    scene.write("data/rows.csv", &rows);
    scene.publish("v1", &[]);
    scene.unpack("v1", "out");
    (0..40).for_each(|number| rows[number * 1_600_000 + 5] = b'?');
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let (_, sent) = scene.unpack("v2", "out");
    assert!(sent * 100 <= rows.len() as u64 * 6, "{sent} of {}", rows.len());
}

#[test]
fn unchanged_files_are_not_fetched_again_even_if_moved() {
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
fn weights_with_a_new_header_and_head_fetch_only_those() {
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
fn versions_with_nothing_in_common_are_fetched_whole_at_little_extra_cost() {
    let (scene, rows) = one_table();
    scene.write("data/rows.csv", table(200_000, 2));
    scene.publish("v2", &[]);
    scene.pull_everything("v2");
    assert!(scene.sent() < rows.len() as u64 * 102 / 100, "{}", scene.sent());
}

#[test]
fn no_delta_reuses_nothing() {
    let (scene, mut rows) = one_table();
    rows.extend(b"1,2,3\n");
    scene.write("data/rows.csv", &rows);
    scene.publish("v2", &[]);
    let (run, sent) = scene.pull("v2", &["--no-delta"]);
    assert!(sent >= rows.len() as u64, "{sent}");
    assert!(!run.stderr.contains("taken from"), "{}", run.stderr);
}

#[test]
fn unpacking_from_a_registry_reuses_files_in_the_target() {
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
fn a_killed_delta_pull_resumes_where_it_stopped() {
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
