//! A blob in one repository, and the choice how to read it.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use reqwest::Method;

use super::chunks::ChunkReader;
use super::origin::Origin;
use super::parallel::Parallel;
use super::stream::Stream;
use crate::oci::Descriptor;
use crate::registry::repository::PULL;
use crate::registry::retry::{Tries, retrying};
use crate::registry::{Error, Repository};

/// A blob in one repository.
pub(super) struct RemoteBlob {
    repository: Repository,
    descriptor: Descriptor,
}

impl RemoteBlob {
    pub(super) fn new(repository: Repository, descriptor: Descriptor) -> Self {
        Self { repository, descriptor }
    }

    /// Opens what lies in `range`, which does not go beyond the end of the blob. What follows may come, too.
    pub(super) fn try_open(&self, range: Range<u64>) -> Result<Box<dyn Read + Send>, Error> {
        if range.start > 0 && range.is_empty() {
            return Ok(Box::new(io::empty()));
        }
        let Range { start: offset, end } = range;
        let (client, size) = (&self.repository.client, self.descriptor.size);
        let call = self.repository.blob_call(Method::GET, &self.descriptor.digest, PULL, "read")?;
        let origin = Arc::new(Origin::new(Arc::clone(&client.exchange), call, self.descriptor.clone(), end));
        let budget = client.budget(self.repository.registry());
        let share = budget.open();
        if end < size || end.saturating_sub(offset) <= client.settings.pieces_from_bytes {
            let mut stream = Stream::new(client.clone(), origin, share, offset);
            stream.connect()?;
            return Ok(Box::new(ChunkReader::new(stream)));
        }
        let first = offset..size.min(offset + client.settings.piece_bytes(budget.total()));
        let asking = retrying(Tries::of_a_blob(origin.retry()), async || origin.get(first.clone()).await);
        let body = client.runtime.block_on(asking)?;
        if body.is_partial {
            return Ok(Box::new(ChunkReader::new(Parallel::start(client, origin, share, first, body))));
        }
        let mut stream = Stream::new(client.clone(), origin, share, offset);
        stream.go_on_with(body);
        Ok(Box::new(ChunkReader::new(stream)))
    }
}
