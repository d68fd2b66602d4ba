//! No hostile content makes a command use much memory. The peak of a process is read from `/proc`.

use std::io::Write;

use fs_err as fs;
use kit_core::compression::Compression;
use kit_core::digest::Digest;
use serde_json::json;

use kit_testkit::registry::{FakeRegistry, Fault};
use kit_testkit::sandbox::Sandbox;

/// The memory that a command may use, whatever it reads.
const MEMORY_KIB: u64 = 128 * 1024;

/// The key under which a layer names its table of contents.
const CONTENTS: &str = "ml.kitops.modelkit.contents";

/// Runs `kit`, expects `words`, and checks the highest use of memory that was seen. It may miss the last millisecond.
#[track_caller]
fn check_memory(sandbox: &Sandbox, args: &[&str], words: &str) {
    let mut command = sandbox.command(args);
    let stderr = fs::File::create(sandbox.path("stderr")).unwrap();
    let stdout = fs::File::create(sandbox.path("stdout")).unwrap();
    let mut child = command.stdout(stdout.into_parts().0).stderr(stderr.into_parts().0).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let (mut peak, mut samples) = (0, 0);
    while child.try_wait().unwrap().is_none() {
        let text = fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line
            .and_then(|line| line.trim().trim_end_matches(" kB").parse().ok())
            .map_or(peak, |now: u64| peak.max(now));
        samples += 1;
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let said = format!("{}{}", sandbox.read("stdout"), sandbox.read("stderr"));
    assert!(said.contains(words), "no `{words}` in:\n{said}");
    assert!(samples > 1 && peak > 0, "nothing was measured");
    assert!(peak < MEMORY_KIB, "{args:?} used {} MiB", peak / 1024);
}

/// A layout in the folder `layout` with one ModelKit, whose model is the layer `d`, with a table of contents or without
/// one.
fn layout(sandbox: &Sandbox, layer: &[u8], suffix: &str, table: Option<&[u8]>) {
    let blob = |bytes: &[u8], media_type: &str| {
        let digest = Digest::of(bytes);
        sandbox.write(&format!("layout/blobs/sha256/{}", digest.hex()), bytes);
        json!({ "mediaType": media_type, "digest": digest, "size": bytes.len() })
    };
    sandbox.write("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
    let mut layer = blob(layer, &format!("application/vnd.kitops.modelkit.model.v1.{suffix}"));
    if let Some(table) = table.map(|table| blob(table, "")) {
        layer["annotations"] =
            json!({ CONTENTS: table["digest"], format!("{CONTENTS}.size"): table["size"].to_string() });
    }
    let config = json!({ "model": { "path": "d", "digest": layer["digest"] } });
    let config = blob(config.to_string().as_bytes(), "application/vnd.kitops.modelkit.config.v1+json");
    let manifest = json!({ "schemaVersion": 2, "config": config, "layers": [layer] });
    let mut entry = blob(manifest.to_string().as_bytes(), "application/vnd.oci.image.manifest.v1+json");
    entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
    sandbox.write("layout/index.json", json!({ "schemaVersion": 2, "manifests": [entry] }).to_string());
}

/// Compresses what `write` writes, with zstd.
fn compressed(write: impl FnOnce(&mut dyn Write)) -> Vec<u8> {
    let mut encoder = Compression::Zstd.encoder(Vec::new(), || ()).unwrap();
    write(&mut encoder);
    encoder.finish().unwrap()
}

fn header(name: &str, size: u64) -> tar::Header {
    let mut header = tar::Header::new_ustar();
    header.set_path(name).unwrap();
    header.set_size(size);
    header.set_mode(0o644);
    header.set_cksum();
    header
}

#[test]
fn a_table_of_contents_that_decompresses_to_gigabytes_needs_no_memory() {
    let sandbox = Sandbox::new();
    let mut layer = header("d/a", 0).as_bytes().to_vec();
    layer.extend([0; 1024]);
    let line = format!("{}\n", json!({ "path": format!("d/{}", "a".repeat(200)), "mode": 420 }));
    let many = compressed(|table| (0..400_000).for_each(|_| table.write_all(line.as_bytes()).unwrap()));
    let chunk = format!(r#"{{"size":0,"blake3":"{}","tensor":"","type":"","shape":[]}}"#, "0".repeat(32));
    let file = |chunks: usize| {
        let chunks = vec![chunk.as_str(); chunks].join(",");
        let digest = Digest::of(b"");
        format!(r#"{{"path":"d/a","mode":420,"size":0,"offset":512,"digest":"{digest}","pieces":[{chunks}]}}"#) + "\n"
    };
    let (wide, long) = (file(500_000), file(100_000));
    let wide = compressed(|table| table.write_all(wide.as_bytes()).unwrap());
    let long = compressed(|table| (0..40).for_each(|_| table.write_all(long.as_bytes()).unwrap()));
    for table in [many, wide, long] {
        layout(&sandbox, &layer, "tar", Some(&table));
        // The headers of the layer are read instead.
        check_memory(&sandbox, &["ls", "oci:layout:v1"], "d/a");
        check_memory(&sandbox, &["cat", "oci:layout:v1//d/b"], "no file or folder `d/b`");
        check_memory(&sandbox, &["unpack", "oci:layout:v1", "-d", "out"], "the table of contents");
    }
}

#[test]
fn a_large_file_without_chunks_is_not_held_in_memory() {
    let sandbox = Sandbox::new();
    let (size, zeros) = (200_u64 << 20, vec![0; 1 << 20]);
    let layer = compressed(|layer| {
        layer.write_all(header("d/a", size).as_bytes()).unwrap();
        (0..size >> 20).for_each(|_| layer.write_all(&zeros).unwrap());
        layer.write_all(&[0; 1024]).unwrap();
    });
    let mut hasher = kit_core::digest::DigestWriter::new(std::io::sink());
    (0..size >> 20).for_each(|_| hasher.write_all(&zeros).unwrap());
    let (_, digest, _) = hasher.finish();
    let line = json!({ "path": "d/a", "mode": 420, "size": size, "offset": 512, "digest": digest });
    let table = compressed(|table| writeln!(table, "{line}").unwrap());
    layout(&sandbox, &layer, "tar+zstd", Some(&table));
    check_memory(&sandbox, &["cat", "oci:layout:v1//d/a"], "\0\0\0\0");
    assert_eq!(fs::metadata(sandbox.path("stdout")).unwrap().len(), size);
}

#[test]
fn the_files_of_a_layer_that_decompresses_to_gigabytes_are_counted() {
    let sandbox = Sandbox::new();
    let file = header(&format!("d/{}", "a".repeat(90)), 0);
    let layer = compressed(|layer| (0..400_000).for_each(|_| layer.write_all(file.as_bytes()).unwrap()));
    layout(&sandbox, &layer, "tar+zstd", None);
    check_memory(&sandbox, &["ls", "oci:layout:v1"], "there are more than 33554432 bytes of paths");
}

#[test]
fn an_endless_list_of_tags_ends() {
    let sandbox = Sandbox::new();
    let registry = FakeRegistry::start();
    for number in 0..20_000 {
        registry.add_manifest("a", &format!("{number:0128}"), "application/vnd.oci.image.manifest.v1+json", b"{}");
    }
    registry.configure(|options| options.tags_per_page = usize::MAX);
    let next = |page: &str| Fault::Header("link", format!("</v2/a/tags/list?page={page}>; rel=\"next\""));
    registry.fail_later("GET", "/tags/list?page=one", 0, usize::MAX, next("two"));
    registry.fail_later("GET", "/tags/list?page=two", 0, usize::MAX, next("one"));
    registry.fail("GET", "/tags/list", next("one"));
    let name = format!("{}/a", registry.host());
    check_memory(&sandbox, &["list", "--plain-http", &name], "the list has more than 200000 tags");
    assert!(sandbox.read("stderr").contains("hint: name a version, as in NAME:TAG"));
}

#[test]
fn a_list_of_many_files_is_written_row_by_row() {
    let sandbox = Sandbox::new();
    let files = (0..100_000).flat_map(|number| *header(&format!("d/{number:060}"), 0).as_bytes());
    layout(&sandbox, &files.chain([0; 1024]).collect::<Vec<_>>(), "tar", None);
    for format in ["json", "yaml"] {
        check_memory(&sandbox, &["ls", "oci:layout:v1", "--format", format], &format!("d/{:060}", 99_999));
    }
}

#[test]
fn many_tensors_are_listed_and_compared_in_little_memory() {
    const TENSORS: usize = 50_000;
    let sandbox = Sandbox::new();
    let tensor = |number| {
        format!(r#""model.layers.{number}":{{"dtype":"U8","shape":[1],"data_offsets":[{number},{}]}}"#, number + 1)
    };
    let json = format!("{{{}}}", (0..TENSORS).map(tensor).collect::<Vec<_>>().join(","));
    for (folder, value) in [("first", 1), ("second", 2)] {
        let file = [&(json.len() as u64).to_le_bytes()[..], json.as_bytes(), &vec![value; TENSORS]].concat();
        let padding = vec![0; 1024 + file.len().next_multiple_of(512) - file.len()];
        let layer = [header("d/a.safetensors", file.len() as u64).as_bytes(), &file[..], &padding].concat();
        layout(&sandbox, &layer, "tar", None);
        fs::rename(sandbox.path("layout"), sandbox.path(folder)).unwrap();
    }
    let inspect = ["inspect", "--tensors", "oci:first:v1", "--format"];
    check_memory(&sandbox, &[&inspect[..], &["json"]].concat(), "model.layers.49999");
    check_memory(&sandbox, &[&inspect[..], &["{{.models}}"]].concat(), "leaving out the lists of 50000 tensors");
    let diff = ["diff", "oci:first:v1", "oci:second:v1", "--format"];
    check_memory(&sandbox, &[&diff[..], &["json"]].concat(), "model.layers.49999");
    check_memory(&sandbox, &[&diff[..], &["table"]].concat(), "50000 of 50000 tensors changed");
    check_memory(&sandbox, &[&diff[..], &["yaml"]].concat(), "cannot list 50001 files and tensors in this format");
}

#[test]
fn many_files_are_compared_in_little_memory() {
    let sandbox = Sandbox::new();
    for (folder, start) in [("first", 0), ("second", 30_000)] {
        let files = (start..start + 70_000).flat_map(|number| *header(&format!("d/{number:060}"), 0).as_bytes());
        layout(&sandbox, &files.chain([0; 1024]).collect::<Vec<_>>(), "tar", None);
        fs::rename(sandbox.path("layout"), sandbox.path(folder)).unwrap();
    }
    check_memory(&sandbox, &["diff", "oci:first:v1", "oci:second:v1"], "30000 moved");
}
