//! An address that events are sent to.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Request, Url};

use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::{host_and_port, retry_after};

/// The time for an answer (Standard Webhooks 1.0, "Request timeouts": 15 to 30 s).
const PATIENCE: Duration = Duration::from_secs(30);

/// A receiver of events. Only its host is ever shown: the rest of the address may be a secret.
#[derive(Clone)]
pub struct Webhook {
    client: Client,
    url: Url,
}

impl Client {
    /// The receiver at `address`. Nothing is sent yet.
    ///
    /// An address without encryption must be on this machine, or at a host for which plain http is allowed.
    pub fn webhook(&self, address: &str) -> Result<Webhook, Error> {
        let unfit = |problem: &str| Error::Setting(format!("the address of the webhook {problem}"));
        let url = Url::parse(address).map_err(|_| unfit("is not a URL"))?;
        if !matches!(url.scheme(), "https" | "http") || !url.has_host() {
            return Err(unfit("must begin with https://"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(unfit("must not contain a user or a password"));
        }
        if url.scheme() == "http" && !self.settings.may_be_plain(&host_and_port(&url)) {
            return Err(unfit("begins with http://, which is not encrypted; use https://, or --plain-http"));
        }
        Ok(Webhook { client: self.clone(), url })
    }
}

impl Webhook {
    /// The host and port, for messages.
    pub fn host(&self) -> String {
        host_and_port(&self.url)
    }

    /// Sends a document once. Every answer but a success is an error; a redirect is not followed (Standard Webhooks
    /// 1.0, "Delivery success and failure").
    pub fn post(
        &self,
        media_type: &'static str,
        headers: &[(&'static str, String)],
        body: Vec<u8>,
    ) -> Result<(), Error> {
        let mut request = Request::new(Method::POST, self.url.clone());
        request.headers_mut().extend(header_map(media_type, headers)?);
        *request.body_mut() = Some(body.into());
        self.client.wait(self.send(request))
    }

    async fn send(&self, request: Request) -> Result<(), Error> {
        let (host, attempt) = (self.host(), format!("send an event to `{}`", self.host()));
        let transport = &self.client.exchange.transport;
        let response = transport.execute_as(request, &attempt, PATIENCE, &host).await?;
        if response.status().is_success() {
            return Ok(());
        }
        let (status, retry_after) = (response.status().as_u16(), retry_after(response.headers()));
        Err(Error::Status { host, attempt, status, retry_after, source: None })
    }
}

fn header_map(media_type: &'static str, headers: &[(&'static str, String)]) -> Result<HeaderMap, Error> {
    let mut map = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(media_type))]);
    for (name, value) in headers {
        let value = HeaderValue::try_from(value).map_err(|_| Error::Setting(format!("`{name}` is not a header")))?;
        map.insert(HeaderName::from_static(name), value);
    }
    Ok(map)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::settings::Settings;

    #[test]
    fn an_address_is_encrypted_or_on_this_machine() {
        let client = Client::new(Settings::default()).unwrap();
        let check = |address: &str| client.webhook(address).map(|webhook| webhook.host()).map_err(|it| it.to_string());
        assert_eq!(check("https://hooks.example/T0/secret").unwrap(), "hooks.example");
        assert_eq!(check("http://127.0.0.1:8080/x").unwrap(), "127.0.0.1:8080");
        for (address, problem) in [
            ("http://hooks.example/secret", "--plain-http"),
            ("ftp://hooks.example/secret", "must begin with https://"),
            ("https://ada:secret@hooks.example/", "must not contain a user"),
            ("secret", "is not a URL"),
        ] {
            let error = check(address).unwrap_err();
            assert!(error.contains(problem) && !error.contains("secret"), "{error}");
        }
    }
}
