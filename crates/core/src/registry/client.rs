//! The client for all registries: one runtime, one connection pool, one cache of tokens.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::HeaderMap;
use reqwest::{Method, Response, Url};
use tokio::runtime::{Handle, Runtime};

use super::error::{Cause, Error};
use super::mirror::Failed;
use super::repository::{PULL, Repository};
use super::runtime;
use super::settings::{HostSettings, Settings};
use crate::oci::Reference;
use crate::progress::Warning;
use crate::registry::auth::{Access, Credentials, Keys, Rights};
use crate::registry::download::Budget;
use crate::registry::http::{Call, Endpoint, Exchange, RetryPolicy, Transport};
use crate::registry::upload::{Capabilities, UploadForm, UploadRequirements, needs_of};
use crate::registry::web::Resolved;

/// A client for registries. Cloning is cheap and shares everything.
#[derive(Clone)]
pub struct Client {
    pub(super) exchange: Arc<Exchange>,
    pub(super) settings: Arc<Settings>,
    budget: Arc<Budget>,
    /// The budgets of hosts with a separate number of connections.
    own_budgets: Arc<BTreeMap<String, Arc<Budget>>>,
    /// The registries on this machine that were asked for https, and whether they speak only http.
    plain_registries: Arc<Mutex<BTreeMap<String, bool>>>,
    pub(super) failed_mirrors: Arc<Failed>,
    pub(super) capabilities: Arc<Capabilities>,
    /// The access keys of the object store, once they were needed.
    pub(super) object_keys: Arc<Mutex<Option<Resolved>>>,
    /// The tasks of the runtime must not hold a client: the last client to be dropped ends the runtime, which cannot
    /// end itself.
    runtime: Arc<Runtime>,
}

/// The result of a check of credentials.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CredentialCheck {
    /// The registry asked for credentials and accepted these.
    Accepted,
    /// The registry did not ask for credentials.
    NotAsked,
}

impl Client {
    /// Creates a client. Nothing is sent yet, and no certificates are read before the first https request.
    pub fn new(settings: Settings) -> Result<Self, Error> {
        if settings.client_certificate.is_some() && settings.plain_http {
            return Err(Error::Setting("a client certificate needs https".to_owned()));
        }
        let runtime = runtime::start().map_err(|error| Error::Threads(Cause::of(&error)))?;
        let transport = Arc::new(Transport::new(settings.clone())?);
        let keys = Keys::Store(settings.credentials.clone());
        let exchange = Exchange::new(transport, keys, settings.retry, settings.timeouts);
        let own = |(host, own): (&String, &HostSettings)| Some((host.clone(), Budget::new(own.concurrency?)));
        Ok(Self {
            exchange: Arc::new(exchange),
            budget: Budget::new(settings.concurrency),
            own_budgets: Arc::new(settings.hosts.iter().filter_map(own).collect()),
            plain_registries: Arc::default(),
            failed_mirrors: Arc::default(),
            object_keys: Arc::default(),
            capabilities: Arc::new(Capabilities::new(settings.registries_folder.clone())),
            settings: Arc::new(settings),
            runtime: Arc::new(runtime),
        })
    }

    /// The number of connections to `registry` that may be used at once, and of blobs that may be transferred at
    /// once: each has one.
    pub fn concurrency(&self, registry: &str) -> usize {
        self.settings.concurrency_of(registry)
    }

    /// The number of requests so far, including those for tokens and those that are repeated or redirected.
    pub fn requests(&self) -> u64 {
        self.exchange.transport.requests()
    }

    /// The repository of `reference`; its tag and digest are ignored.
    pub fn repository(&self, reference: &Reference) -> Repository {
        Repository::new(self.clone(), &reference.registry, &reference.repository)
    }

    /// Checks that `registry` is reachable and accepts the stored credentials, those for `repository` if one is
    /// given.
    pub fn ping(&self, registry: &str, repository: Option<&str>) -> Result<(), Error> {
        let rights = |name: &str| Rights { repository: name.to_owned(), actions: PULL, origin: None };
        let access = Access { endpoint: self.endpoint(registry)?, rights: repository.map(rights) };
        self.send(&self.greeting(access)).map(drop)
    }

