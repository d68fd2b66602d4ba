//! One connection as long as it is fast, for increasingly long stretches of the blob; several connections as soon as
//! it is not.
//!
//! A nearby registry sends more over one connection than can be hashed, and every request costs it time: docker's
//! reads 4 MiB ahead for each. Pulling 2 GiB from it took 5.9 s in pieces, and takes 3.9 s in stretches (curl: 4.7
//! s).

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;

use super::body::Body;
use super::budget::Share;
use super::chunks::Chunks;
use super::origin::Origin;
use super::parallel::Parallel;
use super::stream::Stream;
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::retrying;

/// The limit for a stretch, so that a connection that becomes slow is noticed.
const LONGEST_BYTES: u64 = 256 * 1024 * 1024;

pub(super) struct Stretches {
    client: Client,
    origin: Arc<Origin>,
    way: Option<Way>,
    /// The part of the current stretch that the reader has not received.
    stretch: Range<u64>,
    /// The end of the wanted range.
    end: u64,
    stretch_bytes: u64,
    /// The time that the reader waited for the current stretch.
    waited: Duration,
    piece_bytes: u64,
}

enum Way {
    One(Stream),
    Several(Parallel),
}

impl Stretches {
    /// Continues with `body`, which contains the stretch `first`, up to `end`. If several connections are needed,
    /// their pieces have the size of `first`.
    pub(super) fn start(
        client: &Client,
        origin: Arc<Origin>,
        share: Share,
        first: Range<u64>,
        end: u64,
        body: Body,
    ) -> Self {
        let mut stream = Stream::new(client.clone(), Arc::clone(&origin), share, first.clone());
        stream.go_on_with(body);
        let bytes = first.end - first.start;
        Self {
            client: client.clone(),
            origin,
            way: Some(Way::One(stream)),
            stretch: first,
            end,
            stretch_bytes: bytes,
            waited: Duration::ZERO,
            piece_bytes: bytes,
        }
    }

    /// Requests the first bytes of a blob. The answer shows if the registry supports ranges.
    pub(super) fn ask(client: &Client, origin: &Origin, range: &Range<u64>) -> Result<Body, Error> {
        let asking = retrying(origin.tries(), async || origin.get(range.clone()).await);
        client.wait(asking)
    }

    /// Continues with the next stretch over one connection, if the last was fast, or else over several.
    fn go_on(&mut self, mut stream: Stream) -> Result<Way, Error> {
        let (reached, end) = (self.stretch.end, self.end);
        if self.is_quick() {
            self.stretch_bytes = (self.stretch_bytes * 2).min(LONGEST_BYTES);
            self.stretch = reached..end.min(reached + self.stretch_bytes);
            self.waited = Duration::ZERO;
            stream.turn_to(self.stretch.clone());
            return Ok(Way::One(stream));
        }
        let (origin, share) = (Arc::clone(&self.origin), stream.into_share());
        let first = reached..end.min(reached + self.piece_bytes);
        let body = Self::ask(&self.client, &origin, &first)?;
        Ok(Way::Several(Parallel::start(&self.client, origin, share, first, end, body)))
    }

    /// The part of `chunk` that belongs to the stretch: a registry may stop honouring ranges, and send what follows
    /// too.
    fn take(&mut self, mut chunk: Bytes) -> Bytes {
        let room = self.stretch.end - self.stretch.start;
        if self.stretch.end < self.origin.descriptor.size {
            chunk.truncate(usize::try_from(room).unwrap_or(usize::MAX));
        }
        self.stretch.start += chunk.len() as u64;
        chunk
    }

    /// Returns true if one connection is enough. It is if the reader never waits, whatever the connection could
    /// transfer.
    #[allow(clippy::cast_precision_loss, reason = "a rate need not be exact")]
    fn is_quick(&self) -> bool {
        self.stretch_bytes as f64 >= self.client.settings.quick_bytes_per_second as f64 * self.waited.as_secs_f64()
    }
}

impl Chunks for Stretches {
    fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            match self.way.take() {
                None => return Ok(None),
                Some(Way::Several(mut parallel)) => {
                    let chunk = parallel.next();
                    self.way = Some(Way::Several(parallel));
                    return chunk;
                }
                Some(Way::One(mut stream)) if !self.stretch.is_empty() => {
                    let begun = Instant::now();
                    let chunk = stream.next()?;
                    self.waited += begun.elapsed();
                    self.way = Some(Way::One(stream));
                    return Ok(chunk.map(|chunk| self.take(chunk)));
                }
                Some(Way::One(_)) if self.stretch.end == self.end => return Ok(None),
                Some(Way::One(stream)) => self.way = Some(self.go_on(stream)?),
            }
        }
    }
}
