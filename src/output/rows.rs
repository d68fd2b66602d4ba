//! The steps of an operation on a terminal: a row for each layer, after it was processed, instead of the lines of
//! `KitOps`.

use super::events;
use super::fit::padded;
use super::text::one_line;
use kit_core::progress::{Event, LayerPacked, PackOutcome, human};

/// The properties of the terminal.
#[derive(Debug, Clone, Copy)]
pub(super) struct Terminal {
    /// The width.
    pub(super) columns: usize,
    /// Set if digests are shown, as --verbose requests.
    pub(super) has_digests: bool,
}

/// The total width of the columns beside the path: margin, kind, size and outcome, with the gaps between them.
const FIXED: usize = 2 + KIND + 2 + 2 + SIZE + 2 + 14;
const KIND: usize = 11;
const SIZE: usize = 10;

/// One line for `event`; `None` if it is of no interest on a terminal, where bars show the running steps.
pub(super) fn line(event: &Event<'_>, terminal: Terminal) -> Option<String> {
    match event {
        Event::LayerPacked(LayerPacked { kind, path, digest, bytes, outcome }) => {
            let row = row(terminal, kind, path, *bytes);
            let digest = if terminal.has_digests { format!("  {digest}") } else { String::new() };
            Some(format!("{row}  {}{digest}", word(*outcome)))
        }
        Event::DocumentSaved { .. } if !terminal.has_digests => None,
        Event::UnpackingLayer { .. } => None,
        Event::LayerUnpacked { kind, path, bytes } => Some(row(terminal, kind, path, *bytes)),
        event => events::has_line(event).then(|| events::line(event)),
    }
}

fn row(terminal: Terminal, kind: &str, path: &str, bytes: u64) -> String {
    let width = terminal.columns.saturating_sub(FIXED).clamp(16, 48);
    format!("  {kind:<KIND$}  {}  {:>SIZE$}", padded(&one_line(path), width), human(bytes))
}

fn word(outcome: PackOutcome) -> &'static str {
    match outcome {
        PackOutcome::Saved => "new",
        PackOutcome::AlreadySaved => "reused",
        PackOutcome::Linked => "linked",
        PackOutcome::AlreadyLinked => "already linked",
        PackOutcome::Hashed => "hashed",
    }
}

#[cfg(test)]
mod tests {
    use kit_core::digest::Digest;
    use unicode_width::UnicodeWidthStr as _;

    use super::*;

    #[test]
    fn rows_fit_the_terminal() {
        let (digest, long) = (Digest::of(b""), "数据/".repeat(50));
        let packed =
            |path, outcome| Event::LayerPacked(LayerPacked { kind: "model.parts", path, digest, bytes: 1023, outcome });
        for columns in [80, 100, 200] {
            let terminal = Terminal { columns, has_digests: false };
            for (path, outcome) in [("a", PackOutcome::Saved), (&*long, PackOutcome::AlreadyLinked)] {
                let line = line(&packed(path, outcome), terminal).unwrap();
                assert!(line.width() <= columns, "{columns} {}: {line}", line.width());
            }
        }
        let terminal = Terminal { columns: 60, has_digests: true };
        assert_eq!(
            line(&packed("weights/tokenizer.json", PackOutcome::AlreadySaved), terminal).unwrap(),
            format!("  model.parts  weights/…zer.json      1023 B  reused  {digest}")
        );
    }
}
