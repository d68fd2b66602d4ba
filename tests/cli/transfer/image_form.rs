//! The image form of a ModelKit as container runtimes see it: the layers unpacked in order, and the subfolder `models`
//! that KServe mounts.

use std::path::{Component, Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use kit_testkit::sandbox::{Run, Sandbox};

/// The digest of the layer with the link, which is the same in all images.
const LINK: &str = "sha256:dd034bfeea2d7a6f828dbd99bb9426bd7ed79947c1880bcbce5a5029c9026eb9";

/// Packs a Kitfile with these lines, and the given files.
fn packed(kitfile: &str, files: &[&str], flags: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("project/Kitfile", format!("manifestVersion: 1.0.0\npackage: {{name: sample}}\n{kitfile}"));
    for file in files {
        sandbox.write(&format!("project/{file}"), format!("content of {file}"));
    }
    sandbox.kit(&[&["pack", "project", "-t", "sample:v1"], flags].concat()).ok();
    sandbox
}

const SAMPLE: &str = "model: {path: weights/model.bin}\ndocs: [{path: README.md}]\n";
const SAMPLE_FILES: [&str; 2] = ["weights/model.bin", "README.md"];

fn push(sandbox: &Sandbox, flags: &[&str]) -> Run {
    sandbox.kit(&[&["push", "sample:v1", "oci:layout:v1", "--also", "image"], flags].concat()).ok()
}

fn document(sandbox: &Sandbox, digest: &str) -> Value {
    let path = sandbox.path(&format!("layout/blobs/sha256/{}", digest.trim_start_matches("sha256:")));
    serde_json::from_slice(&fs_err::read(path).unwrap()).unwrap()
}

/// The manifest of the image in the layout.
fn manifest(sandbox: &Sandbox) -> Value {
    let index: Value = serde_json::from_slice(&fs_err::read(sandbox.path("layout/index.json")).unwrap()).unwrap();
    let is_image = |entry: &&Value| entry["annotations"]["org.opencontainers.image.ref.name"] == "v1-image";
    let entry = index["manifests"].as_array().unwrap().iter().find(is_image).unwrap();
    document(sandbox, entry["digest"].as_str().unwrap())
}

/// Unpacks the layers of the image one after the other, as a container runtime does, and returns the root.
fn unpacked(sandbox: &Sandbox) -> PathBuf {
    let root = sandbox.path("rootfs");
    fs_err::create_dir(&root).unwrap();
    for layer in manifest(sandbox)["layers"].as_array().unwrap() {
        let blob = layer["digest"].as_str().unwrap().trim_start_matches("sha256:");
        let blob = sandbox.path(&format!("layout/blobs/sha256/{blob}"));
        let compression = match layer["mediaType"].as_str().unwrap() {
            "application/vnd.oci.image.layer.v1.tar" => None,
            "application/vnd.oci.image.layer.v1.tar+gzip" => Some("--gzip"),
            "application/vnd.oci.image.layer.v1.tar+zstd" => Some("--zstd"),
            other => panic!("{other}"),
        };
        let mut tar = Command::new("tar");
        tar.arg("--extract").arg("--file").arg(blob).arg("--directory").arg(&root).args(compression);
        assert!(tar.status().unwrap().success());
    }
    root
}

/// Opens `path` below `root` as Go's `os.Root` does, with which containerd opens the subfolder to mount: links are
/// followed if they are relative and stay below the root.
fn open_rooted(root: &Path, path: &str) -> Result<PathBuf, String> {
    let mut left: Vec<String> = path.split('/').rev().map(str::to_owned).collect();
    let (mut place, mut links) = (PathBuf::new(), 0);
    while let Some(name) = left.pop() {
        match name.as_str() {
            "" | "." => continue,
            ".." => {
                if !place.pop() {
                    return Err("path escapes from parent".to_owned());
                }
                continue;
            }
            _ => place.push(&name),
        }
        if let Ok(target) = fs_err::read_link(root.join(&place)) {
            place.pop();
            links += 1;
            if target.components().any(|part| matches!(part, Component::RootDir)) {
                return Err("path escapes from parent".to_owned());
            }
            if links > 40 {
                return Err("too many levels of symbolic links".to_owned());
            }
            left.extend(target.to_str().unwrap().split('/').rev().map(str::to_owned));
        }
    }
    let found = root.join(place);
    if found.exists() { Ok(found) } else { Err("no such file".to_owned()) }
}

#[test]
#[cfg_attr(windows, ignore = "runs tar, which wine does not have")]
fn the_subfolder_models_has_all_files() {
    for compression in ["none", "gzip", "zstd"] {
        let sandbox = packed(SAMPLE, &SAMPLE_FILES, &["--compression", compression]);
        push(&sandbox, &[]);
        let root = unpacked(&sandbox);
        assert_eq!(open_rooted(&root, "models").unwrap(), root);
        for file in SAMPLE_FILES {
            let opened = open_rooted(&root, &format!("models/{file}")).unwrap();
            assert_eq!(fs_err::read_to_string(opened).unwrap(), format!("content of {file}"));
        }
        let layers = manifest(&sandbox)["layers"].take();
        assert_eq!(layers.as_array().unwrap().last().unwrap()["digest"], LINK);
    }
}

#[test]
#[cfg_attr(windows, ignore = "runs tar, which wine does not have")]
fn the_layout_root_has_no_link() {
    let sandbox = packed(SAMPLE, &SAMPLE_FILES, &[]);
    push(&sandbox, &["--image-layout", "root"]);
    assert_eq!(manifest(&sandbox)["layers"].as_array().unwrap().len(), 2);
    assert_eq!(open_rooted(&unpacked(&sandbox), "models").unwrap_err(), "no such file");
}

#[test]
#[cfg_attr(windows, ignore = "runs tar, which wine does not have")]
fn a_modelkit_with_its_own_models_gets_no_link() {
    const FOLDER: &str = "KServe will find only the files below `models`";
    const FILE: &str = "the image has a file `models`";
    for (kitfile, files, warning) in [
        (
            "model: {path: models/a.bin}\ndocs: [{path: models/README.md}]\n",
            &["models/a.bin", "models/README.md"][..],
            "",
        ),
        ("code: [{path: models}]\n", &["models/a.py"], ""),
        ("code: [{path: .}]\n", &["models/a.py"], ""),
        ("model: {path: models/a.bin}\ndocs: [{path: README.md}]\n", &["models/a.bin", "README.md"], FOLDER),
        ("code: [{path: .}]\n", &["models/a.py", "b.py"], FOLDER),
        ("model: {path: models}\n", &["models"], FILE),
        ("code: [{path: .}]\n", &["models", "b.py"], FILE),
    ] {
        let sandbox = packed(kitfile, files, &["--compression", "gzip"]);
        let pushed = push(&sandbox, &[]);
        assert_eq!(pushed.stderr.contains("warning"), !warning.is_empty(), "{kitfile} {}", pushed.stderr);
        pushed.says(warning);
        let layers = manifest(&sandbox)["layers"].take();
        assert!(layers.as_array().unwrap().iter().all(|layer| layer["digest"] != LINK), "{kitfile}");
    }
    let sandbox = packed("code: [{path: .}]\n", &["my/models/a.py", "b.py"], &[]);
    push(&sandbox, &[]);
    assert!(open_rooted(&unpacked(&sandbox), "models/my/models/a.py").is_ok());
}

#[test]
fn raw_layers_are_left_out() {
    let sandbox = packed(SAMPLE, &SAMPLE_FILES, &[]);
    sandbox.write("project/tool.mcpb", crate::create::mcp::bundle());
    let kitfile = format!("manifestVersion: 1.0.0\n{SAMPLE}mcpServers: [{{name: tool, path: tool.mcpb}}]\n");
    sandbox.write("project/Kitfile", kitfile);
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    push(&sandbox, &[]).says("`tool.mcpb` is not in the image: it is a raw layer");
    assert_eq!(manifest(&sandbox)["layers"].as_array().unwrap().len(), 3);
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn a_base_image_comes_first_and_its_container_waits() {
    let sandbox = packed(SAMPLE, &SAMPLE_FILES, &[]);
    sandbox.write("base/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: bin}]\n");
    sandbox.write("base/bin/sh", "a shell");
    sandbox.kit(&["pack", "base", "-t", "base:v1"]).ok();
    let flags = ["--also", "image", "--image-layout", "root", "--platform", "linux/s390x"];
    sandbox.kit(&[&["push", "base:v1", "oci:base-layout:v1"], &flags[..]].concat()).ok();
    let run = |command: &mut Command| assert!(command.status().unwrap().success(), "{command:?}");
    let base = "oci:base-layout:v1-image";
    push(&sandbox, &["--image-base", base]);
    let root = unpacked(&sandbox);
    assert_eq!(fs_err::read_to_string(root.join("bin/sh")).unwrap(), "a shell");
    assert!(open_rooted(&root, "models/weights/model.bin").is_ok());
    let config = document(&sandbox, manifest(&sandbox)["config"]["digest"].as_str().unwrap());
    assert_eq!((&config["architecture"], &config["config"]["Cmd"]), (&json!("s390x"), &json!(["sleep", "infinity"])));
    assert_eq!(config["config"].get("Entrypoint"), None);
    assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 4);
    let bundle = sandbox.path("bundle");
    let made = format!("{}:v1-image", sandbox.path("layout").display());
    run(Command::new("umoci").args(["unpack", "--rootless", "--image", &made]).arg(&bundle));
    let runtime: Value = serde_json::from_slice(&fs_err::read(bundle.join("config.json")).unwrap()).unwrap();
    assert_eq!(runtime["process"]["args"], json!(["sleep", "infinity"]));

    let refused =
        sandbox.kit(&["push", "sample:v1", "oci:layout:v1", "--also", "image", "--image-base", "oci:base-layout:v1"]);
    refused.fails().says("cannot be a base image").says("it is not a container image");
}
