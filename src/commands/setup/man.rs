//! `kit man`

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf, is_separator};

use anyhow::{Context as _, Result};
use clap::{Args, Command};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use fs_err as fs;

use crate::args;
use crate::context::Context;
use crate::output::{counted, tidy, usage};
use kit_core::VERSION;
use kit_core::problem::closest;

/// Show the man page of a command, or write the pages of all commands into a folder
///
/// The name of a command prints its page: as text on a terminal, otherwise in the format that `man -l -` reads.
/// Anything else is a folder: one that exists, or a new one with a `/` in its path. Existing pages in it are replaced.
/// `man kit-push` finds the pages in a `man1` folder on the search path of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit man push
  kit man index create | man -l -
  kit man ~/.local/share/man/man1
  kit man . && man ./kit-push.1")]
pub(crate) struct ManArgs {
    /// Command whose page is printed, or the output folder
    #[arg(value_name = "COMMAND|FOLDER", required = true)]
    names: Vec<PathBuf>,
}

impl ManArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let mut kit = args::definition().disable_help_subcommand(true);
        kit.build();
        if let Some(command) = self.command(&kit) {
            return show(command, context);
        }
        let [name] = &self.names[..] else { return Err(self.unknown(&kit)) };
        let folder = context.environment.absolute(name);
        if !folder.is_dir() && name.components().count() == 1 && !name.to_string_lossy().contains(is_separator) {
            return Err(self.unknown(&kit));
        }
        let written = fs::create_dir_all(&folder).and_then(|()| write_all(&kit, &folder));
        let count = written.with_context(|| format!("cannot write man pages into `{}`", tidy(name)))?;
        context.output.say(&format!("{} written to {}", counted(count, "man page"), tidy(name)));
        Ok(())
    }

    /// The command that the words name; `kit` is the main command.
    fn command<'c>(&self, kit: &'c Command) -> Option<&'c Command> {
        let is_main = matches!(&self.names[..], [only] if only.as_os_str() == kit.get_name());
        let words = if is_main { &[] } else { &self.names[..] };
        words.iter().try_fold(kit, |command, word| command.find_subcommand(word).filter(|found| !found.is_hide_set()))
    }

    fn unknown(&self, kit: &Command) -> anyhow::Error {
        let words: Vec<_> = self.names.iter().map(|name| name.to_string_lossy()).collect();
        let known: Vec<_> = kit.get_subcommands().map(Command::get_name).collect();
        let meant = closest(&words[0], &known).map(|name| format!("; did you mean `{name}`?")).unwrap_or_default();
        let advice = format!("`kit man ./{}` writes the pages into a new folder", words[0]);
        usage(format!("`{}` is neither a command nor a folder{meant} ({advice})", words.join(" ")))
    }
}

/// Prints the page of a command: for a reader the text of its help, for a program the page itself.
fn show(command: &Command, context: &Context) -> Result<()> {
    if io::stdout().is_terminal() {
        return Ok(context.output.result(command.clone().render_long_help().to_string().trim_end())?);
    }
    let page = String::from_utf8(page(command)?)?;
    Ok(context.output.result(page.trim_end())?)
}

/// Writes the pages of `command` and its subcommands. Returns their number.
fn write_all(command: &Command, folder: &Path) -> io::Result<usize> {
    let name = command.get_display_name().unwrap_or_else(|| command.get_name());
    fs::write(folder.join(format!("{name}.1")), page(command)?)?;
    let mut count = 1;
    for command in command.get_subcommands().filter(|command| !command.is_hide_set()) {
        count += write_all(command, folder)?;
    }
    Ok(count)
}

/// Renders a page. The same version of `kit` always gives the same pages.
fn page(command: &Command) -> io::Result<Vec<u8>> {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let examples = command.get_after_help().map(ToString::to_string);
    let man = Man::new(command.clone().override_usage(usage).after_help(None::<&str>));
    // A blank instead of the date: the crate omits empty fields, so all following fields would move up.
    let man = man.date(" ").source(format!("kit {VERSION}")).manual("Manual of kit");
    let mut page = Vec::new();
    man.render(&mut page)?;
    if let Some(examples) = examples {
        as_typed(&examples).to_writer(&mut page)?;
    }
    Ok(page)
}

/// Renders the examples of the help, line by line.
fn as_typed(text: &str) -> Roff {
    let mut roff = Roff::new();
    roff.control("SH", ["EXAMPLES"]).control("nf", []);
    for line in text.lines().filter(|line| *line != "Examples:") {
        roff.text([roman(line.trim_start())]);
    }
    roff.control("fi", []);
    roff
}
