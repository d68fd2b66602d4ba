//! The server that gives a container its access keys (Amazon ECS task roles, and EKS Pod Identity).

use std::fmt;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use fs_err as fs;
use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};

use super::sources::{AccessKeys, Delivered};
use crate::registry::client::Client;
use crate::registry::error::{Cause, Error};
use crate::registry::web::service::HttpRequest;

/// The address of the server, and the proof that the container may ask it. `Debug` hides the token.
#[derive(Clone, PartialEq, Eq)]
pub struct ContainerKeys {
    /// The URL.
    pub url: String,
    /// The value of the `Authorization` header.
    pub token: Option<String>,
    /// A file with that value, which is replaced from time to time.
    pub token_file: Option<PathBuf>,
}

impl fmt::Debug for ContainerKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContainerKeys {{ url: {:?}, token_file: {:?}, .. }}", self.url, self.token_file)
    }
}

const ANSWER_LIMIT: u64 = 64 * 1024;
/// The hosts besides this machine that are asked without encryption: ECS, and EKS by either protocol (AWS SDKs and
/// Tools Reference Guide, "Container credential provider").
const LINK_LOCAL: [&str; 3] = ["169.254.170.2", "169.254.170.23", "[fd00:ec2::23]"];

impl ContainerKeys {
    pub(super) fn request(&self, client: &Client) -> Result<AccessKeys, Error> {
        let url = Url::parse(&self.url).ok().filter(is_safe).ok_or_else(|| {
            Error::Setting(format!(
                "`{}` may not be asked for access keys: use https, or an address of this machine or of ECS or EKS",
                self.url
            ))
        })?;
        let question = HttpRequest {
            path: Vec::new(),
            query: None,
            attempt: "request the access keys of the container".to_owned(),
            subject: self.url.clone(),
        };
        let answer = client.site_at(url, None).read_with(&question, AUTHORIZATION, self.header()?, ANSWER_LIMIT)?;
        Delivered::read(&answer).map_err(|problem| Error::Protocol { attempt: question.attempt, problem })
    }

    fn header(&self) -> Result<Option<HeaderValue>, Error> {
        let read = |path: &PathBuf| {
            fs::read_to_string(path)
                .map_err(|error| Error::CredentialFile { path: path.clone(), source: Cause::of(&error) })
        };
        let token = self.token_file.as_ref().map(read).transpose()?.or_else(|| self.token.clone());
        let unfit =
            |_| Error::Setting("the token of the container has characters that a header cannot contain".to_owned());
        let header = token.map(|token| HeaderValue::try_from(token.trim())).transpose().map_err(unfit)?;
        Ok(header.map(|mut header| {
            header.set_sensitive(true);
            header
        }))
    }
}

fn is_safe(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default();
    let is_here =
        matches!(host, "localhost" | "[::1]") || host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
    url.scheme() == "https" || url.scheme() == "http" && (is_here || LINK_LOCAL.contains(&host))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_safe_servers_are_asked() {
        for (url, expected) in [
            ("http://169.254.170.2/v2/credentials/1", true),
            ("http://169.254.170.23/v1/credentials", true),
            ("http://[fd00:ec2::23]/v1/credentials", true),
            ("http://127.0.0.1:8080/", true),
            ("http://localhost/", true),
            ("https://keys.example/", true),
            ("http://keys.example/", false),
            ("http://127.0.0.1.example/", false),
            ("ftp://localhost/", false),
        ] {
            assert_eq!(is_safe(&Url::parse(url).unwrap()), expected, "{url}");
        }
    }
}
