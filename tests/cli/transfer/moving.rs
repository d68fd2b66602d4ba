//! `push`, `pull` and everything remote, against a real registry; and other tools on what `kit` made.

use std::process::{Command, Stdio};

use expect_test::expect;

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;

struct Road {
    sandbox: Sandbox,
    registry: DockerRegistry,
}

impl Road {
    /// A packed project `sample:v1`, and a registry.
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.project();
        sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
        Self { sandbox, registry: DockerRegistry::start() }
    }

    fn remote(&self, name: &str) -> String {
        format!("{}/{name}", self.registry.host())
    }

    /// Runs `kit` in another home.
    fn elsewhere(&self, args: &[&str]) -> kit_testkit::sandbox::Run {
        self.sandbox.run(self.sandbox.command(args).env("KIT_HOME", self.sandbox.path("elsewhere")))
    }
}

const PLAIN: &str = "--plain-http";

#[test]
fn a_pushed_modelkit_is_pulled_and_unpacked_with_another_store() {
    let road = Road::new();
    let remote = road.remote("team/sample:v1");
    let pushed = road.sandbox.kit(&["push", "sample:v1", &remote, PLAIN]).ok();
    let pulled = road.elsewhere(&["pull", &remote, PLAIN]).ok();
    assert_eq!(pushed.stdout, format!("Pushed {}\n", pushed.digest()));
    assert_eq!(pulled.stdout, format!("Pulled {}\n", pushed.digest()));
    road.elsewhere(&["unpack", &remote, "-d", "out"]).ok();
    let unpacked = road.sandbox.tree("out");
    assert!(
        road.sandbox.tree("project").iter().filter(|(name, _)| name != "Kitfile").all(|file| unpacked.contains(file))
    );
    road.elsewhere(&["fsck"]).ok();
}

#[test]
fn unpacking_straight_from_the_registry_stores_nothing() {
    let road = Road::new();
    let remote = road.remote("sample:v1");
    road.sandbox.kit(&["push", "sample:v1", &remote, PLAIN]).ok();
    road.elsewhere(&["unpack", &remote, "-d", "out", "--filter", "model", PLAIN]).ok();
    assert_eq!(road.sandbox.names("out"), ["weights/model.bin", "weights/tokenizer.json"]);
    let stored = road.sandbox.names("elsewhere/store");
    let is_record = |name: &String| name.starts_with(".kit/unpacked/");
    assert!(stored.len() == 1 && stored.iter().all(is_record), "only what was unpacked is recorded: {stored:?}");
}

#[test]
fn blobs_at_the_destination_are_not_sent() {
    let road = Road::new();
    let remote = road.remote("sample:v1");
    road.sandbox.kit(&["push", "sample:v1", &remote, PLAIN]).ok().says("0 B already there");
    road.sandbox.kit(&["push", "sample:v1", &remote, PLAIN]).ok().says("0 B sent");
    road.elsewhere(&["pull", &remote, PLAIN]).ok();
    road.elsewhere(&["pull", &remote, PLAIN]).ok().says("0 B fetched");
}

