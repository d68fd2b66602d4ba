//! `diff` of tables and of the numbers of tensors.

use expect_test::expect;
use serde_json::json;

use kit_testkit::registry::FakeRegistry;
use kit_testkit::samples;
use kit_testkit::sandbox::Sandbox;

const KITFILE: &str = "manifestVersion: 1.0.0\ndatasets: [{path: data}]\n";

fn rows(range: std::ops::Range<u32>) -> String {
    let rows: Vec<_> = range.map(|row| format!("{row},\"the text, of {row}\"\n")).collect();
    format!("id,text\n{}", rows.concat())
}

/// A sandbox with `data:v1`, and with changes in the folder `project`.
fn changed(compression: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", KITFILE);
    sandbox.write("project/data/large.csv", rows(0..60_000));
    sandbox.write("project/data/small.csv", rows(0..3));
    sandbox.write("project/data/columns.tsv", "a\tb\n1\t2\n");
    sandbox.kit(&["pack", "project", "-t", "data:v1", "--compression", compression]).ok();
    sandbox.write("project/data/large.csv", rows(1..60_100));
    sandbox.write("project/data/small.csv", rows(0..3).replace("of 2", "of two"));
    sandbox.write("project/data/columns.tsv", "a\tc\u{1b}[2J\n1\t2\n");
    sandbox
}

