//! Tokens of a token server (distribution's token and OAuth 2 specifications), and the check of the servers that get
//! credentials.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use reqwest::{Method, Url};
use serde::Deserialize;
use serde_json::Value;

use super::credentials::Credentials;
use crate::oci::without_bom;
use crate::registry::error::Error;
use crate::registry::http::{Endpoint, redacted};

/// The OAuth 2 client id of `kit`.
const CLIENT_ID: &str = "kit";
/// The lifetime of a token whose server does not state one (distribution's token specification, `expires_in`).
const DEFAULT_LIFETIME_SECONDS: u64 = 60;
/// The upper limit for a lifetime: no command runs longer, and no clock overflows.
const LONGEST_LIFETIME_SECONDS: u64 = 24 * 60 * 60;
/// The longest margin before the expiry of a token in which it is not used any more.
const LONGEST_MARGIN: Duration = Duration::from_secs(10);

/// An access token.
#[derive(Clone)]
pub(super) struct Token {
    pub(super) header: HeaderValue,
    stale_at: Instant,
}

impl Token {
    pub(super) fn is_fresh(&self) -> bool {
        Instant::now() < self.stale_at
    }
}

/// The request that asks a token server for a token.
pub(super) struct TokenRequest {
    pub(super) method: Method,
    pub(super) url: Url,
    pub(super) headers: HeaderMap,
    pub(super) body: String,
}

impl TokenRequest {
    /// A GET with name and password, or a POST with an identity token (OAuth 2 specification, "POST /token").
    pub(super) fn new(realm: Url, service: Option<&str>, scopes: &[String], credentials: Option<&Credentials>) -> Self {
        let mut headers = HeaderMap::new();
        let mut url = realm;
        if let Some(Credentials::IdentityToken(token)) = credentials {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
            let body = form(service.unwrap_or_default(), &scopes.join(" "), token);
            return Self { method: Method::POST, url, headers, body };
        }
        {
            let mut query = url.query_pairs_mut();
            query.extend_pairs(service.map(|service| ("service", service)));
            query.extend_pairs(scopes.iter().map(|scope| ("scope", scope.as_str())));
            if let Some(Credentials::Password { username, .. }) = credentials {
                query.append_pair("account", username);
            }
        }
        if let Some(Credentials::Password { username, password }) = credentials {
            headers.insert(reqwest::header::AUTHORIZATION, basic(username, password));
        }
        Self { method: Method::GET, url, headers, body: String::new() }
    }
}

fn form(service: &str, scope: &str, token: &str) -> String {
    let mut carrier = Url::parse("form:").expect("a scheme and nothing else is a URL");
    carrier.query_pairs_mut().extend_pairs([
        ("grant_type", "refresh_token"),
        ("service", service),
        ("client_id", CLIENT_ID),
        ("scope", scope),
        ("refresh_token", token),
    ]);
    carrier.query().unwrap_or_default().to_owned()
}

/// The header of the Basic scheme (RFC 7617).
pub(crate) fn basic(username: &str, password: &str) -> HeaderValue {
    use base64::Engine as _;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    let mut header = HeaderValue::try_from(format!("Basic {encoded}")).expect("base64 is fit for a header");
    header.set_sensitive(true);
    header
}

/// The header of the Bearer scheme (RFC 6750); `None` if `token` has characters that a header cannot contain.
pub(crate) fn bearer(token: &str) -> Option<HeaderValue> {
    let mut header = HeaderValue::try_from(format!("Bearer {token}")).ok()?;
    header.set_sensitive(true);
    Some(header)
}

/// Reads a token server's answer to a request that was sent at `asked_at`.
pub(super) fn parse_token(body: &[u8], asked_at: Instant) -> Option<Token> {
    #[derive(Deserialize)]
    struct Granted {
        token: Option<Value>,
        access_token: Option<Value>,
        expires_in: Option<Value>,
    }
    let granted: Granted = serde_json::from_slice(without_bom(body)).ok()?;
    // Some servers send one of the names empty, or write the token with a line break at its end.
    let tokens = [granted.token, granted.access_token].into_iter().flatten();
    let text = tokens.filter_map(|token| Some(token.as_str()?.trim().to_owned())).find(|token| !token.is_empty())?;
    let seconds = granted.expires_in.as_ref().and_then(seconds).unwrap_or(DEFAULT_LIFETIME_SECONDS);
    let lifetime = Duration::from_secs(seconds.min(LONGEST_LIFETIME_SECONDS));
    let usable = lifetime.saturating_sub(LONGEST_MARGIN.min(lifetime / 4));
    Some(Token { header: bearer(&text)?, stale_at: asked_at + usable })
}

/// Parses a lifetime as token servers write it: a number, possibly with a fraction, or a string that contains one.
/// Returns `None` unless it is positive.
fn seconds(value: &Value) -> Option<u64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let whole = text.trim().split(['.', 'e', 'E']).next().filter(|_| text.trim().parse::<f64>().is_ok())?;
    whole.parse().ok().filter(|seconds| *seconds > 0)
}

/// Returns the URL of the token server of `endpoint`, if it may be given the registry's credentials.
///
/// A registry chooses its token server freely, so this refuses what no honest registry needs: leaving encryption, and
/// access to the user's own machine or to the cloud's metadata service (oras-go GHSA-xf85-363p-868w). Private
/// addresses are allowed, since registries inside a cluster use them (oras-go#1246).
pub(super) fn safe_realm(endpoint: &Endpoint, realm: &str) -> Result<Url, Error> {
    let registry = endpoint.name.clone();
    let Ok(url) = Url::parse(realm) else {
        return Err(Error::UnsafeRealm { registry, realm: "?".to_owned(), problem: "it is not a URL" });
    };
    match realm_problem(endpoint, &url) {
        Some(problem) => Err(Error::UnsafeRealm { registry, realm: redacted(&url), problem }),
        None => Ok(url),
    }
}

