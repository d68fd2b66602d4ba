//! The output streams: results go to standard output, everything else to standard error.

use std::io::{self, BufWriter, Write};

use anyhow::Result;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};
use kit_core::progress::{Event, Warning};
use kit_core::sys::{self, Interruption};
use serde::Serialize;
use serde_json::{Value, json};

use super::colours::Colours;
use super::events;
use super::exit::Code;
use super::rows::{self, Terminal};
use super::text::{json_text, one_line};
use crate::config::{Environment, Stream};

/// The amount and form of progress output.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProgressMode {
    /// Results and warnings only.
    #[value(alias = "false")]
    None,
    /// One line per finished step, and for steps that take long a line every 30 seconds or 10 %.
    Plain,
    /// Progress bars, for terminals.
    Fancy,
    /// One JSON object per line, for scripts (docs/reference/progress.md).
    Json,
}

/// The messages that are shown beside results.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// Errors only, as `--log-level error` requests.
    Errors,
    /// Warnings and errors, as `--quiet` requests.
    Warnings,
    /// Steps as well.
    Steps,
}

/// The form of steps in messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Steps {
    /// Lines that scripts match.
    Lines,
    /// Rows for people, if both streams are a terminal.
    Rows,
    RowsWithDigests,
}

/// The output of the program.
#[derive(Debug, Clone)]
pub(crate) struct Output {
    bars: MultiProgress,
    mode: ProgressMode,
    shows_warnings: bool,
    prints_digests_only: bool,
    steps: Steps,
    results: Stream,
    messages: Stream,
}

impl Output {
    /// Creates the output; without `mode`, the environment decides. Less detail than steps turns off progress, except
    /// as JSON: a script that asks for events needs them in any case, not least the error.
    pub(crate) fn new(environment: &Environment, mode: Option<ProgressMode>, detail: Detail) -> Self {
        let by_terminal = if environment.messages.has_controls { ProgressMode::Fancy } else { ProgressMode::Plain };
        let mode = match mode {
            Some(ProgressMode::Json) => ProgressMode::Json,
            mode if detail == Detail::Steps => mode.unwrap_or(by_terminal),
            _ => ProgressMode::None,
        };
        let is_watched = environment.results.is_terminal && environment.messages.has_controls;
        Self {
            bars: MultiProgress::new(),
            mode,
            shows_warnings: detail != Detail::Errors,
            prints_digests_only: false,
            steps: if is_watched && mode == ProgressMode::Fancy { Steps::Rows } else { Steps::Lines },
            results: environment.results,
            messages: environment.messages,
        }
    }

    /// The same output, which prints digests instead of sentences about results, as --quiet requests.
    pub(crate) fn with_digests_only(self, prints_digests_only: bool) -> Self {
        Self { prints_digests_only, ..self }
    }

    /// The same output, which shows the digests of layers if `has_digests` is true, as --verbose requests.
    pub(crate) fn with_digests(self, has_digests: bool) -> Self {
        let steps = if has_digests && self.has_rows() { Steps::RowsWithDigests } else { self.steps };
        Self { steps, ..self }
    }

    /// Returns true if steps are rows for people instead of lines that scripts match.
    pub(crate) fn has_rows(&self) -> bool {
        self.steps != Steps::Lines
    }

    /// The width of the terminal that results go to; `None` if they go to a file or to another program.
    pub(crate) fn result_columns(&self) -> Option<usize> {
        self.results.is_terminal.then(|| sys::output_columns().map_or(80, usize::from))
    }

    /// The colours of results.
    pub(crate) fn colours(&self) -> Colours {
        Colours(self.results.has_colour)
    }

