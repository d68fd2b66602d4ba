//! The continuation of an upload after a failure: in the same session, in another form, or from the first byte.

use reqwest::Method;
use tracing::debug;

use super::blob::{Form, Upload};
use super::capabilities::{Capability, Feature};
use super::form::{Parts, smaller_part};
use super::refusal::{
    are_parts_refused, is_digest_refused, is_part_refused, is_session_lost, is_session_named, is_too_large,
    is_whole_refused,
};
use super::session::{Session, State, acknowledged, location};
use crate::registry::error::{Cause, Error};

impl Upload<'_> {
    /// Decides how to continue after `failure`, or returns it if that is impossible.
    pub(super) fn recover(&mut self, session: Session, failure: Error) -> Result<State, Error> {
        if is_digest_refused(&failure) && self.feed.report_mismatch() {
            debug!(%failure, "the content was wrong; it is read from another source");
            return self.open();
        }
        if is_digest_refused(&failure) {
            self.feed.verify()?;
        }
        if !self.tried_whole && are_parts_refused(&session, &failure) {
            debug!(%failure, "the registry does not accept the blob in parts");
            self.form = Form::Whole;
            self.observed = vec![(Feature::Parts, Capability::new(false, None))];
            return self.open();
        }
        if self.form == Form::Whole && is_whole_refused(&failure) {
            let Some(part_bytes) = session.needs.part_bytes(self.repository.client.settings.chunk_bytes) else {
                return if is_session_lost(&failure) { self.restart(failure) } else { Err(failure) };
            };
            debug!(%failure, "the registry does not accept the blob in one PUT");
            if !is_session_named(&failure) {
                self.observed =
                    vec![(Feature::Whole, Capability::new(true, Some(self.descriptor.size.saturating_sub(1))))];
            }
            self.form = Form::Parts(part_bytes);
            return self.open();
        }
        if let (Form::Parts(_), true) = (self.form, is_part_refused(&failure)) {
            return self.shrink(session, failure);
        }
        if is_session_lost(&failure) {
            return self.restart(failure);
        }
        let (is_broken, reason) = (!matches!(failure.failure(), Error::Status { .. }), Cause::of(&failure));
        // Docker's registry loses a session whose connection breaks within a part. As long as time remains, the next
        // connection may last longer.
        self.is_last_session &= !is_broken;
        let state = match self.resume_in_time(&session, failure) {
            // The session is lost because of the failure, which is more helpful than "not found".
            Err(Error::NotFound { .. }) if is_broken => {
                return Err(Error::Broken { attempt: self.attempt(), source: reason });
            }
            state => state?,
        };
        if let (Form::Whole, State::Open(session)) = (self.form, &state) {
            let part_bytes = session.needs.part_bytes(self.repository.client.settings.chunk_bytes);
            let part_bytes = part_bytes.filter(|_| is_broken || session.acknowledged > 0);
            self.form = part_bytes.map_or(Form::Whole, Form::Parts);
        }
        Ok(state)
    }

    /// Waits and queries the session, until it answers or the blob has failed for too long: the registry may be away
    /// for some time.
    fn resume_in_time(&mut self, session: &Session, mut failure: Error) -> Result<State, Error> {
        loop {
            std::thread::sleep(self.tries.pause_after(failure)?);
            match self.resume(session.clone()) {
                Err(again) if again.is_temporary() => failure = again,
                answer => return answer,
            }
        }
    }

    /// Handles a refused part: it does not start where the registry stopped, or it is too large.
    fn shrink(&mut self, session: Session, failure: Error) -> Result<State, Error> {
        let before = session.acknowledged;
        let state = self.resume(session)?;
        match (&state, self.form) {
            (State::Open(session), Form::Parts(part_bytes)) if session.acknowledged == before => {
                let sent = part_bytes.min(self.descriptor.size - before);
                let Some(smaller) = smaller_part(sent, session.smallest_part) else {
                    return if is_too_large(&failure) { Err(failure) } else { self.restart(failure) };
                };
                self.form = Form::Parts(smaller);
                self.observed.push((Feature::Parts, Capability::new(true, Some(smaller))));
            }
            _ => {}
        }
        Ok(state)
    }

    /// Queries the progress of the session (distribution-spec 1.1, "Pushing a blob in chunks").
    fn resume(&mut self, mut session: Session) -> Result<State, Error> {
        let client = &self.repository.client;
        if session.needs.parts == Parts::Never {
            return self.open_unless_there();
        }
        let call = self.call(Method::GET, Some(&session.location))?;
        match client.send(&call) {
            Ok(response) => {
                let size = self.descriptor.size;
                if let Some(reached) = acknowledged(response.headers(), session.acknowledged, size) {
                    session.acknowledged = reached;
                    self.note_progress(reached);
                }
                session.location = location(&call, &response)?.unwrap_or(session.location);
                Ok(State::Open(session))
            }
            Err(failure @ (Error::NotFound { .. } | Error::Unsupported { .. } | Error::Status { .. }))
                if !failure.is_temporary() =>
            {
                self.restart(failure)
            }
            Err(failure) => Err(failure),
        }
    }

    /// Starts again from the first byte: once, unless broken connections are the reason.
    fn restart(&mut self, failure: Error) -> Result<State, Error> {
        if self.is_last_session {
            return Err(failure);
        }
        debug!(%failure, "the upload starts again");
        (self.restarted, self.is_last_session) = (true, true);
        self.open_unless_there()
    }

    pub(super) fn note_progress(&mut self, acknowledged: u64) {
        if acknowledged > self.reached {
            self.reached = acknowledged;
            self.tries.note_progress();
        }
    }

    /// Opens a new session, unless the blob exists: a session also ends when its blob is complete and only the answer
    /// was lost.
    fn open_unless_there(&self) -> Result<State, Error> {
        if self.repository.holds(self.descriptor)? { Ok(State::Done) } else { self.open() }
    }
}
