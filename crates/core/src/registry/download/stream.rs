//! One connection for the whole range: a stream that recovers by opening the blob again at the byte that it reached.

use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::body::Body;
use super::budget::Share;
use super::chunks::Chunks;
use super::origin::Origin;
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::RetryState;

/// The number of chunks of the body that may wait for the reader. hyper makes them up to 400 KiB large.
const CHUNKS_AHEAD: usize = 8;

pub(super) struct Stream {
    client: Client,
    origin: Arc<Origin>,
    tries: RetryState,
    /// The part of the wanted range that has not been read.
    wanted: Range<u64>,
    /// The chunks of the connection; `None` between two connections.
    chunks: Option<Receiver<Result<Bytes, Error>>>,
    share: Share,
}

impl Stream {
    pub(super) fn new(client: Client, origin: Arc<Origin>, share: Share, wanted: Range<u64>) -> Self {
        let tries = origin.tries();
        Self { client, origin, tries, wanted, chunks: None, share }
    }

    pub(super) fn connect(&mut self) -> Result<(), Error> {
        loop {
            match self.client.wait(self.origin.get_rest(self.wanted.clone())) {
                Ok(body) => {
                    self.go_on_with(body);
                    return Ok(());
                }
                Err(failure) => self.pause_after(failure)?,
            }
        }
    }

    /// Takes the next bytes from `body`.
    pub(super) fn go_on_with(&mut self, body: Body) {
        let (sender, receiver) = channel(CHUNKS_AHEAD);
        self.client.tasks().spawn(pump(body, sender));
        self.chunks = Some(receiver);
    }

    /// Continues with another part of the blob, over a new request.
    pub(super) fn turn_to(&mut self, wanted: Range<u64>) -> Result<(), Error> {
        (self.wanted, self.chunks) = (wanted, None);
        self.connect()
    }

    /// Returns the right to a connection, for another download.
    pub(super) fn into_share(self) -> Share {
        self.share
    }

    fn pause_after(&mut self, failure: Error) -> Result<(), Error> {
        let pause = self.tries.pause_after(failure)?;
        std::thread::sleep(pause);
        Ok(())
    }
}

impl Chunks for Stream {
    /// Reads from this connection or from a new one.
    fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(chunks) = &mut self.chunks else {
                self.connect()?;
                continue;
            };
            let failure = match chunks.blocking_recv() {
                // Skipped bytes are not progress.
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => {
                    self.tries.note_progress();
                    self.wanted.start += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                // The download is complete, however the connection ends.
                None | Some(Err(_)) if self.wanted.is_empty() => return Ok(None),
                Some(Err(failure)) => failure,
                None => self.origin.truncated(self.wanted.start),
            };
            self.chunks = None;
            self.pause_after(failure)?;
        }
    }
}

/// Sends the chunks of `body` to the reader. Ends when the reader is dropped.
async fn pump(mut body: Body, chunks: Sender<Result<Bytes, Error>>) {
    while let Some(next) = body.next().await.transpose() {
        let is_last = next.is_err();
        if chunks.send(next).await.is_err() || is_last {
            return;
        }
    }
}
