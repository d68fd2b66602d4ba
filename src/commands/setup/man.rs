//! `kit man`

use std::io;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::{Args, Command, CommandFactory};
use clap_mangen::Man;
use clap_mangen::roff::{Roff, roman};
use fs_err as fs;

use crate::args;
use crate::context::Context;
use crate::output::{counted, tidy};
use kit_core::VERSION;

/// Generate man pages for all commands
///
/// Existing pages are replaced. `man kit-push` finds the pages in a `man1` folder on the search path of `man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  kit man ~/.local/share/man/man1
  kit man . && man ./kit-push.1")]
pub(crate) struct ManArgs {
    /// Output folder, created if it does not exist
    #[arg(value_name = "FOLDER")]
    folder: PathBuf,
}

impl ManArgs {
    pub(crate) fn run(&self, context: &Context) -> Result<()> {
        let mut kit = args::Args::command().disable_help_subcommand(true);
        kit.build();
        let folder = context.environment.absolute(&self.folder);
        let written = fs::create_dir_all(&folder).and_then(|()| write_all(&kit, &folder));
        let count = written.with_context(|| format!("cannot write man pages into `{}`", tidy(&self.folder)))?;
        context.output.say(&format!("{} written to {}", counted(count, "man page"), tidy(&self.folder)));
        Ok(())
    }
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