    /// Checks that `registry` accepts `credentials`, before they are stored.
    ///
    /// A registry that does not ask for credentials cannot check them.
    pub fn check_credentials(&self, registry: &str, credentials: &Credentials) -> Result<CredentialCheck, Error> {
        let client = self.with_keys(Keys::Only(credentials.clone()));
        let access = Access { endpoint: self.endpoint(registry)?, rights: None };
        client.send(&self.greeting(access.clone()))?;
        let was_asked = client.wait(client.exchange.auth.was_asked(&access));
        Ok(if was_asked { CredentialCheck::Accepted } else { CredentialCheck::NotAsked })
    }

    /// The same client with other credentials: it shares the runtime and the connections, but no tokens.
    pub(super) fn with_keys(&self, keys: Keys) -> Self {
        let transport = Arc::clone(&self.exchange.transport);
        let exchange = Exchange::new(transport, keys, self.settings.retry, self.settings.timeouts);
        Self { exchange: Arc::new(exchange), ..self.clone() }
    }

    /// Sends `call` until the answer is a success, within the limits of its retry policy. Any other answer is an
    /// error with the registry's own message.
    ///
    /// Every request with a small body or none is sent here or by [`fetch`](Self::fetch).
    pub(super) fn send(&self, call: &Call) -> Result<Response, Error> {
        self.wait(self.exchange.send(call))
    }

    /// Like [`send`](Self::send), but also reads the body of at most `limit` bytes, as part of each attempt. Returns
    /// the headers, the body and the URL that it came from.
    pub(super) fn fetch(&self, call: &Call, limit: u64) -> Result<(HeaderMap, Vec<u8>, Url), Error> {
        self.wait(self.exchange.fetch(call, limit))
    }

    /// Blocks the calling thread until `future` is ready.
    ///
    /// # Panics
    ///
    /// Panics in a task of the runtime, which must not wait for itself. Tasks hold no client, so they cannot call it.
    pub(super) fn wait<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    /// The runtime, for starting tasks. A handle does not keep it running.
    pub(super) fn tasks(&self) -> &Handle {
        self.runtime.handle()
    }

    /// The request that determines support of the protocol (distribution-spec 1.1, "Determining Support").
    pub(super) fn greeting(&self, access: Access) -> Call {
        let registry = access.endpoint.name.clone();
        Call {
            method: Method::GET,
            url: access.endpoint.url("/v2/"),
            headers: HeaderMap::new(),
            body: Vec::new(),
            access,
            retry: self.settings.retry,
            attempt: format!("connect to `{registry}`"),
            subject: format!("{registry}/v2/"),
        }
    }

    /// The requirements of uploads to `host`, which includes the port; `chosen` is the user's setting for the
    /// registry that uses this host.
    pub(super) fn needs_of(&self, host: &str, chosen: Option<UploadForm>) -> UploadRequirements {
        needs_of(host, chosen, &self.capabilities.of(host))
    }

    pub(super) fn endpoint(&self, registry: &str) -> Result<Endpoint, Error> {
        let is_plain = self.settings.plain_http_of(registry);
        if is_plain || !self.settings.may_fall_back_to_http(registry) {
            return Endpoint::new(registry, is_plain);
        }
        Endpoint::new(registry, self.speaks_only_http(registry)?)
    }

    /// Returns true if `registry`, on this machine, does not speak https. It is asked once, with a request that carries
    /// no credentials before the TLS handshake.
    fn speaks_only_http(&self, registry: &str) -> Result<bool, Error> {
        let mut known = self.plain_registries.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(is_plain) = known.get(registry) {
            return Ok(*is_plain);
        }
        let access = Access { endpoint: Endpoint::new(registry, false)?, rights: None };
        let call = Call {
            retry: RetryPolicy { give_up_after: Duration::ZERO, ..self.settings.retry },
            ..self.greeting(access)
        };
        let answer = self.send(&call);
        let is_plain = matches!(answer, Err(Error::NotTls { .. }));
        if matches!(answer, Err(Error::Unreachable { .. })) {
            return Ok(false);
        }
        if is_plain {
            self.settings.notifier.warn(&Warning::PlainHttp { registry });
        }
        known.insert(registry.to_owned(), is_plain);
        Ok(is_plain)
    }

    pub(super) fn budget(&self, registry: &str) -> &Arc<Budget> {
        let own = self.settings.host(registry).and_then(|(host, _)| self.own_budgets.get(host));
        own.unwrap_or(&self.budget)
    }
}
