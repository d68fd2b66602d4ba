//! Several connections at once: each downloads a piece of the blob, and the reader gets the pieces in order.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Weak};
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::task::AbortHandle;

use super::body::Body;
use super::budget::Share;
use super::chunks::Chunks;
use super::origin::Origin;
use super::pace::Pace;
use super::pieces::{Pieces, Relief, Ticket};
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::RetryState;

/// The interval at which slow connections are looked for.
const WATCH_EVERY: Duration = Duration::from_millis(250);

/// The caller's handle of a download. Dropping it closes the connections.
pub(super) struct Parallel {
    download: Arc<Download>,
    /// Keeps the runtime running.
    _client: Client,
}

impl Parallel {
    /// Continues with `body`, which contains the first piece of `range`; the other pieces have the same size. Begins
    /// with so many of the connections of `share`, if they are free.
    pub(super) fn start(
        client: &Client,
        origin: Arc<Origin>,
        (share, connections): (Share, usize),
        range: Range<u64>,
        (body, piece_bytes): (Body, u64),
    ) -> Self {
        let now = Instant::now();
        let pieces = Pieces::new(range.start, range.end, piece_bytes);
        let mut state = State { pieces, pace: Pace::new(now), share, wanted: 1, tasks: HashMap::new(), failure: None };
        state.grow_to(connections);
        let (runtime, filled) = (client.tasks().clone(), Condvar::new());
        let download = Arc::new(Download { origin, runtime, filled, state: Mutex::new(state) });
        download.begin(body);
        Self { download, _client: client.clone() }
    }
}

impl Chunks for Parallel {
    fn next(&mut self) -> Result<Option<Bytes>, Error> {
        let mut state = self.download.state();
        loop {
            if let Some(chunk) = state.pieces.take() {
                self.download.fill(&mut state);
                return Ok(Some(chunk));
            }
            if state.pieces.are_delivered() {
                return Ok(None);
            }
            if let Some(failure) = state.failure.take() {
                return Err(failure);
            }
            state.pace.waits(Instant::now());
            state = self.download.filled.wait(state).expect(NO_PANIC);
            state.pace.resumes(Instant::now());
        }
    }
}

impl Drop for Parallel {
    fn drop(&mut self) {
        let mut state = self.download.state();
        state.wanted = 0;
        state.stop_all();
    }
}

/// The state that the reader and the tasks share.
struct Download {
    origin: Arc<Origin>,
    runtime: Handle,
    /// Notified when the reader may find bytes, the end or a failure.
    filled: Condvar,
    state: Mutex<State>,
}

const NO_PANIC: &str = "nothing panics while it holds the lock";

struct State {
    pieces: Pieces,
    pace: Pace,
    share: Share,
    /// The number of connections that there should be; while some are ending, the share is larger.
    wanted: usize,
    /// The tasks, each of which has one connection.
    tasks: HashMap<Ticket, AbortHandle>,
    failure: Option<Error>,
}

impl State {
    fn grow_to(&mut self, wanted: usize) {
        let before = self.wanted;
        self.share.grow_to(wanted);
        self.wanted = self.share.held();
        if self.wanted == before {
            self.pace.cannot_grow();
        }
    }

    /// Adapts the number of connections after a complete piece.
    fn adapt(&mut self) {
        match self.pace.piece_done(self.wanted, Instant::now()) {
            Some(more) if more > self.wanted => self.grow_to(more),
            Some(fewer) => self.wanted = fewer,
            None => {}
        }
        if self.wanted > 1 && self.share.owes_one() {
            self.wanted -= 1;
        }
        self.give_back();
    }

    fn give_back(&mut self) {
        self.share.shrink_to(self.wanted.max(self.tasks.len()));
    }

    fn stop_all(&mut self) {
        for (_, task) in self.tasks.drain() {
            task.abort();
        }
    }
}

