//! The commands `tag`, `remove`, `fsck`, `cache`, `init` and `logout`.

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

fn names(sandbox: &Sandbox) -> Vec<String> {
    let run = sandbox.kit(&["list", "--format", "{{.Repo}}{{range .Tags}} {{.}}{{end}}"]).ok();
    run.stdout.lines().map(str::to_owned).collect()
}

fn blobs(sandbox: &Sandbox) -> usize {
    fs_err::read_dir(sandbox.store().join("blobs/sha256")).unwrap().count()
}

#[test]
fn a_modelkit_without_a_name_is_listed_until_its_digest_has_one() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let nameless = || sandbox.kit(&["list"]).ok().stdout.matches("<none>").count();
    let packed = sandbox.kit(&["pack", "project"]).ok();
    let tag = format!("kit tag {} NAME:TAG", packed.digest());
    packed.says(&format!("No tag given: find it by its digest, or run `{tag}`\n"));
    assert_eq!(nameless(), 2, "repository and tag");
    sandbox.kit(&["tag", tag.split(' ').nth(2).unwrap(), "sample:v1"]).ok();
    assert_eq!(nameless(), 0);
    sandbox.kit(&["pack", "project"]).ok();
    assert_eq!(nameless(), 0, "the digest has a name already");
    sandbox.kit(&["fsck"]).ok();
    assert_eq!(sandbox.kit(&["log", "sample"]).ok().stdout.lines().count(), 2);
}

#[test]
fn a_tag_is_another_name() {
    let sandbox = Sandbox::packed();
    let run = sandbox.kit(&["tag", "sample:v1", "r.example/team/other:x,y"]).ok();
    run.prints("Modelkit sample:v1 tagged as r.example/team/other:x").prints("r.example/team/other:y");
    assert_eq!(names(&sandbox), ["sample v1", "r.example/team/other x y"]);
    sandbox.kit(&["tag", "nothing:v1", "a:b"]).fails().says("Failed to tag modelkit");
}

#[test]
fn a_modelkit_is_removed_with_its_last_name() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["tag", "sample:v1", "sample:v2"]).ok();
    let before = blobs(&sandbox);
    sandbox.kit(&["remove", "sample:v1"]).ok().prints("Untagged sample:v1");
    assert_eq!((names(&sandbox), blobs(&sandbox)), (vec!["sample v2".to_owned()], before));
    sandbox.kit(&["remove", "sample:v2"]).ok().prints("Removed sample:v2 (digest sha256:");
    assert_eq!((names(&sandbox).len(), blobs(&sandbox)), (0, 0));
    sandbox.kit(&["remove", "sample:v2"]).fails().says("sample:v2");
}

#[test]
fn several_names_and_short_digests_are_removed() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["tag", "sample:v1", "sample:v2"]).ok();
    sandbox.kit(&["tag", "sample:v1", "other:v1"]).ok();
    sandbox.kit(&["tag", "sample:v1", "other:v2"]).ok();
    // A wrong argument is noticed before anything is removed.
    sandbox.kit(&["remove", "sample:v1", "sample"]).exits(2);
    let run = sandbox.kit(&["remove", "other:v1", "other:v2"]).ok();
    run.prints("Untagged other:v1").prints("Removed other:v2");
    let digest = sandbox.kit(&["inspect", "sample:v1"]).ok().json()["digest"].as_str().unwrap().to_owned();
    let short = &digest["sha256:".len()..][..7];
    sandbox.kit(&["remove", &short[..6]]).exits(2).says("tag or digest is required");
    sandbox.kit(&["tag", "sample:v1", "other:v1"]).ok();
    let run = sandbox.kit(&["remove", short]).fails();
    run.says("has names in several repositories: sample:v1, sample:v2, other:v1");
    sandbox.kit(&["remove", "other:v1"]).ok();
    sandbox.kit(&["remove", short]).ok().prints("Removed sample:v1").prints("Removed sample:v2");
    assert!(names(&sandbox).is_empty());
    sandbox.kit(&["remove", short]).fails().says("no digest in the local store begins with");
}

