//! Files and folders of tools are not packed, unless the Kitfile or the `.kitignore` names them.

use kit_testkit::sandbox::Sandbox;

const FILES: [&str; 12] = [
    "a.py",
    ".git/HEAD",
    ".hg/x",
    ".svn/x",
    ".DS_Store",
    "sub/__pycache__/a.pyc",
    "sub/.ipynb_checkpoints/a.ipynb",
    ".venv/lib/x",
    "venv/pyvenv.cfg",
    "env/a.py",
    ".kit-notes/x",
    "sub/.a.py.swp",
];

/// A project whose only layer is the whole folder.
fn project(kitfile: &str, rules: &str) -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", format!("manifestVersion: 1.0.0\n{kitfile}"));
    sandbox.write("p/.kitignore", rules);
    for path in FILES {
        sandbox.write(&format!("p/{path}"), "x");
    }
    // Without these, git does not take the folder for a repository.
    for folder in ["objects", "refs"] {
        fs_err::create_dir(sandbox.path(&format!("p/.git/{folder}"))).unwrap();
    }
    sandbox
}

/// The paths of the files in the packed project.
fn packed(sandbox: &Sandbox) -> Vec<String> {
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    let listed = sandbox.kit(&["ls", "a:v1", "--format", "{{.path}}"]).ok().stdout;
    listed.lines().filter(|path| *path != "Kitfile").map(str::to_owned).collect()
}

#[test]
fn files_of_tools_are_left_out_and_named() {
    let sandbox = project("code: [{path: .}]\n", "");
    assert_eq!(packed(&sandbox), ["a.py", "env/a.py"]);
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok();
    run.says("Skipped 10 paths of tools: `.DS_Store`, `.git`, `.hg`, `.kit-notes`, `.svn`, 5 more (a `!` line in");
    let run = sandbox.kit(&["pack", "p", "-t", "a:v1", "--progress", "json"]).ok();
    let events = run.stderr.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let event = events.into_iter().find(|event| event["event"] == "filesLeftOut").unwrap();
    assert_eq!((event["paths"][1].as_str(), event["more"].as_u64()), (Some(".git"), Some(5)));
    assert_eq!(sandbox.kit(&["diff", "p", "a:v1"]).ok().code, Some(0));
    sandbox.kit(&["validate", "p"]).ok();
    sandbox.kit(&["verify", "p", "a:v1"]).ok();
}

#[test]
fn a_line_of_kitignore_includes_them() {
    for (rules, expected) in [
        ("!.git\n", &[".git/HEAD", "a.py", "env/a.py"][..]),
        ("!**/__pycache__\n", &["a.py", "env/a.py", "sub/__pycache__/a.pyc"]),
        ("!.git/*\n.git/HEAD\n", &["a.py", "env/a.py"]),
        ("*\n!sub\n!a.py\n", &["a.py"]),
        ("!venv/pyvenv.cfg\n", &["a.py", "env/a.py", "venv/pyvenv.cfg"]),
    ] {
        assert_eq!(packed(&project("code: [{path: .}]\n", rules)), expected, "{rules:?}");
    }
}

#[test]
fn an_entry_of_the_kitfile_includes_them() {
    let sandbox = project("code: [{path: .git}, {path: venv}, {path: sub/__pycache__}]\n", "");
    sandbox.write("p/.git/a.swp", "x");
    let expected = [".git/HEAD", ".git/a.swp", "sub/__pycache__/a.pyc", "venv/pyvenv.cfg"];
    assert_eq!(packed(&sandbox), expected);
}

#[test]
fn a_draft_does_not_name_them() {
    let sandbox = Sandbox::new();
    for path in ["model.bin", "venv/pyvenv.cfg", "venv/other.pth", "__pycache__/a.json"] {
        sandbox.write(&format!("p/{path}"), "x");
    }
    let drafted = sandbox.kit(&["init", "p", "-o", "-"]).ok().stdout;
    assert_eq!(drafted, "manifestVersion: 1.0.0\npackage:\n  name: p\nmodel:\n  name: model\n  path: model.bin\n");
}

#[test]
fn lines_of_kitignore_that_match_nothing_are_named() {
    let sandbox = Sandbox::new();
    sandbox.write("p/Kitfile", "manifestVersion: 1.0.0\ncode: [{path: .}]\n");
    sandbox.write("p/src/private/key.txt", "x");
    sandbox.write("p/a.py", "x");
    sandbox.write("p/.gitignore", "build/\n/dist\n");
    // As `kit init` drafts it.
    sandbox.kit(&["init", "p", "--force"]).ok();
    let drafted = sandbox.read("p/.kitignore");
    assert!(drafted.contains("\nmlruns\n") && drafted.contains("\ndist\n"), "{drafted}");
    assert!(!sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().stderr.contains(".kitignore"));
    sandbox.write("p/.kitignore", format!("{drafted}private/\n!kept\n**/other\n*.tmp\n"));
    let line = drafted.lines().count() + 1;
    let words = format!("warning: `.kitignore` line {line}, `private/`, matches nothing; did you mean `**/private`?");
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().says(&words);
    let found = format!(".kitignore:{line}: warning: `private/` matches nothing");
    sandbox.kit(&["validate", "p"]).prints(&found).prints("write `**/private` to match at any depth");
    sandbox.write("p/.kitignore", "one\ntwo\nprivate\nfour\n");
    let words = "lines of `.kitignore` match nothing: line 1, `one`; line 2, `two`; line 3, `private` (did you mean \
                 `**/private`?); 1 more";
    sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().says(words);
    sandbox.write("p/.kitignore", "src/private\n");
    assert!(!sandbox.kit(&["pack", "p", "-t", "a:v1"]).ok().stderr.contains("warning"));
}
