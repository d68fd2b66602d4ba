//! The HTTP client of this module: one request at a time, no redirects, no decompression, and its own error messages.

use std::collections::{HashMap, HashSet};
use std::error::Error as StdError;
use std::io;
use std::path::Path;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use reqwest::header::HeaderMap;
use reqwest::redirect::Policy;
use reqwest::{ClientBuilder, Identity, Method, Request, Response, Url};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use tracing::debug;

use super::ahead::Ahead;
use super::redact::redacted;
use super::sent_secrets::SentSecrets;
use super::waits::{REPORTED_EVERY, Waits};
use super::warnings::Warnings;
use super::{trust, tunnel};
use crate::registry::error::{Cause, Error, is_temporary_status};
use crate::registry::proxy::{Proxy, ProxyRules, proxy};
use crate::registry::settings::{ClientCertificate, Settings, Tls};
use crate::sys::read_regular;

/// The HTTP clients. Those for https are created on first use: that fails on a machine without certificate
/// authorities, where plain http must still work (reqwest#2965).
pub(crate) struct Transport {
    plain: Clients,
    encrypted: Mutex<HashMap<Tls, Clients>>,
    ahead: Ahead,
    settings: Settings,
    waits: Arc<Waits>,
    warnings: Warnings,
    sent_secrets: SentSecrets,
    /// The hosts that have answered a request.
    answered: Mutex<HashSet<String>>,
    /// The number of requests so far.
    requests: AtomicU64,
}

/// Two clients with the same settings.
#[derive(Clone)]
struct Clients {
    sending: reqwest::Client,
    /// Opens connections for `sending`, ahead of its requests.
    opening: reqwest::Client,
}

impl Transport {
    pub(crate) fn new(settings: Settings) -> Result<Self, Error> {
        // There is one provider for the whole process, and one that was installed before is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        // An empty list of authorities costs nothing to set up, and plain http does not need any.
        let (ahead, problem) = (Ahead::default(), "the http client cannot be created");
        let plain = clients(&ahead, problem, || Ok(common(&settings)?.tls_certs_only([])))?;
        let waits = Arc::new(Waits::new(settings.notifier.clone()));
        let warnings = Warnings::new(settings.notifier.clone());
        let (encrypted, sent_secrets, answered) = (Mutex::default(), SentSecrets::default(), Mutex::default());
        let requests = AtomicU64::new(0);
        Ok(Self { plain, encrypted, ahead, settings, waits, warnings, sent_secrets, answered, requests })
    }

    /// Reports the warnings in the `headers` of an answer of `registry`.
    pub(crate) fn report_warnings(&self, registry: &str, headers: &HeaderMap) {
        self.warnings.report(registry, headers, &self.sent_secrets);
    }

    /// The passwords and tokens in the requests so far, which messages of servers must not show.
    pub(crate) fn sent_secrets(&self) -> &SentSecrets {
        &self.sent_secrets
    }

    /// The number of requests so far, including those for tokens and those that are repeated or redirected.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The pauses before requests are repeated.
    pub(crate) fn waits(&self) -> &Arc<Waits> {
        &self.waits
    }

    /// Checks that a password or token may be sent to the host `registry` without encryption.
    pub(crate) fn check_unencrypted(&self, registry: &str) -> Result<(), Error> {
        if self.settings.sends_passwords_over_http_to(registry) {
            return Ok(());
        }
        Err(Error::Unencrypted { registry: registry.to_owned() })
    }

    /// Sends `request` and waits at most `patience` for the head of the answer, whatever its status. A long wait is
    /// reported.
    pub(crate) async fn execute(&self, request: Request, attempt: &str, patience: Duration) -> Result<Response, Error> {
        let shown = redacted(request.url());
        self.execute_as(request, attempt, patience, &shown).await
    }

    /// Like [`execute`](Self::execute), for a URL that is shown as `shown` in the log.
    pub(crate) async fn execute_as(
        &self,
        request: Request,
        attempt: &str,
        patience: Duration,
        shown: &str,
    ) -> Result<Response, Error> {
        let (host, start) = (host_and_port(request.url()), Instant::now());
        let mut sending = pin!(self.send_as(request, attempt, shown));
        loop {
            let left = patience.saturating_sub(start.elapsed());
            match tokio::time::timeout(left.min(REPORTED_EVERY), &mut sending).await {
                Ok(answer) => return answer,
                Err(_) => self.waits.report_silence(Instant::now(), &host, start.elapsed()),
            }
            if start.elapsed() >= patience {
                return Err(silent(attempt, patience));
            }
        }
    }

    /// Sends `request` and waits for the head of the answer without a time limit.
    pub(crate) async fn send(&self, request: Request, attempt: &str) -> Result<Response, Error> {
        let shown = redacted(request.url());
        self.send_as(request, attempt, &shown).await
    }

