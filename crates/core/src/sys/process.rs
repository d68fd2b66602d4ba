//! Other processes.

/// Asks the process `id` to end. It may have ended already.
#[cfg(unix)]
pub(super) fn ask_to_end(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
    }
}

/// Does nothing: the standard library can only end a process by its handle.
#[cfg(not(unix))]
pub(super) fn ask_to_end(_id: u32) {}