#[test]
fn a_remote_repository_is_listed_inspected_compared_and_emptied() {
    let road = Road::new();
    let (v1, v2) = (road.remote("team/sample:v1"), road.remote("team/sample:v2"));
    let digest = road.sandbox.kit(&["push", "sample:v1", &v1, PLAIN]).ok().digest();
    road.sandbox.kit(&["push", "sample:v1", &v2, PLAIN]).ok();
    let list = road.elsewhere(&["list", &road.remote("team/sample"), PLAIN]).ok();
    expect![[r#"
        REPOSITORY    TAG   MAINTAINER   NAME     SIZE       DIGEST
        team/sample   v1    Ada          sample   13.5 KiB   [DIGEST]
        team/sample   v2    Ada          sample   13.5 KiB   [DIGEST]
    "#]]
    .assert_eq(&list.redacted_stdout());
    road.elsewhere(&["inspect", "-r", &v1, PLAIN]).ok().prints(&digest);
    road.elsewhere(&["info", "-r", &v1, PLAIN]).ok().prints("name: sample");
    road.elsewhere(&["diff", &v1, &v2, PLAIN]).ok().prints("ModelKits are identical");
    road.sandbox.kit(&["diff", "local://sample:v1", &format!("remote://{v2}"), PLAIN]).ok().prints("identical");
    road.elsewhere(&["remove", "-r", "-f", "--all-tags", &v1, PLAIN])
        .ok()
        .prints(&format!("Removed {v1} (digest {digest})"));
    road.elsewhere(&["inspect", "-r", &v2, PLAIN]).fails().says("was not found");
}

#[test]
fn a_parent_is_pulled_into_its_own_repository_and_keeps_its_tags() {
    let road = Road::new();
    let (base, tuned) = (road.remote("base:v1"), road.remote("tuned:v1"));
    road.sandbox.kit(&["push", "sample:v1", &base, PLAIN]).ok();
    road.sandbox
        .write("tuned/Kitfile", format!("manifestVersion: 1.0.0\nmodel: {{path: '{base}'}}\ncode: [{{path: app}}]\n"));
    road.sandbox.write("tuned/app", "app");
    road.sandbox.kit(&["pack", "tuned", "-t", &tuned, PLAIN]).ok();
    road.sandbox.kit(&["push", &tuned, PLAIN]).ok();
    road.elsewhere(&["pull", &tuned, PLAIN]).ok().says(&format!("Pulling referenced modelkit {base}"));
    let rows = road.elsewhere(&["list", "--format", "{{.Repo}}{{range .Tags}} {{.}}{{end}}"]).ok();
    assert_eq!(rows.redacted_stdout(), "[REGISTRY]/base v1\n[REGISTRY]/tuned v1\n");
    road.elsewhere(&["unpack", &tuned, "-d", "out"]).ok();
    assert_eq!(road.sandbox.names("out"), ["Kitfile", "app", "weights/model.bin", "weights/tokenizer.json"]);
}

#[test]
#[cfg_attr(windows, ignore = "needs https, for which wine 8 cannot check certificates")]
fn failures_name_subject_cause_and_remedy() {
    let road = Road::new();
    let remote = road.remote("sample:v1");
    let run = road.sandbox.kit(&["push", "sample:v1", &remote, "--plain-http=false"]).fails();
    expect![[r#"
        Pushing sample:v1 to [REGISTRY]/sample:v1
        error: Failed to push `sample:v1` to `[REGISTRY]/sample:v1`
          caused by: cannot write datasets data
          caused by: `[REGISTRY]` does not speak https
        hint: use --plain-http for a registry without TLS, or once for all: `kit config set registry.[REGISTRY].plain-http true`"#]]
    .assert_eq(run.redacted_stderr().trim_end());
    let run = road.sandbox.kit(&["push", "sample:v1"]).exits(2);
    run.says("caused by: `sample:v1` has no registry host").says("hint: put the registry host in front");
    let run = road.sandbox.kit(&["pull", &remote, PLAIN]).fails();
    expect![[r#"
        Pulling [REGISTRY]/sample:v1
        error: Failed to pull `[REGISTRY]/sample:v1`
          caused by: cannot read the manifest
          caused by: `[REGISTRY]/sample:v1` was not found
        hint: `kit list [REGISTRY]/sample` shows the tags of the repository"#]]
    .assert_eq(run.redacted_stderr().trim_end());
}

#[test]
fn a_folder_takes_the_place_of_a_registry() {
    let road = Road::new();
    let digest = road.sandbox.kit(&["push", "sample:v1", "oci:layout/sample:v1"]).ok().digest();
    assert_eq!(road.elsewhere(&["pull", "oci:layout/sample:v1"]).ok().digest(), digest);
    road.elsewhere(&["unpack", "sample:v1", "-d", "out"]).ok();
    road.elsewhere(&["unpack", "oci:layout/sample:v1", "-d", "out"]).ok().says("Nothing to do");
    let rows = road.elsewhere(&["list", "oci:layout/sample", "--format", "{{.Repo}} {{.Tags}}"]).ok();
    assert_eq!(rows.redacted_stdout(), "oci:[FOLDER]/layout/sample [v1]\n");
    road.elsewhere(&["pull", "oci:layout/sample:v1", "other/name:x"]).ok();
    road.elsewhere(&["info", "other/name:x"]).ok();
}

#[test]
fn twenty_processes_pull_push_tag_and_remove_at_once() {
    let road = Road::new();
    let remote = road.remote("sample:v1");
    road.sandbox.kit(&["push", "sample:v1", &remote, PLAIN]).ok();
    let (there, other) = (road.remote("copy:v1"), format!("{remote}-x"));
    let running: Vec<_> = (0..20)
        .map(|number| {
            let args: &[&str] = match number % 5 {
                0 | 1 => &["pull", &remote, PLAIN],
                2 => &["tag", "sample:v1", &other],
                3 => &["push", "sample:v1", &there, PLAIN],
                _ => &["remove", "--force", &remote],
            };
            let mut command = road.sandbox.command(args);
            (number, command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap())
        })
        .collect();
    for (number, process) in running {
        let output = process.wait_with_output().unwrap();
        // Removing what another has just removed is an error.
        let is_done = output.status.success() || number % 5 == 4;
        assert!(is_done, "process {number}: {}", String::from_utf8_lossy(&output.stderr));
    }
    road.sandbox.kit(&["fsck"]).ok();
    road.sandbox.kit(&["pull", &remote, PLAIN]).ok();
    road.sandbox.kit(&["unpack", &remote, "-d", "out"]).ok();
}

#[test]
#[cfg_attr(windows, ignore = "runs skopeo or umoci, which have no packages for Windows")]
fn skopeo_reads_the_store_and_copies_to_and_from_it() {
    let road = Road::new();
    let store = road.sandbox.store().display().to_string();
    let digest = road.sandbox.kit(&["inspect", "sample:v1", "--format", "{{.Digest}}"]).ok().stdout;
    let raw = skopeo(&["inspect", "--raw", &format!("oci:{store}:sample:v1")]);
    assert_eq!(kit_core::digest::Digest::of(&raw).to_string(), digest.trim());
    let whole_name = format!("oci:{store}:sample:v1");
    assert_eq!(road.elsewhere(&["pull", &whole_name]).ok().digest(), digest.trim());
    road.elsewhere(&["info", "sample:v1"]).ok();
    road.elsewhere(&["unpack", &whole_name, "-d", "by-name"]).ok();
    road.elsewhere(&["copy", &whole_name, "oci:other:team/sample:v1"]).ok();
    skopeo(&["inspect", "--raw", &format!("oci:{}:team/sample:v1", road.sandbox.path("other").display())]);
    let remote = format!("docker://{}", road.remote("by/skopeo:v1"));
    skopeo(&["copy", "--dest-tls-verify=false", &format!("oci:{store}:sample:v1"), &remote]);
    let pulled = road.elsewhere(&["pull", &road.remote("by/skopeo:v1"), PLAIN]).ok();
    assert_eq!(pulled.digest(), digest.trim());
    skopeo(&["copy", "--src-tls-verify=false", &remote, &format!("oci:{store}:copied/back:v1")]);
    road.sandbox.kit(&["fsck"]).ok();
    road.sandbox.kit(&["unpack", "copied/back:v1", "-d", "out"]).ok();
    assert_eq!(road.sandbox.read("out/README.md"), "# Sample\n");
}

fn skopeo(args: &[&str]) -> Vec<u8> {
    let output =
        Command::new("skopeo").args(args).output().expect("install skopeo for this test: apt-get install skopeo");
    assert!(output.status.success(), "skopeo {args:?}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

#[test]
fn raw_layers_are_transferred_like_others() {
    let road = Road::new();
    road.sandbox.kit(&["pack", "project", "-t", "sample:raw", "--layer-format", "raw"]).ok();
    let remote = road.remote("team/raw:v1");
    let pushed = road.sandbox.kit(&["push", "sample:raw", &remote, PLAIN]).ok();
    assert_eq!(road.elsewhere(&["pull", &remote, PLAIN]).ok().digest(), pushed.digest());
    road.elsewhere(&["unpack", &remote, "-d", "out"]).ok();
    let unpacked = road.sandbox.tree("out");
    assert!(
        road.sandbox.tree("project").iter().filter(|(name, _)| name != "Kitfile").all(|file| unpacked.contains(file))
    );
    road.elsewhere(&["fsck"]).ok();
}
