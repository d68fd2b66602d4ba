//! Other processes.

use std::io;
use std::process::{Child, ExitStatus};
use std::time::{Duration, Instant};

/// Waits until `child` ends, and returns its status. After `limit` it is killed, and the result is `None`.
pub fn wait_at_most(child: &mut Child, limit: Duration) -> io::Result<Option<ExitStatus>> {
    /// The longest pause between two looks: no time that a user notices.
    const LONGEST_PAUSE: Duration = Duration::from_millis(50);
    let (start, mut pause) = (Instant::now(), Duration::from_millis(1));
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Some(status));
        }
        if start.elapsed() >= limit {
            child.kill()?;
            child.wait()?;
            return Ok(None);
        }
        std::thread::sleep(pause);
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// Asks the process `id` to end. It may have ended already.
#[cfg(unix)]
pub(super) fn ask_to_end(id: u32) {
    let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
    if let Some(id) = id {
        rustix::process::kill_process(id, rustix::process::Signal::TERM).ok();
    }
}

/// Does nothing: Windows sends the events of a console to all its processes.
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
    fn a_child_is_waited_for_or_killed() {
        let start = |line: &str| super::super::shell(line).spawn().unwrap();
        let status = wait_at_most(&mut start("exit 3"), Duration::from_secs(60)).unwrap();
        assert_eq!(status.and_then(|status| status.code()), Some(3));
        assert_eq!(wait_at_most(&mut start("exec sleep 60"), Duration::from_millis(20)).unwrap(), None);
    }

    #[test]
    fn this_process_is_running() {
        assert!(is_running(std::process::id()));
        assert!(!is_running(i32::MAX.cast_unsigned()));
        assert!(!is_running(0));
    }
}