    /// Returns true if results are printed as digests only.
    pub(crate) fn prints_digests_only(&self) -> bool {
        self.prints_digests_only
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

    /// Writes data to standard output in parts, without any progress in between.
    pub(crate) fn write(&self, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
        self.bars.suspend(|| {
            let mut out = BufWriter::new(Self::stream());
            write(&mut out)?;
            Ok(out.flush()?)
        })
    }

    /// Writes lines of the log to standard error, above the bars.
    pub(crate) fn log(&self) -> impl Write + use<> {
        Log(self.bars.clone())
    }

    /// Writes the bytes of a file to standard output unchanged.
    pub(crate) fn stream() -> impl Write {
        DataStream(io::stdout().lock())
    }

    /// Reports a finished step.
    pub(crate) fn say(&self, line: &str) {
        self.message(line, || Value::Null);
    }

    /// Reports a step of an operation that a result must not be read without, in every mode.
    pub(crate) fn report_always(&self, event: &Event<'_>) {
        match self.mode {
            ProgressMode::None => self.write_line(&one_line(&events::line(event))),
            _ => self.report(event),
        }
    }

    /// Reports a step of an operation.
    pub(super) fn report(&self, event: &Event<'_>) {
        let line = match self.mode {
            ProgressMode::Json => Some(events::line(event)),
            _ if self.has_rows() => {
                let has_digests = self.steps == Steps::RowsWithDigests;
                rows::line(event, Terminal { columns: error_columns(), has_digests })
            }
            _ => events::has_line(event).then(|| events::line(event)),
        };
        if let Some(line) = line {
            self.message(&line, || facts(event));
        }
    }

    fn message(&self, line: &str, facts: impl FnOnce() -> Value) {
        match self.mode {
            ProgressMode::None => {}
            ProgressMode::Json => self.event(&with_text("message", line, facts())),
            ProgressMode::Plain | ProgressMode::Fancy => self.write_line(&one_line(line)),
        }
    }

    /// Reports a warning.
    pub(crate) fn warn(&self, line: &str) {
        self.warning(line, || Value::Null);
    }

    /// Reports a warning of an operation.
    pub(super) fn report_warning(&self, warning: &Warning<'_>) {
        self.warning(&events::warning_line(warning), || facts(warning));
    }

    fn warning(&self, line: &str, facts: impl FnOnce() -> Value) {
        match self.mode {
            _ if !self.shows_warnings => {}
            ProgressMode::Json => self.event(&with_text("warning", line, facts())),
            _ => self.write_line(&format!("{} {}", self.paint("33", "warning:"), one_line(line))),
        }
    }

    /// Reports a failure, in every mode: the error, its causes, and perhaps a hint.
    pub(crate) fn fail(&self, code: Code, error: &Message, causes: &[Message], hint: Option<&str>) {
        if self.mode == ProgressMode::Json {
            let causes: Vec<_> = causes.iter().map(|cause| &cause.text).collect();
            let (text, code) = (&error.text, code as u8);
            let event = json!({ "type": "error", "text": text, "causes": causes, "hint": hint, "exitCode": code });
            return self.event(&event);
        }
        let mut lines = vec![format!("{} {}", self.paint("31", "error:"), error.lines().join("\n"))];
        lines.extend(causes.iter().map(|cause| format!("  caused by: {}", cause.lines().join("\n  "))));
        lines.extend(hint.map(|hint| format!("{} {}", self.paint("36", "hint:"), one_line(hint))));
        self.write_line(&lines.join("\n"));
    }

    /// Reports, in every mode, that a signal ends the command. Nothing is drawn afterwards.
    pub(crate) fn interrupted(&self, interruption: &Interruption) {
        let kept = if interruption.keeps_download() { "; the next run resumes the transfer" } else { "" };
        let text = format!("interrupted by {}{kept}", interruption.signal());
        let line = match self.mode {
            ProgressMode::Json => {
                json_text(json!({ "type": "interrupted", "signal": interruption.signal(), "text": text }).to_string())
            }
            _ => format!("kit: {text}"),
        };
        if self.mode == ProgressMode::Fancy {
            // The terminal may be gone, and the process ends in any case.
            drop(self.bars.clear());
            self.bars.set_draw_target(ProgressDrawTarget::hidden());
        }
        drop(writeln!(io::stderr().lock(), "{line}"));
    }

    /// Writes one JSON event.
    pub(crate) fn event(&self, event: &Value) {
        self.write_line(&json_text(event.to_string()));
    }

    fn write_line(&self, line: &str) {
        // A closed standard error cannot be reported.
        self.bars.suspend(|| drop(writeln!(io::stderr().lock(), "{line}")));
    }

    /// Colours `text` if standard error supports colours. `code` is an SGR parameter.
    fn paint(&self, code: &str, text: &str) -> String {
        if self.messages.has_colour { format!("\x1b[1;{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// The form of progress output.
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

/// The width of the terminal that standard error goes to.
pub(super) fn error_columns() -> usize {
    sys::error_columns().map_or(80, usize::from)
}

/// The text of an error or of a cause.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) text: String,
    /// True if the text has several lines on purpose; otherwise a line break can only come from untrusted text.
    pub(crate) has_lines: bool,
}

impl Message {
    fn lines(&self) -> Vec<String> {
        if self.has_lines { self.text.split('\n').map(one_line).collect() } else { vec![one_line(&self.text)] }
    }
}

fn facts(report: &impl Serialize) -> Value {
    serde_json::to_value(report).expect("events consist of strings, numbers and lists")
}

/// Builds a JSON event with the members of `facts`, which is an object or null.
fn with_text(kind: &str, text: &str, facts: Value) -> Value {
    let mut event = json!({ "type": kind, "text": text });
    if let (Value::Object(event), Value::Object(facts)) = (&mut event, facts) {
        event.extend(facts);
    }
    event
}

struct Log(MultiProgress);

impl Write for Log {
    /// Writes one entry of the log, which the subscriber passes as a whole.
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let entry = String::from_utf8_lossy(buffer);
        let line = one_line(entry.strip_suffix('\n').unwrap_or(&entry));
        self.0.suspend(|| writeln!(io::stderr().lock(), "{line}"))?;
        Ok(buffer.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct DataStream(io::StdoutLock<'static>);

impl Write for DataStream {
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

/// Marks that the reader of standard output is gone, to distinguish it from a broken connection to a registry, which
/// is a failure.
#[derive(Debug, thiserror::Error)]
#[error("standard output was closed")]
struct ReaderGone;

/// Returns true if the reader of standard output is gone.
pub(crate) fn is_reader_gone(cause: &(dyn std::error::Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    inner.and_then(|inner| inner.downcast_ref::<ReaderGone>()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_reader_of_our_output_may_go_away() {
        assert!(is_reader_gone(&io::Error::new(io::ErrorKind::BrokenPipe, ReaderGone)));
        assert!(!is_reader_gone(&io::Error::from(io::ErrorKind::BrokenPipe)));
    }
}
