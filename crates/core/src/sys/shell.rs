//! The shell that runs the commands in configuration files of other tools.

use std::process::Command;

/// A command line for the shell of the system.
pub fn shell(line: &str) -> Command {
    let (program, flag) = if cfg!(windows) { ("cmd.exe", "/C") } else { ("sh", "-c") };
    let mut command = Command::new(program);
    command.args([flag, line]);
    command
}
