//! Candidates for the last word of a command line: commands, flags, their values, and names of ModelKits.
//!
//! The scripts in `completions` ask `kit` itself on each key press, so they know the content of the local store and
//! never become outdated. The type of a value is derived from its name in the help.
//!
//! Not chosen: the engine of `clap_complete`, which is not stable between releases and cannot complete words that
//! contain a `:`.

use clap::{Arg, Command};

use crate::config::{KEYS, TableKind};

/// The candidates.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Offer {
    /// Complete words, each with its description, which may be empty.
    pub(crate) words: Vec<(String, String)>,
    /// The kind of paths that the shell adds.
    pub(crate) paths: Paths,
}

/// The kinds of paths.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Paths {
    #[default]
    None,
    Folders,
    Files,
}

/// Returns the candidates for the last of `words`, which is incomplete. `words` do not include the name of the program;
/// `references` returns the names in the local store.
pub(crate) fn complete(command: &mut Command, words: &[String], references: impl Fn() -> Vec<String>) -> Offer {
    command.build();
    let Some((word, before)) = words.split_last() else { return Offer::default() };
    let mut place = Place { command, positions: 0, option: None, is_escaped: false };
    for word in before {
        place.pass(word);
    }
    let mut offer = place.offer(word, &references);
    offer.words.retain(|(value, _)| value.starts_with(word));
    offer
}

/// The position in a command line.
struct Place<'a> {
    command: &'a Command,
    /// The number of positional arguments so far.
    positions: usize,
    /// The flag whose value is the next word.
    option: Option<&'a Arg>,
    /// Set after `--`: all following words are positional arguments.
    is_escaped: bool,
}

impl<'a> Place<'a> {
    fn pass(&mut self, word: &str) {
        let is_flag = !self.is_escaped && word.starts_with('-') && word.len() > 1;
        if self.option.take().is_some_and(|option| takes(option, word)) {
            return;
        }
        if !is_flag {
            self.pass_position(word);
        } else if word == "--" {
            self.is_escaped = true;
        } else if let Some(long) = word.strip_prefix("--") {
            self.option = self.long(long).filter(|option| takes_value(option));
        } else {
            self.option = self.short_with_value(&word[1..]);
        }
    }

    fn pass_position(&mut self, word: &str) {
        match self.command.find_subcommand(word) {
            Some(command) if self.positions == 0 => self.command = command,
            _ => self.positions += 1,
        }
    }

    fn long(&self, name: &str) -> Option<&'a Arg> {
        self.command.get_arguments().find(|option| option.get_long() == Some(name))
    }

    /// The last flag in a group of short flags, if its value is the next word.
    fn short_with_value(&self, row: &str) -> Option<&'a Arg> {
        let find = |name| self.command.get_arguments().find(|option| option.get_short() == Some(name));
        let (at, option) =
            row.char_indices().find_map(|(at, name)| Some((at, find(name).filter(|it| takes_value(it))?)))?;
        (row[at..].chars().count() == 1).then_some(option)
    }

    fn offer(&self, word: &str, references: &dyn Fn() -> Vec<String>) -> Offer {
        if let Some(option) = self.option.filter(|option| takes(option, word)) {
            return values(option, ("", 0), word, references);
        }
        let flag = word.strip_prefix("--").and_then(|flag| flag.split_once('=')).filter(|_| !self.is_escaped);
        if let Some((name, value)) = flag {
            let offer = |option| values(option, (&format!("--{name}="), 0), value, references);
            return self.long(name).map(offer).unwrap_or_default();
        }
        if word.starts_with('-') && !self.is_escaped {
            return Offer { words: self.flags(), paths: Paths::None };
        }
        let is_key = |argument: &Arg| value_name(argument, self.positions) == Some("KEY");
        let mut offer = match self.position() {
            Some(argument) if is_key(argument) => settings(),
            Some(argument) => values(argument, ("", self.positions), word, references),
            None => Offer::default(),
        };
        if self.positions == 0 {
            offer.words.extend(self.commands());
        }
        offer
    }

    fn commands(&self) -> impl Iterator<Item = (String, String)> {
        let shown = self.command.get_subcommands().filter(|command| !command.is_hide_set());
        shown.map(|command| (command.get_name().to_owned(), text(command.get_about())))
    }

    fn flags(&self) -> Vec<(String, String)> {
        let shown = self.command.get_arguments().filter(|option| !option.is_hide_set());
        shown.filter_map(|option| Some((format!("--{}", option.get_long()?), text(option.get_help())))).collect()
    }

    /// The next positional argument, or the last one if it is repeatable.
    fn position(&self) -> Option<&'a Arg> {
        let all: Vec<&Arg> = self.command.get_positionals().collect();
        let last = all.last().filter(|last| last.get_num_args().is_some_and(|count| count.max_values() > 1));
        all.get(self.positions).or(last).copied()
    }
}

/// The name of the value at `position`, where values with several names take turns.
fn value_name(argument: &Arg, position: usize) -> Option<&str> {
    let names = argument.get_value_names()?;
    names.get(position % names.len()).map(clap::builder::Str::as_str)
}

/// The keys of `config.toml` that apply to all registries.
fn settings() -> Offer {
    let keys = KEYS.iter().filter(|key| key.tables().contains(&TableKind::Defaults));
    Offer { words: keys.map(|key| (key.name().to_owned(), String::new())).collect(), paths: Paths::None }
}

fn takes_value(option: &Arg) -> bool {
    option.get_num_args().is_some_and(|count| count.takes_values()) && !option.is_require_equals_set()
}

/// Returns true if `word` is the value of the preceding option. An optional value cannot look like a flag.
fn takes(option: &Arg, word: &str) -> bool {
    !word.starts_with('-') || option.get_num_args().is_some_and(|count| count.min_values() > 0)
}

