//! The values of a draft that the files do not contain, and the paths that are printed.

use kit_testkit::sandbox::Sandbox;

#[test]
#[cfg_attr(windows, ignore = "runs git, which wine does not have")]
fn the_folder_and_the_user_of_git_name_the_package_and_its_author() {
    let sandbox = Sandbox::new();
    sandbox.write("a net/model.bin", "x");
    sandbox.write("home/.gitconfig", "[user]\n\tname = Ada Lovelace\n");
    let draft = |args: &[&str]| sandbox.kit(&[&["init", "a net", "-o", "-"], args].concat()).ok().stdout;
    let drafted = draft(&[]);
    assert!(drafted.contains("package:\n  name: a net\n  authors: [Ada Lovelace]\n"), "{drafted}");
    let drafted = draft(&["--name", "mine", "--author", "Bob"]);
    assert!(drafted.contains("package:\n  name: mine\n  authors: [Bob]\n"), "{drafted}");
    sandbox.write("a net/README.md", "---\nmodel_name: Tiny Net\nauthors: [Ada]\n---\n");
    let drafted = draft(&[]);
    assert!(drafted.contains("package:\n  name: Tiny Net\n") && drafted.contains("  authors: [Ada]\n"), "{drafted}");
}

#[test]
fn paths_are_printed_as_they_were_written() {
    let sandbox = Sandbox::new();
    sandbox.write("p/model.bin", "x");
    sandbox.kit(&["init", "./p/."]).ok().prints("Saved to path './p/Kitfile'");
    sandbox.kit(&["init", "p/"]).fails().says("`p/Kitfile` already exists; use --force to overwrite it");
    let kit = |args: &[&str]| sandbox.run(sandbox.command(args).current_dir(sandbox.path("p")));
    kit(&["init", ".", "--force"]).ok().prints("Saved to path 'Kitfile'");
    kit(&["init"]).fails().says("`Kitfile` already exists");
}

#[test]
fn code_that_is_the_whole_folder_is_pointed_out() {
    let sandbox = Sandbox::new();
    for (folder, path, says) in [("whole", "train.py", true), ("part", "src/train.py", false)] {
        sandbox.write(&format!("{folder}/{path}"), "print(1)\n");
        sandbox.write(&format!("{folder}/model.bin"), "weights");
        let run = sandbox.kit(&["init", folder]).ok();
        let kitfile = sandbox.read(&format!("{folder}/Kitfile"));
        assert_eq!(kitfile.contains("  - path: .\n"), says, "{kitfile}");
        assert_eq!(run.stderr.contains("`code` has the whole folder"), says, "{}", run.stderr);
    }
}

#[test]
fn an_empty_folder_is_pointed_out() {
    let sandbox = Sandbox::new();
    fs_err::create_dir(sandbox.path("empty")).unwrap();
    sandbox
        .kit(&["init", "empty"])
        .ok()
        .says("warning: the Kitfile is empty: `empty` has no files for a ModelKit")
        .says("`kit init --force`");
    sandbox.write("empty/train.py", "print(1)\n");
    let run = sandbox.kit(&["init", "empty", "--force"]).ok();
    assert!(!run.stderr.contains("the Kitfile is empty"), "{}", run.stderr);
}