#[test]
fn prune_removes_untagged_modelkits() {
    let sandbox = Sandbox::packed();
    for text in ["one", "two", "three"] {
        sandbox.write("project/README.md", text);
        sandbox.kit(&["pack", "project"]).ok();
    }
    let count = || names(&sandbox).len();
    let run = sandbox.kit(&["prune", "--keep", "1", "--dry-run"]).ok();
    assert_eq!((run.stdout.lines().filter(|line| line.starts_with("Would remove sha256:")).count(), count()), (2, 4));
    assert_eq!(sandbox.kit(&["prune", "--older-than", "1d"]).ok().stdout, "");
    assert_eq!(count(), 4);
    sandbox.kit(&["prune", "--keep", "1"]).ok().prints("Removed sha256:");
    assert_eq!(count(), 2);
    let planned = sandbox.kit(&["prune", "--dry-run", "--format", "json"]).ok().json();
    let pruned = sandbox.kit(&["prune", "--format", "json"]).ok().json();
    assert_eq!((&planned["dryRun"], &planned["artifacts"]), (&true.into(), &pruned["artifacts"]));
    assert_eq!((&pruned["artifacts"][0]["action"], &pruned["freedBytes"].is_u64()), (&"removed".into(), &true));
    assert_eq!(names(&sandbox), ["sample v1"]);
    assert_eq!(sandbox.kit(&["remove", "--all"]).ok().says("nothing to remove").stdout, "");
    sandbox.kit(&["prune"]).ok().says("nothing to remove");
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn an_untagged_modelkit_that_gets_a_tag_is_listed_once() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let digest = sandbox.kit(&["pack", "project"]).ok().digest();
    sandbox.kit(&["tag", &digest, "sample:v1"]).ok();
    assert_eq!(names(&sandbox), ["sample v1"]);
    sandbox.kit(&["info", &digest]).ok();
    sandbox.kit(&["log", "sample:v1"]).ok();
    sandbox.kit(&["fsck"]).ok();
}

#[test]
fn blobs_that_other_modelkits_need_stay() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/README.md", "# Other\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    sandbox.kit(&["remove", "sample:v1"]).ok();
    sandbox.kit(&["fsck"]).ok();
    sandbox.kit(&["unpack", "sample:v2", "-d", "out"]).ok();
}

#[test]
fn removing_by_digest_or_force_takes_all_names() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["tag", "sample:v1", "sample:v2"]).ok();
    sandbox.kit(&["remove", "--force", "sample:v1"]).ok();
    assert!(names(&sandbox).is_empty());
    let digest = sandbox.kit(&["pack", "project", "-t", "sample:v1,v2"]).ok().digest();
    sandbox.kit(&["remove", &format!("sample@{digest}")]).ok();
    assert!(names(&sandbox).is_empty());
}

#[test]
fn remove_all_removes_untagged_modelkits_and_with_force_everything() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/README.md", "# Other\n");
    sandbox.kit(&["pack", "project"]).ok();
    sandbox.kit(&["remove", "--all"]).ok().prints("Removed sha256:");
    assert_eq!(names(&sandbox), ["sample v1"]);
    sandbox.kit(&["remove", "--all", "--force"]).ok();
    assert_eq!((names(&sandbox).len(), blobs(&sandbox)), (0, 0));
    sandbox.kit(&["remove"]).exits(2);
    sandbox.kit(&["remove", "--all", "sample:v1"]).exits(2);
}

#[test]
fn a_name_that_moves_leaves_its_modelkit_without_one() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/README.md", "# Other\n");
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    assert_eq!(sandbox.kit(&["list"]).ok().stdout.matches("<none>").count(), 1);
}

#[test]
fn the_cache_is_shown_and_cleared() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["cache", "clear"]).ok();
    sandbox.kit(&["cache", "info"]).ok().prints("Cache is currently empty");
    sandbox.write("kit/store/.kit/ingest/partial", "12345");
    sandbox.kit(&["cache", "info"]).ok().prints("Unfinished downloads: 5 B");
    sandbox.kit(&["cache", "clear"]).ok();
    sandbox.kit(&["cache", "info"]).ok().prints("Cache is currently empty");
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
}

#[test]
fn init_drafts_a_kitfile_that_packs() {
    let sandbox = Sandbox::new();
    sandbox.project();
    fs_err::remove_file(sandbox.path("project/Kitfile")).unwrap();
    let run = sandbox.kit(&["init", "project", "--name", "mine", "--author", "Ada"]).ok();
    run.prints("Generated Kitfile:").prints("name: mine").prints("Saved to path '");
    sandbox.kit(&["init", "project"]).fails().says("already exists; use --force to overwrite it");
    sandbox.kit(&["init", "project", "--force"]).ok();
    sandbox.kit(&["pack", "project", "-t", "mine:v1"]).ok();
}

