//! The runtime of the network: two threads for the tasks, and one for calls that block.

use std::io;
use std::sync::mpsc::channel;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// The tasks only wait and copy; hashing and file access happen on the threads of the callers.
const WORKERS: usize = 2;

/// Longer than any command runs.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

/// Starts the runtime, and the first thread for calls that block, which looks up host names and credentials.
pub(super) fn start() -> io::Result<Runtime> {
    // One more than needed: a thread that has ended may count for a moment longer.
    require_threads(WORKERS + 2)?;
    let runtime = Builder::new_multi_thread()
        .worker_threads(WORKERS)
        .thread_name("kit-network")
        .thread_keep_alive(FOREVER)
        .enable_all()
        .build()?;
    // If the other threads of the command reach the limit later, this one is there already.
    drop(runtime.spawn_blocking(|| ()));
    Ok(runtime)
}

/// Fails if the system permits fewer than `count` further threads at once. tokio 1 panics if it cannot start its first
/// thread, and waits forever for a second one.
fn require_threads(count: usize) -> io::Result<()> {
    let mut started = Vec::with_capacity(count);
    for _ in 0..count {
        let (end, ended) = channel::<()>();
        let thread = std::thread::Builder::new().spawn(move || ended.recv().ok())?;
        started.push((end, thread));
    }
    for (end, thread) in started {
        drop(end);
        thread.join().map_err(|_| io::Error::other("a thread panicked"))?;
    }
    Ok(())
}
