//! `kit unpack` of layers that are large enough to be unpacked by their pieces: the same files and the same refusals
//! as of any others.

use std::path::PathBuf;
use std::process::Command;

use fs_err as fs;
use serde_json::Value;

use kit_testkit::platform::{assert_mode, set_mode};
use kit_testkit::sandbox::Sandbox;

const MIB: usize = 1024 * 1024;
const FILES: [&str; 5] =
    ["single.bin", "weights/a.bin", "weights/b.safetensors", "weights/config.json", "weights/more/empty"];

/// A model in a folder: two large files, one of them of tensors, and small ones. Its layer has no compression.
fn packed(format: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/weights/a.bin", noise(1, 17 * MIB + 5));
    sandbox.write("project/weights/b.safetensors", safetensors(18 * MIB));
    sandbox.write("project/weights/config.json", "{}");
    sandbox.write("project/weights/more/empty", "");
    set_mode(sandbox.path("project/weights/a.bin"), 0o440);
    sandbox.write("project/single.bin", noise(2, 33 * MIB + 7));
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: weights, parts: [{path: single.bin}]}\n");
    sandbox.kit(&["pack", "project", "-t", "m:v1", "--layer-format", format]).ok();
    sandbox
}

/// Bytes in which hardly a piece is like another.
fn noise(seed: u64, size: usize) -> Vec<u8> {
    let mut state = seed;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let mut block: Vec<u8> = std::iter::repeat_with(&mut next).flat_map(u64::to_le_bytes).take(MIB).collect();
    let mut content = Vec::with_capacity(size + MIB);
    while content.len() < size {
        block.rotate_left(usize::try_from(next() % MIB as u64).unwrap());
        content.extend_from_slice(&block);
    }
    content.truncate(size);
    content
}

/// Three tensors, one of which is empty.
fn safetensors(size: usize) -> Vec<u8> {
    let (first, all) = (size / 3, size);
    let header = format!(
        r#"{{"x":{{"dtype":"U8","shape":[{first}],"data_offsets":[0,{first}]}},
        "none":{{"dtype":"U8","shape":[0],"data_offsets":[{first},{first}]}},
        "y":{{"dtype":"U8","shape":[{}],"data_offsets":[{first},{all}]}}}}"#,
        all - first
    );
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &noise(3, size)].concat()
}

/// The digest of a layer, or of its table of contents, without its algorithm.
fn digest(sandbox: &Sandbox, path: &str, annotation: Option<&str>) -> String {
    let inspected: Value = serde_json::from_str(&sandbox.kit(&["inspect", "m:v1"]).ok().stdout).unwrap();
    let layers = inspected["manifest"]["layers"].as_array().unwrap();
    let layer = layers.iter().find(|layer| layer["annotations"]["org.cncf.model.filepath"] == path).unwrap();
    let digest = annotation.map_or(&layer["digest"], |annotation| &layer["annotations"][annotation]);
    digest.as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned()
}

fn blob(sandbox: &Sandbox, digest: &str) -> PathBuf {
    sandbox.store().join("blobs/sha256").join(digest)
}

fn alter(sandbox: &Sandbox, digest: &str, change: impl FnOnce(&mut Vec<u8>)) {
    let path = blob(sandbox, digest);
    let mut bytes = fs::read(&path).unwrap();
    change(&mut bytes);
    set_mode(&path, 0o644);
    fs::write(path, bytes).unwrap();
}

#[track_caller]
fn is_like_the_project(sandbox: &Sandbox) {
    for file in FILES {
        let (expected, found) = (sandbox.path("project").join(file), sandbox.path("out").join(file));
        assert!(fs::read(&found).unwrap() == fs::read(&expected).unwrap(), "{file} is another one");
        assert_mode(found, if file == "weights/a.bin" { 0o440 } else { 0o644 });
    }
}

#[test]
fn large_files_arrive() {
    for format in ["tar", "raw"] {
        let sandbox = packed(format);
        let run = sandbox.kit(&["unpack", "m:v1", "-d", "out"]).ok();
        assert!(run.stderr.contains("Unpacked 6 files"), "{}", run.stderr);
        is_like_the_project(&sandbox);
    }
}

#[test]
fn existing_files_are_compared() {
    let sandbox = packed("tar");
    sandbox.kit(&["unpack", "m:v1", "-d", "out"]).ok();
    sandbox.kit(&["unpack", "m:v1", "-d", "out"]).ok().says("Nothing to do: ");
    let changed = sandbox.path("out/weights/b.safetensors");
    let mut content = fs::read(&changed).unwrap();
    content[9 * MIB] ^= 1;
    fs::write(&changed, &content).unwrap();
    sandbox.kit(&["unpack", "m:v1", "-d", "out"]).fails().says("weights/b.safetensors");
    assert!(fs::read(&changed).unwrap() == content, "it was touched");
    sandbox.kit(&["unpack", "m:v1", "-d", "out", "--overwrite"]).ok();
    is_like_the_project(&sandbox);
}

