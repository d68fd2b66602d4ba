//! The output on a terminal, which is for people: rows instead of the lines that scripts match.

use kit_testkit::docker_registry::DockerRegistry;
use kit_testkit::sandbox::Sandbox;

/// The rows about layers, which are written in the order in which they are finished.
fn rows(text: &str) -> Vec<&str> {
    let mut rows: Vec<_> = text.lines().filter(|line| line.starts_with("  ")).collect();
    rows.sort_unstable();
    rows
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn pack_shows_a_row_for_each_layer() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let pack = ["pack", "project", "-t", "sample:v1"];
    let text = sandbox.on_terminal(80, &pack);
    assert_eq!(
        rows(&text),
        [
            "  code         src                                       2.5 KiB  new",
            "  datasets     data                                      4.0 KiB  new",
            "  docs         README.md                                 2.0 KiB  new",
            "  model        weights/model.bin                         2.5 KiB  new",
            "  model.parts  weights/tokenizer.json                    2.5 KiB  new",
        ]
    );
    assert_eq!(text.matches("sha256:").count(), 1, "only the result has a digest: {text}");
    let again = sandbox.on_terminal(80, &[&pack[..], &["-v"]].concat());
    assert!(rows(&again).iter().all(|row| row.contains("  reused  sha256:")), "{again}");
    assert!(again.contains("Manifest already exists in storage: sha256:"), "{again}");
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn unpack_shows_layers_after_their_files_are_there() {
    let sandbox = Sandbox::packed();
    let unpack = ["unpack", "sample:v1", "-d", "./out/../new", "--filter", "model"];
    let text = sandbox.on_terminal(80, &unpack);
    assert!(text.starts_with("Unpacking to ./out/../new\n  model "), "{text}");
    assert_eq!(
        rows(&text),
        [
            "  model        weights/model.bin                         2.5 KiB",
            "  model.parts  weights/tokenizer.json                    2.5 KiB",
        ]
    );
    assert_eq!(rows(&sandbox.on_terminal(80, &unpack)), [""; 0], "nothing was unpacked");
    sandbox.write("new/weights/model.bin", "other");
    let refused = sandbox.on_terminal(80, &unpack);
    assert!(refused.contains("error: ") && !refused.contains("  model "), "{refused}");
}

#[test]
fn layers_that_are_there_are_one_line() {
    let (sandbox, registry) = (Sandbox::packed(), DockerRegistry::start());
    let (first, live) = (format!("{}/a:v1", registry.host()), format!("{}/a:live", registry.host()));
    let push = ["push", "sample:v1", &first, "--plain-http"];
    let pushed = sandbox.kit(&push).ok();
    assert!(!pushed.stderr.contains("application/"), "{}", pushed.stderr);
    pushed.says("provenance record: copied\n");
    let again = sandbox.kit(&push).ok().says("5 layers already there (13.5 KiB)\n");
    assert_eq!(again.stderr.matches("already there").count(), 2, "the line and the summary: {}", again.stderr);
    let promote = ["promote", &first, &live, "--plain-http"];
    sandbox.kit(&promote).ok().prints("Promoted sha256:").says("the tag pointed to nothing");
    let again = sandbox.kit(&promote).ok().prints(&format!("{live} already there: nothing to do (sha256:"));
    assert!(!again.stderr.contains(" sent"), "{}", again.stderr);
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn list_fits_the_terminal() {
    let (sandbox, registry) = (Sandbox::new(), DockerRegistry::start());
    sandbox.project();
    let at = |seconds: &str, columns: u16, args: &[&str]| {
        let mut command = sandbox.command(args);
        kit_testkit::terminal::in_terminal(command.env("SOURCE_DATE_EPOCH", seconds).env("TERM", "xterm"), columns)
    };
    for tag in ["v10", "v2"] {
        at("1000000000", 80, &["pack", "project", "-t", &format!("sample:{tag}")]);
        sandbox.write("project/weights/model.bin", "other");
    }
    let table = at("1000259200", 80, &["list"]);
    let digests = sandbox.kit(&["list", "--format", "{{.Tags}} {{.Digest}}"]).ok().stdout;
    let digest = |tag: &str| {
        let line = digests.lines().find(|line| line.contains(tag)).unwrap();
        line.split_once("sha256:").unwrap().1[..12].to_owned()
    };
    assert_eq!(
        table,
        format!(
            "REPOSITORY   TAG   MAINTAINER   NAME     SIZE       PACKED       DIGEST\n\
             sample       v2    Ada          sample   13.5 KiB   3 days ago   {}\n\
             sample       v10   Ada          sample   13.5 KiB   3 days ago   {}\n",
            digest("v2"),
            digest("v10"),
        )
    );
    let whole = at("1000259200", 60, &["list", "--no-trunc"]);
    assert!(whole.contains("   sha256:"), "{whole}");
    let name = format!("{}/team/a/repository/with/a/long/name/in/it", registry.host());
    sandbox.kit(&["push", "sample:v2", &format!("{name}:v2"), "--plain-http"]).ok();
    let remote = sandbox.on_terminal(100, &["list", &name, "--plain-http"]);
    let row = remote.lines().nth(1).unwrap();
    assert!(row.starts_with(&format!("{name}   v2   ")) && row.chars().count() <= 100, "{remote}");
    assert!(!remote.contains("PACKED"), "{remote}");
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn a_comparison_is_short_and_coloured() {
    let sandbox = Sandbox::packed();
    sandbox.write("project/src/new.py", "x");
    sandbox.kit(&["pack", "project", "-t", "sample:v2"]).ok();
    let diff = ["diff", "sample:v1", "sample:v2"];
    let short = sandbox.on_terminal(80, &diff);
    assert!(short.ends_with("docs, deployment\n") && !short.contains("Unique Layers"), "{short}");
    let long = sandbox.on_terminal(80, &[&diff[..], &["--layers"]].concat());
    assert!(long.starts_with(&short) && long.contains("Unique Layers to ModelKit1"), "{long}");
    let raw = |variable: &str, args: &[&str]| {
        let mut command = sandbox.command(args);
        kit_testkit::terminal::raw_in_terminal(command.env("TERM", "xterm").env(variable, "1"), 80)
    };
    assert!(raw("OTHER", &diff).contains("  \x1b[32m+ src/new.py"), "{short}");
    assert!(!raw("NO_COLOR", &diff).contains("\x1b[32m"));
    let history = raw("OTHER", &["log", "sample"]);
    assert!(history.contains("code \x1b[33m~1\x1b[0m"), "{history:?}");
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn the_table_of_indexes_has_short_digests() {
    let sandbox = Sandbox::packed();
    sandbox.kit(&["index", "create", "all:v1", "sample:v1"]).ok();
    for args in [&["index", "list"][..], &["index", "info", "all:v1"]] {
        let table = sandbox.on_terminal(80, args);
        let rows: Vec<_> = table.lines().filter(|line| !line.starts_with("Index ")).collect();
        assert!(rows.iter().all(|row| row.chars().count() <= 80 && !row.contains("sha256:")), "{table}");
        sandbox.kit(args).ok().prints("sha256:");
    }
}
