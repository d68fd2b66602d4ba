//! The command line: global flags, subcommands, and the exit code of a failure.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{ArgAction, CommandFactory, FromArgMatches, Parser, ValueEnum};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::context::Context;
use crate::arguments::{with_values_for_switches, without_switches_off};
use crate::commands::{Command, with_all_defined};
use crate::config::{Environment, parse_duration};
use crate::help;
use crate::output::{Detail, Output, ProgressMode, report};
use kit_core::problem::closest;
use kit_core::sys;

/// Pack AI projects into OCI artifacts and move them through any registry
#[derive(Debug, Parser)]
#[command(name = "kit", version = kit_core::VERSION)]
pub(crate) struct Args {
    #[command(flatten)]
    global: GlobalArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Clone, clap::Args)]
#[command(next_help_heading = "Global options")]
struct GlobalArgs {
    /// Folder of the local store and the credentials [default: KIT_HOME, KITOPS_HOME, or `kit` in the user's data
    /// folder]
    #[arg(long, global = true, value_name = "FOLDER")]
    config: Option<PathBuf>,
    /// Fail if another process holds a lock of the local store for longer than this time, such as 30s or 5m [default:
    /// no limit]
    #[arg(long, global = true, value_name = "TIME", value_parser = parse_duration)]
    lock_timeout: Option<Duration>,
    /// Wait until everything that the command stores is on the disk [default: false]
    #[arg(
        long,
        global = true,
        num_args = 0..=1,
        default_missing_value = "true",
        require_equals = true,
        hide_possible_values = true,
        value_name = "BOOL"
    )]
    sync: Option<bool>,
    /// Policy for ModelKits, asked in addition to that of the system [default: that of `KIT_POLICY`, or
    /// `policy.toml` beside config.toml]
    #[arg(long, global = true, value_name = "FILE")]
    policy: Option<PathBuf>,
    /// Progress output: nothing, one line per step, bars, or JSON for scripts
    #[arg(long, global = true, value_name = "MODE")]
    progress: Option<ProgressMode>,
    /// Level of the log on standard error
    #[arg(long, global = true, value_name = "LEVEL", default_value = "info")]
    log_level: LogLevel,
    /// Log more; repeat for even more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    verbose: u8,
    /// Print results, warnings and errors only; a command that makes or moves a ModelKit prints its digest only
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

/// The command line as clap knows it, with the overview as its help. Of an option given twice, the last value counts,
/// as in KitOps (pflag). The values of an option that takes a list add up.
pub(crate) fn command() -> clap::Command {
    let command = overriding(help::laid_out(definition()));
    let overview = help::overview(&command);
    command.override_help(overview)
}

/// The command line as it is declared, with the arguments of all subcommands.
pub(crate) fn definition() -> clap::Command {
    with_all_defined(Args::command())
}

fn overriding(command: clap::Command) -> clap::Command {
    command.args_override_self(true)
}

/// Runs the program; `args` begin with its name.
pub fn run(args: impl IntoIterator<Item = OsString>) -> ExitCode {
    let mut args: Vec<OsString> = args.into_iter().collect();
    if args.len() < 2 {
        args.push("--help".into());
    }
    let given = args;
    let args = match parse(&given) {
        Ok(args) => args,
        Err(error) => return usage(&error),
    };
    let global = &args.global;
    let environment = match Environment::read(global.config.as_deref(), &given) {
        Ok(environment) => environment
            .with_lock_timeout(global.lock_timeout)
            .with_sync(global.sync)
            .with_policy(global.policy.as_deref()),
        Err(error) => return report::unready(&error),
    };
    let detail = match global.log_level {
        LogLevel::Error => Detail::Errors,
        _ if global.quiet => Detail::Warnings,
        _ => Detail::Steps,
    };
    let output = Output::new(&environment, global.progress, detail).with_digests_only(global.quiet);
    let output = output.with_digests(global.verbose > 0);
    start_log(global, output.clone());
    let last = output.clone();
    sys::on_interruption(move |interruption| last.interrupted(&interruption));
    let context = Context::new(environment, output);
    let start = Instant::now();
    let result = args.command.run(&context).and_then(|()| context.receipt.finish(&context.output, start));
    // The files of an interrupted command are removed while it runs, which must not be reported as its error.
    sys::wait_if_interrupted();
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => report::failure(&context.output, &error),
    }
}