    async fn send_as(&self, request: Request, attempt: &str, shown: &str) -> Result<Response, Error> {
        let (method, url) = (request.method().clone(), request.url().clone());
        self.sent_secrets.note_headers(request.headers());
        self.requests.fetch_add(1, Ordering::Relaxed);
        match Ahead::within(&url, self.clients_for(&url)?.sending.execute(request)).await {
            Ok(response) => {
                debug!(%method, url = shown, status = response.status().as_u16(), "request");
                self.answered().insert(host_and_port(&url));
                Ok(response)
            }
            Err(error) => {
                let error = self.through_proxy(failure(&error, &url, attempt), &url).await;
                debug!(%method, url = shown, %error, "request");
                Err(error)
            }
        }
    }

    /// The same error with the proxy that the request went through, and with the reason of that proxy.
    async fn through_proxy(&self, mut error: Error, url: &Url) -> Error {
        match &mut error {
            Error::NotTls { proxy, .. } => *proxy = self.proxy_of(url),
            Error::Unreachable { host, is_known, proxy, source } => {
                *is_known = self.answered().contains(host);
                *proxy = self.proxy_of(url);
                if let Some(proxy) = proxy.take_if(|_| source.is_about_proxy_credentials()) {
                    return Error::ProxyCredentials { proxy };
                }
                let address = self.settings.proxy.address(url).filter(|_| source.is_about_refused_tunnel());
                let Some(address) = address else { return error };
                match tunnel::refusal(&address, url, self.settings.timeouts.connect).await {
                    Some(status) if is_temporary_status(status) => {
                        *source = Cause::new(format!("the proxy answered {status}"));
                    }
                    Some(status @ 300..) => {
                        let (host, proxy) = (host.clone(), proxy.take().unwrap_or_default());
                        return Error::ProxyRefused { proxy, host, status };
                    }
                    _ => {}
                }
            }
            _ => {}
        }
        error
    }

    /// Opens a connection to the server of `url` for a later request. A failure is left to that request.
    pub(crate) async fn open_ahead(&self, url: Url) {
        let opened = match self.clients_for(&url) {
            Ok(clients) => {
                let request = Request::new(Method::HEAD, url.clone());
                Ahead::within(&url, clients.opening.execute(request)).await.map(drop).map_err(|error| Cause::of(&error))
            }
            Err(error) => Err(Cause::of(&error)),
        };
        debug!(url = redacted(&url), ?opened, "connection opened ahead");
    }

    fn answered(&self) -> MutexGuard<'_, HashSet<String>> {
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The address of the proxy for `url`, without credentials, and the setting that names it.
    pub(crate) fn proxy_of(&self, url: &Url) -> Option<String> {
        self.settings.proxy.describe(url)
    }

    /// The clients for `url`. Its host decides, even after a redirect: a client certificate is sent, and an extra
    /// authority trusted, only for hosts that the user configured.
    fn clients_for(&self, url: &Url) -> Result<Clients, Error> {
        if url.scheme() != "https" {
            return Ok(self.plain.clone());
        }
        let tls = self.settings.tls_of(&host_and_port(url));
        let mut clients = self.encrypted.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = clients.get(&tls) {
            return Ok(known.clone());
        }
        let new = encrypted(&self.settings, &self.ahead, &tls)?;
        clients.insert(tls, new.clone());
        Ok(new)
    }
}

fn common(settings: &Settings) -> Result<ClientBuilder, Error> {
    let builder = reqwest::Client::builder()
        .user_agent(&settings.user_agent)
        .connect_timeout(settings.timeouts.connect)
        .pool_max_idle_per_host(
            settings.hosts.values().filter_map(|own| own.concurrency).fold(settings.concurrency, usize::max),
        )
        .redirect(Policy::none())
        .referer(false)
        .retry(reqwest::retry::never())
        // HTTP/2 halves the throughput of large blobs.
        .http1_only();
    Ok(match &settings.proxy {
        Proxy::Direct => builder.no_proxy(),
        Proxy::Variables(variables) => {
            let rules = ProxyRules::new(variables)?;
            builder.proxy(reqwest::Proxy::custom(move |url| rules.proxy_for(url)))
        }
        Proxy::Through(url) => {
            proxy(url, "--proxy")?;
            let unusable =
                |error: reqwest::Error| Error::Setting(format!("the proxy is not usable: {}", Cause::of(&error)));
            builder.proxy(reqwest::Proxy::all(url).map_err(unusable)?)
        }
    })
}

/// More than the authorities of any system.
const PEM_LIMIT: u64 = 16 * 1024 * 1024;

const UNREADABLE: &str = "the certificate authorities of this system cannot be read";

/// Checks that `path` is a PEM file with at least one certificate, as the authorities in the settings must be.
pub fn check_authorities(path: &Path) -> Result<(), Error> {
    authorities(path, &format!("`{}`", path.display())).map(drop)
}

