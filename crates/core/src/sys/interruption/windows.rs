//! The events of the Windows console and of the session, under the names and numbers that libuv and the C library of
//! Windows give to the equal signals.

use std::future::poll_fn;
use std::io;
pub(super) use std::process::exit;
use std::task::Poll;

use tokio::runtime::{Builder, Runtime};
use tokio::signal::windows::{self, CtrlBreak, CtrlC, CtrlClose, CtrlLogoff, CtrlShutdown};

use super::handler::Signal;

const INTERRUPT: Signal = Signal { number: 2, name: "SIGINT" };
const BREAK: Signal = Signal { number: 21, name: "SIGBREAK" };
/// The window of the console is closed. Windows gives the process 5 seconds to end.
const CLOSE: Signal = Signal { number: 1, name: "SIGHUP" };
/// The session of the user ends, or the system does; as above.
const END: Signal = Signal { number: 15, name: "SIGTERM" };

/// The events that arrive from now on. A Ctrl-C that the parent ignores stays ignored.
pub(super) struct Signals {
    interrupt: CtrlC,
    r#break: CtrlBreak,
    close: CtrlClose,
    logoff: CtrlLogoff,
    shutdown: CtrlShutdown,
    /// Without threads and drivers: the console calls a handler in a thread of its own, which wakes this one.
    runtime: Runtime,
}

impl Signals {
    pub(super) fn open() -> io::Result<Self> {
        Ok(Self {
            interrupt: windows::ctrl_c()?,
            r#break: windows::ctrl_break()?,
            close: windows::ctrl_close()?,
            logoff: windows::ctrl_logoff()?,
            shutdown: windows::ctrl_shutdown()?,
            runtime: Builder::new_current_thread().build()?,
        })
    }

    /// Waits for the next event.
    pub(super) fn next(&mut self) -> Option<Signal> {
        self.runtime.block_on(poll_fn(|context| {
            let arrived = [
                (self.interrupt.poll_recv(context), INTERRUPT),
                (self.r#break.poll_recv(context), BREAK),
                (self.close.poll_recv(context), CLOSE),
                (self.logoff.poll_recv(context), END),
                (self.shutdown.poll_recv(context), END),
            ];
            let signal = arrived.into_iter().find(|(arrived, _)| arrived.is_ready()).map(|(_, signal)| signal);
            signal.map_or(Poll::Pending, |signal| Poll::Ready(Some(signal)))
        }))
    }
}

/// Does nothing: Windows does not limit the size of the files of a process.
pub(super) fn survive_size_limit() -> io::Result<()> {
    Ok(())
}