/// The end of the line above a private key. Such an argument must not be repeated in an error.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Parses the command line; `args` begin with the program's name.
///
/// The arguments of the other subcommands and the help take most of the time of a start, and are only defined when clap
/// has something to print. The help shows switches without a value, so switches with a value are parsed in a last
/// attempt.
fn parse(args: &[OsString]) -> Result<Args, clap::Error> {
    if args.iter().any(|arg| arg.to_string_lossy().contains(PRIVATE_KEY)) {
        let message = "an argument contains a private key; use --key FILE, or --key env://NAME for a variable";
        return Err(command().error(ErrorKind::ValueValidation, message));
    }
    match overriding(Args::command()).try_get_matches_from(args) {
        Ok(matches) => return Args::from_arg_matches(&matches),
        Err(error) if error.kind() == ErrorKind::DisplayVersion => return Err(error),
        Err(_) => {}
    }
    let matches = match command().try_get_matches_from(args) {
        Err(error) if error.use_stderr() => {
            let mut plain = command();
            plain.build();
            with_values_for_switches(command()).try_get_matches_from(without_switches_off(&plain, args))
        }
        done => done,
    };
    Args::from_arg_matches(&matches.map_err(|error| with_suggestion(error, args))?)
}

/// Adds the flag that an unknown flag was probably meant to be. clap's own suggestions are not used: it misses
/// transposed letters in short names, and suggests flags that mean something else, such as `--overwrite` for
/// `--remote`, which a user would copy.
fn with_suggestion(error: clap::Error, args: &[OsString]) -> clap::Error {
    let mut error = with_closest_command_first(error);
    let Some(ContextValue::String(unknown)) = error.get(ContextKind::InvalidArg) else { return error };
    if error.kind() != ErrorKind::UnknownArgument {
        return error;
    }
    let unknown = unknown.clone();
    // clap advises to pass the flag as a value, after `--`: no command has a use for such a value.
    error.remove(ContextKind::Suggested);
    error.remove(ContextKind::SuggestedArg);
    let mut main = definition();
    main.build();
    let words = args.iter().skip(1).filter_map(|word| word.to_str());
    let command = words.fold(&main, |command, word| command.find_subcommand(word).unwrap_or(command));
    let shown = command.get_arguments().filter(|argument| !argument.is_hide_set());
    let known: Vec<&str> = shown.filter_map(|argument| argument.get_long()).collect();
    let typed = unknown.strip_prefix("--").and_then(|flag| flag.split('=').next()).unwrap_or_default();
    let mut of_others = FLAGS_OF_OTHERS.iter().filter(|(other, _)| *other == typed).map(|(_, meant)| *meant);
    let of_others = of_others.find(|meant| known.contains(meant));
    if let Some(meant) = of_others.or_else(|| closest(typed, &known)) {
        error.insert(ContextKind::SuggestedArg, ContextValue::String(format!("--{meant}")));
    }
    error
}

/// Flags of other tools, each with the flag that does the same here, in commands that have it.
const FLAGS_OF_OTHERS: [(&str, &str); 9] = [
    ("dest", "dir"),
    ("destination", "dir"),
    ("directory", "dir"),
    ("folder", "dir"),
    ("local-dir", "dir"),
    ("output", "dir"),
    ("target", "dir"),
    ("insecure", "plain-http"),
    ("jobs", "concurrency"),
];

/// Commands of docker and git, each with the command that does the same with ModelKits.
const COMMANDS_OF_OTHERS: [(&str, &str); 6] = [
    ("images", "list"),
    ("tags", "list"),
    ("build", "pack"),
    ("rmi", "remove"),
    ("clone", "unpack"),
    ("history", "log"),
];

/// Sorts the suggestions for an unknown command: clap puts `unpack` before `pack` for `pakc`.
fn with_closest_command_first(mut error: clap::Error) -> clap::Error {
    if let Some(ContextValue::String(typed)) = error.get(ContextKind::InvalidSubcommand)
        && let Some((_, meant)) = COMMANDS_OF_OTHERS.iter().find(|(other, _)| other == typed)
    {
        let meant = ContextValue::Strings(vec![(*meant).to_owned()]);
        error.insert(ContextKind::SuggestedSubcommand, meant);
        return error;
    }
    let (Some(ContextValue::String(typed)), Some(ContextValue::Strings(names))) =
        (error.get(ContextKind::InvalidSubcommand), error.get(ContextKind::SuggestedSubcommand))
    else {
        return error;
    };
    let known: Vec<&str> = names.iter().map(String::as_str).collect();
    let meant = closest(typed, &known).unwrap_or_default();
    let mut names = names.clone();
    names.sort_by_key(|name| name != meant);
    error.insert(ContextKind::SuggestedSubcommand, ContextValue::Strings(names));
    error
}

/// Prints help or version, which are results, or the message about wrong usage.
fn usage(error: &clap::Error) -> ExitCode {
    let printed = error.print();
    match (error.kind(), printed) {
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, Err(failure)) => report::unprinted(failure),
        (ErrorKind::DisplayHelp | ErrorKind::DisplayVersion, Ok(())) => ExitCode::SUCCESS,
        // A standard error that is closed or full cannot report its own failure.
        _ => report::wrong_usage(),
    }
}

