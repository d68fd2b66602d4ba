//! The command line: global flags, the subcommands, and what happens to a failure.

use std::any::TypeId;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::builder::BoolishValueParser;
use clap::error::ErrorKind;
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::context::Context;
use crate::commands::Command;
use crate::config::Environment;
use crate::output::{Output, ProgressMode, report};

/// Pack AI projects into OCI artifacts and move them through any registry
#[derive(Debug, Parser)]
#[command(name = "kit", override_help = OVERVIEW, version)]
pub(crate) struct Args {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
struct GlobalArgs {
    /// Keep store and credentials in this folder [default: KIT_HOME, KITOPS_HOME, or `kit` in the user's data folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    config: Option<PathBuf>,
    /// How progress is shown: nothing, one line per step, bars, or JSON for programs
    #[arg(long, global = true, value_name = "MODE")]
    progress: Option<ProgressMode>,
    /// What is logged to standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
    /// Log more; repeat for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Print results and errors only
    #[arg(short, long, global = true)]
    quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}

/// What `kit` alone prints: the commands as a person meets them.
const OVERVIEW: &str = "\
Pack AI projects into OCI artifacts and move them through any registry.

Usage: kit [OPTIONS] COMMAND

Make
  init         Write a first Kitfile for a folder or a repository of a hub
  validate     Look over a folder and its Kitfile before they are packed
  import       Make a ModelKit of a repository on the Hugging Face hub, or of one of git
  pack         Pack a folder and its Kitfile into a ModelKit
  update       Move the pins of a Kitfile to what the tags name now

Move
  push         Send a ModelKit to a registry
  pull         Fetch a ModelKit from a registry into the local store
  copy         Copy a ModelKit from a registry to another, or to and from a folder
  promote      Move a tag in a registry to a ModelKit, unless somebody else moves it
  save         Save ModelKits as an archive, for places that no network reaches
  load         Load the ModelKits of an archive, here or into a registry
  unpack       Put all or some of a ModelKit into a folder

PlanTarget
  list         List ModelKits, here or in a registry
  inspect      Show the manifest and the Kitfile of a ModelKit as JSON
  info         Show the Kitfile of a ModelKit
  ls           List the files in a ModelKit
  cat          Print a file of a ModelKit
  cp           Copy a file or a folder out of a ModelKit
  diff         Compare two ModelKits
  log          Show the versions of a ModelKit, and what changed in each
  lineage      Show what a ModelKit is built from, as a tree or a picture
  verify       Compare a folder with its Kitfile.lock, or with a ModelKit

Keep
  tag          Give a ModelKit another name
  index        Keep variants of a model under one name, told apart by labels
  convert      Make a ModelPack of a ModelKit, or the other way round
  remove       Remove ModelKits, here or from a registry
  materialize  Copy the files of a linked ModelKit into the local store
  fsck         Check the local store, and mend it
  cache        Show or clear what unfinished downloads left

Registries
  login        Store credentials for a registry
  logout       Forget them
  doctor       Find out what a registry does, and what kit will do with it
  config       Show every setting and where it comes from

More
  schema       Print the JSON Schema of the Kitfile
  version      Show the version
  completion   Print a completion script for a shell
  man          Write a man page for every command into a folder
  help         Explain a command

Options
  --config FOLDER     Keep store and credentials in this folder
  --progress MODE     none, plain (a line per step), fancy (bars) or json (for programs)
  --log-level LEVEL   error, warn, info, debug or trace
  -v, --verbose       Log more; repeat for even more
  -q, --quiet         Print results and errors only
  -V, --version       Print the version
  -h, --help          Print help; `kit COMMAND --help` explains one command

Begin with `kit init .` in the folder of your model, look at the Kitfile that it wrote,
then `kit pack . -t NAME:TAG` and `kit push NAME:TAG REGISTRY/NAME:TAG`.
";

/// Runs the program; `args` begin with its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.len() < 2 {
        args.push("--help".into());
    }
    let args = match parse(&args) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let global = &args.global;
    let environment = match Environment::read(global.config.as_deref()) {
        Ok(environment) => environment,
        Err(error) => return report::unready(&error),
    };
    let is_quiet = global.quiet || global.log_level == LogLevel::Error;
    let output = Output::new(&environment, global.progress, is_quiet);
    start_log(global, output.clone());
    let context = Context::new(environment, output);
    match args.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&context.output, &error),
    }
}

/// Parses the command line; `args` begin with the program's name. Help shows switches as they are mostly written,
/// without a value.
fn parse(args: &[OsString]) -> Result<Args, clap::Error> {
    match Args::try_parse_from(args) {
        Err(error) if error.use_stderr() => {
            let matches = with_values_for_switches(Args::command()).try_get_matches_from(args)?;
            Args::from_arg_matches(&matches)
        }
        done => done,
    }
}

