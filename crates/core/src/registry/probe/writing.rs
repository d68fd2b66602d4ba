//! Findings from writing to a repository: uploads, mounts, manifests, deletion. Writes small test artifacts and
//! deletes them in the end.

use reqwest::Method;
use reqwest::header::{CONTENT_RANGE, CONTENT_TYPE, HeaderValue};

use super::features::size;
use super::finding::Finding;
use crate::oci::{Descriptor, Manifest, MediaType};
use crate::registry::error::Error;
use crate::registry::http::host_and_port;
use crate::registry::repository::{DELETE, Repository};
use crate::registry::upload::{Feature, Session, State, Upload, acknowledged, location};

const ARTIFACT_TYPE: MediaType = MediaType::of("application/vnd.kit.doctor.v1");
const CONFIG_TYPE: MediaType = MediaType::of("application/vnd.kit.doctor.config.v1+json");
const LAYER_TYPE: MediaType = MediaType::of("application/vnd.kit.doctor.layer.v1");
/// A config that no other artifact has, since it is deleted: `{}` would be the config of many artifacts.
const CONFIG: &[u8] = br#"{"createdBy":"kit doctor"}"#;
const LAYER_LINE: &[u8] = b"kit doctor was here\n";
/// The size of the second part.
const SECOND_PART_BYTES: usize = 16;
/// The size up to which the smallest part of a registry is sent: a larger one is too much for a probe.
const LARGEST_PART_BYTES: u64 = 16 * 1024 * 1024;

impl Repository {
    /// Sends two small blobs and two manifests without a tag, mounts, cancels, and deletes what can be deleted.
    ///
    /// The bytes are the same each time, so that a registry that deletes nothing keeps them once.
    pub fn probe_writing(&self, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let config = Descriptor::of(CONFIG_TYPE, CONFIG);
        let smallest_part = self.probe_whole(&config, findings)?;
        let layer_bytes = layer(smallest_part);
        let layer = Descriptor::of(LAYER_TYPE, &layer_bytes);
        self.probe_parts(&layer, &layer_bytes, smallest_part, findings)?;
        findings.push(self.probe_cancel(&config)?);
        findings.push(self.probe_mount(&config)?);
        let manifests = self.probe_manifests(&config, &layer, findings)?;
        findings.extend(self.probe_delete(&manifests, &[config, layer])?);
        Ok(())
    }

    /// Sends `config` in one PUT, and returns the size of the smallest part of an upload.
    fn probe_whole(&self, config: &Descriptor, findings: &mut Vec<Finding>) -> Result<u64, Error> {
        let upload = Upload::new(self, config, &CONFIG);
        let session = opened(&upload)?;
        let mut call = upload.call(Method::PUT, Some(&upload.completed(&session.location)))?;
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        call.body = CONFIG.to_vec();
        let sent = self.client.send(&call);
        let refusal = refusal(sent)?.err();
        let found = refusal.clone().unwrap_or_else(|| "yes".to_owned());
        let host = host_and_port(&session.location);
        findings.push(self.client.find(&host, Feature::Whole, refusal.is_none(), found));
        if refusal.is_some() {
            Upload::new(self, config, &CONFIG).run(None)?;
        }
        Ok(session.smallest_part)
    }

