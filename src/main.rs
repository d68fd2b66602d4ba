//! Arguments in, exit code out.

use std::process::ExitCode;

fn main() -> ExitCode {
    kit::run(std::env::args_os())
}