/// Lets every switch of every command be given as in the Go tool (pflag): `--flag`, `--flag=true`, `--flag=false`, the
/// last one counts. What stands behind a space is no value, but the next argument.
fn with_values_for_switches(command: clap::Command) -> clap::Command {
    let with_value = |argument: clap::Arg| {
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

/// Help and version are results, all else is wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    // Nobody is there to hear when the stream is closed.
    drop(error.print());
    match error.kind() {
        ErrorKind::DisplayHelp | ErrorKind::DisplayVersion => ExitCode::SUCCESS,
        _ => ExitCode::from(report::WRONG_USAGE),
    }
}

fn start_log(global: &GlobalArgs, output: Output) {
    let level = match (global.log_level, global.verbose) {
        (_, 2..) | (LogLevel::Trace, _) => LevelFilter::TRACE,
        (_, 1) | (LogLevel::Debug, _) => LevelFilter::DEBUG,
        (LogLevel::Error, _) => LevelFilter::ERROR,
        _ => LevelFilter::WARN,
    };
    // Other crates log what may be secret (headers) or is noise: only our own words are shown.
    let filter = Targets::new().with_target("kit", level);
    let format = tracing_subscriber::fmt::layer().with_writer(move || output.log()).with_ansi(false).without_time();
    tracing_subscriber::registry().with(format.with_filter(filter)).init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn the_overview_names_every_command() {
        for command in Args::command().get_subcommands().filter(|command| !command.is_hide_set()) {
            let line = format!("\n  {} ", command.get_name());
            assert!(OVERVIEW.contains(&line), "{}", command.get_name());
        }
    }

    /// What the switch `flag` of `command` is with `texts`, and with names behind them or without: `bash` is one for
    /// all.
    fn switch(command: &clap::Command, flag: &clap::Arg, texts: &[String]) -> Option<bool> {
        let names: Vec<_> = command.get_positionals().map(|_| "bash".to_owned()).collect();
        let required = command.get_opts().filter(|option| option.is_required_set());
        let required: Vec<_> = required.map(a_value_of).collect();
        let parse = |names: &[String]| {
            let args = [&["kit".to_owned(), command.get_name().to_owned()], texts, &required, names].concat();
            let matches = with_values_for_switches(Args::command()).try_get_matches_from(args).ok()?;
            matches.subcommand()?.1.try_get_one(flag.get_id().as_str()).ok()?.copied()
        };
        (0..=names.len()).find_map(|count| parse(&names[..count]))
    }

    fn a_value_of(option: &clap::Arg) -> String {
        let value = option.get_possible_values().first().map_or("bash", |value| value.get_name()).to_owned();
        format!("--{}={value}", option.get_long().unwrap())
    }

    #[test]
    fn every_switch_takes_a_value_behind_an_equals_sign() {
        let mut main = Args::command();
        main.build();
        let mut checked = 0;
        for command in main.get_subcommands().filter(|command| !command.has_subcommands()) {
            let is_boolean = |flag: &&clap::Arg| flag.get_value_parser().type_id() == TypeId::of::<bool>();
            for flag in command.get_arguments().filter(is_boolean) {
                // Those that clap makes itself.
                let Some(long) = flag.get_long().filter(|long| !matches!(*long, "help" | "version")) else { continue };
                let long = format!("--{long}");
                let short = flag.get_short().map(|short| format!("-{short}"));
                for name in short.into_iter().chain([long]) {
                    let (yes, no) = (format!("{name}=true"), format!("{name}=false"));
                    for (texts, expected) in [
                        (vec![name.clone()], true),
                        (vec![yes.clone()], true),
                        (vec![no.clone()], false),
                        (vec![format!("{name}=1")], true),
                        (vec![format!("{name}=F")], false),
                        (vec![no.clone(), name.clone()], true),
                        (vec![yes, no], false),
                    ] {
                        assert_eq!(switch(command, flag, &texts), Some(expected), "{} {texts:?}", command.get_name());
                    }
                    checked += 1;
                }
            }
        }
        assert!(checked > 30, "{checked}");
    }

    #[test]
    fn a_value_behind_a_space_is_the_next_argument() {
        let parse = |args: &[&str]| parse(&args.iter().map(OsString::from).collect::<Vec<_>>());
        let error = parse(&["kit", "unpack", "a:v1", "--overwrite", "false"]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnknownArgument);
        let args = parse(&["kit", "unpack", "--quiet=false", "-io", "--overwrite=false", "a:v1"]).unwrap();
        let (quiet, text) = (args.global.quiet, format!("{args:?}"));
        assert!(!quiet && text.contains("overwrite: false, ignore_existing: true"), "{text}");
    }
}
