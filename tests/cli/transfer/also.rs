//! `push --also`: the same blobs as a ModelPack and as an image, for tools that know nothing of ModelKits.

use std::process::Command;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

/// A packed project with weights of 4 MiB, which do not compress.
fn packed(flags: &[&str]) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    let mut state = 1_u64;
    let mut byte = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state.to_be_bytes()[0]
    };
    sandbox.write("project/weights/model.bin", (0..WEIGHTS).map(|_| byte()).collect::<Vec<_>>());
    sandbox.kit(&[&["pack", "project", "-t", "sample:v1"], flags].concat()).ok();
    sandbox
}

const WEIGHTS: u64 = 4 * 1024 * 1024;
/// The space that manifests, configs and links of the registry may take. On its disk each is at least a block.
const SMALL: u64 = 256 * 1024;

fn tool(command: &mut Command) -> Vec<u8> {
    let output = command.output().unwrap_or_else(|error| panic!("install it for this test: {command:?}: {error}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
#[cfg_attr(windows, ignore = "measures the disk space of a registry, which is in memory on Windows")]
fn three_forms_of_the_same_weights_are_in_the_registry_once() {
    let sandbox = packed(&[]);
    let registry = DockerRegistry::start();
    let remote = format!("{}/team/sample:v1", registry.host());
    sandbox.kit(&["push", "sample:v1", &remote, "--plain-http"]).ok();
    let before = registry.disk_usage();
    assert!((WEIGHTS..WEIGHTS + SMALL).contains(&before), "{before}");
    let pushed = sandbox.kit(&["push", "sample:v1", &remote, "--plain-http", "--also", "modelpack,image"]).ok();
    let added = registry.disk_usage() - before;
    assert!(added < SMALL, "{added} bytes for two small manifests");
    let lines: Vec<_> = pushed.stdout.lines().collect();
    assert_eq!(lines.len(), 3);
    assert!(lines[1].ends_with(" v1-modelpack") && lines[2].ends_with(" v1-image"), "{lines:?}");
    pushed.says("0 B sent");

    sandbox.kit(&["unpack", &format!("{remote}-modelpack"), "-d", "out", "--plain-http"]).ok();
    let files =
        |folder: &str| sandbox.tree(folder).into_iter().filter(|(name, _)| name != "Kitfile").collect::<Vec<_>>();
    assert!(files("out") == files("project"));
    let listed = sandbox.kit(&["list", remote.trim_end_matches(":v1"), "--plain-http"]).ok();
    assert!(!listed.stdout.contains("v1-image"), "an image is not a ModelKit:\n{}", listed.stdout);
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn skopeo_and_umoci_read_the_image_in_a_registry_and_in_a_layout() {
    for compression in ["none", "gzip"] {
        let sandbox = packed(&["--compression", compression]);
        let registry = DockerRegistry::start();
        let remote = format!("{}/sample:v1", registry.host());
        let flags = ["--plain-http", "--also", "image", "--platform", "linux/arm64"];
        sandbox.kit(&[&["push", "sample:v1", &remote], &flags[..]].concat()).ok();
        sandbox.kit(&["push", "sample:v1", "oci:layout:v1", "--also", "image"]).ok();

        let image = format!("docker://{remote}-image");
        let shown = tool(Command::new("skopeo").args(["inspect", "--tls-verify=false", &image]));
        let shown: serde_json::Value = serde_json::from_slice(&shown).unwrap();
        assert_eq!((&shown["Architecture"], &shown["Os"]), (&"arm64".into(), &"linux".into()));
        assert_eq!(shown["Labels"]["org.opencontainers.image.title"], "sample");
        let fetched = format!("oci:{}:v1", sandbox.path("fetched").display());
        tool(Command::new("skopeo").args(["copy", "--insecure-policy", "--src-tls-verify=false", &image, &fetched]));

        for (layout, bundle) in [("fetched:v1", "bundle"), ("layout:v1-image", "bundle-of-layout")] {
            let image = sandbox.path(layout);
            tool(Command::new("umoci").args(["unpack", "--rootless", "--image"]).arg(image).arg(sandbox.path(bundle)));
            let root = format!("{bundle}/rootfs");
            let link = sandbox.path(&format!("{root}/models"));
            assert_eq!(fs_err::read_link(&link).unwrap(), std::path::Path::new("."));
            fs_err::remove_file(link).unwrap();
            let mut expected = sandbox.tree("project");
            expected.retain(|(name, _)| name != "Kitfile");
            assert!(sandbox.tree(&root) == expected, "{compression} {layout}");
        }
    }
}

#[test]
fn an_image_of_raw_layers_only_is_refused_before_anything_travels() {
    let sandbox = packed(&["--layer-format", "raw"]);
    sandbox.write("raw/Kitfile", "manifestVersion: 1.0.0\nmodel: {path: model.bin}\n");
    sandbox.write("raw/model.bin", "weights");
    sandbox.kit(&["pack", "raw", "-t", "raw:v1", "--layer-format", "raw"]).ok();
    let refused = sandbox.kit(&["push", "raw:v1", "oci:layout:v1", "--also", "modelpack,image"]).fails();
    expect_test::expect![[r#"
        error: Failed to push `raw:v1` to `oci:[FOLDER]/layout:v1`
          caused by: cannot make `v1-image`
          caused by: the layer `model.bin` is raw, and an image has no media type for such layers
        hint: use `kit pack --layer-format tar` for layers that a ModelKit, a ModelPack and an image can share
    "#]]
    .assert_eq(&refused.redacted_failure());
    assert!(!sandbox.path("layout").exists());
    sandbox.kit(&["push", "raw:v1", "oci:layout:v1", "--also", "modelpack"]).ok();
    sandbox.kit(&["ls", "oci:layout:v1-modelpack"]).ok().prints("model.bin");
}

#[test]
fn a_dry_run_shows_what_would_be_added() {
    let sandbox = packed(&[]);
    let shown = sandbox.kit(&["push", "sample:v1", "oci:layout:v1", "--also", "modelpack,image", "--dry-run"]).ok();
    let added: Vec<_> = shown.stdout.lines().filter(|line| line.starts_with("add ")).collect();
    assert_eq!(added.len(), 2, "{}", shown.stdout);
    assert!(!sandbox.path("layout").exists());
}

#[test]
fn images_are_not_listed_and_a_line_says_so() {
    let (sandbox, registry) = (packed(&[]), FakeRegistry::start());
    let repository = format!("{}/team/sample", registry.host());
    let push = ["push", "sample:v1", &format!("{repository}:v1"), "--plain-http", "--also", "modelpack,image"];
    sandbox.kit(&push).ok();
    let listed = sandbox.kit(&["list", &repository, "--plain-http"]).ok();
    assert_eq!(listed.stdout.lines().count(), 3, "{}", listed.stdout);
    listed.says("Not listed, because they are images: `v1-image`; `kit inspect` shows them");
    let filtered = sandbox.kit(&["list", &repository, "--plain-http", "--filter", "model"]).ok();
    assert!(!filtered.stderr.contains("Not listed"), "{}", filtered.stderr);
}

#[test]
fn additional_forms_need_a_tag() {
    let sandbox = packed(&[]);
    let digest = sandbox.kit(&["inspect", "sample:v1", "--format", "{{.digest}}"]).ok().digest();
    let target = format!("registry.example/sample@{digest}");
    sandbox.kit(&["push", "sample:v1", &target, "--also", "image"]).exits(2).says("the destination needs a tag");
    let long = format!("registry.example/sample:{}", "v".repeat(125));
    sandbox.kit(&["push", "sample:v1", &long, "--also", "image"]).exits(2).says("too long for a tag");
    sandbox.kit(&["push", "sample:v1", "a:v1", "--also", "image", "--platform", "linux"]).exits(2);
    sandbox
        .kit(&["push", "sample:v1", "a:v1", "--also", "image", "--compat", "cnai"])
        .exits(2)
        .says("--compat requires `--also modelpack`");
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn other_forms_are_copied_and_promoted_with_the_modelkit() {
    let sandbox = packed(&[]);
    let registry = DockerRegistry::start();
    let place = |name: &str| format!("{}/{name}", registry.host());
    let run = |args: &[&str]| sandbox.kit(&[args, &["--plain-http"]].concat());
    let remote = place("team/sample:v1");
    run(&["push", "sample:v1", &remote, "--also", "modelpack,image"]).ok();
    let tags = |text: &str| {
        let word = |line: &str| line.split(' ').nth(2).unwrap_or("-").to_owned();
        text.lines().map(word).collect::<Vec<_>>()
    };
    let digest = |name: &str| {
        let raw = Command::new("skopeo").args(["inspect", "--raw", "--tls-verify=false"]).arg(name).output().unwrap();
        assert!(raw.status.success(), "{name}: {}", String::from_utf8_lossy(&raw.stderr));
        kit_testkit::registry::sha256(&raw.stdout)
    };
    let planned = run(&["copy", &remote, "oci:layout:live", "--dry-run"]).ok();
    assert_eq!(planned.stdout.lines().filter(|line| line.starts_with("add ")).count(), 2, "{}", planned.stdout);
    let promoted = run(&["promote", &remote, &place("production/sample:live")]).ok();
    assert_eq!(tags(&promoted.stdout), ["-", "live-modelpack", "live-image"]);
    let copied = run(&["copy", &place("production/sample:live"), "oci:layout:live"]).ok();
    assert_eq!(tags(&copied.stdout), ["-", "live-modelpack", "live-image"]);
    let image = format!("oci:{}:live-image", sandbox.path("layout").display());
    for copy in [format!("docker://{}", place("production/sample:live-image")), image] {
        assert_eq!(digest(&copy), digest(&format!("docker://{remote}-image")));
    }

    // Another ModelKit under the tag: the forms of the first one stay where they are.
    sandbox.write("project/weights/model.bin", "other weights");
    run(&["pack", "project", "-t", "sample:v2"]).ok();
    run(&["push", "sample:v2", &remote]).ok();
    let copied = run(&["copy", &remote, "oci:other:v1"]).ok();
    assert_eq!(tags(&copied.stdout), ["-"]);
    copied.says("`v1-image` has other layers than the ModelKit").says("`v1-modelpack` has other layers");
}
