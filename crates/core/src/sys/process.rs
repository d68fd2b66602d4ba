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
/// Returns true if a process with this number is running, or if the platform does not answer that.
#[cfg(unix)]
pub fn is_running(process: u32) -> bool {
    let Some(process) = i32::try_from(process).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    // A process of another user exists, but must not be signalled.
    !matches!(rustix::process::test_kill_process(process), Err(rustix::io::Errno::SRCH))
}

/// Returns true: the platform is not asked.
#[cfg(not(unix))]
pub fn is_running(_process: u32) -> bool {
    true
}

#[cfg(unix)]
#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_running() {
        assert!(is_running(std::process::id()));
        assert!(!is_running(i32::MAX.cast_unsigned()));
        assert!(!is_running(0));
    }
}
