//! The output streams of the process, as the environment describes them.

use std::io::{self, IsTerminal};

use kit_core::sys;

/// An output stream.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Stream {
    /// Set if it is a terminal.
    pub(crate) is_terminal: bool,
    /// Set if the terminal obeys control sequences, so that it can show progress bars.
    pub(crate) has_controls: bool,
    /// Set if text may be coloured.
    pub(crate) has_colour: bool,
}

impl Stream {
    /// Describes standard output; `text` returns the value of a variable.
    pub(super) fn output(text: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::of(&io::stdout(), sys::output_obeys_escapes, text)
    }

    /// Describes standard error; `text` returns the value of a variable.
    pub(super) fn error(text: &dyn Fn(&str) -> Option<String>) -> Self {
        Self::of(&io::stderr(), sys::error_obeys_escapes, text)
    }

    fn of(stream: &impl IsTerminal, obeys: fn() -> bool, text: &dyn Fn(&str) -> Option<String>) -> Self {
        let is_terminal = stream.is_terminal();
        let has_controls = is_terminal && text("TERM").is_none_or(|term| term != "dumb") && obeys();
        Self { is_terminal, has_controls, has_colour: has_colour(has_controls, text) }
    }
}

/// Returns true if text is coloured (bixense.com/clicolors): `NO_COLOR` comes first, then `CLICOLOR_FORCE`, `CLICOLOR`,
/// and otherwise it is on a terminal.
fn has_colour(is_terminal: bool, text: &dyn Fn(&str) -> Option<String>) -> bool {
    let forces = text("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    let refuses = text("CLICOLOR").is_some_and(|value| value == "0");
    text("NO_COLOR").is_none() && (forces || is_terminal && !refuses)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_depend_on_the_terminal_and_on_variables() {
        for (is_terminal, variables, expected) in [
            (true, &[][..], true),
            (false, &[], false),
            (true, &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")], false),
            (true, &[("CLICOLOR", "0")], false),
            (true, &[("CLICOLOR", "1")], true),
            (false, &[("CLICOLOR_FORCE", "1")], true),
            (false, &[("CLICOLOR_FORCE", "0")], false),
        ] {
            let text =
                |name: &str| variables.iter().find(|(set, _)| *set == name).map(|(_, value)| (*value).to_owned());
            assert_eq!(has_colour(is_terminal, &text), expected, "{is_terminal} {variables:?}");
        }
    }
}
