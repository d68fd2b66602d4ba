//! The contents and the configuration of the fake registry, behind one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use bytes::Bytes;
use hyper::HeaderMap;

use super::Access;
use super::faults::Rule;
use super::hub::HubRepository;
use super::uploads::Session;

/// The permanent behaviour of the registry; [`Fault`](super::Fault)s apply to single requests.
#[allow(clippy::struct_excessive_bools, reason = "each is a peculiarity of a real registry")]
pub struct Options {
    pub access: Access,
    /// Honours `Range`.
    pub ranges: bool,
    /// Supports HEAD; otherwise it is answered with 405.
    pub head: bool,
    /// Sends `Docker-Content-Digest`.
    pub digest_header: bool,
    /// Supports DELETE; otherwise it is answered with 405.
    pub delete: bool,
    /// The handling of DELETE for a tag.
    pub tag_deletion: TagDeletion,
    /// The target of redirects for GET of a blob, as the URL before `/objects/<digest>`.
    pub redirect_blobs_to: Option<String>,
    /// The number of requests that the URL of a redirect is valid for.
    pub uses_per_redirect: usize,
    /// The rate of each answer in bytes per second. Only answers with a limited rate are counted by `most_at_once`.
    pub bytes_per_second: Option<usize>,
    /// The largest body of a request; a proxy in front of the registry refuses larger ones with 413.
    pub body_limit: Option<usize>,
    /// The number of tags on a page.
    pub tags_per_page: usize,
    /// The value of `OCI-Chunk-Min-Length`.
    pub smallest_part: Option<u64>,
    /// The largest part; larger ones are answered with 416.
    pub largest_part: Option<u64>,
    /// The handling of a PUT with the whole blob.
    pub put_body: PutBody,
    /// The origin of upload locations, if they are absolute.
    pub upload_origin: Option<String>,
    /// Keeps the received bytes of an interrupted request.
    pub keeps_partial: bool,
    /// Always answers a part with `Range: 0-<end of the first part>`, as Amazon's registry does.
    pub stale_range: bool,
    /// Lets an upload continue at a location that was replaced by a later one.
    pub any_location: bool,
    /// The number of bytes of a part that are kept at most.
    pub takes_at_most: Option<usize>,
    /// Sends the location of the blob in the answer to a complete upload.
    pub final_location: bool,
    /// The `Warning` in each answer to a manifest.
    pub warning: Option<String>,
    /// Shows in a repository only the blobs that were pushed to it; otherwise every blob is in every repository.
    pub own_blobs: bool,
    /// Supports uploads in parts; otherwise PATCH is answered with 405.
    pub parts: bool,
    /// Supports the list of referrers.
    pub referrers: bool,
    /// The first entries of each list of referrers.
    pub forged_referrers: Vec<serde_json::Value>,
    /// The status and error code that refuse a manifest with `artifactType`.
    pub artifact_type_refusal: Option<(u16, &'static str)>,
    /// Supports mounting blobs from other repositories; otherwise an upload begins.
    pub mounts: bool,
}

/// The handling of DELETE for a tag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TagDeletion {
    /// Deletes only the tag.
    Tag,
    /// Deletes the manifest with all its tags.
    Manifest,
    /// Answers with 405.
    Unsupported,
    /// Answers with 400, as docker-registry 2.8 does.
    Invalid,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Open,
            ranges: true,
            head: true,
            digest_header: true,
            delete: true,
            tag_deletion: TagDeletion::Tag,
            redirect_blobs_to: None,
            uses_per_redirect: usize::MAX,
            bytes_per_second: None,
            body_limit: None,
            tags_per_page: 100,
            smallest_part: None,
            largest_part: None,
            put_body: PutBody::Taken,
            upload_origin: None,
            keeps_partial: true,
            stale_range: false,
            any_location: false,
            takes_at_most: None,
            final_location: true,
            warning: None,
            own_blobs: false,
            mounts: true,
            parts: true,
            referrers: true,
            forged_referrers: Vec::new(),
            artifact_type_refusal: None,
        }
    }
}

/// The handling of a PUT with a whole blob.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutBody {
    Taken,
    /// The PUT is refused with this status and error code.
    Refused(u16, &'static str),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// The path and the query.
    pub target: String,
    pub headers: HeaderMap,
    /// The number of bytes of the body that were read.
    pub body_bytes: u64,
    /// The body, if it was short.
    pub body: Bytes,
    /// The status of the answer; 0 if the connection was cut instead.
    pub status: u16,
    /// The number of bytes of the answer's body to be sent, after faults.
    pub answer_bytes: u64,
}

impl Recorded {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[derive(Default)]
pub(super) struct State {
    pub options: Options,
    pub rules: Vec<Rule>,
    pub requests: Vec<Recorded>,
    /// The number of requests that are being handled.
    pub busy: usize,
    /// The blobs by digest, for all repositories: a registry with one store.
    pub blobs: BTreeMap<String, Bytes>,
    /// The sizes of blobs of which only the beginning is in `blobs`. The rest of each is zeros.
    pub sparse: BTreeMap<String, u64>,
    /// Files by path, beside the contents of a registry.
    pub files: BTreeMap<String, Bytes>,
    /// The blobs that were pushed to each repository, as repository and digest.
    pub owned: BTreeSet<(String, String)>,
    pub repositories: BTreeMap<String, Repository>,
    pub sessions: BTreeMap<String, Session>,
    /// The issued tokens, and the number of requests that each is still valid for.
    pub tokens: BTreeMap<String, Grant>,
    pub counter: u64,
    /// The number of requests to each URL with a signature.
    pub signatures: BTreeMap<String, usize>,
    pub pacing: Arc<Pacing>,
    /// The repository that it shows as a hub, if it is one.
    pub hub: Option<HubRepository>,
}

/// Counters of concurrent answers.
#[derive(Default)]
pub(super) struct Pacing {
    pub now: AtomicUsize,
    pub most: AtomicUsize,
    /// The number of bytes of bodies that were passed to the network.
    pub sent: AtomicU64,
}

#[derive(Default)]
pub(super) struct Repository {
    /// The media type and bytes by digest.
    pub manifests: BTreeMap<String, (String, Bytes)>,
    pub tags: BTreeMap<String, String>,
}

pub(super) struct Grant {
    pub scopes: Vec<String>,
    pub uses_left: u32,
}

impl State {
    /// Lets a tag name another manifest.
    pub(crate) fn move_tag(&mut self, repository: &str, tag: &str, digest: &str) {
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        repository.tags.insert(tag.to_owned(), digest.to_owned());
    }

    /// Returns true if `repository` shows the blob.
    pub(super) fn shows(&self, repository: &str, digest: &str) -> bool {
        let is_owned = || self.owned.contains(&(repository.to_owned(), digest.to_owned()));
        self.blobs.contains_key(digest) && (!self.options.own_blobs || is_owned())
    }

    /// Returns a number that was not returned before.
    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}
