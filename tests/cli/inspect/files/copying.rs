//! `cp`: files and folders in a folder of the user.

use expect_test::expect;
use kit_core::compression::Compression;

use kit_testkit::platform::{assert_mode, set_mode, symlink};
use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

use super::scene::{moved, packed, pushed};

#[test]
fn files_and_folders_are_copied_as_cp_does() {
    for compression in Compression::ALL {
        let sandbox = packed(compression);
        let cp = |path: &str, to: &str| sandbox.kit(&["cp", &format!("sample:v1{path}"), to]).ok();
        cp("//src/train.py", "script.py");
        sandbox.write("there/x", "");
        cp("//src/train.py", "there");
        cp("//data", "there");
        cp("//data/more", "name");
        cp("//Kitfile", "there/");
        let names = ["Kitfile", "data/a.bin", "data/more/val.csv", "data/train.csv", "data/z.bin", "train.py", "x"];
        assert_eq!(sandbox.names("there"), names);
        assert_eq!(sandbox.tree("name"), [("val.csv".to_owned(), "a,b\n3,4\n".to_owned())]);
        for (copy, original) in [("script.py", "src/train.py"), ("there/data/a.bin", "data/a.bin")] {
            let original = format!("project/{original}");
            assert!(sandbox.read(copy) == sandbox.read(&original), "{compression} {original}");
        }
        cp("", "all");
        sandbox.kit(&["unpack", "sample:v1", "-d", "unpacked"]).ok();
        assert!(sandbox.tree("all") == sandbox.tree("unpacked"), "{compression}");
    }
}

#[test]
fn the_content_of_a_folder_is_copied_as_often_as_wanted() {
    let sandbox = Sandbox::packed();
    for destination in ["new", "new", "new/"] {
        sandbox.kit(&["cp", "sample:v1//data/.", destination]).ok();
        assert_eq!(sandbox.names("new"), ["more/val.csv", "train.csv"]);
    }
    sandbox.kit(&["cp", "sample:v1", "data/more/.", "src/.", "new"]).ok();
    assert_eq!(sandbox.names("new"), ["more/val.csv", "train.csv", "train.py", "val.csv"]);
    sandbox.kit(&["cp", "sample:v1//data", "new"]).ok();
    assert!(sandbox.path("new/data/train.csv").exists(), "without `/.`, the folder is copied by its name");
    sandbox.kit(&["cp", "sample:v1//README.md/.", "new"]).exits(4).says("`README.md` is a file");
}

#[test]
#[cfg_attr(windows, ignore = "sets permission bits, which Windows does not have")]
fn a_copy_has_the_permissions_of_the_file() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let script = sandbox.path("project/src/train.py");
    set_mode(script, 0o750);
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    sandbox.kit(&["cp", "sample:v1//src/train.py", "."]).ok();
    assert_mode(sandbox.path("train.py"), 0o750);
}

#[test]
#[cfg_attr(windows, ignore = "creates symbolic links, for which Windows requires a privilege")]
fn existing_files_are_not_touched_unless_requested() {
    let sandbox = packed(Compression::None);
    let mine = sandbox.write("out/train.csv", "mine");
    let run = sandbox.kit(&["cp", "sample:v1//data/train.csv", "out"]).fails();
    expect![[r#"
        error: cannot copy `sample:v1//data/train.csv` to `out`
          caused by: 1 existing file differs from the ModelKit:
            train.csv: 4 B on disk, 8 B in the ModelKit
        hint: use -o to overwrite or -i to keep existing files; nothing was written
    "#]]
    .assert_eq(&run.redacted_failure());
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out", "-i"]).ok().says("Copied 0 files to out · 1 file kept");
    assert_eq!(sandbox.read("out/train.csv"), "mine");
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out", "-o"]).ok().says("Copied 1 file to out · 8 B written");
    assert_eq!(sandbox.read("out/train.csv"), "a,b\n1,2\n");

    fs_err::remove_file(&mine).unwrap();
    symlink("../elsewhere", &mine).unwrap();
    sandbox.kit(&["cp", "sample:v1//data/train.csv", "out", "-o"]).fails().says("symbolic link");
    assert!(!sandbox.path("elsewhere").exists());
}

#[test]
fn a_missing_path_is_not_copied() {
    let sandbox = packed(Compression::Gzip);
    sandbox.kit(&["cp", "sample:v1//data/x", "out"]).fails().says("the ModelKit has no file or folder `data/x`");
    assert!(!sandbox.path("out").exists());
}

#[test]
fn a_copy_of_a_small_file_costs_kilobytes() {
    let (sandbox, registry) = (packed(Compression::None), FakeRegistry::start());
    let remote = pushed(&sandbox, registry.host());
    registry.forget_requests();
    fs_err::create_dir(sandbox.path("out")).unwrap();
    sandbox.kit(&["cp", &format!("{remote}//data/train.csv"), "out/", "--plain-http"]).ok();
    assert_eq!(sandbox.read("out/train.csv"), "a,b\n1,2\n");
    let (bytes, requests) = moved(&registry);
    assert!(bytes < 128 * 1024 && requests <= 6, "{bytes} bytes in {requests} requests");
}

#[test]
fn several_files_are_copied_into_a_folder() {
    let sandbox = Sandbox::new();
    sandbox.project();
    sandbox.kit(&["pack", "project", "-t", "sample:v1"]).ok();
    for folder in ["one", "two"] {
        fs_err::create_dir(sandbox.path(folder)).unwrap();
    }
    let run = sandbox.kit(&["cp", "sample:v1//README.md", "sample:v1//src/train.py", "one/"]).ok();
    run.says("Copied 2 files to one ");
    sandbox.kit(&["cp", "sample:v1", "README.md", "src/train.py", "two/"]).ok();
    for folder in ["one", "two"] {
        assert_eq!(sandbox.names(folder), ["README.md", "train.py"]);
    }
    let run = sandbox.kit(&["cp", "sample:v1", "README.md", "src/train.py", "three"]).exits(2);
    run.says("`three` is not a folder; several files are copied into a folder");
    assert!(!sandbox.path("three").exists());
}

#[test]
fn a_missing_folder_is_not_made() {
    let sandbox = packed(Compression::None);
    for (to, missing) in [("there/", "there"), ("there/x.py", "there"), ("a/b/x.py", "a/b")] {
        let run = sandbox.kit(&["cp", "sample:v1//src/train.py", to]).exits(4);
        run.says(&format!("{missing}` does not exist"))
            .says("hint: check the path, or create the folder with `mkdir -p ");
        assert!(!sandbox.path(missing.split('/').next().unwrap()).exists());
    }
}

#[test]
fn options_may_stand_anywhere() {
    let sandbox = Sandbox::packed();
    sandbox.write("one/README.md", "other");
    for args in [
        ["sample:v1//README.md", "-o", "one"],
        ["-o", "sample:v1//README.md", "one"],
        ["sample:v1//README.md", "one", "-o"],
    ] {
        sandbox.kit(&[&["cp"], &args[..]].concat()).ok();
    }
    sandbox.kit(&["cp", "sample:v1//README.md"]).exits(2).says("kit cp [OPTIONS] <NAME:TAG//PATH>... <DEST>");
}
