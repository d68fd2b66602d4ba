//! Generates `docs/reference/flags.md`, the table of the flags of all commands, and checks that a flag means the same
//! everywhere. Tests only.

use std::collections::{BTreeMap, BTreeSet};

use clap::{Arg, Command};

use crate::args::definition;
use crate::command_reference::escaped;

const PAGE: &str = "../docs/reference/flags.md";

const HEAD: &str = "\
# Flags

All flags of all commands. A flag means the same in every command that has it. Of a flag with one value that is given
twice, the last value counts, as in KitOps; flags that take a list, such as `--tag`, `--also` and `--filter`, and those
marked as repeatable add their values up. The [exceptions](#exceptions) are mostly spellings of KitOps, which stay as
they are for its scripts.

<!-- Generated from the definitions in src/commands: UPDATE_EXPECT=1 cargo test flag_reference -->

## Values

| value | form |
|---|---|
| `NAME:TAG`, `NAME:TAG//PATH` | a ModelKit, and a file or folder in it; see [Names and filters](names.md) |
| `FILTER` | `TYPES[:NAMES]`, both comma-separated, as in `model,docs` or `datasets:train`; see \
[Parts](names.md#parts---filter) |
| `SIZE` | a number of bytes, or a whole number with a unit: `KiB`, `MiB`, `GiB`, `TiB`, or `kB`, `MB`, `GB`, `TB` |
| `TIME` | such as `90s`, `10m` or `1h30m` |
| `FORMAT` | `table`, `json`, `yaml` or a Go template; see [Results as JSON](json.md) |
| `BOOL` | `true` or `false`, after `=`; every switch accepts it, as in `--quiet=false` |

## Flags

| flag | value | meaning | commands |
|---|---|---|---|
";

/// Short flags with more than one long flag.
const SHARED_LETTERS: [(char, &[&str], &str); 3] = [
    ('a', &["all", "annotation"], "cosign: `sign -a`, `verify -a`"),
    ('f', &["file", "filter", "force"], "KitOps: `pack -f`, `unpack -f`, `init -f`"),
    ('o', &["output", "overwrite"], "KitOps: `init -o`, `unpack -o`"),
];

/// Long flags whose meaning depends on the command, with the reason.
const SHARED_NAMES: [(&str, &str); 12] = [
    ("as", "`sign` selects the form of a signature, and `approve` the role of the approver"),
    ("attached", "`watch` watches what is attached to versions, and `remove` removes it"),
    ("bundle", "`sign` writes the bundle of a signature to a file, `attest` prints that of an attestation"),
    ("files", "`sign` signs the list of files, `log` shows changed files"),
    ("filter", "it selects the parts that a command unpacks, lists or compares; in `info` a field, as in KitOps"),
    ("force", "KitOps: `init` overwrites the Kitfile, `remove` removes all tags"),
    ("key", "it is private where something is signed, and public where signatures are verified, as in cosign"),
    ("label", "`index create` sets the labels by which `pull` and `unpack` select"),
    ("lock", "`pack` writes the lock file that the other commands read"),
    ("remote", "KitOps: `init` reads a repository of a hub, and `remove` changes the registry"),
    ("since", "an earlier version, which `news` compares with and whose layers `save` omits"),
    ("with-modelkits", "the ModelKits of an index are removed, pushed or pulled together with it"),
];

#[test]
fn the_page_is_up_to_date() {
    expect_test::expect_file![PAGE].assert_eq(&(HEAD.to_owned() + &table() + &exceptions()));
}

#[test]
fn a_letter_is_short_for_one_flag() {
    let mut flags: BTreeMap<char, BTreeSet<String>> = BTreeMap::new();
    for (_, flag) in flags_of_all() {
        flags.entry(flag.short.unwrap_or_default()).or_default().insert(flag.long);
    }
    flags.remove(&char::default());
    let shared = flags.into_iter().filter(|(_, longs)| longs.len() > 1);
    let known = SHARED_LETTERS.map(|(short, longs, _)| (short, longs.iter().map(ToString::to_string).collect()));
    assert_eq!(shared.collect::<Vec<_>>(), known);
}

/// The meaning is compared by the first word of the help: what a switch does, or what a value is.
#[test]
fn a_flag_means_the_same_everywhere() {
    let mut meanings: BTreeMap<String, BTreeSet<(bool, String)>> = BTreeMap::new();
    for (_, flag) in flags_of_all() {
        let verb = flag.help.split([' ', ':', ',']).next().unwrap_or_default().to_owned();
        meanings.entry(flag.long).or_default().insert((flag.value.is_empty(), verb));
    }
    meanings.retain(|_, meanings| meanings.len() > 1);
    let known: BTreeSet<_> = SHARED_NAMES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let found: BTreeSet<_> = meanings.keys().cloned().collect();
    assert_eq!(found, known, "{meanings:#?}");
}

/// A flag of one command.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Flag {
    long: String,
    short: Option<char>,
    value: String,
    help: String,
}

/// All flags that help shows, each with the names of its command. Those with a heading of their own, which many
/// commands share, have the heading instead.
fn flags_of_all() -> Vec<(String, Flag)> {
    let mut kit = definition().disable_help_subcommand(true);
    kit.build();
    let mut flags = Vec::new();
    collect(&kit, &mut flags);
    flags.sort_by(|(_, one), (_, other)| one.cmp(other));
    flags.dedup();
    flags
}

fn collect(command: &Command, flags: &mut Vec<(String, Flag)>) {
    let name = command.get_display_name().unwrap_or_default().replacen("kit-", "", 1).replace('-', " ");
    let is_made_by_clap = |argument: &Arg| ["help", "version"].contains(&argument.get_id().as_str());
    for argument in command.get_arguments().filter(|argument| !argument.is_hide_set() && !is_made_by_clap(argument)) {
        let Some(long) = argument.get_long() else { continue };
        let place = match argument.get_help_heading() {
            Some("Registry options") => "all that use a registry".to_owned(),
            Some("Global options") => "all".to_owned(),
            _ => format!("`{name}`"),
        };
        let help = argument.get_help().map(ToString::to_string).unwrap_or_default();
        let flag = Flag { long: long.to_owned(), short: argument.get_short(), value: value(argument), help };
        flags.push((place, flag));
    }
    command.get_subcommands().filter(|command| !command.is_hide_set()).for_each(|command| collect(command, flags));
}

/// The names of the values; empty for a switch.
fn value(argument: &Arg) -> String {
    if !argument.get_action().takes_values() {
        return String::new();
    }
    argument.get_value_names().unwrap_or_default().join(" ")
}

/// The flags whose letter or name has several meanings.
fn exceptions() -> String {
    let letters = SHARED_LETTERS.iter().map(|(short, longs, reason)| {
        let longs: Vec<_> = longs.iter().map(|long| format!("`--{long}`")).collect();
        format!("- `-{short}` is {}. {reason}.\n", longs.join(", "))
    });
    let names = SHARED_NAMES.iter().map(|(name, reason)| format!("- `--{name}`: {reason}.\n"));
    "\n## Exceptions\n\n".to_owned() + &letters.chain(names).collect::<String>()
}

/// One row for each flag with the same meaning.
fn table() -> String {
    let mut rows: Vec<(Flag, Vec<String>)> = Vec::new();
    for (command, flag) in flags_of_all() {
        match rows.last_mut() {
            Some((last, commands)) if *last == flag => commands.push(command),
            _ => rows.push((flag, vec![command])),
        }
    }
    rows.into_iter().map(|(flag, commands)| row(&flag, &commands)).collect()
}

fn row(flag: &Flag, commands: &[String]) -> String {
    let short = flag.short.map(|short| format!("`-{short}`, ")).unwrap_or_default();
    let value = if flag.value.is_empty() { String::new() } else { format!("`{}`", flag.value.replace('|', "\\|")) };
    let help = escaped(&flag.help).replace('|', "\\|");
    format!("| {short}`--{}` | {value} | {help} | {} |\n", flag.long, commands.join(", "))
}