/// The candidates for the value of `argument` at `position`; `prefix` is the part of the word before the value.
fn values(
    argument: &Arg,
    (prefix, position): (&str, usize),
    value: &str,
    references: &dyn Fn() -> Vec<String>,
) -> Offer {
    let delimiter = argument.get_value_delimiter().and_then(|delimiter| value.rfind(delimiter));
    let prefix = delimiter.map_or_else(|| prefix.to_owned(), |at| format!("{prefix}{}", &value[..=at]));
    let possible = argument.get_possible_values();
    let shown = possible.iter().filter(|value| !value.is_hide_set());
    let mut words: Vec<_> = shown.map(|value| (value.get_name().to_owned(), text(value.get_help()))).collect();
    let name = value_name(argument, position).unwrap_or_default();
    let names: Vec<String> = match NameOf::of(name) {
        Some(NameOf::ModelKit) => references(),
        Some(NameOf::File) => references().iter().map(|reference| format!("{reference}//")).collect(),
        Some(NameOf::Repository) => repositories(&references()),
        None => Vec::new(),
    };
    words.extend(names.into_iter().map(|name| (name, String::new())));
    for (word, _) in &mut words {
        word.insert_str(0, &prefix);
    }
    Offer { words, paths: paths(name) }
}

/// The kind of name in the local store that a value is.
#[derive(Debug, PartialEq, Eq)]
enum NameOf {
    ModelKit,
    File,
    Repository,
}

impl NameOf {
    /// Derives the kind from the name of the value in the help.
    fn of(value_name: &str) -> Option<Self> {
        match value_name {
            "SOURCE" | "DESTINATION" | "FIRST" | "SECOND" | "INDEX" | "MODELKIT" => Some(Self::ModelKit),
            "REPOSITORY" => Some(Self::Repository),
            name if name.ends_with("//PATH") => Some(Self::File),
            name if name.contains("NAME:TAG") || name.contains("NAME[:TAG]") => Some(Self::ModelKit),
            _ => None,
        }
    }
}

fn paths(value_name: &str) -> Paths {
    match value_name {
        "FOLDER" | "COMMAND|FOLDER" | "FOLDER|NAME:TAG" => Paths::Folders,
        "DEST" | "FIRST" | "SECOND" | "NAME:TAG|FOLDER|FILE" => Paths::Files,
        name if name.starts_with("FILE") => Paths::Files,
        _ => Paths::None,
    }
}

fn repositories(references: &[String]) -> Vec<String> {
    let without_tag = |reference: &String| reference.rsplit_once(':').map(|(repository, _)| repository.to_owned());
    let mut repositories: Vec<_> = references.iter().filter_map(without_tag).collect();
    repositories.dedup();
    repositories
}

/// The first line.
fn text(styled: Option<&clap::builder::StyledStr>) -> String {
    styled.map(ToString::to_string).unwrap_or_default().lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {

    use super::*;
    use crate::args::definition;

    fn check(line: &str, expected: &[&str], paths: Paths) {
        let words: Vec<String> = line.split(' ').map(str::to_owned).collect();
        let references = || ["kit.example/a/b:v1", "net:v1", "net:v2"].map(str::to_owned).to_vec();
        let offer = complete(&mut definition(), &words, references);
        let values: Vec<&str> = offer.words.iter().map(|(value, _)| &**value).collect();
        assert_eq!((values.as_slice(), offer.paths), (expected, paths), "{line}");
    }

    #[test]
    fn the_names_of_the_store_are_offered_where_a_modelkit_is_named() {
        for (line, expected) in [
            ("push ", &["kit.example/a/b:v1", "net:v1", "net:v2"][..]),
            ("push net:v1 kit.", &["kit.example/a/b:v1"]),
            ("push net:v1 net:v2 ", &[]),
            ("push --plain-http net:", &["net:v1", "net:v2"]),
            ("--config x -q push ne", &["net:v1", "net:v2"]),
            ("push -- ne", &["net:v1", "net:v2"]),
            ("push -- -", &[]),
            ("save a b net:v2", &["net:v2"]),
            ("save --since net:v2", &["net:v2"]),
            ("save --since=net:v2", &["--since=net:v2"]),
            ("unpack -od x net:v1", &["net:v1"]),
            ("index add net:v1 net:v2 k", &["kit.example/a/b:v1"]),
            ("cat kit", &["kit.example/a/b:v1//"]),
            ("list ", &["kit.example/a/b", "net"]),
            ("config set re", &["retry-for"]),
            ("config set retry-for ", &[]),
            ("config set retry-for 1m con", &["concurrency"]),
            ("config unset lock-timeout c", &["ca", "client-cert", "client-key", "concurrency"]),
        ] {
            check(line, expected, Paths::None);
        }
        check("diff net:v1 net:v2", &["net:v2"], Paths::Files);
    }

    #[test]
    fn commands_flags_and_values_are_offered_in_their_places() {
        check("unp", &["unpack"], Paths::None);
        check("help unp", &["unpack"], Paths::None);
        check("unpack unp", &[], Paths::None);
        check("pack --pu", &["--push"], Paths::None);
        check("pack . --push --use", &["--use-model-pack"], Paths::None);
        check("completion ba", &["bash"], Paths::None);
        check("push --also modelpack,im", &["modelpack,image"], Paths::None);
        check("push --also=im", &["--also=image"], Paths::None);
        check("--nothing=", &[], Paths::None);
        check("__comp", &[], Paths::None);
        check("pack ", &[], Paths::Folders);
        check("pack -f ", &[], Paths::Files);
        check("load --push x ", &[], Paths::Files);
    }
}
