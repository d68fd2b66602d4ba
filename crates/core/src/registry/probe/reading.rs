//! Findings from reading a repository: tags, ranges, redirects, referrers.

use reqwest::Method;
use reqwest::header::{HeaderValue, RANGE};

use super::finding::Finding;
use crate::digest::Digest;
use crate::oci::{Descriptor, Manifest};
use crate::registry::error::Error;
use crate::registry::http::host_and_port;
use crate::registry::referrers::is_index;
use crate::registry::repository::{PULL, Repository};
use crate::registry::upload::Feature;

impl Repository {
    /// Reads the tags, one byte of a small blob, and the referrers of a manifest.
    pub fn probe_reading(&self, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let tags = match self.tags() {
            Ok(tags) => tags,
            Err(Error::NotFound { .. }) => {
                let plan = "can push to it, if that is allowed";
                findings.push(Finding::answered("repository", "not found, or not readable", plan).supported(false));
                return Ok(());
            }
            Err(error) => return Err(error),
        };
        let (count, tag) = (tags.len(), if tags.len() == 1 { "tag" } else { "tags" });
        findings.push(Finding::answered("repository", format!("{count} {tag}"), "can pull from it").supported(true));
        let manifest = tags.first().map(|tag| self.try_resolve(tag)).transpose()?;
        if let Some(blob) = manifest.as_ref().map(|manifest| self.small_blob(manifest)).transpose()?.flatten() {
            self.probe_range(&blob, findings)?;
        } else {
            let (found, plan) = ("not tried: the repository has no suitable blob", "decides at the first pull");
            findings.push(Finding::answered("ranges", found, plan));
        }
        // A registry with the referrers API answers for any digest, with an empty list if needed (distribution-spec
        // 1.1, "Listing Referrers").
        let subject = manifest.map_or_else(|| Digest::of(b""), |manifest| manifest.digest);
        findings.push(self.probe_referrers(&subject)?);
        Ok(())
    }

    /// The smallest blob of an image manifest that has more than one byte.
    fn small_blob(&self, manifest: &Descriptor) -> Result<Option<Descriptor>, Error> {
        let Ok(manifest) = Manifest::parse(&self.try_manifest(manifest)?) else { return Ok(None) };
        Ok(manifest.blobs().filter(|blob| blob.size > 1).min_by_key(|blob| blob.size).cloned())
    }

    /// Requests the second byte of `blob`, as a pull in pieces does.
    fn probe_range(&self, blob: &Descriptor, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let mut call = self.blob_call(Method::GET, &blob.digest, PULL, "read")?;
        call.headers.insert(RANGE, HeaderValue::from_static("bytes=1-1"));
        let response = self.client.send(&call)?;
        findings.push(if response.status().as_u16() == 206 {
            Finding::answered("ranges", "yes (206)", "pulls large blobs in pieces, and resumes where it stopped")
                .supported(true)
        } else {
            let found = format!("no ({})", response.status().as_u16());
            Finding::answered("ranges", found, "pulls each blob in one stream, again on failure").supported(false)
        });
        findings.push(if call.access.endpoint.owns(response.url()) {
            Finding::answered("redirects", "no", "gets blobs from the registry itself").supported(false)
        } else {
            let found = format!("to `{}`", host_and_port(response.url()));
            Finding::answered("redirects", found, "gets blobs from that host, without credentials").supported(true)
        });
        Ok(())
    }

    fn probe_referrers(&self, subject: &Digest) -> Result<Finding, Error> {
        let call = self.referrers_call(subject, PULL)?;
        let (is_supported, found) = match self.client.send(&call) {
            Ok(response) if is_index(response.headers()) => (true, "yes (API)".to_owned()),
            Ok(_) | Err(Error::NotFound { .. } | Error::Unsupported { .. }) => (false, "no API; by tag".to_owned()),
            Err(Error::Status { status: status @ 400..=499, .. }) if status != 429 => {
                (false, format!("no API ({status}); by tag"))
            }
            Err(error) => return Err(error),
        };
        Ok(self.client.find(&call.access.endpoint.host_and_port(), Feature::Referrers, is_supported, found))
    }
}