    /// Sends `layer` in two parts, and asks for the progress between them.
    fn probe_parts(
        &self,
        layer: &Descriptor,
        bytes: &[u8],
        smallest_part: u64,
        findings: &mut Vec<Finding>,
    ) -> Result<(), Error> {
        let content = bytes;
        let upload = Upload::new(self, layer, &content);
        let mut session = opened(&upload)?;
        let host = host_and_port(&session.location);
        if smallest_part > LARGEST_PART_BYTES {
            let found = format!("not tried: of at least {}", size(smallest_part));
            findings.push(Finding::answered("parts", found, "sends parts of that size"));
            return Upload::new(self, layer, &content).run(None).map(drop);
        }
        let (first, second) = bytes.split_at(bytes.len() - SECOND_PART_BYTES);
        let mut refused = self.send_part(&upload, &mut session, 0, first)?;
        if refused.is_none() {
            let reached = self.reached(&upload, &mut session)?;
            let is_known = reached == Some(first.len() as u64);
            let found = if is_known { "yes" } else { "no: an upload does not report its progress" };
            findings.push(self.client.find(&host, Feature::Resume, is_known, found));
            refused = self.send_part(&upload, &mut session, first.len(), second)?;
        }
        if refused.is_none() {
            let call = upload.call(Method::PUT, Some(&upload.completed(&session.location)))?;
            refused = refusal(self.client.send(&call))?.err();
        }
        let at_least = if smallest_part > 0 { format!(", of at least {}", size(smallest_part)) } else { String::new() };
        let found = refused.clone().unwrap_or_else(|| format!("yes{at_least}"));
        findings.push(self.client.find(&host, Feature::Parts, refused.is_none(), found));
        if refused.is_some() {
            Upload::new(self, layer, &content).run(None)?;
        }
        Ok(())
    }

    /// Sends one part. Returns the refusal, if there is one.
    fn send_part(
        &self,
        upload: &Upload<'_>,
        session: &mut Session,
        start: usize,
        part: &[u8],
    ) -> Result<Option<String>, Error> {
        let mut call = upload.call(Method::PATCH, Some(&session.location))?;
        let range = format!("{start}-{}", start + part.len() - 1);
        call.headers.insert(CONTENT_RANGE, HeaderValue::try_from(range).expect("digits are fit for a header"));
        call.headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        call.body = part.to_vec();
        match refusal(self.client.send(&call))? {
            Ok(response) => {
                session.location = location(&call, &response)?.unwrap_or_else(|| session.location.clone());
                Ok(None)
            }
            Err(words) => Ok(Some(words)),
        }
    }

    /// The number of bytes that the session reports to have.
    fn reached(&self, upload: &Upload<'_>, session: &mut Session) -> Result<Option<u64>, Error> {
        let call = upload.call(Method::GET, Some(&session.location))?;
        let Ok(response) = refusal(self.client.send(&call))? else {
            return Ok(None);
        };
        session.location = location(&call, &response)?.unwrap_or_else(|| session.location.clone());
        Ok(acknowledged(response.headers(), 0, u64::MAX))
    }

    fn probe_cancel(&self, config: &Descriptor) -> Result<Finding, Error> {
        let upload = Upload::new(self, config, &CONFIG);
        let session = opened(&upload)?;
        let words = self.cancel(&upload, &session)?;
        let found = words.clone().unwrap_or_else(|| "yes".to_owned());
        Ok(self.client.find(&host_and_port(&session.location), Feature::Cancel, words.is_none(), found))
    }

    /// Ends a session. Returns the refusal, if there is one.
    fn cancel(&self, upload: &Upload<'_>, session: &Session) -> Result<Option<String>, Error> {
        let call = upload.call(Method::DELETE, Some(&session.location))?;
        Ok(not_allowed(self.client.send(&call))?.err())
    }

    /// Mounts `config`, which exists, from the repository itself: there may be no other repository with write access.
    fn probe_mount(&self, config: &Descriptor) -> Result<Finding, Error> {
        let upload = Upload::new(self, config, &CONFIG);
        let is_mounted = match upload.mount(self.name())? {
            State::Done => true,
            State::Open(session) => {
                // The registry ends a session that cannot be cancelled after some time.
                drop(self.cancel(&upload, &session)?);
                false
            }
        };
        let found = if is_mounted { "yes" } else { "no: an upload starts instead" };
        Ok(self.client.find(&self.host()?, Feature::Mount, is_mounted, found))
    }

