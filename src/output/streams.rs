//! Where words go: results to standard output, everything else to standard error.

use std::borrow::Cow;
use std::io::{self, Write};

use indicatif::{MultiProgress, ProgressBar};
use serde_json::{Value, json};

use crate::config::Environment;

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
    /// One JSON object per line, for programs (docs/reference/progress.md).
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
        self.bars
            .suspend(|| {
                let mut stdout = io::stdout().lock();
                write!(stdout, "{line}{end}")?;
                stdout.flush()
            })
            .map_err(mark_if_reader_gone)
    }

    /// Takes lines of the log to standard error, above the bars.
    pub(crate) fn log(&self) -> impl Write + use<> {
        Log(self.bars.clone())
    }

    /// Takes the bytes of a file to standard output, as they are.
    pub(crate) fn stream() -> impl Write {
        Stream(io::stdout().lock())
    }

    /// Tells a finished step.
    pub(crate) fn say(&self, line: &str) {
        match self.mode {
            ProgressMode::None => {}
            ProgressMode::Json => self.event(&json!({ "type": "message", "text": line })),
            ProgressMode::Plain | ProgressMode::Fancy => self.tell(&printable(line)),
        }
    }

    /// Tells something that the user should look at.
    pub(crate) fn warn(&self, line: &str) {
        match self.mode {
            _ if !self.shows_warnings => {}
            ProgressMode::Json => self.event(&json!({ "type": "warning", "text": line })),
            _ => self.tell(&format!("{} {}", self.paint("33", "warning:"), printable(line))),
        }
    }

    /// Tells why the program failed, whatever else is silent: the error, its causes, and perhaps a hint.
    pub(crate) fn fail(&self, error: &str, causes: &[String], hint: Option<&str>) {
        if self.mode == ProgressMode::Json {
            return self.event(&json!({ "type": "error", "text": error, "causes": causes, "hint": hint }));
        }
        let mut lines = vec![format!("{} {}", self.paint("31", "error:"), printable(error))];
        lines.extend(causes.iter().map(|cause| format!("  caused by: {}", printable(cause).replace('\n', "\n  "))));
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

    /// Puts a bar above the last one.
    pub(crate) fn add_bar_above_last(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.insert_from_back(1, bar)
    }
}

struct Log(MultiProgress);

impl Write for Log {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.suspend(|| io::stderr().lock().write(buffer))
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Stream(io::StdoutLock<'static>);

impl Write for Stream {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.0.write(buffer).map_err(mark_if_reader_gone)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush().map_err(mark_if_reader_gone)
    }
}

fn mark_if_reader_gone(error: io::Error) -> io::Error {
    match error.kind() {
        io::ErrorKind::BrokenPipe => io::Error::new(io::ErrorKind::BrokenPipe, ReaderGone),
        _ => error,
    }
}

/// Nobody reads standard output any more. A connection to a registry may break the same way, and that is a failure.
#[derive(Debug, thiserror::Error)]
#[error("nobody reads the output")]
struct ReaderGone;

/// Whether the reader of standard output has gone away.
pub(crate) fn is_reader_gone(cause: &(dyn std::error::Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref::<ReaderGone>()).is_some()
}

/// The longest line that is told in full: paths have at most 4 KiB, names that attackers choose may have more.
const LONGEST_LINE: usize = 8 * 1024;

/// `text` as a terminal may have it: names come from strangers, and control characters in them would forge lines and
/// titles.
pub(crate) fn printable(text: &str) -> Cow<'_, str> {
    let is_bad = |letter: char| letter.is_control() && letter != '\n';
    if text.len() <= LONGEST_LINE && !text.contains(is_bad) {
        return Cow::Borrowed(text);
    }
    let mut clean = String::new();
    for letter in text.chars() {
        if is_bad(letter) { clean.extend(letter.escape_default()) } else { clean.push(letter) }
    }
    Cow::Owned(clean.split('\n').map(without_middle).collect::<Vec<_>>().join("\n"))
}

/// Both ends of a line that is too long: what it is about, and what is wrong with that.
fn without_middle(line: &str) -> Cow<'_, str> {
    if line.len() <= LONGEST_LINE {
        return Cow::Borrowed(line);
    }
    let at_letter = |position: &usize| line.is_char_boundary(*position);
    let head = (0..=LONGEST_LINE / 2).rev().find(at_letter).unwrap_or_default();
    let tail = (line.len() - LONGEST_LINE / 2..line.len()).find(at_letter).unwrap_or(line.len());
    Cow::Owned(format!("{} … {}", &line[..head], &line[tail..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn control_characters_are_shown_and_not_obeyed() {
        for (text, expected) in [
            ("plain – ü😀", "plain – ü😀"),
            ("two\nlines", "two\nlines"),
            ("\u{1b}]0;title\u{7}", "\\u{1b}]0;title\\u{7}"),
            ("a\rb\tc\u{9b}", "a\\rb\\tc\\u{9b}"),
        ] {
            assert_eq!(printable(text), expected);
        }
        let long = printable(&format!("first\n{}end", "ä".repeat(LONGEST_LINE))).into_owned();
        assert!(long.len() < LONGEST_LINE + 20 && long.starts_with("first\nä") && long.ends_with("äend"), "{long}");
    }

    #[test]
    fn only_the_reader_of_our_output_may_go_away() {
        assert!(is_reader_gone(&io::Error::new(io::ErrorKind::BrokenPipe, ReaderGone)));
        assert!(!is_reader_gone(&io::Error::from(io::ErrorKind::BrokenPipe)));
    }
}
