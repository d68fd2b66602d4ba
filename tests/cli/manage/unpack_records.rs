//! Folders into which `kit unpack` wrote: after a crash of the machine, and when a newer version lacks files.

use std::fs::FileTimes;
use std::path::PathBuf;
use std::time::{SystemTime, UNIX_EPOCH};

use kit_testkit::registry::FakeRegistry;
use kit_testkit::sandbox::Sandbox;

const PLAIN: &str = "--plain-http";
/// The run of the system before the restart.
const OTHER_BOOT: &str = "00000000-0000-0000-0000-000000000000";

fn records(sandbox: &Sandbox) -> Vec<PathBuf> {
    let entries = fs_err::read_dir(sandbox.store().join(".kit/unpacked")).into_iter().flatten();
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// Changes each entry of all records.
fn edit_records(sandbox: &Sandbox, edit: impl Fn(&str) -> String) {
    for record in records(sandbox) {
        let text = fs_err::read_to_string(&record).unwrap();
        let entries: Vec<_> = text.split_terminator('\0').map(|entry| edit(entry) + "\0").collect();
        fs_err::write(&record, entries.concat()).unwrap();
    }
}

/// The next run of the system.
fn restart(sandbox: &Sandbox) {
    edit_records(sandbox, |entry| match entry.split_once("\"boot\":\"") {
        Some((before, after)) => format!("{before}\"boot\":\"{OTHER_BOOT}{}", &after[OTHER_BOOT.len()..]),
        None => entry.to_owned(),
    });
}

/// The end of all runs is now. A crash leaves old times, which a test cannot set.
fn end_runs_now(sandbox: &Sandbox) {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + 1;
    edit_records(sandbox, |entry| {
        let words: Vec<_> = entry.splitn(5, ' ').collect();
        match words[..] {
            ["times", placing, nanoseconds, done, _] if done != "0".repeat(20) => {
                format!("times {placing} {nanoseconds} {now:020} {:09}", 0)
            }
            ["times", ..] => format!("times {now:020} {:09} {:020} {:09}", 0, 0, 0),
            ["kept", begun, _, nanoseconds, rest] => format!("kept {begun} {now} {nanoseconds} {rest}"),
            _ => entry.to_owned(),
        }
    });
}

/// The machine crashes and restarts; then `path` has this content.
#[cfg(target_os = "linux")]
fn crash(sandbox: &Sandbox, path: &str, content: &str) {
    let place = sandbox.path(path);
    let modified = fs_err::metadata(&place).unwrap().modified().unwrap();
    fs_err::write(&place, content).unwrap();
    let file = fs_err::OpenOptions::new().write(true).open(&place).unwrap();
    file.file().set_times(FileTimes::new().set_modified(modified)).unwrap();
    end_runs_now(sandbox);
    restart(sandbox);
}

fn unpacked() -> Sandbox {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    sandbox
}

/// A project without two of its files, as `sample:v2`.
fn pack_smaller(sandbox: &Sandbox, name: &str) {
    fs_err::remove_file(sandbox.path("project/data/more/val.csv")).unwrap();
    let kitfile = sandbox.read("project/Kitfile");
    let part = "  parts:\n    - name: tokenizer\n      path: weights/tokenizer.json\n";
    assert!(kitfile.contains(part));
    sandbox.write("project/Kitfile", kitfile.replace(part, ""));
    sandbox.kit(&["pack", "project", "-t", name]).ok();
}

#[cfg(target_os = "linux")]
#[test]
fn files_that_a_crash_damaged_are_reported_and_replaced() {
    let sandbox = unpacked();
    let whole = sandbox.read("out/src/train.py");
    crash(&sandbox, "out/src/train.py", "");
    let run = sandbox.kit(&["verify", "out", "sample:v1"]).fails();
    run.says("damaged in a crash: `src/train.py`; `kit unpack` replaces it");
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    run.says("1 file damaged in a crash was replaced").says(" · 1 file replaced · ");
    assert_eq!(sandbox.read("out/src/train.py"), whole);
    let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    assert!(!run.says("Nothing to do").stderr.contains("crash"));
}

#[cfg(target_os = "linux")]
#[test]
fn blocks_that_a_crash_left_empty_are_replaced_as_well() {
    let sandbox = unpacked();
    let zeros = "\0".repeat(sandbox.read("out/src/train.py").len());
    for choice in ["-i", "--path=src"] {
        crash(&sandbox, "out/src/train.py", &zeros);
        sandbox.kit(&["unpack", "sample:v1", "-d", "out", choice]).ok().says("1 file damaged in a crash was replaced");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_run_that_a_crash_interrupted_is_repaired() {
    let sandbox = unpacked();
    edit_records(&sandbox, |entry| match entry.strip_prefix("times ") {
        Some(times) => format!("times {} {:020} {:09}", &times[..30], 0, 0),
        None => entry.to_owned(),
    });
    crash(&sandbox, "out/weights/model.bin", "");
    fs_err::remove_dir_all(sandbox.path("out/src")).unwrap();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok().says("1 file damaged in a crash was replaced");
    sandbox.kit(&["verify", "out", "sample:v1"]).ok();
}

#[test]
fn a_change_of_the_user_stays_a_conflict() {
    let sandbox = unpacked();
    let refused = |content: &str| {
        let run = sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).fails();
        run.says("1 existing file differs");
        assert_eq!(sandbox.read("out/src/train.py"), content);
    };
    // In the same run of the system, even if the time is an old one.
    let modified = fs_err::metadata(sandbox.path("out/src/train.py")).unwrap().modified().unwrap();
    sandbox.write("out/src/train.py", "mine");
    let set_time = |time| {
        let file = fs_err::OpenOptions::new().write(true).open(sandbox.path("out/src/train.py")).unwrap();
        file.file().set_times(FileTimes::new().set_modified(time)).unwrap();
    };
    set_time(modified);
    refused("mine");
    // In another one, because the file itself was changed later.
    std::thread::sleep(std::time::Duration::from_millis(20));
    restart(&sandbox);
    sandbox.write("out/src/train.py", "m");
    set_time(modified);
    refused("m");
    // With an old time of another file.
    set_time(UNIX_EPOCH);
    end_runs_now(&sandbox);
    refused("m");
    // With a later one.
    set_time(SystemTime::now());
    refused("m");
    let run = sandbox.kit(&["verify", "out", "sample:v1"]).fails();
    assert!(!run.stderr.contains("crash"), "{}", run.stderr);
}

#[test]
fn sound_files_of_another_version_are_no_damage() {
    let sandbox = unpacked();
    sandbox.write("project/src/train.py", "another version");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    end_runs_now(&sandbox);
    restart(&sandbox);
    sandbox.kit(&["unpack", "sample:v2", "-d", "out"]).fails().says("1 existing file differs");
}

#[cfg(target_os = "linux")]
#[test]
fn a_file_that_two_versions_share_is_repaired_for_the_later_one() {
    let sandbox = unpacked();
    pack_smaller(&sandbox, "sample:v2");
    sandbox.kit(&["unpack", "sample:v2", "-d", "out", "-o"]).ok();
    crash(&sandbox, "out/data/train.csv", "");
    sandbox.kit(&["unpack", "sample:v2", "-d", "out"]).ok().says("1 file damaged in a crash was replaced");
}

#[test]
fn files_of_an_earlier_version_from_a_registry_are_named_and_deleted() {
    let (sandbox, registry) = (Sandbox::packed(), FakeRegistry::start());
    let name = |tag: &str| format!("{}/team/sample:{tag}", registry.host());
    for tag in ["v1", "v2"] {
        if tag == "v2" {
            pack_smaller(&sandbox, &name(tag));
        } else {
            sandbox.kit(&["tag", "sample:v1", &name(tag)]).ok();
        }
        sandbox.kit(&["push", &name(tag), PLAIN]).ok();
    }
    fs_err::remove_dir_all(sandbox.store()).unwrap();
    let unpack = |tag: &str, flags: &[&str]| {
        sandbox.kit(&[&["unpack", &name(tag), "-d", "out", "-o", PLAIN], flags].concat()).ok()
    };
    assert!(!unpack("v1", &[]).stderr.contains("left from"));
    sandbox.write("out/data/own.csv", "of the user");
    let listed =
        "`data/more/val.csv`, `weights/tokenizer.json` are left from an earlier version; --delete removes them";
    unpack("v2", &[]).says(listed);
    sandbox.write("out/weights/tokenizer.json", "changed");
    let run = unpack("v2", &["--delete"]);
    let run = run.says("`weights/tokenizer.json` was not deleted, because it was changed after unpacking");
    run.says(" · 1 file deleted · ");
    assert!(!sandbox.path("out/data/more/val.csv").exists());
    assert!(sandbox.path("out/data/own.csv").exists() && sandbox.path("out/weights/tokenizer.json").exists());
    assert!(!sandbox.store().join("index.json").exists());
}

#[test]
fn changed_files_that_are_replaced_are_named() {
    let sandbox = unpacked();
    let unpack = |flags: &[&str]| sandbox.kit(&[&["unpack", "sample:v1", "-d", "out"], flags].concat());
    assert!(!unpack(&["-o"]).ok().stderr.contains("changed since"));
    sandbox.write("out/README.md", "of the user");
    sandbox.write("out/own.md", "of the user");
    unpack(&["-i"]).ok();
    unpack(&["-o", "--dry-run"])
        .ok()
        .says("warning: would replace 1 file that was changed since it was unpacked: `READ");
    unpack(&["-o"]).ok().says("warning: replaced 1 file that was changed since it was unpacked: `README.md`");
    // A new version replaces the others without a warning.
    for path in ["README.md", "src/train.py", "data/train.csv", "weights/tokenizer.json"] {
        sandbox.write(&format!("project/{path}"), format!("new {path}"));
        sandbox.write(
            &format!("out/{path}"),
            if path == "README.md" { sandbox.read("out/README.md") } else { "x".into() },
        );
    }
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let run = sandbox.kit(&["unpack", "sample:v2", "-d", "out", "-o"]).ok();
    let run =
        run.says("replaced 4 files that were changed since they were unpacked: `README.md`, `data/train.csv`, `src");
    run.says("`, 1 more");
    sandbox.kit(&["unpack", "sample:v1", "-d", "other"]).ok();
    let run = sandbox.kit(&["unpack", "sample:v2", "-d", "other", "-o"]).ok().says("4 files replaced");
    assert!(!run.stderr.contains("changed since"), "{}", run.stderr);
}

#[test]
fn the_files_of_other_repositories_in_the_folder_are_left() {
    let sandbox = unpacked();
    pack_smaller(&sandbox, "other:v1");
    let run = sandbox.kit(&["unpack", "other:v1", "-d", "out", "-f", "datasets", "--delete"]).ok();
    assert!(run.stderr.contains("nothing was deleted") && sandbox.path("out/data/more/val.csv").exists());
}

#[test]
fn unpacking_does_not_need_a_record() {
    let sandbox = Sandbox::packed();
    fs_err::create_dir_all(sandbox.store().join(".kit")).unwrap();
    fs_err::write(sandbox.store().join(".kit/unpacked"), "in the way").unwrap();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out"]).ok();
    sandbox.kit(&["unpack", "sample:v1", "-d", "out", "--delete"]).ok().says("Nothing to do");
    sandbox.kit(&["verify", "out", "sample:v1"]).ok();
}

#[test]
fn records_of_folders_that_no_longer_exist_are_removed() {
    let sandbox = unpacked();
    sandbox.kit(&["unpack", "sample:v1", "-d", "kept"]).ok();
    assert_eq!(records(&sandbox).len(), 2);
    fs_err::remove_dir_all(sandbox.path("out")).unwrap();
    sandbox.kit(&["cache", "clear"]).ok();
    assert_eq!(records(&sandbox).len(), 1);
}

#[test]
fn a_run_that_fails_leaves_the_earlier_record() {
    let sandbox = unpacked();
    pack_smaller(&sandbox, "sample:v2");
    sandbox.write("out/src/train.py", "mine");
    let before = fs_err::read(&records(&sandbox)[0]).unwrap();
    sandbox.kit(&["unpack", "sample:v2", "-d", "out"]).fails();
    assert!(records(&sandbox).len() == 1 && fs_err::read(&records(&sandbox)[0]).unwrap() == before);
}

#[test]
fn delete_without_a_record_warns_that_nothing_was_deleted() {
    let sandbox = Sandbox::packed();
    let unpack = |home: &str, flags: &[&str]| {
        let args = [&["unpack", "oci:layout:v1", "-d", "out", "-o", "--delete"], flags].concat();
        sandbox.run(sandbox.command(&args).env("KIT_HOME", sandbox.path(home)))
    };
    sandbox.kit(&["push", "sample:v1", "oci:layout:v1"]).ok();
    let warning = "nothing was deleted; `kit verify --exact` lists files of no version";
    assert!(!unpack("one", &[]).ok().stderr.contains(warning), "the folder is new");
    assert!(!unpack("one", &[]).ok().stderr.contains(warning), "there is a record");
    unpack("two", &["--dry-run"]).ok().says(warning);
    unpack("two", &["-q"]).ok().says("out`: ").says(warning);
    assert!(!unpack("two", &[]).ok().stderr.contains(warning));
}
