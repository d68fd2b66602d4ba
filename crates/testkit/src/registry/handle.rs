//! The handle for tests: it starts and ends the registry, configures and inspects it.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

use super::answer::sha256;
use super::faults::{Fault, Rule};
use super::hub::HubRepository;
use super::server::serve;
use super::state::{Options, Recorded, State};

/// A registry on a free port of 127.0.0.1; it ends when this is dropped.
pub struct FakeRegistry {
    state: Arc<Mutex<State>>,
    host: String,
    // Ends the server when dropped.
    runtime: Option<Runtime>,
}

impl FakeRegistry {
    /// Starts a registry with plain http.
    pub fn start() -> Self {
        Self::start_with(None)
    }

    /// Starts a registry with https.
    pub fn start_tls(tls: rustls::ServerConfig) -> Self {
        Self::start_with(Some(Arc::new(tls)))
    }

    fn start_with(tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let state = Arc::new(Mutex::new(State::default()));
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let host = listener.local_addr().unwrap().to_string();
        runtime.spawn(serve(listener, Arc::clone(&state), tls));
        Self { state, host, runtime: Some(runtime) }
    }

    /// Host and port, as in a reference.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Changes the behaviour of the registry from now on.
    pub fn configure(&self, change: impl FnOnce(&mut Options)) {
        change(&mut self.state().options);
    }

    /// Makes the next request of `method` with `part` in path or query fail.
    pub fn fail(&self, method: &'static str, part: &str, fault: Fault) {
        self.fail_later(method, part, 0, 1, fault);
    }

    /// Skips so many matching requests, and makes the `times` after them fail.
    pub fn fail_later(&self, method: &'static str, part: &str, spared: usize, times: usize, fault: Fault) {
        let turns = spared..spared.saturating_add(times);
        self.state().rules.push(Rule { method, part: part.to_owned(), turns, seen: 0, fault });
    }

    /// Ends all faults.
    pub fn heal(&self) {
        self.state().rules.clear();
    }

    /// Makes it a hub with this repository too.
    pub fn show(&self, repository: HubRepository) {
        self.state().hub = Some(repository);
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Recorded> {
        self.state().requests.clone()
    }

    /// Waits until no request is being handled: bytes that a killed client has sent may arrive after it is gone.
    pub fn wait_until_idle(&self) {
        while self.state().busy > 0 {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }

    /// The requests of `method` with `part` in path or query.
    pub fn requests_of(&self, method: &str, part: &str) -> Vec<Recorded> {
        self.requests().into_iter().filter(|r| r.method == method && r.target.contains(part)).collect()
    }

    /// All requests as `METHOD path status`, without queries and session numbers.
    pub fn log(&self) -> Vec<String> {
        let line = |request: &Recorded| {
            let path = request.target.split('?').next().unwrap();
            let path = path.split_once("/uploads/").map_or(path, |(path, _)| path);
            format!("{} {path} {}", request.method, request.status)
        };
        self.requests().iter().map(line).collect()
    }

    /// The largest number of concurrent answers with a limited rate, of those that began since the requests were
    /// forgotten.
    pub fn most_at_once(&self) -> usize {
        self.state().pacing.most.load(Ordering::SeqCst)
    }

    /// The number of bytes that were sent in answers with a limited rate.
    pub fn paced_bytes(&self) -> u64 {
        self.state().pacing.sent.load(Ordering::SeqCst)
    }

    /// Forgets the requests so far.
    pub fn forget_requests(&self) {
        let mut state = self.state();
        state.requests.clear();
        state.pacing.most.store(0, Ordering::SeqCst);
    }

    /// Adds a blob and returns its digest.
    pub fn add_blob(&self, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        self.state().blobs.insert(digest.clone(), Bytes::copy_from_slice(bytes));
        digest
    }

    /// Adds a blob of `size` bytes that begins with these bytes and continues with zeros, under a digest that is not
    /// its own. Only ranges of it can be read.
    pub fn add_sparse_blob(&self, digest: &str, beginning: &[u8], size: u64) {
        let mut state = self.state();
        state.blobs.insert(digest.to_owned(), Bytes::copy_from_slice(beginning));
        state.sparse.insert(digest.to_owned(), size);
    }

    /// Adds a blob to one repository and returns its digest.
    pub fn add_blob_to(&self, repository: &str, bytes: &[u8]) -> String {
        let digest = self.add_blob(bytes);
        self.state().owned.insert((repository.to_owned(), digest.clone()));
        digest
    }

    /// Adds a manifest under a tag and returns its digest.
    pub fn add_manifest(&self, repository: &str, tag: &str, media_type: &str, bytes: &[u8]) -> String {
        let digest = sha256(bytes);
        let mut state = self.state();
        let repository = state.repositories.entry(repository.to_owned()).or_default();
        repository.manifests.insert(digest.clone(), (media_type.to_owned(), Bytes::copy_from_slice(bytes)));
        repository.tags.insert(tag.to_owned(), digest.clone());
        digest
    }

    /// Adds a file at any path, as on a web server that is not a registry.
    pub fn add_file(&self, path: &str, bytes: &[u8]) {
        self.state().files.insert(path.to_owned(), Bytes::copy_from_slice(bytes));
    }

    /// Removes a manifest, as a clean-up in the registry does.
    pub fn remove_manifest(&self, repository: &str, digest: &str) {
        let mut state = self.state();
        let Some(repository) = state.repositories.get_mut(repository) else { return };
        repository.manifests.remove(digest);
        repository.tags.retain(|_, tagged| tagged != digest);
    }

    /// Replaces the bytes of a blob, as a disk error in the registry does.
    pub fn replace_blob(&self, digest: &str, bytes: &[u8]) {
        self.state().blobs.insert(digest.to_owned(), Bytes::copy_from_slice(bytes));
    }

    /// Removes a blob.
    pub fn remove_blob(&self, digest: &str) {
        self.state().blobs.remove(digest);
    }

    pub fn blob(&self, digest: &str) -> Option<Bytes> {
        self.state().blobs.get(digest).cloned()
    }

    /// The media type and the bytes of the manifest with this tag or digest.
    pub fn manifest(&self, repository: &str, selector: &str) -> Option<(String, Bytes)> {
        let state = self.state();
        let repository = state.repositories.get(repository)?;
        let digest = repository.tags.get(selector).map_or(selector, String::as_str);
        repository.manifests.get(digest).cloned()
    }

    /// Ends all open uploads, as a registry does after some hours.
    pub fn expire_uploads(&self) {
        self.state().sessions.clear();
    }

    /// Changes the first byte of all open uploads.
    pub fn spoil_uploads(&self) {
        self.state().sessions.values_mut().for_each(|session| session.bytes[0] ^= 1);
    }

    /// Invalidates all tokens.
    pub fn expire_tokens(&self) {
        self.state().tokens.clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

impl Drop for FakeRegistry {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
