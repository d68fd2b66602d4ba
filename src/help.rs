//! The layout of the help: the overview of all commands, and the order of the parts in the help of one command.

use clap::{Arg, Command};

/// The commands in the groups of `kit --help`. Commands that are missing here are listed under `Other`.
pub(crate) const GROUPS: [(&str, &[&str]); 6] = [
    ("Create", &["init", "validate", "import", "pack", "update"]),
    ("Transfer", &["push", "pull", "copy", "promote", "subset", "convert", "save", "load", "unpack", "deploy"]),
    (
        "Inspect",
        &[
            "list", "inspect", "info", "ls", "cat", "cp", "diff", "news", "log", "lineage", "report", "impact",
            "watch", "verify",
        ],
    ),
    (
        "Trust",
        &["key", "sign", "attest", "approve", "recall", "recalled", "scan", "sbom", "policy", "attach", "referrers"],
    ),
    ("Manage", &["tag", "index", "remove", "prune", "materialize", "fsck", "cache"]),
    ("Registries", &["login", "logout", "doctor", "config"]),
];

const USAGE: &str = "\
Pack AI projects into OCI artifacts and move them through any registry

Usage: kit [OPTIONS] COMMAND
";

const OPTIONS: &str = "
Options
  --config FOLDER     Folder of the local store and the credentials
  --lock-timeout TIME Longest wait for a lock of the local store
  --sync              Wait until everything that is stored is on the disk
  --policy FILE       Policy for ModelKits, besides that of the system
  --progress MODE     none, plain (a line per step), fancy (bars) or json (for scripts)
  --log-level LEVEL   error, warn, info, debug or trace
  -v, --verbose       Log more; repeat for even more
  -q, --quiet         Print results, warnings and errors only
  -V, --version       Print the version
  -h, --help          Print help; of a command, -h prints a short and --help the full text

To get started, run `kit init .` in the folder of your model, review the Kitfile it wrote,
then run `kit pack . -t NAME:TAG` and `kit push NAME:TAG REGISTRY/NAME:TAG`.
";

/// The help of a command: the examples come before the options.
const HELP: &str = "{before-help}{about-with-newline}\n{usage-heading} {usage}{after-help}\n\n{all-args}";

/// The text of `kit --help`.
pub(crate) fn overview(command: &Command) -> String {
    let line = |name: &str, about: &str| format!("  {name:<11}  {about}\n");
    let line_of =
        |command: &Command| line(command.get_name(), &command.get_about().map(ToString::to_string).unwrap_or_default());
    let mut text = USAGE.to_owned();
    for (title, names) in GROUPS {
        text.extend(["\n", title, "\n"]);
        text.extend(names.iter().filter_map(|name| command.find_subcommand(name)).map(line_of));
    }
    let is_grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let others = command.get_subcommands().filter(|command| !command.is_hide_set() && !is_grouped(command.get_name()));
    text += "\nOther\n";
    text.extend(others.map(line_of));
    text + &line("help", "Show the help of a command") + OPTIONS
}

/// Lays out the help of all commands: examples, arguments, options of the command, and last the options that many
/// commands share. They have a heading of their own, and only `--help` shows them; `-h` does not.
pub(crate) fn laid_out(command: Command) -> Command {
    let only_in_long_help = |argument: Arg| {
        let is_shared = argument.get_help_heading().is_some();
        argument.hide_short_help(is_shared)
    };
    command.help_template(HELP).mut_args(only_in_long_help).mut_subcommands(laid_out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::definition;

    #[test]
    fn the_overview_lists_every_command_once() {
        let overview = overview(&definition());
        for command in definition().get_subcommands().filter(|command| !command.is_hide_set()) {
            let line = format!("\n  {:<11}  {}\n", command.get_name(), command.get_about().unwrap());
            assert_eq!(overview.matches(&line).count(), 1, "{line}");
        }
        let grouped: usize = GROUPS.iter().map(|(_, names)| names.len()).sum();
        let others = overview.split("\nOther\n").nth(1).unwrap().split("\n\n").next().unwrap().lines().count();
        let commands = definition().get_subcommands().filter(|command| !command.is_hide_set()).count();
        assert_eq!(grouped + others, commands + 1, "a name in GROUPS is not a command");
        assert!(overview.lines().all(|line| line.chars().count() <= 100), "{overview}");
    }

    /// Checks that the help of every command and subcommand, rendered by `render`, satisfies `check`.
    fn check_help(command: &Command, render: fn(&mut Command) -> String, check: fn(&Command, &str)) {
        check(command, &render(&mut command.clone()));
        command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|it| check_help(it, render, check));
    }

    fn laid_out_and_built() -> Vec<Command> {
        let mut kit = laid_out(definition()).disable_help_subcommand(true);
        kit.build();
        kit.get_subcommands().filter(|command| !command.is_hide_set()).cloned().collect()
    }

    #[test]
    fn examples_come_first_and_shared_options_last() {
        for command in laid_out_and_built() {
            check_help(
                &command,
                |command| command.render_long_help().to_string(),
                |command, help| {
                    let titles = ["Usage:", "Examples:", "Options:", "Registry options:", "Global options:"];
                    let at = titles.map(|title| help.find(&format!("\n{title}")));
                    let found: Vec<_> = at.into_iter().flatten().collect();
                    assert!(at[0].is_some() && found.is_sorted(), "{}: {at:?}", command.get_name());
                    assert_eq!(at[1].is_some(), command.get_after_help().is_some(), "{}", command.get_name());
                    assert!(at[4].is_some(), "{}", command.get_name());
                },
            );
        }
    }

    #[test]
    fn short_help_lists_the_own_options_of_a_command_only() {
        for command in laid_out_and_built() {
            check_help(
                &command,
                |command| command.render_help().to_string(),
                |command, help| {
                    assert!(!help.contains("--log-level") && !help.contains("--proxy"), "{}", command.get_name());
                    assert!(help.contains("see more with '--help'"), "{}", command.get_name());
                },
            );
        }
    }
}
