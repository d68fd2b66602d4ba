//! The size and the abilities of the terminal. The library itself writes to none; the program asks.

#[cfg(windows)]
use std::io;

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

#[cfg(windows)]
fn columns(stream: &impl std::os::windows::io::AsHandle) -> Option<u16> {
    terminal_size::terminal_size_of(stream).map(|(columns, _)| columns.0).filter(|columns| *columns > 0)
}

/// Makes the terminal that standard error goes to obey escape sequences. Returns false if it cannot.
#[cfg(windows)]
pub fn error_obeys_escapes() -> bool {
    obeys_escapes(winapi_util::console::Console::stderr())
}

/// Makes the terminal that standard output goes to obey escape sequences. Returns false if it cannot.
#[cfg(windows)]
pub fn output_obeys_escapes() -> bool {
    obeys_escapes(winapi_util::console::Console::stdout())
}

/// Returns false for consoles before Windows 10.
#[cfg(windows)]
fn obeys_escapes(console: io::Result<winapi_util::console::Console>) -> bool {
    console.and_then(|mut console| console.set_virtual_terminal_processing(true)).is_ok()
}

/// Returns true: terminals do so without being asked.
#[cfg(unix)]
pub fn error_obeys_escapes() -> bool {
    true
}

/// Returns true: terminals do so without being asked.
#[cfg(unix)]
pub fn output_obeys_escapes() -> bool {
    true
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

/// Makes the console show what the user types. A prompt for a password that was interrupted has turned it off.
#[cfg(windows)]
pub(super) fn show_input() {
    use winapi_util::{HandleRef, console};
    /// `ENABLE_PROCESSED_INPUT`, `ENABLE_LINE_INPUT` and `ENABLE_ECHO_INPUT` of `SetConsoleMode`.
    const USUAL: u32 = 0x1 | 0x2 | 0x4;
    let input = fs_err::OpenOptions::new().read(true).write(true).open("CONIN$");
    let Ok(input) = input.map(fs_err::File::into_file) else { return };
    let Ok(mode) = console::mode(HandleRef::from_file(&input)) else { return };
    // The process ends in any case.
    console::set_mode(HandleRef::from_file(&input), mode | USUAL).ok();
}