#[test]
fn a_byte_that_is_wrong_is_found_wherever_it_is() {
    let sandbox = packed("tar");
    let layer = digest(&sandbox, "weights", None);
    let size = usize::try_from(fs::metadata(blob(&sandbox, &layer)).unwrap().len()).unwrap();
    // In the header of the folder, in that of the first file, in its content, behind it, in the second file, at the
    // end.
    for place in [0, 520, 1024, 16 * MIB, 17 * MIB + 1024 + 300, 20 * MIB, size - 1] {
        alter(&sandbox, &layer, |bytes| bytes[place] ^= 1);
        sandbox.kit(&["unpack", "m:v1", "-d", "out"]).fails().says("does not match its digest");
        assert!(!sandbox.path("out").exists(), "byte {place}: something is left");
        alter(&sandbox, &layer, |bytes| bytes[place] ^= 1);
    }
    alter(&sandbox, &layer, |bytes| bytes.truncate(20 * MIB));
    sandbox.kit(&["unpack", "m:v1", "-d", "out"]).fails();
    assert!(!sandbox.path("out").exists());
}

#[test]
fn no_table_of_contents_is_needed() {
    let sandbox = packed("tar");
    let table = digest(&sandbox, "weights", Some("ml.kitops.modelkit.contents"));
    alter(&sandbox, &table, |bytes| bytes[40] ^= 1);
    sandbox.kit(&["unpack", "m:v1", "-d", "out"]).ok();
    is_like_the_project(&sandbox);
}

#[test]
#[cfg_attr(windows, ignore = "limits the number of open files, which Windows does not do")]
fn there_may_be_more_large_files_than_may_be_open() {
    let sandbox = Sandbox::new();
    for number in 0..60 {
        sandbox.write(&format!("project/data/{number}"), noise(number + 1, MIB + 1));
    }
    sandbox.write("project/Kitfile", "manifestVersion: 1.0.0\ndatasets: [{path: data}]\n");
    sandbox.kit(&["pack", "project", "-t", "m:v1"]).ok();
    let mut command = Command::new("bash");
    command.args(["-c", "ulimit -n 40; exec \"$@\"", "bash", env!("CARGO_BIN_EXE_kit"), "unpack", "m:v1", "-d", "out"]);
    command.env("KIT_HOME", sandbox.path("kit")).current_dir(sandbox.path("."));
    let run = sandbox.run(&mut command).ok();
    assert_eq!(run.stderr.matches("Unpacking dataset").count(), 1, "it was begun again:\n{}", run.stderr);
    assert_eq!(sandbox.names("out").len(), 61);
}

/// In a layout that a stranger made, a table of contents may fit bytes that the layer's digest does not name.
#[test]
fn a_table_does_not_replace_the_digest_of_unverified_content() {
    let sandbox = packed("tar");
    sandbox.kit(&["push", "m:v1", "oci:layout:v1"]).ok();
    let layer = digest(&sandbox, "weights", None);
    sandbox.write("project/weights/a.bin", noise(9, 17 * MIB + 5));
    sandbox.kit(&["pack", "project", "-t", "m:v1"]).ok();
    let contents = "ml.kitops.modelkit.contents";
    let (other, table) = (digest(&sandbox, "weights", None), digest(&sandbox, "weights", Some(contents)));
    let place = |digest: &str| sandbox.path("layout/blobs/sha256").join(digest);
    for (from, to) in [(&other, &layer), (&table, &table)] {
        drop(fs::remove_file(place(to)));
        fs::copy(blob(&sandbox, from), place(to)).unwrap();
    }
    let read = |path: PathBuf| serde_json::from_slice::<Value>(&fs::read(path).unwrap()).unwrap();
    let mut index = read(sandbox.path("layout/index.json"));
    let entries = index["manifests"].as_array_mut().unwrap();
    entries.retain(|entry| entry["annotations"]["org.opencontainers.image.ref.name"] == "v1");
    let mut manifest = read(place(&entries[0]["digest"].as_str().unwrap()["sha256:".len()..]));
    for described in manifest["layers"].as_array_mut().unwrap() {
        if described["digest"] == format!("sha256:{layer}") {
            described["annotations"][contents] = format!("sha256:{table}").into();
            described["annotations"][format!("{contents}.size")] =
                fs::metadata(place(&table)).unwrap().len().to_string().into();
        }
    }
    let bytes = manifest.to_string();
    let manifest = kit_core::digest::Digest::of(bytes.as_bytes());
    sandbox.write(&format!("layout/blobs/sha256/{}", manifest.hex()), &bytes);
    entries[0]["digest"] = manifest.to_string().into();
    entries[0]["size"] = bytes.len().into();
    sandbox.write("layout/index.json", index.to_string());
    sandbox.kit(&["unpack", "oci:layout:v1", "-d", "out"]).fails().says("does not match its digest");
    assert!(!sandbox.path("out").exists());
}
