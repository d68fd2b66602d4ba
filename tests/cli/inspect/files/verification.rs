//! Damaged layers: the cases in which reading a part of a layer detects it.

use kit_core::compression::Compression;

use crate::transfer::published::publish_model;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

use super::scene::{damage, drop_tables, packed};

#[test]
fn a_layer_that_is_read_whole_is_verified_before_files_get_their_names() {
    for (compression, path) in [(Compression::None, "data"), (Compression::Gzip, "data/train.csv")] {
        let sandbox = packed(compression);
        damage(&sandbox, compression);
        let run = sandbox.kit(&["cp", &format!("sample:v1//{path}"), "out"]).fails();
        run.says("the content does not match its digest");
        assert!(!sandbox.path("out").exists());
    }
}

#[test]
fn ranges_are_verified_with_the_table_of_contents() {
    let sandbox = packed(Compression::None);
    damage(&sandbox, Compression::None);
    for command in [&["cp", "sample:v1//data/train.csv", "out"][..], &["cat", "sample:v1//data/train.csv"]] {
        sandbox.kit(command).fails().says("the content does not match its digest");
    }
    assert!(!sandbox.path("out").exists());
}

#[test]
fn ranges_read_without_a_table_are_not_verified() {
    let sandbox = packed(Compression::None);
    damage(&sandbox, Compression::None);
    drop_tables(&sandbox, "sample:v1");
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out"]).ok();
    assert_eq!(sandbox.read("out"), "a,b\n9,2\n");
}

#[test]
fn a_file_that_claims_to_be_longer_than_its_layer_is_refused() {
    let (sandbox, registry) = (Sandbox::new(), FakeRegistry::start());
    for size in [2_000_000, u64::MAX / 2] {
        let mut header = tar::Header::new_ustar();
        header.set_path("m").unwrap();
        header.set_mode(0o644);
        header.set_size(size);
        header.set_cksum();
        let layer = [header.as_bytes(), &[7; 1536][..]].concat();
        let file = format!("{}//m", publish_model(&registry, "tar", "m", &layer));
        for args in [&["cat", &file][..], &["cp", &file, "out"]] {
            sandbox.run(sandbox.command(args).arg("--plain-http")).fails();
        }
        assert!(!sandbox.path("out").exists());
    }
}
