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
pub(crate) struct Options {
    pub(crate) access: Access,
    /// Whether `Range` is honoured.
    pub(crate) ranges: bool,
    /// Whether HEAD is known; else it is 405.
    pub(crate) head: bool,
    /// Whether `Docker-Content-Digest` is sent.
    pub(crate) digest_header: bool,
    /// Whether DELETE is known; else it is 405.
    pub(crate) delete: bool,
    /// Where GET of a blob redirects to, as the URL in front of `/objects/<digest>`.
    pub(crate) redirect_blobs_to: Option<String>,
    /// How many requests a URL that a registry redirected to is good for.
    pub(crate) uses_per_redirect: usize,
    /// With how many bytes per second each answer comes. Only such answers are counted by `most_at_once`.
    pub(crate) bytes_per_second: Option<usize>,
    /// How many tags a page has.
    pub(crate) tags_per_page: usize,
    /// `OCI-Chunk-Min-Length`.
    pub(crate) smallest_part: Option<u64>,
    /// Larger parts get 416.
    pub(crate) largest_part: Option<u64>,
    /// Whether a PUT may carry the whole blob.
    pub(crate) put_body: PutBody,
    /// Whether locations of uploads are absolute, and at which origin.
    pub(crate) upload_origin: Option<String>,
    /// Whether the bytes of a request that broke off are kept.
    pub(crate) keeps_partial: bool,
    /// Whether a part's answer always says `Range: 0-<end of the first part>`, as Amazon's registry does.
    pub(crate) stale_range: bool,
    /// Whether an upload may go on at a location that was replaced by a later one.
    pub(crate) any_location: bool,
    /// How much of a part is kept at most.
    pub(crate) takes_at_most: Option<usize>,
    /// Whether the answer to a complete upload says where the blob is.
    pub(crate) final_location: bool,
    /// A `Warning` for each answer to a manifest.
    pub(crate) warning: Option<String>,
    /// Whether a repository shows only the blobs that came into it; else every blob is everywhere.
    pub(crate) own_blobs: bool,
    /// Whether uploads come in parts; else PATCH is 405.
    pub(crate) parts: bool,
    /// Whether there is a list of what refers to a manifest.
    pub(crate) referrers: bool,
    /// What the list of what refers to any manifest begins with.
    pub(crate) forged_referrers: Vec<serde_json::Value>,
    /// What a manifest with `artifactType` gets instead of a place, as status and error code.
    pub(crate) artifact_type_refusal: Option<(u16, &'static str)>,
    /// Whether blobs are mounted from other repositories; else an upload begins.
    pub(crate) mounts: bool,
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
pub(crate) enum PutBody {
    Taken,
    /// Refused with this status and error code.
    Refused(u16, &'static str),
}

/// One request as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Recorded {
    pub(crate) method: String,
    /// Path and query.
    pub(crate) target: String,
    pub(crate) headers: HeaderMap,
    /// How many bytes of the body were read.
    pub(crate) body_bytes: u64,
    /// The body, if it was short.
    pub(crate) body: Bytes,
    /// What was answered; 0 if the connection was cut instead.
    pub(crate) status: u16,
    /// How many bytes of the answer's body were to leave, faults counted in.
    pub(crate) answer_bytes: u64,
}

impl Recorded {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) options: Options,
    pub(crate) rules: Vec<Rule>,
    pub(crate) requests: Vec<Recorded>,
    /// How many requests are being worked at.
    pub(crate) busy: usize,
    /// By digest, for all repositories: a registry with one store.
    pub(crate) blobs: BTreeMap<String, Bytes>,
    /// By path, beside all that a registry has.
    pub(crate) files: BTreeMap<String, Bytes>,
    /// Which blobs came into which repository, as repository and digest.
    pub(crate) owned: BTreeSet<(String, String)>,
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) sessions: BTreeMap<String, Session>,
    /// Tokens given out, and how often each may still be used.
    pub(crate) tokens: BTreeMap<String, Grant>,
    pub(crate) counter: u64,
    /// How often each URL with a signature was used.
    pub(crate) signatures: BTreeMap<String, usize>,
    pub(crate) pacing: Arc<Pacing>,
    /// What it shows as a hub, if it is one.
    pub(crate) hub: Option<HubRepository>,
}

/// Counts the answers under way.
#[derive(Default)]
pub(crate) struct Pacing {
    pub(crate) now: AtomicUsize,
    pub(crate) most: AtomicUsize,
    /// Bytes of bodies that were handed to the network.
    pub(crate) sent: AtomicU64,
}

#[derive(Default)]
pub(crate) struct Repository {
    /// Media type and bytes, by digest.
    pub(crate) manifests: BTreeMap<String, (String, Bytes)>,
    pub(crate) tags: BTreeMap<String, String>,
}

pub(crate) struct Grant {
    pub(crate) scopes: Vec<String>,
    pub(crate) uses_left: u32,
}

impl State {
    /// Whether `repository` shows the blob.
    pub(crate) fn shows(&self, repository: &str, digest: &str) -> bool {
        let is_owned = || self.owned.contains(&(repository.to_owned(), digest.to_owned()));
        self.blobs.contains_key(digest) && (!self.options.own_blobs || is_owned())
    }

    /// A number that was never given out before.
    pub(crate) fn next_number(&mut self) -> u64 {
        self.counter += 1;
        self.counter
    }
}
