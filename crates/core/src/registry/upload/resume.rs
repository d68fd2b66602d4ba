//! Resumption of an upload that another process began, and the journal for the next process.

use reqwest::Method;
use tracing::debug;

use super::blob::Upload;
use super::journal::{Entry, Journal};
use super::session::{Session, acknowledged, location};
use crate::registry::error::Error;
use crate::registry::http::locate;

impl Upload<'_> {
    /// The session of an earlier process, if it still exists and has all bytes that it had confirmed.
    pub(super) fn go_on(&mut self) -> Result<Option<Session>, Error> {
        let settings = &self.repository.client.settings;
        let Some(folder) = settings.uploads_folder.as_ref().filter(|_| self.descriptor.size > self.resumable_bytes)
        else {
            return Ok(None);
        };
        let name = self.name();
        self.journal = Journal::open(folder, &name);
        let Some(entry) = self.journal.as_mut().and_then(|journal| journal.read(&name)) else { return Ok(None) };
        self.session_of(&entry)
    }

    fn session_of(&self, entry: &Entry) -> Result<Option<Session>, Error> {
        let mut call = self.call(Method::GET, None)?;
        let Ok(url) = locate(&call.url, &entry.location) else { return Ok(None) };
        call.url = url;
        let client = &self.repository.client;
        let response = match client.send(&call) {
            Ok(response) => response,
            // The registry is unreachable; the session may exist when it comes back.
            Err(failure)
                if matches!(
                    failure.failure(),
                    Error::Unreachable { .. } | Error::Broken { .. } | Error::Silent { .. }
                ) && call.access.endpoint.owns(&call.url) =>
            {
                return Err(failure);
            }
            // Some registries answer 500 to a forgotten session, and would do so for ever.
            Err(refusal) => {
                debug!(%refusal, "the upload session of an earlier run has ended");
                return Ok(None);
            }
        };
        let reached = acknowledged(response.headers(), 0, self.descriptor.size);
        let Some(reached) = reached.filter(|reached| *reached >= entry.acknowledged) else { return Ok(None) };
        debug!(reached, "the upload of an earlier run is resumed");
        let location = location(&call, &response)?.unwrap_or_else(|| call.url.clone());
        Ok(Some(Session { acknowledged: reached, ..self.session(location, &response) }))
    }

    pub(super) fn note(&mut self, session: &Session) {
        let name = self.name();
        if let Some(journal) = &mut self.journal {
            journal.note(&name, session.location.as_str(), session.acknowledged);
        }
    }
}