fn start_log(global: &GlobalArgs, output: Output) {
    let level = match (global.log_level, global.verbose) {
        (_, 2..) | (LogLevel::Trace, _) => LevelFilter::TRACE,
        (_, 1) | (LogLevel::Debug, _) => LevelFilter::DEBUG,
        (LogLevel::Error, _) => LevelFilter::ERROR,
        _ => LevelFilter::WARN,
    };
    // Other crates log what may be secret (headers) or is noise: only messages of `kit` are shown.
    let filter = Targets::new().with_target("kit", level);
    let format = tracing_subscriber::fmt::layer().with_writer(move || output.log()).with_ansi(false).without_time();
    tracing_subscriber::registry().with(format.with_filter(filter)).init();
}

#[cfg(test)]
mod tests {
    use std::any::TypeId;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        definition().debug_assert();
    }

    #[test]
    fn a_misspelt_flag_or_command_gets_a_suggestion() {
        for (args, expected) in [
            (&["kit", "pack", ".", "--tga", "a:v1"][..], Some("'--tag'")),
            (&["kit", "pack", ".", "--tga=a:v1"], Some("'--tag'")),
            (&["kit", "index", "create", "a:v1", "--lable", "a=b"], Some("'--label'")),
            (&["kit", "list", "--qiuet"], Some("'--quiet'")),
            (&["kit", "unpack", "a:v1", "--dest", "out"], Some("'--dir'")),
            (&["kit", "unpack", "a:v1", "--output=out"], Some("'--dir'")),
            (&["kit", "pull", "a:v1", "--insecure"], Some("'--plain-http'")),
            (&["kit", "pull", "a:v1", "--dest", "out"], None),
            (&["kit", "psuh"], Some("'push'")),
            (&["kit", "pakc"], Some("'pack', 'unpack', 'impact'")),
            (&["kit", "images"], Some("'list'")),
            (&["kit", "tags", "r.example/a"], Some("'list'")),
            (&["kit", "build", "."], Some("'pack'")),
            (&["kit", "rmi", "a:v1"], Some("'remove'")),
            (&["kit", "clone", "a:v1"], Some("'unpack'")),
            (&["kit", "pack", ".", "--nothing-like-it"], None),
            (&["kit", "unpack", "a:v1", "--over"], None),
            (&["kit", "pull", "a:v1", "--remote"], None),
            (&["kit", "remove", "a:v1", "--from"], None),
            (&["kit", "tag", "a:v1", "a:v2", "--dry-run"], None),
        ] {
            let error = parse(&args.iter().map(OsString::from).collect::<Vec<_>>()).unwrap_err().to_string();
            let tip = error.lines().find(|line| line.contains("similar"));
            match expected {
                Some(name) => assert!(tip.is_some_and(|tip| tip.ends_with(name)), "{error}"),
                None => assert_eq!(tip, None, "{error}"),
            }
            assert!(!error.contains("as a value"), "{error}");
        }
    }

    /// The value of the switch `flag` of `command` after parsing `texts`, with as many names behind them as it needs.
    fn switch(command: &clap::Command, flag: &clap::Arg, texts: &[String]) -> Option<bool> {
        let names: Vec<_> = command.get_positionals().map(|_| "bash".to_owned()).collect();
        let required = command.get_opts().filter(|option| option.is_required_set());
        let required: Vec<_> = required.map(a_value_of).collect();
        let parse = |names: &[String]| {
            let args = [&["kit".to_owned(), command.get_name().to_owned()], texts, &required, names].concat();
            let matches = with_values_for_switches(definition()).try_get_matches_from(args).ok()?;
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
        let mut main = definition();
        main.build();
        let mut checked = 0;
        for command in main.get_subcommands().filter(|command| !command.has_subcommands()) {
            let is_boolean = |flag: &&clap::Arg| flag.get_value_parser().type_id() == TypeId::of::<bool>();
            for flag in command.get_arguments().filter(is_boolean) {
                // `--help` and `--version` are made by clap.
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
    fn lists_add_up_and_the_last_one_of_other_values_counts() {
        let mut main = definition();
        main.build();
        let mut lists = 0;
        for command in main.get_subcommands() {
            for option in command.get_opts() {
                let help = option.get_help().map(ToString::to_string).unwrap_or_default();
                let names = option.get_value_names().unwrap_or_default().concat();
                let words = ["commas", "comma-separated", "(repeatable)"];
                let is_list = names.contains("[,") || words.iter().any(|word| help.contains(word));
                let adds_up = matches!(option.get_action(), ArgAction::Append);
                assert!(!is_list || adds_up, "{} --{:?}", command.get_name(), option.get_long());
                lists += usize::from(is_list);
            }
        }
        assert!(lists > 10, "{lists}");
        let parse = |args: &[&str]| parse(&args.iter().map(OsString::from).collect::<Vec<_>>()).unwrap();
        let args = format!("{:?}", parse(&["kit", "pack", "-t", "a:v1", "-f", "x", "-t", "a:v2", "-f", "y"]));
        assert!(args.contains(r#"tag: ["a:v1", "a:v2"]"#) && args.contains(r#"file: Some("y")"#), "{args}");
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
