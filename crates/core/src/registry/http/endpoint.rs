//! The address of a registry: the name that the user writes, and the origin that requests are sent to.

use reqwest::Url;

use super::transport::host_and_port;
use crate::oci::DOCKER_HUB;
use crate::registry::error::Error;

/// The key of Docker Hub's credentials in docker's configuration.
const DOCKER_HUB_KEY: &str = "https://index.docker.io/v1/";

/// A registry.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Endpoint {
    /// The host and port as the user wrote them.
    pub(crate) name: String,
    base: Url,
}

impl Endpoint {
    pub(crate) fn new(name: &str, plain_http: bool) -> Result<Self, Error> {
        let scheme = if plain_http { "http" } else { "https" };
        let host = if canonical(name) == DOCKER_HUB[0] { DOCKER_HUB[2] } else { name };
        match Url::parse(&format!("{scheme}://{host}/")) {
            Ok(base) if base.has_host() && base.path() == "/" && base.username().is_empty() => {
                Ok(Self { name: name.to_owned(), base })
            }
            _ => Err(Error::Setting(format!("`{name}` is not the name of a registry"))),
        }
    }

    /// The server of `url`, regardless of its path.
    pub(crate) fn of(url: &Url) -> Self {
        let mut base = url.clone();
        base.set_path("/");
        base.set_query(None);
        base.set_fragment(None);
        Self { name: host_and_port(url), base }
    }

    /// The URL of `path`, which begins with `/v2/`.
    pub(crate) fn url(&self, path: &str) -> Url {
        let mut url = self.base.clone();
        url.set_path(path);
        url
    }

    /// Returns true if `url` belongs to the registry itself, so that its credentials may be sent to it.
    pub(crate) fn owns(&self, url: &Url) -> bool {
        url.origin() == self.base.origin()
    }

    pub(crate) fn host(&self) -> Option<&str> {
        self.base.host_str()
    }

    /// The host and port of the requests, for messages.
    pub(crate) fn host_and_port(&self) -> String {
        host_and_port(&self.base)
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.base.scheme() == "https"
    }
}

/// Resolves `location`, found in an answer from `current`. A downgrade from https to http is refused.
pub(crate) fn locate(current: &Url, location: &str) -> Result<Url, &'static str> {
    let Ok(next) = current.join(location) else { return Err("its location is not a URL") };
    match (current.scheme(), next.scheme()) {
        (_, "https") | ("http", "http") => Ok(next),
        ("https", "http") => Err("it leads from https to http, which is not encrypted"),
        _ => Err("it leads to a URL that is neither https nor http"),
    }
}

/// The name under which a registry's credentials are compared: one for all names of Docker Hub.
pub(crate) fn canonical(registry: &str) -> &str {
    if DOCKER_HUB.contains(&registry) { DOCKER_HUB[0] } else { registry }
}

/// The key under which docker's configuration keeps a registry's credentials.
pub(crate) fn credential_key(registry: &str) -> &str {
    if canonical(registry) == DOCKER_HUB[0] { DOCKER_HUB_KEY } else { registry }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lead_to_origins() {
        for (name, plain_http, expected) in [
            ("kit.example", false, "https://kit.example/v2/"),
            ("localhost:5000", false, "https://localhost:5000/v2/"),
            ("localhost:5000", true, "http://localhost:5000/v2/"),
            ("[::1]:5000", true, "http://[::1]:5000/v2/"),
            ("docker.io", false, "https://registry-1.docker.io/v2/"),
            ("index.docker.io", false, "https://registry-1.docker.io/v2/"),
        ] {
            assert_eq!(Endpoint::new(name, plain_http).unwrap().url("/v2/").as_str(), expected);
        }
        for name in ["", "999.999.999.999", "a/b", "user@host", "a b"] {
            assert!(Endpoint::new(name, false).is_err(), "{name}");
        }
    }

    #[test]
    fn locations_never_lead_out_of_encryption() {
        let check = |current: &str, location| locate(&Url::parse(current).unwrap(), location).map(String::from).ok();
        assert_eq!(check("https://a.io/v2/x", "/v2/y?z=1").as_deref(), Some("https://a.io/v2/y?z=1"));
        assert_eq!(check("https://a.io/v2/x", "https://b.io/y").as_deref(), Some("https://b.io/y"));
        assert_eq!(check("http://a.io/v2/x", "https://b.io/y").as_deref(), Some("https://b.io/y"));
        assert_eq!(check("https://a.io/v2/x", "http://a.io/y"), None);
        assert_eq!(check("https://a.io/v2/x", "file:///etc/passwd"), None);
        assert_eq!(check("https://a.io/v2/x", "https://"), None);
    }
}