fn authorities(path: &Path, name: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
    let unusable = |cause| tls_error(format!("{name} is not a file of certificates"), cause);
    let pem = read_regular(path, PEM_LIMIT).map_err(|error| unusable(Cause::of(&error)))?;
    let read = CertificateDer::pem_slice_iter(&pem).collect::<Result<Vec<_>, _>>();
    let certificates = read.map_err(|error| unusable(Cause::of(&error)))?;
    if certificates.is_empty() {
        return Err(unusable(Cause::of(&io::Error::other("it contains no certificate in PEM format"))));
    }
    Ok(certificates)
}

fn encrypted(settings: &Settings, ahead: &Ahead, tls: &Tls) -> Result<Clients, Error> {
    let mut trusted = Vec::new();
    for path in &tls.authorities {
        trusted.extend(authorities(path, &settings.named(path))?);
    }
    let identity = tls.certificate.as_ref().map(|own| identity(settings, own)).transpose()?;
    if settings.verify_tls {
        let has_none = trusted.is_empty();
        let config = trust::trusting(trusted, identity.as_deref()).map_err(|error| {
            if has_none && trust::is_without_authorities() {
                Error::NoAuthorities
            } else {
                tls_error(UNREADABLE.to_owned(), Cause::of(&error))
            }
        })?;
        return clients(ahead, UNREADABLE, || Ok(common(settings)?.tls_backend_preconfigured(config.clone())));
    }
    clients(ahead, UNREADABLE, || {
        let builder = common(settings)?.tls_danger_accept_invalid_certs(true);
        let Some(pem) = &identity else { return Ok(builder) };
        let unusable = |error: reqwest::Error| tls_error(UNREADABLE.to_owned(), Cause::of(&error));
        Ok(builder.identity(Identity::from_pem(pem).map_err(unusable)?))
    })
}

fn clients(ahead: &Ahead, problem: &str, builder: impl Fn() -> Result<ClientBuilder, Error>) -> Result<Clients, Error> {
    let sending = finish(builder()?.connector_layer(ahead.using()), problem)?;
    let opening = finish(builder()?.connector_layer(ahead.opening()), problem)?;
    Ok(Clients { sending, opening })
}

/// The certificate and the key of the client as one PEM text, checked.
fn identity(settings: &Settings, own: &ClientCertificate) -> Result<Vec<u8>, Error> {
    let unusable = |cause| {
        let (certificate, key) = (settings.named(&own.certificate), settings.named(&own.key));
        tls_error(format!("{certificate} and {key} are not a certificate and its key"), cause)
    };
    let mut pem = read_regular(&own.certificate, PEM_LIMIT).map_err(|error| unusable(Cause::of(&error)))?;
    pem.push(b'\n');
    pem.extend(read_regular(&own.key, PEM_LIMIT).map_err(|error| unusable(Cause::of(&error)))?);
    Identity::from_pem(&pem).map_err(|error| unusable(Cause::of(&error)))?;
    Ok(pem)
}

fn finish(builder: ClientBuilder, problem: &str) -> Result<reqwest::Client, Error> {
    builder.build().map_err(|error| tls_error(problem.to_owned(), Cause::of(&error)))
}

fn tls_error(problem: String, source: Cause) -> Error {
    Error::Tls { problem, source }
}

/// An error for a request on which nothing happened for as long as `patience`.
pub(crate) fn silent(attempt: &str, patience: Duration) -> Error {
    Error::Silent { attempt: attempt.to_owned(), seconds: patience.as_secs() }
}

/// Distinguishes the errors that a user can do something about. rustls's errors are nested in `io::Error`s in other
/// errors, some of which hide their source; all of them show it in `Debug`.
pub(crate) fn failure(error: &reqwest::Error, url: &Url, attempt: &str) -> Error {
    let host = host_and_port(url);
    let details = format!("{error:?}");
    let (attempt, source) = (attempt.to_owned(), Cause::of(innermost(error)));
    if trust::is_authority_as_server(&details) {
        return Error::AuthorityAsServer { host };
    }
    if details.contains("InvalidCertificate") {
        return Error::Untrusted { host, source };
    }
    // A server that asked for a certificate and got none sends one of these alerts (RFC 8446, 6.2).
    let alerts = ["CertificateRequired", "HandshakeFailure", "BadCertificate"];
    if alerts.iter().any(|alert| details.contains(&format!("AlertReceived({alert})"))) {
        return Error::HandshakeRefused { host, source };
    }
    if details.contains("InvalidContentType") {
        return Error::NotTls { host, proxy: None };
    }
    if error.is_connect() {
        return Error::Unreachable { host, is_known: false, proxy: None, source };
    }
    Error::Broken { attempt, source }
}

/// Returns the innermost source. `io::Error::source` skips the error that it was made from; this does not.
fn innermost<'a>(error: &'a (dyn StdError + 'static)) -> &'a (dyn StdError + 'static) {
    let mut current = error;
    loop {
        let wrapped = current.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        let next: Option<&'a (dyn StdError + 'static)> = match wrapped {
            Some(inner) => Some(inner),
            None => current.source(),
        };
        match next {
            Some(next) => current = next,
            None => return current,
        }
    }
}

/// The host and port of `url`, for messages.
pub(crate) fn host_and_port(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}
