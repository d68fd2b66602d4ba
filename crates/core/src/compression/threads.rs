//! The threads of one stream: blocks go in, and come out compressed in the same order.

use std::collections::VecDeque;
use std::io;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use super::block::{Block, Compressor, Format};

/// Blocks in flight beyond one for each thread, so that none waits for the one who writes.
const SPARE_BLOCKS: usize = 2;

/// Compresses blocks. Threads are started as blocks come, and end when this is dropped.
pub(super) struct Threads {
    most: usize,
    handles: Vec<JoinHandle<()>>,
    /// None when no more blocks come.
    queue: Option<Sender<Job>>,
    jobs: Arc<Mutex<Receiver<Job>>>,
    /// Where the blocks in flight arrive, the oldest first.
    in_flight: VecDeque<Receiver<io::Result<Block>>>,
}

struct Job {
    block: Block,
    done: SyncSender<io::Result<Block>>,
}

impl Threads {
    /// At most `most` threads, none yet.
    pub(super) fn new(most: usize) -> Self {
        let (queue, jobs) = channel();
        let jobs = Arc::new(Mutex::new(jobs));
        Self { most, handles: Vec::new(), queue: Some(queue), jobs, in_flight: VecDeque::new() }
    }

    /// Whether a block should be [received](Self::receive) before the next one is sent.
    pub(super) fn are_busy(&self) -> bool {
        self.in_flight.len() >= self.most + SPARE_BLOCKS
    }

    /// Has `block` compressed into `format`.
    pub(super) fn send(&mut self, block: Block, format: &dyn Format) -> io::Result<()> {
        if self.handles.len() < self.most {
            self.handles.push(start(Arc::clone(&self.jobs), format.compressor()?)?);
        }
        let (done, arrives) = sync_channel(1);
        self.in_flight.push_back(arrives);
        let queue = self.queue.as_ref().expect("the queue is open as long as blocks can be sent");
        // We hold the other end ourselves.
        queue.send(Job { block, done }).map_err(io::Error::other)
    }

    /// Waits for the oldest block in flight; none if there are no more.
    pub(super) fn receive(&mut self) -> io::Result<Option<Block>> {
        let Some(arrives) = self.in_flight.pop_front() else { return Ok(None) };
        arrives.recv().map_err(|_| io::Error::other("a thread that compressed has ended early"))?.map(Some)
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        drop(self.queue.take());
        for handle in self.handles.drain(..) {
            // Its panic has been, or would have been, the error of the block that it had.
            drop(handle.join());
        }
    }
}

fn start(jobs: Arc<Mutex<Receiver<Job>>>, mut compressor: Box<dyn Compressor>) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name("compress".to_owned()).spawn(move || {
        while let Some(Job { mut block, done }) = next(&jobs) {
            let result = block.compress_with(&mut *compressor).map(|()| block);
            // Nobody waits for it when the stream has been given up.
            drop(done.send(result));
        }
    })
}

/// Waits for the next job. The lock is held meanwhile: the others would wait as well.
fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    jobs.lock().ok()?.recv().ok()
}
