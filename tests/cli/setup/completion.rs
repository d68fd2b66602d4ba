//! Completion in shells: each shell splits words by its own rules and asks `kit`, which completes names in the local
//! store.

use std::process::Command;

use kit_testkit::sandbox::Sandbox;

fn packed() -> Sandbox {
    let sandbox = Sandbox::new();
    sandbox.project();
    for name in ["net:v1", "kit.example/team/net:v1", "kit.example/team/net:v2"] {
        sandbox.kit(&["pack", "project", "-t", name]).ok();
    }
    for shell in ["bash", "zsh", "fish"] {
        let script = sandbox.kit(&["completion", shell]).ok().stdout;
        sandbox.write(&format!("kit.{shell}"), script);
    }
    sandbox
}

/// Runs `script` by a shell in the sandbox, with `kit` on the path, and returns its output. Returns `None` if the shell
/// is not installed.
fn shell(sandbox: &Sandbox, name: &str, script: &str) -> Option<String> {
    let program = ["/usr/bin", "/bin"].map(|folder| format!("{folder}/{name}")).into_iter();
    let program = program.into_iter().find(|path| fs_err::exists(path).unwrap())?;
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_kit")).parent().unwrap().display();
    let mut command = Command::new(program);
    command.env_clear().env("PATH", format!("{folder}:/usr/bin:/bin")).env("HOME", sandbox.path("home"));
    command.env("KIT_HOME", sandbox.path("kit")).current_dir(sandbox.path("")).args(["-c", script]);
    Some(sandbox.run(&mut command).ok().stdout)
}

#[test]
fn a_missing_store_is_not_a_failure() {
    let sandbox = Sandbox::new();
    assert_eq!(sandbox.kit(&["__complete", "--", "push", ""]).ok().stdout, "none\n");
    sandbox.write("kit/store/index.json", "{");
    let run = sandbox.kit(&["__complete", "--", "push", ""]).ok();
    assert_eq!((&*run.stdout, &*run.stderr), ("none\n", ""));
    assert_eq!(sandbox.kit(&["__complete"]).ok().stdout, "none\n");
}

#[test]
fn other_shells_complete_commands_and_flags() {
    let sandbox = Sandbox::new();
    for shell in ["elvish", "powershell"] {
        sandbox.kit(&["completion", shell]).ok().prints("unpack").prints("--plain-http");
    }
    sandbox.kit(&["completion", "tcl"]).exits(2);
}

/// Checks the replacement for the word that readline sees, which begins after the last `:`, `@` or `=`.
#[test]
#[cfg_attr(windows, ignore = "runs shells of Unix")]
fn bash_completes_names_with_colons() {
    let sandbox = packed();
    for (line, expected) in [
        ("kit pus", "push"),
        ("kit push n", "net:v1"),
        ("kit push net:", "v1"),
        ("kit push --plain-http kit.example/team/net:v", "v1 v2"),
        ("kit save --since=net", "net:v1"),
        ("kit push net:v1 kit.example/team/net@sha", ""),
    ] {
        let script = format!(
            "source kit.bash; COMP_LINE='{line}'; COMP_POINT=${{#COMP_LINE}}; \
             COMP_WORDBREAKS=$' \\t\\n\"\\'@><=;|&(:'; _kit; echo \"${{COMPREPLY[*]}}\""
        );
        assert_eq!(shell(&sandbox, "bash", &script).unwrap().trim(), expected, "{line}");
    }
}

/// Runs only if fish is installed.
#[test]
#[cfg_attr(windows, ignore = "runs shells of Unix")]
fn fish_shows_descriptions() {
    let sandbox = packed();
    for (line, expected) in [
        ("kit pus", "push\tUpload a ModelKit to a registry"),
        ("kit push net:", "net:v1"),
        ("kit push --plain-http kit", "kit.example/team/net:v1\nkit.example/team/net:v2"),
        ("kit pack proj", "project/\tDirectory"),
    ] {
        let script = format!("source kit.fish; complete -C '{line}'");
        let Some(offered) = shell(&sandbox, "fish", &script) else { return };
        assert_eq!(offered.trim_end(), expected, "{line}");
    }
}

/// Runs only if zsh is installed. The functions that pass words to its editor are replaced by functions that print
/// them.
#[test]
#[cfg_attr(windows, ignore = "runs shells of Unix")]
fn zsh_completes_names_with_colons() {
    let sandbox = packed();
    for (line, expected) in [
        ("kit pus", r"push:Upload a ModelKit to a registry"),
        ("kit push net:", r"net\:v1"),
        ("kit cat kit.example/team/net:v1", r"kit.example/team/net\:v1//"),
        ("kit pack ", "folders"),
    ] {
        let script = format!(
            "function compdef() {{ }}
             function _describe() {{ print -rl -- ${{(P)2}} }}
             function _files() {{ print folders }}
             source ./kit.zsh; words=(${{(s: :)${{:-{line}x}}}}); CURRENT=$#words; PREFIX=${{words[-1]%x}}; _kit"
        );
        let Some(offered) = shell(&sandbox, "zsh", &script) else { return };
        assert_eq!(offered.trim_end(), expected, "{line}");
    }
}

#[test]
fn the_script_is_installed_where_the_shell_looks() {
    for (shell, file) in [
        ("/bin/bash", "bash-completion/completions/kit"),
        ("/usr/bin/zsh", "zsh/site-functions/_kit"),
        ("/usr/bin/fish", "fish/vendor_completions.d/kit.fish"),
    ] {
        let sandbox = Sandbox::new();
        let data = sandbox.path("data");
        let install = |args: &[&str]| {
            let mut command = sandbox.command(args);
            sandbox.run(command.env("SHELL", shell).env("XDG_DATA_HOME", &data).env("APPDATA", &data))
        };
        install(&["completion", "--install"]).ok().prints(file);
        let name = shell.rsplit('/').next().unwrap();
        assert_eq!(sandbox.read(&format!("data/{file}")), sandbox.kit(&["completion", name]).ok().stdout);
        install(&["doctor"]).ok().prints(file);
        // A shell that is named counts more than that of the variable.
        install(&["completion", "powershell", "--install"]).exits(2).says("--install does not support powershell");
    }
    let sandbox = Sandbox::new();
    sandbox.run(sandbox.command(&["completion", "--install"]).env_remove("SHELL")).exits(2).says("name it");
}