#[test]
fn rows_and_columns_of_tables_are_compared() {
    let sandbox = changed("none");
    let run = sandbox.kit(&["diff", "data:v1", "project", "--only", "datasets"]).ok();
    expect![[r#"
        data:v1 → project    concerns: datasets
        Files                 3 changed
          ~ data/columns.tsv  8 B → 12 B   1 row, equal in the shared columns   columns +c\u{1b}[2J −b
          ~ data/large.csv    1.5 MiB → 1.5 MiB   60000 → 60099 rows, +100 −1
          ~ data/small.csv    65 B → 67 B   3 rows, +1 −1
    "#]]
    .assert_eq(&run.stdout);
    let run = sandbox.kit(&["diff", "data:v1", "project", "--format", "json"]).ok().json();
    let tables: Vec<_> = run["files"].as_array().unwrap().iter().map(|file| &file["table"]).collect();
    let expected = json!([
        {
            "columnsAdded": ["c\u{1b}[2J"], "columnsRemoved": ["b"], "columnsReordered": false,
            "rowsBefore": 1, "rowsAfter": 1, "rowsAdded": 0, "rowsRemoved": 0, "rowsReordered": false,
        },
        {
            "columnsAdded": [], "columnsRemoved": [], "columnsReordered": false,
            "rowsBefore": 60_000, "rowsAfter": 60_099, "rowsAdded": 100, "rowsRemoved": 1, "rowsReordered": false,
        },
        {
            "columnsAdded": [], "columnsRemoved": [], "columnsReordered": false,
            "rowsBefore": 3, "rowsAfter": 3, "rowsAdded": 1, "rowsRemoved": 1, "rowsReordered": false,
        },
    ]);
    assert_eq!(json!(tables), expected);
}

#[test]
fn another_order_of_rows_or_columns_is_named() {
    let sandbox = changed("none");
    sandbox.write("project/data/large.csv", rows(0..60_000));
    sandbox
        .write("project/data/small.csv", "id,text\n2,\"the text, of 2\"\n0,\"the text, of 0\"\n1,\"the text, of 1\"\n");
    sandbox.write("project/data/columns.tsv", "b\ta\n2\t1\n");
    let run = sandbox.kit(&["diff", "data:v1", "project", "--only", "datasets"]).ok();
    expect![[r#"
        data:v1 → project    concerns: datasets
        Files                 2 changed
          ~ data/columns.tsv  8 B   1 row, +0 −0   columns reordered
          ~ data/small.csv    65 B   3 rows, reordered
    "#]]
    .assert_eq(&run.stdout);
}

#[test]
fn large_tables_are_read_where_that_is_cheap() {
    let (sandbox, registry) = (changed("none"), FakeRegistry::start());
    let name = format!("{}/data:v1", registry.host());
    sandbox.kit(&["push", "data:v1", &name, "--plain-http"]).ok();
    let remote = format!("remote://{name}");
    let large = |sandbox: &Sandbox, args: &[&str]| {
        let run = sandbox.kit(&[&["diff"], args, &["project", "--plain-http"]].concat()).ok().stdout;
        run.lines().find(|line| line.contains("large.csv")).unwrap().to_owned()
    };
    assert!(!large(&sandbox, &[&remote]).contains("rows"));
    assert!(large(&sandbox, &[&remote, "--read-limit", "2000000"]).ends_with("60000 → 60099 rows, +100 −1"));
    let compressed = changed("gzip");
    assert!(!large(&compressed, &["data:v1"]).contains("rows"), "it would be read twice");
    compressed.kit(&["diff", "data:v1", "project"]).ok().prints("3 rows, +1 −1");
}

/// A model with a tensor of 768 half-precision numbers, one of two floats, and one of bytes.
fn model(third: f32, bytes: [u8; 2]) -> Vec<u8> {
    let header = concat!(
        r#"{"w":{"dtype":"BF16","shape":[768],"data_offsets":[0,1536]},"#,
        r#""b":{"dtype":"F32","shape":[2],"data_offsets":[1536,1544]},"#,
        r#""q":{"dtype":"F8_E4M3","shape":[2],"data_offsets":[1544,1546]}}"#
    );
    let mut file = samples::safetensors(header, 1546);
    let end = file.len();
    file[end - 10..end - 6].copy_from_slice(&4.0_f32.to_le_bytes());
    file[end - 6..end - 2].copy_from_slice(&third.to_le_bytes());
    file[end - 2..].copy_from_slice(&bytes);
    file
}

#[test]
fn the_differences_of_tensors_are_shown_if_requested() {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: m.safetensors}\n");
    sandbox.write("project/m.safetensors", model(3.0, *b"ab"));
    sandbox.kit(&["pack", "project", "-t", "llm:v1"]).ok();
    sandbox.write("project/m.safetensors", model(3.031, *b"ac"));
    let run = sandbox.kit(&["diff", "llm:v1", "project", "--only", "model", "--stats"]).ok();
    expect![[r#"
        llm:v1 → project    concerns: model
        Files              1 changed
          ~ m.safetensors  1.6 KiB   2 of 3 tensors changed
              ~ b  F32 [2]   max |Δ| 0.031, relative 0.62 %
              ~ q  F8_E4M3 [2]
    "#]]
    .assert_eq(&run.stdout);
    let registry = FakeRegistry::start();
    let name = format!("{}/llm:v1", registry.host());
    sandbox.kit(&["push", "llm:v1", &name, "--plain-http"]).ok();
    let statistics = |args: &[&str]| {
        let remote = format!("remote://{name}");
        let args = [&["diff", &remote, "project", "--plain-http", "--format", "json"], args].concat();
        sandbox.kit(&args).ok().json()["files"][0]["tensors"]["changes"][0]["statistics"].clone()
    };
    let expected = json!({
        "largestDifference": 0.030_999_898_910_522_46,
        "relativeDifference": 0.006_199_979_782_104_492,
        "withoutDifference": 0,
    });
    assert_eq!((statistics(&["--stats"]), statistics(&[])), (expected, json!(null)));
    let remote = format!("remote://{name}");
    let args = ["diff", &remote, "project", "--plain-http", "--only", "model", "--stats", "--read-limit", "1KiB"];
    sandbox
        .kit(&args)
        .ok()
        .prints("0 of 3 tensors changed, according to the headers; no statistics: ")
        .prints("; no statistics: 1.6 KiB is over --read-limit\n");
    let without = sandbox.kit(&[&args[..6], &args[7..]].concat()).ok().stdout;
    assert!(without.contains("0 of 3 tensors changed, according to the headers\n"), "{without}");
    sandbox.write("project/m.safetensors", model(f32::NAN, *b"ab"));
    let run = sandbox.kit(&["diff", "llm:v1", "project", "--stats"]).ok();
    run.prints("~ b  F32 [2]   max |Δ| 0, relative 0 %, 1 not finite\n");
}
