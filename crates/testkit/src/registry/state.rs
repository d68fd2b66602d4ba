//! What the fake registry holds and how it is set up, behind one lock.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};

use bytes::Bytes;
use hyper::HeaderMap;

use super::Access;
use super::faults::Rule;
use super::hub::HubRepository;
use super::uploads::Session;

/// How the registry behaves all the time; [`Fault`](super::Fault)s are for single requests.
#[allow(clippy::struct_excessive_bools, reason = "each is a peculiarity of a real registry")]
pub struct Options {
    pub access: Access,
    /// Whether `Range` is honoured.
    pub ranges: bool,
    /// Whether HEAD is known; else it is 405.
    pub head: bool,
    /// Whether `Docker-Content-Digest` is sent.
    pub digest_header: bool,
    /// Whether DELETE is known; else it is 405.
    pub delete: bool,
    /// Where GET of a blob redirects to, as the URL in front of `/objects/<digest>`.
    pub redirect_blobs_to: Option<String>,
    /// How many requests a URL that a registry redirected to is good for.
    pub uses_per_redirect: usize,
    /// With how many bytes per second each answer comes. Only such answers are counted by `most_at_once`.
    pub bytes_per_second: Option<usize>,
    /// How many tags a page has.
    pub tags_per_page: usize,
    /// `OCI-Chunk-Min-Length`.
    pub smallest_part: Option<u64>,
    /// Larger parts get 416.
    pub largest_part: Option<u64>,
    /// Whether a PUT may carry the whole blob.
    pub put_body: PutBody,
    /// Whether locations of uploads are absolute, and at which origin.
    pub upload_origin: Option<String>,
    /// Whether the bytes of a request that broke off are kept.
    pub keeps_partial: bool,
    /// Whether a part's answer always says `Range: 0-<end of the first part>`, as Amazon's registry does.
    pub stale_range: bool,
    /// Whether an upload may go on at a location that was replaced by a later one.
    pub any_location: bool,
    /// How much of a part is kept at most.
    pub takes_at_most: Option<usize>,
    /// Whether the answer to a complete upload says where the blob is.
    pub final_location: bool,
    /// A `Warning` for each answer to a manifest.
    pub warning: Option<String>,
    /// Whether a repository shows only the blobs that came into it; else every blob is everywhere.
    pub own_blobs: bool,
    /// Whether uploads come in parts; else PATCH is 405.
    pub parts: bool,
    /// Whether there is a list of what refers to a manifest.
    pub referrers: bool,
    /// What the list of what refers to any manifest begins with.
    pub forged_referrers: Vec<serde_json::Value>,
    /// What a manifest with `artifactType` gets instead of a place, as status and error code.
    pub artifact_type_refusal: Option<(u16, &'static str)>,
    /// Whether blobs are mounted from other repositories; else an upload begins.
    pub mounts: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            access: Access::Open,
            ranges: true,
            head: true,
            digest_header: true,
            delete: true,
            redirect_blobs_to: None,
            uses_per_redirect: usize::MAX,
            bytes_per_second: None,
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

/// What becomes of a PUT with a whole blob.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum PutBody {
    Taken,
    /// Refused with this status and error code.
    Refused(u16, &'static str),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub struct Recorded {
    pub method: String,
    /// Path and query.
    pub target: String,
    pub headers: HeaderMap,
    /// How many bytes of the body were read.
    pub body_bytes: u64,
    /// The body, if it was short.
    pub body: Bytes,
    /// What was answered; 0 if the connection was cut instead.
    pub status: u16,
    /// How many bytes of the answer's body were to leave, faults counted in.
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
    /// How many requests are being worked at.
    pub busy: usize,
    /// By digest, for all repositories: a registry with one store.
    pub blobs: BTreeMap<String, Bytes>,
    /// By path, beside all that a registry has.
    pub files: BTreeMap<String, Bytes>,
    /// Which blobs came into which repository, as repository and digest.
    pub owned: BTreeSet<(String, String)>,
    pub repositories: BTreeMap<String, Repository>,
    pub sessions: BTreeMap<String, Session>,
    /// Tokens given out, and how often each may still be used.
    pub tokens: BTreeMap<String, Grant>,
    pub counter: u64,
    /// How often each URL with a signature was used.
    pub signatures: BTreeMap<String, usize>,
    pub pacing: Arc<Pacing>,
    /// What it shows as a hub, if it is one.
    pub hub: Option<HubRepository>,
}

/// Counts the answers under way.
#[derive(Default)]
pub(super) struct Pacing {
    pub now: AtomicUsize,
    pub most: AtomicUsize,
    /// Bytes of bodies that were handed to the network.
    pub sent: AtomicU64,
}

#[derive(Default)]
pub(super) struct Repository {
    /// Media type and bytes, by digest.
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

    /// Whether `repository` shows the blob.
    pub(super) fn shows(&self, repository: &str, digest: &str) -> bool {
        let is_owned = || self.owned.contains(&(repository.to_owned(), digest.to_owned()));
        self.blobs.contains_key(digest) && (!self.options.own_blobs || is_owned())
    }

    /// A number that was never given out before.
    pub(super) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}
