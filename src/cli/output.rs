//! Where words go: results to standard output, everything else to standard error.

use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar};
use serde_json::{Value, json};

use super::environment::Environment;

/// How much is told about work under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProgressMode {
    /// Nothing but results and warnings.
    #[value(alias = "false")]
    None,
    /// One line per finished step.
    Plain,
    /// Bars that move; for terminals.
    Fancy,
    /// One JSON object per line, for programs (docs/progress.md).
    Json,
}

/// The mouth of the program.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    bars: MultiProgress,
    mode: ProgressMode,
    shows_warnings: bool,
    has_colour: bool,
}

impl Output {
    /// `mode` and the surroundings decide; `--quiet` silences even warnings.
    pub(crate) fn new(environment: &Environment, mode: Option<ProgressMode>, is_quiet: bool) -> Self {
        let by_terminal = if environment.is_watched { ProgressMode::Fancy } else { ProgressMode::Plain };
        let mode = if is_quiet { ProgressMode::None } else { mode.unwrap_or(by_terminal) };
        Self { bars: MultiProgress::new(), mode, shows_warnings: !is_quiet, has_colour: environment.has_colour }
    }

    /// Writes a line of data to standard output.
    pub(crate) fn result(&self, line: impl AsRef<str>) -> io::Result<()> {
        let line = line.as_ref();
        let end = if line.ends_with('\n') || line.is_empty() { "" } else { "\n" };
        self.bars.suspend(|| {
            let mut stdout = io::stdout().lock();
            write!(stdout, "{line}{end}")?;
            stdout.flush()
        })
    }

    /// Tells a finished step.
    pub(crate) fn say(&self, line: &str) {
        match self.mode {
            ProgressMode::None => {}
            ProgressMode::Json => self.event(&json!({ "type": "message", "text": line })),
            ProgressMode::Plain | ProgressMode::Fancy => self.tell(line),
        }
    }

    /// Tells something that the user should look at.
    pub(crate) fn warn(&self, line: &str) {
        match self.mode {
            _ if !self.shows_warnings => {}
            ProgressMode::Json => self.event(&json!({ "type": "warning", "text": line })),
            _ => self.tell(&format!("{} {line}", self.paint("33", "warning:"))),
        }
    }

    /// Tells why the program failed, whatever else is silent: the error, its causes, and perhaps a hint.
    pub(crate) fn fail(&self, error: &str, causes: &[String], hint: Option<&str>) {
        if self.mode == ProgressMode::Json {
            return self.event(&json!({ "type": "error", "text": error, "causes": causes, "hint": hint }));
        }
        let mut lines = vec![format!("{} {error}", self.paint("31", "error:"))];
        lines.extend(causes.iter().map(|cause| format!("  caused by: {}", cause.replace('\n', "\n  "))));
        lines.extend(hint.map(|hint| format!("{} {hint}", self.paint("36", "hint:"))));
        self.tell(&lines.join("\n"));
    }

    /// Writes one event for a program that watches.
    pub(crate) fn event(&self, event: &Value) {
        self.tell(&event.to_string());
    }

    fn tell(&self, line: &str) {
        // There is nobody to tell that standard error is closed.
        self.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{line}")));
    }

    /// Colours `text` where standard error has colours. `code` is an SGR parameter.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.has_colour { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// How progress is told.
    pub(crate) fn mode(&self) -> ProgressMode {
        self.mode
    }

    /// Puts a bar below the others.
    pub(crate) fn add_bar(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }
}