impl Download {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect(NO_PANIC)
    }

    fn begin(self: &Arc<Self>, body: Body) {
        let mut state = self.state();
        let first = state.pieces.begin(1, Instant::now()).expect("the window has space for one piece");
        self.start(&mut state, first, Some(body));
        self.fill(&mut state);
        self.runtime.spawn(watch(Arc::downgrade(self)));
    }

    /// Starts as many pieces as connections and window permit.
    fn fill(self: &Arc<Self>, state: &mut State) {
        while state.failure.is_none() && state.tasks.len() < state.wanted {
            let Some(ticket) = state.pieces.begin(state.wanted, Instant::now()) else { return };
            self.start(state, ticket, None);
        }
    }

    fn start(self: &Arc<Self>, state: &mut State, ticket: Ticket, body: Option<Body>) {
        let task = self.runtime.spawn(fetch(Arc::clone(self), ticket, body));
        state.tasks.insert(ticket, task.abort_handle());
    }

    /// Stores `bytes`, and returns the number of those that were wanted.
    fn arrived(&self, ticket: Ticket, bytes: Bytes) -> u64 {
        let mut state = self.state();
        let wanted = state.pieces.arrived(ticket, bytes, Instant::now());
        state.pace.received(wanted);
        self.filled.notify_one();
        wanted
    }

    fn finish(self: &Arc<Self>, ticket: Ticket) {
        let mut state = self.state();
        if state.tasks.remove(&ticket).is_some() {
            state.adapt();
            self.fill(&mut state);
        }
    }

    fn fail(&self, ticket: Ticket, failure: Error) {
        let mut state = self.state();
        if state.tasks.remove(&ticket).is_some() {
            state.stop_all();
            state.failure.get_or_insert(failure);
            self.filled.notify_one();
        }
    }

    /// Halves the number of connections, since the registry asked for fewer requests.
    fn slow_down(&self) {
        let mut state = self.state();
        if state.wanted > 1 {
            state.wanted /= 2;
        }
        state.pace.rest();
    }

    /// Moves the piece of a connection that is far slower than others were; idle connections take half of another's
    /// piece.
    fn relieve(self: &Arc<Self>) {
        let (mut state, now) = (self.state(), Instant::now());
        if state.wanted == 0 || state.failure.is_some() {
            return;
        }
        while let Some(Relief::Moved { old, new }) = state.pieces.move_slowest(now) {
            if let Some(task) = state.tasks.remove(&old) {
                task.abort();
            }
            self.start(&mut state, new, None);
        }
        while state.tasks.len() < state.wanted {
            let Some(Relief::Halved(ticket)) = state.pieces.halve_slowest(now) else { return };
            self.start(&mut state, ticket, None);
        }
    }
}

async fn watch(download: Weak<Download>) {
    loop {
        tokio::time::sleep(WATCH_EVERY).await;
        let Some(download) = download.upgrade() else { return };
        download.relieve();
    }
}

/// Downloads the piece of `ticket`, over as many connections as needed, one after the other.
async fn fetch(download: Arc<Download>, ticket: Ticket, mut body: Option<Body>) {
    let mut tries = download.origin.tries();
    loop {
        let failure = match fetch_once(&download, ticket, body.take(), &mut tries).await {
            Ok(()) => return download.finish(ticket),
            Err(failure) => failure,
        };
        if matches!(failure.failure(), Error::Status { status: 429 | 503, .. }) {
            download.slow_down();
        }
        match tries.pause_after(failure) {
            Ok(pause) => tokio::time::sleep(pause).await,
            Err(failure) => return download.fail(ticket, failure),
        }
    }
}

async fn fetch_once(
    download: &Download,
    ticket: Ticket,
    body: Option<Body>,
    tries: &mut RetryState,
) -> Result<(), Error> {
    let missing = || download.state().pieces.missing(ticket);
    let Some(range) = missing() else { return Ok(()) };
    let mut body = match body {
        Some(body) => body,
        None => download.origin.get(range).await?,
    };
    while let Some(bytes) = body.next().await? {
        if download.arrived(ticket, bytes) > 0 {
            tries.note_progress();
        }
        if missing().is_none() {
            return Ok(());
        }
    }
    missing().map_or(Ok(()), |range| Err(download.origin.truncated(range.start)))
}
