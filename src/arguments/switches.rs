//! Switches that are given with a value.

use std::any::TypeId;
use std::ffi::{OsStr, OsString};

use clap::builder::{BoolishValueParser, TypedValueParser as _};
use clap::{Arg, ArgAction, Command};

/// Accepts values for the switches of all commands as KitOps (pflag) does: `--flag`, `--flag=true`, `--flag=false`.
/// The last one wins. A word after a space is not a value, but the next argument.
pub(crate) fn with_values_for_switches(command: Command) -> Command {
    let with_value = |argument: Arg| {
        if argument.get_value_parser().type_id() != TypeId::of::<bool>() {
            return argument;
        }
        let is_plain = matches!(argument.get_action(), ArgAction::SetTrue);
        let name = argument.get_id().clone();
        let argument = argument.action(ArgAction::Set).value_parser(BoolishValueParser::new()).overrides_with(name);
        let argument = argument.num_args(0..=1).require_equals(true).default_missing_value("true");
        if is_plain { argument.default_value("false") } else { argument }
    };
    command.mut_args(with_value).mut_subcommands(with_values_for_switches)
}

/// Returns `args` without the switches that are turned off, such as `--all=false`, as they have no effect: to clap they
/// would be given, and could not be used together with the arguments that the switch excludes.
///
/// A switch that is turned on before it is turned off stays, as its last value counts. `command` is the main command,
/// built.
pub(crate) fn without_switches_off(command: &Command, args: &[OsString]) -> Vec<OsString> {
    let mut command = command;
    let mut kept = Vec::with_capacity(args.len());
    for (place, word) in args.iter().enumerate() {
        let text = word.to_str().unwrap_or_default();
        if text == "--" {
            kept.extend_from_slice(&args[place..]);
            break;
        }
        command = if place == 0 { command } else { command.find_subcommand(text).unwrap_or(command) };
        let switch = switched_off(command, text);
        if switch.is_none_or(|switch| args[..place].iter().any(|earlier| turns_on(switch, earlier))) {
            kept.push(word.clone());
        }
    }
    kept
}

/// The switch that `text` turns off.
fn switched_off<'c>(command: &'c Command, text: &str) -> Option<&'c Arg> {
    let (name, _) = text.strip_prefix("--")?.split_once('=').filter(|(_, value)| is_false(value))?;
    let is_meant = |arg: &&Arg| arg.get_long() == Some(name) && matches!(arg.get_action(), ArgAction::SetTrue);
    command.get_arguments().find(is_meant)
}

/// Returns true if `word` names the switch, alone or among other short switches.
fn turns_on(switch: &Arg, word: &OsStr) -> bool {
    let text = word.to_str().unwrap_or_default();
    match text.strip_prefix("--") {
        Some(long) => switch.get_long() == long.split('=').next() && switched_on(long),
        None => text.strip_prefix('-').is_some_and(|short| switch.get_short().is_some_and(|name| short.contains(name))),
    }
}

fn switched_on(long: &str) -> bool {
    long.split_once('=').is_none_or(|(_, value)| !is_false(value))
}

/// The texts that clap takes for false.
fn is_false(value: &str) -> bool {
    let nothing = Command::new("kit");
    BoolishValueParser::new().parse_ref(&nothing, None, value.as_ref()).is_ok_and(|is_on| !is_on)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::command;

    #[test]
    fn only_switches_that_are_off_are_removed() {
        let mut command = command();
        command.build();
        for (args, expected) in [
            ("kit remove a:v1 --all=false --force=false", "kit remove a:v1"),
            ("kit remove a:v1 --all=FALSE --force=0", "kit remove a:v1"),
            ("kit remove --all --force=true", "kit remove --all --force=true"),
            ("kit remove --all --all=false a:v1", "kit remove --all --all=false a:v1"),
            ("kit remove -fa --all=false a:v1", "kit remove -fa --all=false a:v1"),
            ("kit remove --all=false --all=false a:v1", "kit remove a:v1"),
            (
                "kit pull a:v1 --tls-verify=false --plain-http=false",
                "kit pull a:v1 --tls-verify=false --plain-http=false",
            ),
            ("kit pack . --tag=false", "kit pack . --tag=false"),
            ("kit index remove a:v1 --all=false", "kit index remove a:v1 --all=false"),
            ("kit remove -- --all=false", "kit remove -- --all=false"),
        ] {
            let words = |text: &str| text.split(' ').map(OsString::from).collect::<Vec<_>>();
            assert_eq!(without_switches_off(&command, &words(args)), words(expected), "{args}");
        }
    }
}
