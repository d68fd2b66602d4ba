//! The size of the terminal. The library itself writes to none; the program asks.

/// Returns the number of columns of the terminal that standard error goes to, if it is one that knows its size.
pub fn error_columns() -> Option<u16> {
    columns(&std::io::stderr())
}

/// Returns the number of columns of the terminal that standard output goes to, if it is one that knows its size.
pub fn output_columns() -> Option<u16> {
    columns(&std::io::stdout())
}

#[cfg(unix)]
fn columns(stream: &impl std::os::fd::AsFd) -> Option<u16> {
    rustix::termios::tcgetwinsize(stream).ok().map(|size| size.ws_col).filter(|columns| *columns > 0)
}

/// Returns `None`: the standard library does not report the size of a terminal.
#[cfg(not(unix))]
fn columns<S>(_stream: &S) -> Option<u16> {
    None
}

/// Makes the terminal show what the user types. A prompt for a password that was interrupted has turned it off.
#[cfg(unix)]
pub(super) fn show_input() {
    use rustix::termios::{LocalModes, OptionalActions, tcgetattr, tcsetattr};
    let Ok(terminal) = fs_err::File::open("/dev/tty") else { return };
    let Ok(mut settings) = tcgetattr(&terminal) else { return };
    settings.local_modes |= LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG;
    // The process ends in any case.
    tcsetattr(&terminal, OptionalActions::Now, &settings).ok();
}

/// Does nothing: no handler of signals is installed.
#[cfg(not(unix))]
pub(super) fn show_input() {}