#[test]
fn a_port_that_is_too_large_is_not_taken_for_a_tag() {
    let run = Sandbox::new().kit(&["pull", "host:99999/x:v1"]).exits(2).says("invalid registry");
    assert!(!run.stderr.contains("takes no path"), "{}", run.stderr);
}

#[test]
fn compressed_names_and_empty_streams_of_archives_are_refused() {
    let sandbox = Sandbox::packed();
    for (name, program) in [("a.tar.gz", "gzip"), ("a.TGZ", "gzip"), ("a.tar.zst", "zstd")] {
        let run = sandbox.kit(&["save", "sample:v1", "-o", name]).exits(2);
        run.says(&format!("use -o FILE.tar, or `-o - | {program} > {name}`"));
        assert!(!sandbox.path(name).exists());
    }
    sandbox.kit(&["load", "-"]).exits(1).says("standard input is empty");
}

#[test]
fn logging_out_of_nowhere_succeeds() {
    let sandbox = Sandbox::new();
    let first = sandbox.kit(&["logout", "r.example"]).ok();
    first.prints("Successfully logged out from r.example");
    let again = sandbox.kit(&["logout", "r.example"]).ok().says("r.example was not logged in");
    again.prints("Successfully logged out from r.example");
    sandbox.kit(&["login", "r.example"]).exits(2).says("--password-stdin");
}

#[test]
fn a_tag_that_cannot_be_read_hides_no_other() {
    let sandbox = Sandbox::packed();
    let registry = FakeRegistry::start();
    let repository = format!("{}/team/sample", registry.host());
    sandbox.kit(&["push", "sample:v1", &format!("{repository}:good"), "--plain-http"]).ok();
    let (media_type, manifest) = registry.manifest("team/sample", "good").unwrap();
    let mut broken: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    broken["config"]["digest"] = format!("sha256:{}", "a".repeat(64)).into();
    registry.add_manifest("team/sample", "broken", &media_type, broken.to_string().as_bytes());
    let list = ["list", &repository, "--plain-http", "--format", "{{range .Tags}}{{.}}{{end}}"];
    let run = sandbox.kit(&list).ok().says("warning: cannot read `broken`: ");
    assert_eq!(run.stdout, "good\n");
    let log = ["log", "--remote", &repository, "--plain-http", "--format", "{{range .tags}}{{.}}{{end}}"];
    let run = sandbox.kit(&log).ok().says("warning: cannot read `broken`: ");
    assert_eq!(run.stdout, "good\n");
    // Without any that can be read, it is a failure.
    sandbox.kit(&["list", &format!("{repository}:broken"), "--plain-http"]).fails().says("cannot list");
}

#[test]
fn a_damaged_modelkit_in_the_store_hides_no_other() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/Kitfile", sandbox.read("project/Kitfile").replace("0.1.0", "0.2.0"));
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let config = sandbox.kit(&["inspect", "sample:v1", "--format", "{{.manifest.config.digest}}"]).ok().stdout;
    let hex = &config.trim()["sha256:".len()..];
    fs_err::remove_file(sandbox.store().join("blobs/sha256").join(hex)).unwrap();
    sandbox.kit(&["list"]).ok().prints("v2").says("warning: cannot read `sample:v1`: ");
    sandbox.kit(&["log", "sample"]).ok().prints("v2").says("warning: cannot read `v1`: ");
}

#[test]
fn what_another_tool_made_is_named() {
    let sandbox = Sandbox::packed();
    let registry = FakeRegistry::start();
    let repository = format!("{}/team/other", registry.host());
    let index = r#"{"schemaVersion":2,"manifests":[]}"#;
    registry.add_manifest("team/other", "v1", "application/vnd.oci.image.index.v1+json", index.as_bytes());
    for command in ["unpack", "inspect"] {
        let mut args = vec![command, &*repository, "--plain-http"];
        let name = format!("{repository}:v1");
        args[1] = &name;
        if command == "inspect" {
            args.push("--remote");
        }
        sandbox
            .kit(&args)
            .fails()
            .says("does not refer to a ModelKit or ModelPack, but to an image index with 0 manifests");
    }
}
