//! ModelKits and image layouts made by strangers, put together by hand: refused with an error, and nothing is left
//! behind.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fs_err as fs;
use kit_core::digest::Digest;
use serde_json::{Value, json};

use kit_testkit::platform::symlink;
use kit_testkit::sandbox::{Run, Sandbox};

const CONFIG: &str = "application/vnd.kitops.modelkit.config.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";

/// A layout in the folder `layout`, with one ModelKit, `v1`.
pub(crate) struct Layout<'a> {
    sandbox: &'a Sandbox,
}

impl<'a> Layout<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        sandbox.write("layout/oci-layout", r#"{"imageLayoutVersion":"1.0.0"}"#);
        Self { sandbox }
    }

    fn blob(&self, bytes: &[u8]) -> Value {
        let digest = Digest::of(bytes);
        self.sandbox.write(&format!("layout/blobs/sha256/{}", digest.hex()), bytes);
        json!({ "mediaType": CONFIG, "digest": digest, "size": bytes.len() })
    }

    pub(crate) fn layer(&self, suffix: &str, bytes: &[u8]) -> Value {
        let mut layer = self.blob(bytes);
        layer["mediaType"] = format!("application/vnd.kitops.modelkit.model.v1.{suffix}").into();
        layer
    }

    fn publish(&self, config: &Value, layers: &[Value]) {
        self.publish_annotated(config, layers, &json!({}));
    }

    pub(crate) fn publish_annotated(&self, config: &Value, layers: &[Value], annotations: &Value) {
        let config = self.blob(config.to_string().as_bytes());
        self.publish_manifest(&json!({
            "schemaVersion": 2, "config": config, "layers": layers, "annotations": annotations,
        }));
    }

    /// Publishes an artifact of another tool, with an empty config.
    pub(crate) fn publish_as(&self, artifact_type: &str, layers: &[Value]) {
        let mut config = self.blob(b"{}");
        config["mediaType"] = "application/vnd.oci.empty.v1+json".into();
        self.publish_manifest(&json!({
            "schemaVersion": 2, "artifactType": artifact_type, "config": config, "layers": layers,
        }));
    }

    fn publish_manifest(&self, manifest: &Value) {
        let mut entry = self.blob(manifest.to_string().as_bytes());
        entry["mediaType"] = MANIFEST.into();
        entry["annotations"] = json!({ "org.opencontainers.image.ref.name": "v1" });
        let index = json!({ "schemaVersion": 2, "manifests": [entry] });
        self.sandbox.write("layout/index.json", index.to_string());
    }

    /// A ModelKit whose model is one layer at the path `d`.
    fn publish_model(&self, layer: &Value) {
        self.publish(&json!({ "model": { "path": "d", "digest": layer["digest"] } }), std::slice::from_ref(layer));
    }
}

/// A tar with one file.
pub(crate) fn tar(name: &str, content: &[u8]) -> Vec<u8> {
    let mut header = tar::Header::new_ustar();
    header.set_size(content.len() as u64);
    header.set_mode(0o644);
    header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
    header.set_cksum();
    let mut builder = tar::Builder::new(Vec::new());
    builder.append(&header, content).unwrap();
    builder.into_inner().unwrap()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut encoder = kit_core::compression::Compression::Gzip.encoder(Vec::new(), || ()).unwrap();
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

const UNPACK: [&str; 4] = ["unpack", "oci:layout:v1", "-d", "out"];

fn unpack(sandbox: &Sandbox) -> Run {
    sandbox.kit(&UNPACK)
}

#[track_caller]
fn refused(sandbox: &Sandbox, words: &str) {
    let run = unpack(sandbox).fails().says(words);
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    assert!(!sandbox.path("out").exists(), "nothing is left");
}

#[test]
fn a_gzip_stream_that_breaks_off_behind_the_archive_is_refused() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    let whole = gzip(&tar("d", b"content"));
    layout.publish_model(&layout.layer("tar+gzip", &whole));
    unpack(&sandbox).ok();
    fs::remove_dir_all(sandbox.path("out")).unwrap();
    layout.publish_model(&layout.layer("tar+gzip", &whole[..whole.len() - 4]));
    refused(&sandbox, "cannot read the layer");
    let mut wrong = whole.clone();
    wrong[whole.len() - 6] ^= 1;
    layout.publish_model(&layout.layer("tar+gzip", &wrong));
    refused(&sandbox, "cannot read the layer");
}

#[test]
fn a_layer_of_an_unknown_type_is_named_as_that() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    layout.publish_model(&layout.layer("tar+lzma", &tar("d", b"content")));
    refused(&sandbox, "unrecognized media type application/vnd.kitops.modelkit.model.v1.tar+lzma");
}

#[test]
fn control_characters_of_strangers_do_not_reach_the_terminal() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    let layer = layout.layer("tar", &tar("evil\u{1b}]0;title\u{7}", b"content"));
    layout.publish_model(&layer);
    refused(&sandbox, r"refused to unpack `evil\u{1b}]0;title\u{7}`");
    let layer = layout.layer("tar", &tar("d", b"content"));
    let config = json!({
        "package": { "name": "good\nforged   v9\u{1b}[31m" },
        "model": { "name": "a\u{1b}[2Jb", "path": "d", "digest": layer["digest"] },
    });
    layout.publish(&config, &[layer]);
    let run = sandbox.kit(&["pull", "oci:layout:v1", "a:v1"]).ok();
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    let run = unpack(&sandbox).ok().says(r"Unpacking model a\u{1b}[2Jb to d");
    assert!(!run.stderr.contains('\u{1b}'), "{}", run.stderr);
    let list = sandbox.kit(&["list"]).ok().prints(r"good\nforged v9\u{1b}[31m").stdout;
    assert_eq!(list.lines().count(), 2, "{list}");
    let info = sandbox.kit(&["info", "a:v1"]).ok().stdout;
    assert!(!info.contains('\u{1b}'), "{info}");
}

