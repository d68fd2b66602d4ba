//! A blob in one repository, and the choice how to read it.

use std::io::{self, Read};
use std::ops::Range;
use std::sync::Arc;

use reqwest::Method;

use super::chunks::ChunkReader;
use super::origin::Origin;
use super::stream::Stream;
use super::stretches::Stretches;
use crate::oci::Descriptor;
use crate::registry::repository::PULL;
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
        let (client, size) = (&self.repository.client, self.descriptor.size);
        let call = self.repository.blob_call(Method::GET, &self.descriptor.digest, PULL, "read")?;
        let origin = Arc::new(Origin::new(Arc::clone(&client.exchange), call, self.descriptor.clone()));
        let budget = client.budget(self.repository.registry());
        let share = budget.open();
        if range.end < size || range.end.saturating_sub(range.start) <= client.settings.pieces_from_bytes {
            let mut stream = Stream::new(client.clone(), origin, share, range);
            stream.connect()?;
            return Ok(Box::new(ChunkReader::new(stream)));
        }
        let first = range.start..size.min(range.start + client.settings.piece_bytes(budget.total()));
        let body = Stretches::ask(client, &origin, &first)?;
        if body.is_partial {
            return Ok(Box::new(ChunkReader::new(Stretches::start(client, origin, share, first, body))));
        }
        let mut stream = Stream::new(client.clone(), origin, share, range);
        stream.go_on_with(body);
        Ok(Box::new(ChunkReader::new(stream)))
    }
}