fn realm_problem(endpoint: &Endpoint, realm: &Url) -> Option<&'static str> {
    let is_own_host = realm.host_str() == endpoint.host();
    if !realm.username().is_empty() || realm.password().is_some() {
        return Some("it contains a user name");
    }
    match realm.scheme() {
        "http" if endpoint.is_encrypted() => return Some("the password would be sent unencrypted"),
        "http" if !is_own_host => return Some("another host must be reached by https"),
        "https" | "http" => {}
        _ => return Some("it is neither https nor http"),
    }
    let address = realm.host_str()?.trim_matches(['[', ']']).parse::<IpAddr>().ok()?;
    (!is_own_host && is_inward(address)).then_some("it is an address of this machine or a link-local address")
}

fn is_inward(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(address) => address.is_loopback() || address.is_link_local() || address.is_unspecified(),
        IpAddr::V6(address) => address.is_loopback() || address.is_unicast_link_local() || address.is_unspecified(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(registry: &str, plain_http: bool, realm: &str, safe: bool) {
        let endpoint = Endpoint::new(registry, plain_http).unwrap();
        assert_eq!(safe_realm(&endpoint, realm).is_ok(), safe, "{registry} {realm}");
    }

    #[test]
    fn only_safe_token_servers_get_credentials() {
        check("docker.io", false, "https://auth.docker.io/token", true);
        check("r.io", false, "http://auth.r.io/token", false);
        check("r.io", false, "http://r.io/token", false);
        check("r.io:5000", true, "http://r.io:5001/token", true);
        check("r.io:5000", true, "http://evil.io/token", false);
        check("r.io:5000", true, "https://auth.r.io/token", true);
        check("r.io", false, "ftp://r.io/token", false);
        check("r.io", false, "https://user@r.io/token", false);
        check("r.io", false, "/token", false);
        check("r.io", false, "https://169.254.169.254/latest", false);
        check("r.io", false, "https://127.0.0.1/t", false);
        check("r.io", false, "https://[::1]/t", false);
        check("r.io", false, "https://[::ffff:169.254.169.254]/t", false);
        check("127.0.0.1:5000", true, "http://127.0.0.1:5001/t", true);
        check("10.0.0.1", false, "https://10.0.0.2/t", true);
    }

    #[test]
    fn tokens_expire_before_their_time() {
        let now = Instant::now();
        let lifetime = |body: &str| parse_token(body.as_bytes(), now).map(|token| (token.stale_at - now).as_secs());
        assert_eq!(lifetime(r#"{"token":"t"}"#), Some(50));
        assert_eq!(lifetime(r#"{"token":"t","expires_in":0}"#), Some(50));
        assert_eq!(lifetime(r#"{"access_token":"t","expires_in":300}"#), Some(290));
        assert_eq!(lifetime(r#"{"access_token":"t","expires_in":4}"#), Some(3));
        for (written, left) in [(r#""300""#, 290), ("300.5", 290), ("-1", 50), ("null", 50), (r#""soon""#, 50)] {
            assert_eq!(lifetime(&format!(r#"{{"token":"t","expires_in":{written}}}"#)), Some(left), "{written}");
        }
        for (answer, header) in [
            (r#"{"token":"","access_token":"t"}"#, "Bearer t"),
            (r#"{"token":null,"access_token":"t"}"#, "Bearer t"),
            (r#"{"token":"a","access_token":"t"}"#, "Bearer a"),
            (r#"{"token":"t\n"}"#, "Bearer t"),
            (r#"{"token":" t\r\n","expires_in":"60s"}"#, "Bearer t"),
            ("\u{feff}{\"token\":\"t\"}\n\n", "Bearer t"),
            (r#"{"token":"t","issued_at":5,"expires_in":{}}"#, "Bearer t"),
        ] {
            assert_eq!(parse_token(answer.as_bytes(), now).unwrap().header, header, "{answer}");
        }
        assert_eq!(lifetime(r#"{"token":""}"#), None);
        assert_eq!(lifetime(r#"{"token":"a\nb"}"#), None);
        assert_eq!(lifetime(r#"{"token":"t","expires_in":18446744073709551615}"#), Some(86_390));
        assert_eq!(lifetime("no"), None);
        let asked_before = |seconds| now.checked_sub(Duration::from_secs(seconds)).unwrap();
        assert!(parse_token(br#"{"token":"t"}"#, asked_before(49)).unwrap().is_fresh());
        assert!(!parse_token(br#"{"token":"t"}"#, asked_before(50)).unwrap().is_fresh());
    }

    #[test]
    fn a_token_request_names_its_scope() {
        let realm = || Url::parse("https://a.io/token?x=y").unwrap();
        let scopes = ["repository:a/b:pull".to_owned(), "registry:catalog:*".to_owned()];
        let password = Credentials::new("me", "secret");
        let request = TokenRequest::new(realm(), Some("s s"), &scopes, Some(&password));
        let query = "x=y&service=s+s&scope=repository%3Aa%2Fb%3Apull&scope=registry%3Acatalog%3A*&account=me";
        assert_eq!(request.url.query(), Some(query));
        assert_eq!(request.headers["authorization"], "Basic bWU6c2VjcmV0");

        let request = TokenRequest::new(realm(), Some("s"), &scopes[..1], Some(&Credentials::new("", "refresh&")));
        let body =
            "grant_type=refresh_token&service=s&client_id=kit&scope=repository%3Aa%2Fb%3Apull&refresh_token=refresh%26";
        assert_eq!(request.body, body);
        assert!(!format!("{:?}", request.headers).contains("refresh"));
    }
}
