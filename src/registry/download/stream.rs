//! One connection from front to back: a stream that heals itself, by opening the blob again at the byte that it reached.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::body::Body;
use super::budget::Share;
use super::chunks::Chunks;
use super::origin::Origin;
use crate::registry::retry::Tries;
use crate::registry::{Client, Error};

/// How many chunks of the body may wait for the reader. hyper makes them up to 400 KiB large.
const CHUNKS_AHEAD: usize = 8;

pub(super) struct Stream {
    client: Client,
    origin: Arc<Origin>,
    tries: Tries,
    /// Where the next chunk begins in the blob.
    offset: u64,
    /// What the connection brings; `None` between two connections.
    chunks: Option<Receiver<Result<Bytes, Error>>>,
    _share: Share,
}

impl Stream {
    pub(super) fn new(client: Client, origin: Arc<Origin>, share: Share, offset: u64) -> Self {
        let tries = Tries::of_a_blob(origin.retry());
        Self { client, origin, tries, offset, chunks: None, _share: share }
    }

    pub(super) fn connect(&mut self) -> Result<(), Error> {
        loop {
            match self.client.runtime.block_on(self.origin.get_rest(self.offset)) {
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
        self.client.runtime.spawn(pump(body, sender));
        self.chunks = Some(receiver);
    }

    fn pause_after(&mut self, failure: Error) -> Result<(), Error> {
        let pause = self.tries.pause_after(failure)?;
        std::thread::sleep(pause);
        Ok(())
    }
}

impl Chunks for Stream {
    /// From this connection or from a new one.
    fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(chunks) = &mut self.chunks else {
                self.connect()?;
                continue;
            };
            let failure = match chunks.blocking_recv() {
                // What was skipped brought us nowhere.
                Some(Ok(chunk)) if chunk.is_empty() => continue,
                Some(Ok(chunk)) => {
                    self.tries.note_progress();
                    self.offset += chunk.len() as u64;
                    return Ok(Some(chunk));
                }
                // However the connection ends, everything is there.
                None | Some(Err(_)) if self.offset >= self.origin.end => return Ok(None),
                Some(Err(failure)) => failure,
                None => self.origin.truncated(self.offset),
            };
            self.chunks = None;
            self.pause_after(failure)?;
        }
    }
}

/// Carries `body` to the reader. Ends when the reader is gone.
async fn pump(mut body: Body, chunks: Sender<Result<Bytes, Error>>) {
    while let Some(next) = body.next().await.transpose() {
        let is_last = next.is_err();
        if chunks.send(next).await.is_err() || is_last {
            return;
        }
    }
}