    /// Publishes a manifest with its own media types, then one with an `artifactType`, and returns those that were
    /// accepted.
    fn probe_manifests(
        &self,
        config: &Descriptor,
        layer: &Descriptor,
        findings: &mut Vec<Finding>,
    ) -> Result<Vec<Descriptor>, Error> {
        let mut manifest = Manifest::new(ARTIFACT_TYPE, config.clone(), vec![layer.clone()]);
        let with_type = manifest.to_bytes();
        manifest.artifact_type = None;
        let mut taken = Vec::new();
        for (feature, bytes) in [(Feature::MediaTypes, manifest.to_bytes()), (Feature::ArtifactType, with_type)] {
            let published = Descriptor::of(MediaType::IMAGE_MANIFEST, &bytes);
            let words = refusal(self.try_publish(&published, &bytes, None))?.err();
            let found = words.clone().unwrap_or_else(|| "yes".to_owned());
            findings.push(self.client.find(&self.host()?, feature, words.is_none(), found));
            if words.is_some() {
                break;
            }
            taken.push(published);
        }
        Ok(taken)
    }

    /// Deletes `manifests`, and `blobs` if no manifest needs them any more.
    fn probe_delete(&self, manifests: &[Descriptor], blobs: &[Descriptor]) -> Result<Option<Finding>, Error> {
        let mut refused = None;
        for manifest in manifests {
            refused = not_allowed(self.delete(&manifest.digest.to_string()))?.err().or(refused);
        }
        if let Some(words) = refused {
            let found = format!("{words}; the test artifacts stay");
            return Ok(Some(self.client.find(&self.host()?, Feature::Delete, false, found)));
        }
        let mut is_clean = true;
        for blob in blobs {
            let call = self.blob_call(Method::DELETE, &blob.digest, DELETE, "delete")?;
            is_clean &= not_allowed(self.client.send(&call))?.is_ok();
        }
        let found = if is_clean { "yes; the test files were deleted" } else { "yes; two small test blobs stay" };
        let finding =
            (!manifests.is_empty()).then(|| Ok(self.client.find(&self.host()?, Feature::Delete, true, found)));
        finding.transpose()
    }
}

/// The bytes of the layer: a first part as large as the registry requires, and a second one.
fn layer(smallest_part: u64) -> Vec<u8> {
    let first = usize::try_from(smallest_part.min(LARGEST_PART_BYTES)).unwrap_or_default().max(LAYER_LINE.len());
    LAYER_LINE.iter().copied().cycle().take(first + SECOND_PART_BYTES).collect()
}

fn opened(upload: &Upload<'_>) -> Result<Session, Error> {
    match upload.open()? {
        State::Open(session) => Ok(session),
        State::Done => {
            let problem = "the registry reports that an empty upload is complete".to_owned();
            Err(Error::Protocol { attempt: upload.attempt(), problem })
        }
    }
}

/// Describes a refusal that shows that the registry lacks a feature; other failures stay failures.
fn refusal<T>(answer: Result<T, Error>) -> Result<Result<T, String>, Error> {
    let with = |status: u16, source: &Option<crate::registry::http::Answer>| match source {
        Some(answer) => format!("no ({status} {answer})"),
        None => format!("no ({status})"),
    };
    match answer {
        Ok(done) => Ok(Ok(done)),
        Err(Error::Status { status, source, .. }) if (400..500).contains(&status) && status != 408 && status != 429 => {
            Ok(Err(with(status, &source)))
        }
        Err(Error::NotFound { source, .. }) => Ok(Err(with(404, &source))),
        Err(Error::Unsupported { source, .. } | Error::ManifestRefused { source, .. }) => {
            Ok(Err(source.map_or_else(|| "no (unsupported)".to_owned(), |answer| format!("no ({answer})"))))
        }
        Err(failure) => Err(failure),
    }
}

/// Like [`refusal`], for requests that the user may also lack the permission for.
fn not_allowed<T>(answer: Result<T, Error>) -> Result<Result<T, String>, Error> {
    match answer {
        Err(Error::Denied { .. }) => Ok(Err("not allowed (403)".to_owned())),
        Err(Error::Unauthorized { .. } | Error::NoCredentials { .. }) => Ok(Err("not allowed (401)".to_owned())),
        answer => refusal(answer),
    }
}
