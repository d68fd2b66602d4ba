//! The command line: global flags, the subcommands, and what happens to a failure.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{ArgAction, Parser, ValueEnum};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::commands::Command;
use super::context::Context;
use super::environment::Environment;
use super::output::{Output, ProgressMode};
use super::report;

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
  init        Write a first Kitfile for a folder
  pack        Pack a folder and its Kitfile into a ModelKit

Move
  push        Send a ModelKit to a registry
  pull        Fetch a ModelKit from a registry into the local store
  copy        Copy a ModelKit from a registry to another, or to and from a folder
  unpack      Put all or some of a ModelKit into a folder

Look
  list        List ModelKits, here or in a registry
  inspect     Show the manifest and the Kitfile of a ModelKit as JSON
  info        Show the Kitfile of a ModelKit
  diff        Compare two ModelKits

Keep
  tag         Give a ModelKit another name
  remove      Remove ModelKits, here or from a registry
  fsck        Check the local store, and mend it
  cache       Show or clear what unfinished downloads left

Registries
  login       Store credentials for a registry
  logout      Forget them

More
  version     Show the version
  completion  Print a completion script for a shell
  help        Explain a command

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
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let global = &args.global;
    start_log(global);
    let environment = match Environment::read(global.config.as_deref()) {
        Ok(environment) => environment,
        Err(error) => return report::unready(&error),
    };
    let is_quiet = global.quiet || global.log_level == LogLevel::Error;
    let output = Output::new(&environment, global.progress, is_quiet);
    let context = Context::new(environment, output);
    match args.command.run(&context) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&context.output, &error),
    }
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

fn start_log(global: &GlobalArgs) {
    let level = match (global.log_level, global.verbose) {
        (_, 2..) | (LogLevel::Trace, _) => LevelFilter::TRACE,
        (_, 1) | (LogLevel::Debug, _) => LevelFilter::DEBUG,
        (LogLevel::Error, _) => LevelFilter::ERROR,
        _ => LevelFilter::WARN,
    };
    // Other crates log what may be secret (headers) or is noise: only our own words are shown.
    let filter = Targets::new().with_target("kit", level);
    let format = tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(false).without_time();
    tracing_subscriber::registry().with(format.with_filter(filter)).init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

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
}
