//! Findings from the first request to a registry, and those that are known beforehand.

use reqwest::header::HeaderMap;
use reqwest::{Response, StatusCode, Url};

use super::features::size;
use super::finding::Finding;
use crate::registry::auth::{Access, Challenge};
use crate::registry::client::Client;
use crate::registry::error::Error;
use crate::registry::http::{Endpoint, host_and_port, request, retrying};
use crate::registry::upload::{First, SaidBy, UploadRequirements};

/// The header in which registries announce their protocol version (docker's registry; not required by
/// distribution-spec 1.1).
const VERSION: &str = "docker-distribution-api-version";

impl Client {
    /// Pings `registry`, with the credentials for `repository` if one is given, and reports the known requirements of
    /// its uploads.
    pub fn probe(&self, registry: &str, repository: Option<&str>, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let endpoint = self.endpoint(registry)?;
        let response = self.knock(&endpoint)?;
        findings.push(version(response.headers()));
        findings.push(self.encryption(&endpoint));
        findings.push(authentication(&response));
        let origin = self.settings.credentials.locate(registry, repository)?.map(|(_, origin)| origin);
        let entry = self.ping(registry, repository);
        findings.extend(credentials(response.status(), origin.as_deref(), &entry));
        let needs = self.needs_of(&endpoint.host_and_port(), self.settings.upload_of(registry));
        findings.push(self.uploads(registry, &needs));
        findings.push(ceiling(&needs));
        entry
    }

    /// The first answer, to a request without credentials.
    fn knock(&self, endpoint: &Endpoint) -> Result<Response, Error> {
        let call = self.greeting(Access { endpoint: endpoint.clone(), rights: None });
        let exchange = &self.exchange;
        self.wait(retrying(exchange.tries(&call), async || {
            let anonymous = request(&call, &call.url, None, None);
            let response = exchange.transport.execute(anonymous, &call.attempt, exchange.timeouts.silence).await?;
            if response.status() == StatusCode::UNAUTHORIZED {
                return Ok(response);
            }
            exchange.expect_success(&call, response).await
        }))
    }

    fn encryption(&self, endpoint: &Endpoint) -> Finding {
        let (is_encrypted, found, plan) = match (endpoint.is_encrypted(), self.settings.verify_tls) {
            (false, _) => (false, "no: plain http", "sends everything unencrypted"),
            (true, true) => (true, "yes, with a trusted certificate", "uses https only"),
            (true, false) => (true, "yes, with an unverified certificate", "uses https without verifying the server"),
        };
        Finding::answered("tls", found, plan).supported(is_encrypted)
    }

    fn uploads(&self, registry: &str, needs: &UploadRequirements) -> Finding {
        let part_bytes = needs.part_bytes(self.settings.chunk_bytes);
        let from_bytes = self.settings.resumable_bytes_of(registry);
        let large = needs.part_bytes(from_bytes).map(size).unwrap_or_default();
        let from = size(from_bytes);
        let (mut found, plan) = match (needs.first, part_bytes) {
            (First::Parts, _) => {
                ("in parts".to_owned(), format!("sends blobs over {from} in parts of {large}, others in one PUT"))
            }
            (First::Whole, None) => {
                ("in one PUT only".to_owned(), "sends each blob in one PUT, and again if it is interrupted".to_owned())
            }
            (First::Whole, Some(bytes)) => {
                let bytes = size(bytes);
                let found = format!("in one PUT, or in parts up to {bytes}");
                (found, format!("sends each blob in one PUT, and the rest in parts of {bytes} if it is interrupted"))
            }
        };
        if let Some(most) = needs.whole_at_most {
            found = format!("{found}; more than {} in one PUT were refused", size(most));
        }
        Finding::answered("uploads", found, plan).said_by(needs.said_by)
    }
}

fn version(headers: &HeaderMap) -> Finding {
    let version = headers.get(VERSION).and_then(|version| version.to_str().ok());
    let found = version.map_or_else(|| "yes, version 2".to_owned(), |version| format!("yes, version 2 ({version})"));
    Finding::answered("reachable", found, "uses version 2 of the distribution protocol").supported(true)
}

fn authentication(response: &Response) -> Finding {
    let (found, plan) = match Challenge::best(response.headers()) {
        _ if response.status() != StatusCode::UNAUTHORIZED => {
            ("anonymous".to_owned(), "sends credentials only when the registry asks")
        }
        None => ("an unsupported scheme".to_owned(), "cannot log in"),
        Some(Challenge::Basic) => ("basic".to_owned(), "sends user name and password with each request"),
        Some(Challenge::Bearer { realm, service, .. }) => {
            let realm = Url::parse(&realm).map_or_else(|_| "?".to_owned(), |realm| host_and_port(&realm));
            let service = service.map(|service| format!(", service `{service}`")).unwrap_or_default();
            (format!("bearer, tokens from `{realm}`{service}"), "fetches a token for each repository")
        }
    };
    Finding::answered("auth", found, plan)
}

/// Reports if the registry accepts the credentials stored at `origin`, given the result `entry`; `None` if the
/// failure has another cause.
fn credentials(asked: StatusCode, origin: Option<&str>, entry: &Result<(), Error>) -> Option<Finding> {
    let is_asked_for = asked == StatusCode::UNAUTHORIZED;
    let (is_accepted, found, plan) = match (entry, origin) {
        (Ok(()), Some(origin)) if is_asked_for => (Some(true), format!("accepted, from {origin}"), "sends them"),
        (Ok(()), Some(origin)) => {
            (None, format!("not requested, from {origin}"), "sends them only when the registry asks")
        }
        (Ok(()), None) => (None, "none known, none needed so far".to_owned(), "connects anonymously"),
        (Err(Error::NoCredentials { .. }), _) => (Some(false), "none known".to_owned(), "cannot continue without"),
        (Err(Error::Unauthorized { .. } | Error::Denied { .. }), Some(origin)) => {
            (Some(false), format!("refused, from {origin}"), "cannot continue with these")
        }
        (Err(_), _) => return None,
    };
    let finding = Finding::answered("credentials", found, plan);
    Some(Finding { is_supported: is_accepted, ..finding })
}

fn ceiling(needs: &UploadRequirements) -> Finding {
    match needs.ceiling {
        Some(ceiling) => {
            let plan = "refuses a larger layer before sending it";
            Finding::answered("layer limit", ceiling.text, plan).said_by(SaidBy::Table)
        }
        None => Finding::answered("layer limit", "none known", "sends layers of any size").said_by(SaidBy::Default),
    }
}
