//! The threads of one stream: they compress blocks and return them in the order in which they were sent.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::block::{Block, Compressor, Format};

/// The number of blocks in flight beyond one for each thread, so that no thread waits for the writer.
const SPARE_BLOCKS: usize = 2;

/// Compresses blocks. Threads are started as blocks come, and end when this value is dropped.
pub(super) struct Threads {
    most: usize,
    handles: Vec<JoinHandle<()>>,
    /// None when no more blocks come.
    queue: Option<Sender<Job>>,
    jobs: Arc<Mutex<Receiver<Job>>>,
    /// The receivers of the blocks in flight, the oldest first.
    in_flight: VecDeque<Receiver<io::Result<Block>>>,
}

struct Job {
    block: Block,
    done: SyncSender<io::Result<Block>>,
}

impl Threads {
    /// Creates a pool of at most `most` threads, with none started.
    pub(super) fn new(most: usize) -> Self {
        let (queue, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        Self { most, handles: Vec::new(), queue: Some(queue), jobs, in_flight: VecDeque::new() }
    }

    /// Returns true if a block should be [received](Self::receive) before the next one is sent.
    pub(super) fn are_busy(&self) -> bool {
        self.in_flight.len() >= self.most + SPARE_BLOCKS
    }

    /// Sends `block` to a thread that compresses it into `format`.
    pub(super) fn send(&mut self, block: Block, format: &dyn Format) -> io::Result<()> {
        if self.handles.len() < self.most {
            match start(Arc::clone(&self.jobs), format.compressor()?) {
                Ok(handle) => self.handles.push(handle),
                Err(error) if self.handles.is_empty() => return Err(error),
                // Where the system permits no more threads, those that have started do the work.
                Err(_) => self.most = self.handles.len(),
            }
        }
        let (done, arrives) = sync_channel(1);
        self.in_flight.push_back(arrives);
        let queue = self.queue.as_ref().expect("the queue is open as long as blocks can be sent");
        // The receiver is `self.jobs`, so it cannot be closed.
        queue.send(Job { block, done }).map_err(io::Error::other)
    }

    /// Waits for the oldest block in flight. Returns none if there are no more.
    pub(super) fn receive(&mut self) -> io::Result<Option<Block>> {
        let Some(arrives) = self.in_flight.pop_front() else { return Ok(None) };
        arrives.recv().map_err(|_| io::Error::other("a compression thread ended early"))?.map(Some)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        drop(self.queue.take());
        for handle in self.handles.drain(..) {
            // A panic of the thread has been, or would have been, the error of the block that it compressed.
            drop(handle.join());
        }
    }
}

fn start(jobs: Arc<Mutex<Receiver<Job>>>, mut compressor: Box<dyn Compressor>) -> io::Result<JoinHandle<()>> {
    let started = std::thread::Builder::new().name("compress".to_owned()).spawn(move || {
        while let Some(Job { mut block, done }) = next(&jobs) {
            let result = block.compress_with(&mut *compressor).map(|()| block);
            // The receiver is gone if the stream was abandoned.
            drop(done.send(result));
        }
    });
    started.map_err(|error| io::Error::new(error.kind(), format!("cannot start a thread: {error}")))
}

/// Waits for the next job while holding the lock: the other threads would have to wait as well.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().ok()?.recv().ok()
}