#[test]
fn a_name_of_a_megabyte_does_not_fill_the_screen() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    let name = "x".repeat(900_000);
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(tar::EntryType::Regular);
    header.set_size(0);
    let mut builder = tar::Builder::new(Vec::new());
    builder.append_data(&mut header, &name, &[][..]).unwrap();
    layout.publish_model(&layout.layer("tar", &builder.into_inner().unwrap()));
    refused(&sandbox, "it is outside the path of the layer");
    assert!(unpack(&sandbox).stderr.len() < 10_000);
}

/// Runs `kit` and gives up on it after some seconds.
fn ends(sandbox: &Sandbox, args: &[&str]) -> bool {
    let mut child = sandbox.command(args).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let start = Instant::now();
    while start.elapsed() < Duration::from_secs(20) {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code() == Some(1);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    false
}

#[test]
#[cfg_attr(windows, ignore = "makes named pipes of Unix")]
fn a_layout_of_fifos_does_not_make_anybody_wait() {
    let layer = tar("d", b"content");
    for victim in ["index.json", "oci-layout", &format!("blobs/sha256/{}", Digest::of(&layer).hex())] {
        let sandbox = Sandbox::new();
        let layout = Layout::new(&sandbox);
        layout.publish_model(&layout.layer("tar", &layer));
        let path = sandbox.path("layout").join(victim);
        fs::remove_file(&path).unwrap();
        assert!(Command::new("mkfifo").arg(&path).status().unwrap().success());
        assert!(ends(&sandbox, &UNPACK), "unpack with {victim}");
        assert!(ends(&sandbox, &["pull", "oci:layout:v1", "a:v1"]), "pull with {victim}");
        assert!(!sandbox.path("out").exists());
    }
}

#[test]
fn the_documents_of_a_layout_are_read_up_to_a_limit() {
    for victim in ["index.json", "oci-layout"] {
        let sandbox = Sandbox::new();
        let layout = Layout::new(&sandbox);
        layout.publish_model(&layout.layer("tar", &tar("d", b"content")));
        // Sparse: it takes no place on the disk.
        fs::OpenOptions::new().write(true).open(sandbox.path("layout").join(victim)).unwrap().set_len(1 << 36).unwrap();
        refused(&sandbox, "bytes");
    }
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn reading_a_layout_changes_nothing_behind_its_links() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "mine:v1"]).ok();
    let layout = Layout::new(&sandbox);
    layout.publish_model(&layout.layer("tar", &tar("d", b"content")));
    // The layout says that its blobs are the user's own, and asks to collect what its index does not name.
    for blob in fs::read_dir(sandbox.path("layout/blobs/sha256")).unwrap() {
        let blob = blob.unwrap();
        fs::copy(blob.path(), sandbox.store().join("blobs/sha256").join(blob.file_name())).unwrap();
    }
    fs::remove_dir_all(sandbox.path("layout/blobs")).unwrap();
    symlink(sandbox.store().join("blobs"), sandbox.path("layout/blobs")).unwrap();
    sandbox.write("layout/.kit/collect", "");
    sandbox.write("precious/tmp-keep", "keep");
    symlink(sandbox.path("precious"), sandbox.path("layout/.kit/ingest")).unwrap();
    unpack(&sandbox).ok();
    sandbox.kit(&["fsck"]).ok();
    sandbox.kit(&["unpack", "mine:v1", "-d", "mine"]).ok();
    assert_eq!(sandbox.names("precious"), ["tmp-keep"]);

    fs::remove_file(sandbox.path("layout/.kit/use.lock")).unwrap();
    symlink(sandbox.path("made"), sandbox.path("layout/.kit/use.lock")).unwrap();
    unpack(&sandbox).fails();
    assert!(!sandbox.path("made").exists());
}

#[test]
fn raw_layers_are_files_in_their_place_or_refused() {
    let sandbox = Sandbox::new();
    let layout = Layout::new(&sandbox);
    for (suffix, bytes) in [("raw", b"content".to_vec()), ("raw+gzip", gzip(b"content"))] {
        layout.publish_model(&layout.layer(suffix, &bytes));
        unpack(&sandbox).ok();
        assert_eq!(fs::read(sandbox.path("out/d")).unwrap(), b"content");
        fs::remove_dir_all(sandbox.path("out")).unwrap();
    }
    let packed = gzip(b"content");
    layout.publish_model(&layout.layer("raw+gzip", &packed[..packed.len() - 4]));
    refused(&sandbox, "cannot read the layer");
    for wrong_size in [6, 8, 100_000_000] {
        let mut layer = layout.layer("raw", b"content");
        layer["size"] = wrong_size.into();
        layout.publish_model(&layer);
        refused(&sandbox, "the content");
    }
    let layer = layout.layer("raw", b"content");
    for path in ["../escaped", "/escaped", ".", "d/../.."] {
        let mut layer = layer.clone();
        layer["annotations"] = json!({ "org.cncf.model.filepath": "../escaped" });
        layout.publish(&json!({ "model": { "path": path, "digest": layer["digest"] } }), &[layer]);
        refused(&sandbox, "");
        assert!(!sandbox.path("escaped").exists());
    }
    sandbox.write("out/d", "another");
    layout.publish_model(&layer);
    unpack(&sandbox).fails().says("same size, different content");
    assert_eq!(fs::read(sandbox.path("out/d")).unwrap(), b"another");
}
