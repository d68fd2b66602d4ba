//! The size of the terminal. The library itself writes to none; the program asks.

/// Returns the number of columns of the terminal that standard error goes to, if it is one.
#[cfg(unix)]
pub fn error_columns() -> Option<u16> {
    rustix::termios::tcgetwinsize(std::io::stderr()).ok().map(|size| size.ws_col)
}

/// Returns `None`: the standard library does not report the size of a terminal.
#[cfg(not(unix))]
pub fn error_columns() -> Option<u16> {
    None
}
