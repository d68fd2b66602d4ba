//! Reading a blob: a stream that heals itself, by opening the blob again at the byte that it reached.

use std::io::{self, Read};
use std::time::Duration;

use bytes::{Buf, Bytes};
use reqwest::header::{CONTENT_RANGE, HeaderValue, RANGE};
use reqwest::{Method, Response, StatusCode};
use tokio::sync::mpsc::{Receiver, Sender, channel};

use super::exchange::Call;
use super::repository::{PULL, content_length};
use super::retry::Tries;
use super::transport::{failure, silent};
use super::{Error, Repository};
use crate::digest::Mismatch;
use crate::oci::{Content, ContentError, Descriptor};

/// How many pieces of the body may wait for the reader. hyper makes them up to 400 KiB large.
const PIECES_AHEAD: usize = 8;

/// A blob in a repository.
pub(super) struct RemoteBlob {
    repository: Repository,
    descriptor: Descriptor,
}

impl RemoteBlob {
    pub(super) fn new(repository: Repository, descriptor: Descriptor) -> Self {
        Self { repository, descriptor }
    }
}

impl Content for RemoteBlob {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        if offset > 0 && offset >= self.descriptor.size {
            return Ok(Box::new(io::empty()));
        }
        let mut reader = BlobReader {
            repository: self.repository.clone(),
            call: self.repository.blob_call(Method::GET, &self.descriptor.digest, PULL, "read")?,
            descriptor: self.descriptor.clone(),
            tries: Tries::new(self.repository.client.exchange.retry),
            offset,
            piece: Bytes::new(),
            pieces: None,
        };
        reader.connect()?;
        Ok(Box::new(reader))
    }
}

struct BlobReader {
    repository: Repository,
    call: Call,
    descriptor: Descriptor,
    tries: Tries,
    /// Where the next byte for the caller stands in the blob.
    offset: u64,
    piece: Bytes,
    /// What the connection brings; `None` between two connections.
    pieces: Option<Receiver<Result<Bytes, Error>>>,
}

impl Read for BlobReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.piece.is_empty() {
            match self.next_piece() {
                Ok(Some(piece)) => self.piece = piece,
                Ok(None) => return Ok(0),
                Err(error) => return Err(ContentError::from(error).into()),
            }
        }
        let count = buffer.len().min(self.piece.len());
        self.piece.copy_to_slice(&mut buffer[..count]);
        self.offset += count as u64;
        Ok(count)
    }
}

impl BlobReader {
    /// The next bytes, from this connection or from a new one.
    fn next_piece(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Some(pieces) = &mut self.pieces else {
                self.connect()?;
                continue;
            };
            let failure = match pieces.blocking_recv() {
                // What was skipped brought us nowhere.
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(Ok(piece)) => {
                    self.tries.note_progress();
                    return Ok(Some(piece));
                }
                // However the connection ends, everything is there.
                None | Some(Err(_)) if self.offset >= self.descriptor.size => return Ok(None),
                Some(Err(failure)) => failure,
                None => Error::Truncated {
                    attempt: self.call.attempt.clone(),
                    received: self.offset,
                    expected: self.descriptor.size,
                },
            };
            self.pieces = None;
            self.pause_after(failure)?;
        }
    }

    fn connect(&mut self) -> Result<(), Error> {
        while let Err(failure) = self.try_connect() {
            self.pause_after(failure)?;
        }
        Ok(())
    }

    fn pause_after(&mut self, failure: Error) -> Result<(), Error> {
        let pause = self.tries.pause_after(failure)?;
        std::thread::sleep(pause);
        Ok(())
    }

    fn try_connect(&mut self) -> Result<(), Error> {
        let client = &self.repository.client;
        let mut call = self.call.clone();
        if self.offset > 0 {
            // A closed range: every registry and object store takes that form.
            let range = format!("bytes={}-{}", self.offset, self.descriptor.size - 1);
            call.headers.insert(RANGE, HeaderValue::try_from(range).expect("digits are fit for a header"));
        }
        let response = client.runtime.block_on(client.exchange.send_once(&call))?;
        let skipped = self.check_head(&response)?;
        let (sender, receiver) = channel(PIECES_AHEAD);
        client.runtime.spawn(pump(response, sender, skipped, client.exchange.timeouts.silence, call.attempt));
        self.pieces = Some(receiver);
        Ok(())
    }

    /// How many bytes come before those that were asked for. Bytes of another blob, by size, are refused at once.
    fn check_head(&self, response: &Response) -> Result<u64, Error> {
        let (start, size) = if response.status() == StatusCode::PARTIAL_CONTENT {
            self.partial(response.headers().get(CONTENT_RANGE))?
        } else {
            (0, content_length(response.headers()))
        };
        let (digest, expected) = (self.descriptor.digest, self.descriptor.size);
        match size {
            Some(found) if found < expected => Err(Mismatch::TooShort { digest, expected, found }.into()),
            Some(found) if found > expected => Err(Mismatch::TooLong { digest, expected }.into()),
            _ => Ok(self.offset - start),
        }
    }

    /// Where the bytes begin, and how large the blob is, which `*` does not tell (RFC 9110, 14.4).
    fn partial(&self, header: Option<&HeaderValue>) -> Result<(u64, Option<u64>), Error> {
        let text = header.and_then(|value| value.to_str().ok()).unwrap_or("none");
        let parsed = text.strip_prefix("bytes ").and_then(|range| {
            let (range, size) = range.split_once('/')?;
            Some((range.split_once('-')?.0.parse().ok()?, size.parse().ok()))
        });
        match parsed {
            Some((start, size)) if start == self.offset => Ok((start, size)),
            _ => Err(Error::Protocol {
                attempt: self.call.attempt.clone(),
                problem: format!("bytes from {} on were asked for, and the answer is about `{text}`", self.offset),
            }),
        }
    }
}

/// Carries the body of `response` to the reader, without its first `skipped` bytes. Ends when the reader is gone.
async fn pump(
    mut response: Response,
    pieces: Sender<Result<Bytes, Error>>,
    mut skipped: u64,
    silence: Duration,
    attempt: String,
) {
    loop {
        let next = match tokio::time::timeout(silence, response.chunk()).await {
            Ok(Ok(None)) => return,
            Ok(Ok(Some(mut piece))) => {
                let cut = usize::try_from(skipped).map_or(piece.len(), |skipped| skipped.min(piece.len()));
                piece.advance(cut);
                skipped -= cut as u64;
                Ok(piece)
            }
            Ok(Err(error)) => Err(failure(&error, response.url(), &attempt)),
            Err(_) => Err(silent(&attempt, silence)),
        };
        let is_last = next.is_err();
        if pieces.send(next).await.is_err() || is_last {
            return;
        }
    }
}
