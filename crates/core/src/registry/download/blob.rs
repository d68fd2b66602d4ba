//! A blob on one server, and the choice of the method to read it.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use reqwest::Method;

use super::budget::Budget;
use super::chunks::ChunkReader;
use super::origin::Origin;
use super::stream::Stream;
use super::stretches::Stretches;
use crate::oci::Descriptor;
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::Call;
use crate::registry::repository::{PULL, Repository};

/// A blob on one server.
pub(crate) struct RemoteBlob {
    client: Client,
    budget: Arc<Budget>,
    /// The request for the whole blob.
    call: Call,
    descriptor: Descriptor,
}

impl RemoteBlob {
    /// The blob in one repository.
    pub(super) fn of(repository: &Repository, descriptor: &Descriptor) -> Result<Self, Error> {
        let client = &repository.client;
        let call = repository.blob_call(Method::GET, &descriptor.digest, PULL, "read")?;
        let budget = Arc::clone(client.budget(repository.registry()));
        Ok(Self::new(client, budget, call, descriptor))
    }

    /// The content that `call` requests, over the connections of `budget`.
    pub(crate) fn new(client: &Client, budget: Arc<Budget>, call: Call, descriptor: &Descriptor) -> Self {
        Self { client: client.clone(), budget, call, descriptor: descriptor.clone() }
    }

    /// Opens `range`, which must not exceed the end of the blob. The reader may also return what follows.
    pub(crate) fn try_open(&self, range: Range<u64>) -> Result<Box<dyn Read + Send>, Error> {
        if range.start > 0 && range.is_empty() {
            return Ok(Box::new(io::empty()));
        }
        let client = &self.client;
        let origin = self.origin();
        let share = self.budget.open();
        if range.end.saturating_sub(range.start) <= client.settings.pieces_from_bytes {
            let mut stream = Stream::new(client.clone(), origin, share, range);
            stream.connect()?;
            return Ok(Box::new(ChunkReader::new(stream)));
        }
        let first = range.start..range.end.min(range.start + client.settings.piece_bytes(self.budget.total()));
        let (body, round_trip) = Stretches::ask(client, &origin, &first)?;
        if body.is_partial {
            let answer = (body, round_trip);
            return Ok(Box::new(ChunkReader::new(Stretches::start(client, origin, share, first, range.end, answer))));
        }
        let mut stream = Stream::new(client.clone(), origin, share, range);
        stream.go_on_with(body);
        Ok(Box::new(ChunkReader::new(stream)))
    }

    /// Requests the first byte, and checks that the answer contains nothing else.
    pub(super) fn knows_ranges(&self) -> Result<bool, Error> {
        let origin = self.origin();
        Ok(Stretches::ask(&self.client, &origin, &(0..1))?.0.is_partial)
    }

    fn origin(&self) -> Arc<Origin> {
        Arc::new(Origin::new(Arc::clone(&self.client.exchange), self.call.clone(), self.descriptor.clone()))
    }
}
