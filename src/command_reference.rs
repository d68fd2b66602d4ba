//! Generates `docs/reference/commands.md` from the definitions of the commands, which also give `--help`. Tests only.

use clap::{Arg, Command};

use crate::args::definition;
use crate::help::GROUPS;

const PAGE: &str = "../docs/reference/commands.md";
const MAX_COLUMNS: usize = 120;

const HEAD: &str = "\
# Commands

All commands with their arguments and options. `kit COMMAND --help` prints the same text.

<!-- Generated from the definitions in src/commands: UPDATE_EXPECT=1 cargo test command_reference -->
";

#[test]
fn the_page_is_up_to_date() {
    expect_test::expect_file![PAGE].assert_eq(&page());
}

fn page() -> String {
    let mut kit = definition().disable_help_subcommand(true);
    kit.build();
    let (mut page, mut shared) = (HEAD.to_owned(), Shared::default());
    let shown: Vec<_> = kit.get_subcommands().filter(|command| !command.is_hide_set()).collect();
    let is_grouped = |name: &str| GROUPS.iter().any(|(_, names)| names.contains(&name));
    let others = shown.iter().map(|command| command.get_name()).filter(|name| !is_grouped(name)).collect();
    for (title, names) in GROUPS.map(|(title, names)| (title, names.to_vec())).into_iter().chain([("Other", others)]) {
        page.extend(["\n## ", title, "\n"]);
        for name in names {
            let command = shown.iter().find(|command| command.get_name() == name);
            page += &shared.section(command.expect("every name in GROUPS is a command"));
        }
    }
    page + &shared.sections()
}

/// The groups of options that several commands have, such as `Registry options`. The page lists each once, at its end.
#[derive(Default)]
struct Shared(Vec<(String, String)>);

impl Shared {
    /// The sections of a command and of its subcommands.
    fn section(&mut self, command: &Command) -> String {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).replace('-', " ");
        let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
        let usage = command.clone().render_usage().to_string();
        let usage = usage.trim_start_matches("Usage: ");
        let mut text = format!("\n### {name}\n\n{}\n\n```text\n{usage}\n```\n", paragraphs(&about, ""));
        if let Some(examples) = command.get_after_help() {
            text += &after_help(&examples.to_string());
        }
        text += &self.arguments(command);
        text.extend(command.get_subcommands().filter(|command| !command.is_hide_set()).map(|it| self.section(it)));
        text
    }

    fn arguments(&mut self, command: &Command) -> String {
        let shown =
            |argument: &&Arg| !argument.is_hide_set() && !["help", "version"].contains(&argument.get_id().as_str());
        let mut groups: Vec<(String, String)> = Vec::new();
        for argument in command.get_arguments().filter(shown) {
            let default = if argument.is_positional() { "Arguments" } else { "Options" };
            let title = argument.get_help_heading().unwrap_or(default);
            let entry = entry(argument);
            match groups.iter_mut().find(|(other, _)| other == title) {
                Some((_, entries)) => *entries += &entry,
                None => groups.push((title.to_owned(), entry)),
            }
        }
        groups.into_iter().map(|(title, entries)| self.group(title, entries)).collect()
    }

    /// The list of a group of options, or a link to it if it has a heading of its own and is the same elsewhere.
    fn group(&mut self, title: String, entries: String) -> String {
        if ["Arguments", "Options"].contains(&title.as_str()) {
            return format!("\n{title}:\n\n{entries}");
        }
        let link = format!("\n[{title}](#{})\n", title.to_lowercase().replace(' ', "-"));
        match self.0.iter().find(|(other, _)| *other == title) {
            Some((_, known)) if *known != entries => format!("\n{title}:\n\n{entries}"),
            Some(_) => link,
            None => {
                self.0.push((title, entries));
                link
            }
        }
    }

    fn sections(&self) -> String {
        self.0.iter().flat_map(|(title, entries)| ["\n## ", title, "\n\n", entries]).collect()
    }
}

/// An argument or option as an item of a list.
fn entry(argument: &Arg) -> String {
    let short = argument.get_short().map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let help = argument.get_long_help().or(argument.get_help()).map(ToString::to_string).unwrap_or_default();
    let values = argument.get_possible_values();
    let values: Vec<_> = values.iter().filter(|value| !value.is_hide_set()).collect();
    let defaults: Vec<_> = argument.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
    let takes_value = argument.get_action().takes_values();
    let mut notes = String::new();
    if takes_value && !defaults.is_empty() && !argument.is_hide_default_value_set() {
        notes.extend([" [default: ", &defaults.join(", "), "]"]);
    }
    if takes_value && !values.is_empty() && values.iter().all(|value| value.get_help().is_none()) {
        let names: Vec<_> = values.iter().map(|value| value.get_name()).collect();
        notes.extend([" [possible values: ", &names.join(", "), "]"]);
    }
    let mut text = paragraphs(&format!("- {short}`{argument}`: {help}{notes}"), "  ") + "\n";
    for value in values.iter().filter(|_| takes_value) {
        if let Some(help) = value.get_help() {
            text += &(wrapped(&format!("  - `{}`: {help}", value.get_name()), "    ") + "\n");
        }
    }
    text
}

/// The examples of a command as a block of code; other text as paragraphs.
fn after_help(text: &str) -> String {
    let Some(examples) = text.strip_prefix("Examples:\n") else { return format!("\n{}\n", paragraphs(text, "")) };
    let lines: Vec<_> = examples.lines().map(|line| line.strip_prefix("  ").unwrap_or(line)).collect();
    format!("\nExamples:\n\n```sh\n{}\n```\n", lines.join("\n"))
}

fn paragraphs(text: &str, indent: &str) -> String {
    text.split("\n\n").map(|text| wrapped(&escaped(text), indent)).collect::<Vec<_>>().join(&format!("\n\n{indent}"))
}

/// Marks flags as code, where mdBook makes no dash of `--`, and escapes what Markdown would take for a tag.
pub(crate) fn escaped(text: &str) -> String {
    let flag = regex::Regex::new(r"(^|[\s(])(--?[a-z][a-z-]*)").expect("the pattern is valid");
    let mark = |text: String| flag.replace_all(&text, "$1`$2`").into_owned();
    let part = |(number, part): (usize, &str)| {
        if number % 2 == 1 { part.to_owned() } else { mark(part.replace('<', "\\<").replace('*', "\\*")) }
    };
    text.split('`').enumerate().map(part).collect::<Vec<_>>().join("`")
}

/// Breaks lines at the maximum width; all but the first begin with `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    let lead: String = text.chars().take_while(|c| *c == ' ').collect();
    let mut lines = vec![lead];
    for word in text.split_whitespace() {
        let last = lines.last_mut().expect("there is a first line");
        let gap = if last.trim().is_empty() { "" } else { " " };
        if !last.trim().is_empty() && last.chars().count() + 1 + word.chars().count() > MAX_COLUMNS {
            lines.push(format!("{indent}{word}"));
        } else {
            last.push_str(gap);
            last.push_str(word);
        }
    }
    lines.join("\n")
}
