//! The shell that runs the commands in configuration files of other tools.

use std::process::Command;

/// A command line for the shell of the system.
pub fn shell(line: &str) -> Command {
    #[cfg(unix)]
    {
        let mut command = Command::new("sh");
        command.args(["-c", line]);
        command
    }
    #[cfg(windows)]
    {
        use std::os::windows::process::CommandExt;
        let mut command = Command::new("cmd.exe");
        // cmd.exe does not know the escapes of `arg`. With `/S` it removes the outer quotes, and no others.
        command.args(["/D", "/S", "/C"]).raw_arg(format!("\"{line}\""));
        command
    }
}
