//! Help texts: every command has one, and wrong usage has another exit code than failure.

use kit_testkit::sandbox::Sandbox;

const COMMANDS: &[&str] = &[
    "init",
    "import",
    "validate",
    "pack",
    "push",
    "pull",
    "convert",
    "copy",
    "promote",
    "save",
    "load",
    "unpack",
    "list",
    "inspect",
    "info",
    "ls",
    "cat",
    "cp",
    "diff",
    "news",
    "log",
    "lineage",
    "report",
    "verify",
    "index",
    "update",
    "tag",
    "remove",
    "fsck",
    "cache",
    "login",
    "logout",
    "doctor",
    "schema",
    "version",
    "completion",
    "man",
];

#[test]
fn kit_alone_shows_where_to_begin() {
    let sandbox = Sandbox::new();
    let alone = sandbox.kit(&[]).ok();
    assert_eq!(alone.stdout, sandbox.kit(&["--help"]).ok().stdout);
    alone.prints("To get started, run `kit init .`");
}

#[test]
fn every_command_explains_itself() {
    let sandbox = Sandbox::new();
    for command in COMMANDS {
        let help = sandbox.kit(&[command, "--help"]).ok();
        assert_eq!(help.stdout, sandbox.kit(&["help", command]).ok().stdout, "{command}");
        let words = help.stdout.lines().next().unwrap();
        assert!(words.starts_with(char::is_uppercase) && !words.ends_with('.'), "{command}: {words}");
    }
}

#[test]
fn wrong_usage_exits_with_2() {
    let sandbox = Sandbox::new();
    for args in
        [&["fly"][..], &["pack", "a", "b"], &["push"], &["list", "--concurrency", "0"], &["pack", ".", "--cert", "x"]]
    {
        sandbox.kit(args).exits(2);
    }
    sandbox.kit(&["unpack", "UPPER:v1"]).exits(2).says("must be lowercase");
}

#[test]
fn quiet_prints_results_and_warnings_only() {
    let sandbox = Sandbox::new();
    sandbox.project();
    let run = sandbox.kit(&["pack", "project", "-t", "a:v1", "--quiet"]).ok();
    assert_eq!((run.stderr.as_str(), run.stdout.lines().count()), ("", 1));
    sandbox.write("empty/Kitfile", "manifestVersion: 1.0.0\n");
    let run = sandbox.kit(&["pack", "empty", "-q"]).ok();
    assert_eq!((run.stderr.as_str(), run.stdout.lines().count()), ("warning: ModelKit contains no layers\n", 1));
    let run = sandbox.kit(&["pack", "empty", "-q", "--log-level", "error"]).ok();
    assert_eq!(run.stderr, "");
}

#[test]
#[cfg_attr(windows, ignore = "runs a pipeline in a shell of Unix")]
fn a_reader_that_stops_early_is_not_a_failure() {
    let sandbox = Sandbox::new();
    let command = format!("{} completion powershell | head -n 1", env!("CARGO_BIN_EXE_kit"));
    let output = std::process::Command::new("bash").args(["-o", "pipefail", "-c", &command]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    drop(sandbox);
}

#[test]
fn every_command_has_a_man_page() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["man", "pages/man1"]).ok().says(" man pages written to pages/man1");
    let pages = sandbox.names("pages/man1");
    for command in COMMANDS {
        assert!(pages.contains(&format!("kit-{command}.1")), "{command}");
    }
    assert!(pages.contains(&"kit.1".to_owned()) && pages.contains(&"kit-cache-clear.1".to_owned()));
    assert!(!pages.iter().any(|page| page.contains("__")), "{pages:?}");
    let page = sandbox.read("pages/man1/kit-push.1");
    for part in [
        "\n.TH kit-push 1 \" \" \"kit ",
        "\n\\fBkit push\\fR [OPTIONS] <NAME:TAG> [DESTINATION]\n",
        "\n.SH \"GLOBAL OPTIONS\"\n",
        "\n.SH EXAMPLES\n.nf\nkit push ",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
}

/// A full disk behind standard output must not look like success.
#[cfg(target_os = "linux")]
#[test]
fn help_that_cannot_be_written_is_a_failure() {
    let sandbox = Sandbox::new();
    for args in [&["--help"][..], &["pack", "--help"], &["--version"], &["version"]] {
        let full = fs_err::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let run = sandbox.command(args).stdout(full.into_file()).output().unwrap();
        let said = String::from_utf8_lossy(&run.stderr);
        assert_eq!(run.status.code(), Some(1), "{args:?}: {said}");
        assert!(said.contains("No space left on device"), "{args:?}: {said}");
    }
}

#[test]
#[cfg_attr(windows, ignore = "needs a pseudo terminal of Unix")]
fn the_page_of_a_command_is_printed_and_a_folder_must_be_meant() {
    let sandbox = Sandbox::new();
    sandbox.kit(&["man", "./pages"]).ok();
    for (words, file) in
        [(&["push"][..], "kit-push.1"), (&["index", "create"], "kit-index-create.1"), (&["kit"], "kit.1")]
    {
        let run = sandbox.kit(&[&["man"], words].concat()).ok();
        assert_eq!(run.stdout.trim_end(), sandbox.read(&format!("pages/{file}")).trim_end());
    }
    // A folder with the name of a command is meant with a slash only.
    fs_err::create_dir(sandbox.path("push")).unwrap();
    sandbox.kit(&["man", "push"]).ok().prints("kit-push");
    assert!(sandbox.names("push").is_empty());
    sandbox.kit(&["man", "push/"]).ok().says("written to push");
    fs_err::create_dir(sandbox.path("man1")).unwrap();
    sandbox.kit(&["man", "man1"]).ok().says("written to man1");
    sandbox.kit(&["man", "psuh"]).exits(2).says("`psuh` is neither a command nor a folder; did you mean `push`?");
    sandbox.kit(&["man", "index", "nothing"]).exits(2).says("`index nothing` is neither a command nor a folder");
    assert!(!sandbox.path("psuh").exists());
    let shown = sandbox.on_terminal(80, &["man", "push"]);
    assert!(shown.contains("Usage: kit push"), "{shown}");
}
