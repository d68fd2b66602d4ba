//! A terminal of a given width that a program runs in.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

/// Runs `command` to its end with both output streams on a terminal with this many columns, and returns what it wrote
/// without escape sequences. A line ends with a line feed only.
pub fn in_terminal(command: &mut Command, columns: u16) -> String {
    let text = raw_in_terminal(command, columns);
    let escapes = regex::Regex::new("\x1b\\[[0-9;?]*[A-Za-z]").unwrap();
    // A bar is a line that is deleted before the next one is written.
    let text = escapes.replace_all(&text, "").replace("\r\n", "\n");
    text.split('\n').map(|line| line.rsplit('\r').next().unwrap_or(line)).collect::<Vec<_>>().join("\n")
}

/// Like [`in_terminal`], but returns all bytes.
pub fn raw_in_terminal(command: &mut Command, columns: u16) -> String {
    let master = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
    grantpt(&master).unwrap();
    unlockpt(&master).unwrap();
    let name = ptsname(&master, Vec::new()).unwrap();
    let slave = rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
    tcsetwinsize(&slave, Winsize { ws_row: 25, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 }).unwrap();
    command.stdout(Stdio::from(slave.try_clone().unwrap())).stderr(Stdio::from(slave));
    let mut child = command.spawn().unwrap();
    // The command keeps its streams; the output ends when no process has the terminal open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let (mut master, mut bytes) = (File::from(master), Vec::new());
    // Linux reports that as an error.
    let end = master.read_to_end(&mut bytes);
    assert!(end.is_ok() || end.is_err_and(|error| error.raw_os_error() == Some(5)), "EIO");
    child.wait().unwrap();
    String::from_utf8(bytes).unwrap()
}
