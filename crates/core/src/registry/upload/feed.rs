//! Sends bytes from the calling thread, where `Content` is read, into the body of a request on the runtime.

use std::convert::Infallible;
use std::io::{self, Read};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{Either, select};
use futures_util::stream;
use reqwest::{Body, Response};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinHandle;

use crate::digest::{Hasher, Mismatch};
use crate::oci::{Content, ContentError, Descriptor};
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::silent;

/// The best size by measurement: 256 KiB cost 40 % of the throughput.
const PIECE_BYTES: usize = 1024 * 1024;
/// The number of pieces that may wait for the network.
const PIECES_AHEAD: usize = 2;

/// A body with the pieces from the sender.
pub(super) fn fed_body() -> (Sender<Bytes>, Body) {
    let (sender, receiver) = channel(PIECES_AHEAD);
    let next = |mut receiver: Receiver<Bytes>| async {
        let piece = receiver.recv().await?;
        Some((Ok::<_, Infallible>(piece), receiver))
    };
    (sender, Body::wrap_stream(stream::unfold(receiver, next)))
}

/// Content that is read sequentially, and opened again only to continue at another offset.
pub(super) struct Feed<'a> {
    content: &'a dyn Content,
    descriptor: &'a Descriptor,
    open: Option<(Box<dyn Read + Send + 'a>, u64)>,
    /// Bytes that were read before they were needed, and the offset of the first one.
    ahead: Option<(u64, Bytes)>,
}

impl<'a> Feed<'a> {
    pub(super) fn new(content: &'a dyn Content, descriptor: &'a Descriptor) -> Self {
        Self { content, descriptor, open: None, ahead: None }
    }

    /// Reports that the content is wrong. Returns true if it can be read from another source.
    pub(super) fn report_mismatch(&self) -> bool {
        self.content.report_mismatch()
    }

    /// Reads the content again from the first byte. Fails if it does not match its digest.
    pub(super) fn verify(&mut self) -> Result<(), Error> {
        self.open = None;
        let (mut offset, mut hasher, size) = (0, Hasher::default(), self.descriptor.size);
        while offset < size {
            let limit = usize::try_from(size - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            hasher.update(&self.read(offset, limit)?);
            offset += limit as u64;
        }
        let (expected, found) = (self.descriptor.digest, hasher.finish());
        if found == expected { Ok(()) } else { Err(Mismatch::Digest { expected, found }.into()) }
    }

    /// Reads the first bytes before they are needed.
    pub(super) fn begin(&mut self) -> Result<(), Error> {
        let limit = usize::try_from(self.descriptor.size).map_or(PIECE_BYTES, |size| size.min(PIECE_BYTES));
        if limit > 0 {
            self.ahead = Some((0, self.read(0, limit)?));
        }
        Ok(())
    }

    /// Reads the piece at `offset`: exactly `limit` bytes, or an error if the content ends.
    fn read(&mut self, offset: u64, limit: usize) -> Result<Bytes, Error> {
        let ahead = self.ahead.take().filter(|(start, _)| *start == offset);
        let mut ahead = ahead.map(|(_, bytes)| bytes).unwrap_or_default();
        if ahead.len() >= limit {
            let piece = ahead.split_to(limit);
            self.ahead = Some((offset + limit as u64, ahead));
            return Ok(piece);
        }
        let start = offset + ahead.len() as u64;
        let mut reader = match self.open.take() {
            Some((reader, reached)) if reached == start => reader,
            _ => self.content.open_at(start).map_err(Error::Content)?,
        };
        let mut piece = Vec::with_capacity(limit);
        piece.extend_from_slice(&ahead);
        let read = reader.by_ref().take((limit - ahead.len()) as u64).read_to_end(&mut piece);
        read.map_err(|error: io::Error| Error::Content(ContentError::from(error)))?;
        let reached = offset + piece.len() as u64;
        if piece.len() < limit {
            let (digest, expected) = (self.descriptor.digest, self.descriptor.size);
            return Err(Mismatch::TooShort { digest, expected, found: reached }.into());
        }
        self.open = Some((reader, reached));
        Ok(piece.into())
    }

    /// Feeds the bytes from `start` to `end` to the request `answer`, and waits for its result.
    pub(super) fn run(
        &mut self,
        client: &Client,
        (start, end): (u64, u64),
        pieces: Sender<Bytes>,
        mut answer: JoinHandle<Result<Response, Error>>,
        attempt: &str,
    ) -> Result<Response, Error> {
        let timeouts = client.exchange.timeouts;
        let mut offset = start;
        while offset < end {
            let limit = usize::try_from(end - offset).map_or(PIECE_BYTES, |left| left.min(PIECE_BYTES));
            let piece = self.read(offset, limit).inspect_err(|_| answer.abort())?;
            offset += limit as u64;
            match client.wait(offer(&pieces, piece, &mut answer, timeouts.silence)) {
                Offered::Taken => {}
                Offered::Refused => break,
                Offered::Answered(result) => return result,
                Offered::Ignored => {
                    answer.abort();
                    return Err(silent(attempt, timeouts.silence));
                }
            }
        }
        drop(pieces);
        // The last request completes the whole blob; any other adds a part to it.
        let processed = if end == self.descriptor.size { end } else { end - start };
        let patience = timeouts.commit_of(processed);
        let answered = client.wait(async { tokio::time::timeout(patience, &mut answer).await });
        let Ok(result) = answered else {
            answer.abort();
            return Err(silent(attempt, patience));
        };
        result.expect(REQUEST_ENDS)
    }
}

const REQUEST_ENDS: &str = "a request neither panics nor is aborted while its answer is awaited";

enum Offered {
    /// The network has accepted the piece.
    Taken,
    /// The body is not wanted any more, and the answer is about to arrive.
    Refused,
    /// The answer arrived before everything was sent.
    Answered(Result<Response, Error>),
    /// The network accepted nothing for too long.
    Ignored,
}

async fn offer(
    pieces: &Sender<Bytes>,
    piece: Bytes,
    answer: &mut JoinHandle<Result<Response, Error>>,
    silence: Duration,
) -> Offered {
    let sending = std::pin::pin!(pieces.send(piece));
    match tokio::time::timeout(silence, select(sending, answer)).await {
        Err(_) => Offered::Ignored,
        Ok(Either::Left((Ok(()), _))) => Offered::Taken,
        Ok(Either::Left((Err(_), _))) => Offered::Refused,
        Ok(Either::Right((result, _))) => Offered::Answered(result.expect(REQUEST_ENDS)),
    }
}
