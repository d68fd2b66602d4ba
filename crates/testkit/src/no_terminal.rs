//! Stand-ins for a terminal on Windows, where the tests that need one are ignored.

use std::process::Command;

/// There is no pseudo terminal.
pub fn in_terminal(command: &mut Command, columns: u16) -> String {
    raw_in_terminal(command, columns)
}

/// There is no pseudo terminal.
pub fn raw_in_terminal(_command: &mut Command, _columns: u16) -> String {
    panic!("a test on a terminal is ignored on Windows")
}
