//! The choice of a proxy for a URL, as Go's programs make it (golang.org/x/net/http/httpproxy).

use std::fmt;
use std::net::IpAddr;

use reqwest::Url;

use super::error::Error;

/// The proxy for requests.
#[derive(Clone, Default)]
pub enum Proxy {
    /// No proxy.
    #[default]
    Direct,
    /// This proxy for all requests.
    Through(String),
    /// The values of the variables for proxies.
    Variables(ProxyVariables),
}

impl Proxy {
    /// Returns the address of the proxy for `url`, without credentials, and the setting that names it.
    pub(super) fn describe(&self, url: &Url) -> Option<String> {
        let (proxy, setting) = self.find(url)?;
        let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
        Some(format!("`{}://{}{port}` ({setting})", proxy.scheme(), proxy.host_str()?))
    }

    /// Returns the address of the proxy for `url`, with credentials.
    pub(super) fn address(&self, url: &Url) -> Option<Url> {
        self.find(url).map(|(proxy, _)| proxy)
    }

    /// Checks the settings, and returns the proxies in words, without credentials: `https through http://proxy:3128`.
    pub fn summary(&self) -> Result<Vec<String>, Error> {
        let (http, https) = match self {
            Self::Direct => (None, None),
            Self::Through(text) => {
                let proxy = proxy(text, "--proxy")?;
                (proxy.clone(), proxy)
            }
            Self::Variables(variables) => {
                let rules = ProxyRules::new(variables)?;
                (rules.http, rules.https)
            }
        };
        let shown = |(scheme, proxy): (&str, Url)| {
            let port = proxy.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("{scheme} through {}://{}{port}", proxy.scheme(), proxy.host_str().unwrap_or_default())
        };
        let proxies = [("http", http), ("https", https)].into_iter();
        Ok(proxies.filter_map(|(scheme, proxy)| Some(shown((scheme, proxy?)))).collect())
    }

    fn find(&self, url: &Url) -> Option<(Url, &'static str)> {
        match self {
            Self::Direct => None,
            Self::Through(text) => Some((proxy(text, "--proxy").ok()??, "--proxy")),
            Self::Variables(variables) => {
                let (own, name) = match url.scheme() {
                    "https" => (&variables.https, "HTTPS_PROXY"),
                    _ => (&variables.http, "HTTP_PROXY"),
                };
                let name = if own.trim().is_empty() { "ALL_PROXY" } else { name };
                Some((ProxyRules::new(variables).ok()?.proxy_for(url)?, name))
            }
        }
    }
}

impl fmt::Debug for Proxy {
    /// Hides the URLs, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Direct => "Direct",
            Self::Through(_) => "Through(…)",
            Self::Variables(_) => "Variables(…)",
        })
    }
}

/// The values of the variables for proxies; one that is not set is empty.
#[derive(Clone, Default)]
pub struct ProxyVariables {
    /// `HTTP_PROXY`, for plain http.
    pub http: String,
    /// `HTTPS_PROXY`, for https.
    pub https: String,
    /// `ALL_PROXY`, for a scheme without a variable of its own.
    pub all: String,
    /// `NO_PROXY`, the hosts that are reached without a proxy.
    pub none: String,
}

/// The rules of [`ProxyVariables`], parsed.
pub(super) struct ProxyRules {
    http: Option<Url>,
    https: Option<Url>,
    exceptions: Vec<Exception>,
}

/// A part of `NO_PROXY`.
#[derive(Debug, PartialEq, Eq)]
enum Exception {
    All,
    Address {
        address: IpAddr,
        port: Option<u16>,
    },
    Network {
        address: IpAddr,
        bits: u8,
    },
    Domain {
        /// With a leading dot.
        suffix: String,
        /// Set if the domain itself matches too, and not only the names below it.
        is_itself: bool,
        port: Option<u16>,
    },
}

impl ProxyRules {
    /// Parses the variables. Invalid parts of `NO_PROXY` match nothing, as in Go.
    pub(super) fn new(variables: &ProxyVariables) -> Result<Self, Error> {
        let all = proxy(&variables.all, "ALL_PROXY")?;
        let parts = variables.none.split([',', ' ', '\t', '\n']).map(str::trim).filter(|part| !part.is_empty());
        Ok(Self {
            http: proxy(&variables.http, "HTTP_PROXY")?.or_else(|| all.clone()),
            https: proxy(&variables.https, "HTTPS_PROXY")?.or(all),
            exceptions: parts.filter_map(Exception::parse).collect(),
        })
    }

    /// Returns the proxy for `url`. This machine is always reached directly.
    pub(super) fn proxy_for(&self, url: &Url) -> Option<Url> {
        let proxy = if url.scheme() == "https" { &self.https } else { &self.http };
        let host = url.host_str()?.trim_end_matches('.').to_ascii_lowercase();
        let address = host.trim_matches(['[', ']']).parse::<IpAddr>().ok().map(|address| address.to_canonical());
        let is_here = host == "localhost" || address.is_some_and(|address| address.is_loopback());
        let port = url.port_or_known_default();
        if is_here || self.exceptions.iter().any(|exception| exception.matches(&host, address, port)) {
            return None;
        }
        proxy.clone()
    }
}

/// Parses the URL of a proxy; without a scheme it is one that speaks http.
pub(super) fn proxy(text: &str, setting: &'static str) -> Result<Option<Url>, Error> {
    let text = text.trim();
    if text.is_empty() {
        return Ok(None);
    }
    // The text can contain a password.
    let unusable = |problem: &str| Error::Proxy { setting, problem: problem.to_owned() };
    let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&format!("http://{text}")) };
    match url {
        Ok(url) if !matches!(url.scheme(), "http" | "https") => {
            Err(unusable(&format!("`{}` is not supported; use a proxy for http or https", url.scheme())))
        }
        Ok(url) if url.has_host() => Ok(Some(url)),
        _ => Err(unusable("it is not a URL")),
    }
}

impl Exception {
    fn parse(text: &str) -> Option<Self> {
        let text = text.to_ascii_lowercase();
        if text == "*" {
            return Some(Self::All);
        }
        if let Some((address, bits)) = text.split_once('/') {
            let (address, bits) = (address.parse().ok()?, bits.parse().ok()?);
            let most = if matches!(address, IpAddr::V4(_)) { 32 } else { 128 };
            return (bits <= most).then_some(Self::Network { address, bits });
        }
        let (name, port) = split_port(&text)?;
        if let Ok(address) = name.parse::<IpAddr>() {
            return Some(Self::Address { address: address.to_canonical(), port });
        }
        let host = name.strip_prefix('*').filter(|rest| rest.starts_with('.')).unwrap_or(name);
        let host = host.trim_end_matches('.');
        if host.is_empty() {
            return None;
        }
        let is_itself = !host.starts_with('.');
        let suffix = if is_itself { format!(".{host}") } else { host.to_owned() };
        Some(Self::Domain { suffix, is_itself, port })
    }

    fn matches(&self, host: &str, address: Option<IpAddr>, port: Option<u16>) -> bool {
        let is_port = |wanted: &Option<u16>| wanted.is_none() || *wanted == port;
        match self {
            Self::All => true,
            Self::Address { address: wanted, port } => address == Some(*wanted) && is_port(port),
            Self::Network { address: network, bits } => address.is_some_and(|address| is_in(address, *network, *bits)),
            Self::Domain { suffix, is_itself, port } => {
                (host.ends_with(suffix.as_str()) || *is_itself && host == &suffix[1..]) && is_port(port)
            }
        }
    }
}

/// Splits `host:port`, `[address]:port`, or one of them without a port. An IPv6 address without brackets has no port.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after.strip_prefix(':') {
            Some(port) => Some((host, Some(port.parse().ok()?))),
            None => after.is_empty().then_some((host, None)),
        };
    }
    match text.split_once(':') {
        Some((host, port)) if !port.contains(':') => Some((host, Some(port.parse().ok()?))),
        _ => Some((text, None)),
    }
}

fn is_in(address: IpAddr, network: IpAddr, bits: u8) -> bool {
    let bits = u32::from(bits);
    match (address, network) {
        (IpAddr::V4(address), IpAddr::V4(network)) => {
            let mask = u32::MAX.checked_shl(32 - bits).unwrap_or_default();
            address.to_bits() & mask == network.to_bits() & mask
        }
        (IpAddr::V6(address), IpAddr::V6(network)) => {
            let mask = u128::MAX.checked_shl(128 - bits).unwrap_or_default();
            address.to_bits() & mask == network.to_bits() & mask
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(none: &str) -> ProxyRules {
        let http = "proxy.example:3128".to_owned();
        let https = "http://user:pass@secure.example:8080".to_owned();
        ProxyRules::new(&ProxyVariables { http, https, all: String::new(), none: none.to_owned() }).unwrap()
    }

    #[test]
    fn exceptions_are_those_of_go() {
        for (none, url, is_direct) in [
            ("", "https://r.io/", false),
            ("*", "https://r.io/", true),
            (" a.io , r.io ", "https://r.io/", true),
            ("a.io r.io", "https://r.io/", true),
            ("r.io", "https://sub.r.io/", true),
            ("r.io", "https://notr.io/", false),
            ("R.IO", "https://r.io/", true),
            ("r.io", "https://R.io/", true),
            ("r.io.", "https://r.io/", true),
            (".r.io", "https://sub.r.io/", true),
            (".r.io", "https://r.io/", false),
            ("*.r.io", "https://sub.r.io/", true),
            ("*.r.io", "https://r.io/", false),
            ("r.io:5000", "https://r.io:5000/", true),
            ("r.io:5000", "https://r.io/", false),
            ("r.io:443", "https://r.io/", true),
            ("r.io:80", "http://r.io/", true),
            ("10.0.0.0/8", "http://10.1.2.3:5000/", true),
            ("10.0.0.0/8", "http://11.1.2.3/", false),
            ("10.0.0.0/8", "http://ten.example/", false),
            ("0.0.0.0/0", "http://11.1.2.3/", true),
            ("10.0.0.0/33", "http://10.0.0.0/", false),
            ("10.1.2.3", "http://10.1.2.3:5000/", true),
            ("10.1.2.3:5000", "http://10.1.2.3:5000/", true),
            ("10.1.2.3:5000", "http://10.1.2.3/", false),
            ("10.1.2.3", "http://10.1.2.30/", false),
            ("fd00::/8", "http://[fd00::1]/", true),
            ("fd00::1", "http://[fd00::1]:5000/", true),
            ("[fd00::1]:5000", "http://[fd00::1]:5000/", true),
            ("[fd00::1]:5000", "http://[fd00::1]/", false),
            ("::ffff:10.1.2.3", "http://10.1.2.3/", true),
            ("r.io:x, [, :5000, /8, .", "http://r.io/", false),
            ("", "http://localhost:5000/", true),
            ("", "http://127.8.9.1/", true),
            ("", "http://[::1]:5000/", true),
            ("", "http://localhost.example/", false),
        ] {
            assert_eq!(rules(none).proxy_for(&Url::parse(url).unwrap()).is_none(), is_direct, "{none:?} {url}");
        }
    }

    #[test]
    fn a_message_names_the_proxy_and_its_setting_without_the_password() {
        let url = |text: &str| Url::parse(text).unwrap();
        let variables = |http: &str, all: &str| {
            let (http, all) = (http.to_owned(), all.to_owned());
            Proxy::Variables(ProxyVariables { http, all, ..ProxyVariables::default() })
        };
        for (proxy, target, expected) in [
            (Proxy::Direct, "https://r.io/", None),
            (
                Proxy::Through("http://ada:secret@p.example:3128".to_owned()),
                "https://r.io/",
                Some("p.example:3128` (--proxy)"),
            ),
            (variables("p.example:1", "q.example:2"), "http://r.io/", Some("p.example:1` (HTTP_PROXY)")),
            (variables("p.example:1", "q.example:2"), "https://r.io/", Some("q.example:2` (ALL_PROXY)")),
            (variables("p.example:1", ""), "http://localhost:5000/", None),
        ] {
            let expected = expected.map(|end| format!("`http://{end}"));
            assert_eq!(proxy.describe(&url(target)), expected, "{target}");
        }
    }

    #[test]
    fn the_scheme_of_the_request_chooses_the_proxy() {
        let chosen = |rules: &ProxyRules, url: &str| rules.proxy_for(&Url::parse(url).unwrap()).map(String::from);
        assert_eq!(chosen(&rules(""), "http://r.io/").as_deref(), Some("http://proxy.example:3128/"));
        assert_eq!(chosen(&rules(""), "https://r.io/").as_deref(), Some("http://user:pass@secure.example:8080/"));
        let all = ProxyVariables { all: "http://all.example:1080".to_owned(), ..ProxyVariables::default() };
        let all = ProxyRules::new(&all).unwrap();
        assert_eq!(chosen(&all, "https://r.io/").as_deref(), Some("http://all.example:1080/"));
        let wrong = ProxyVariables { http: "me:secret@ [".to_owned(), ..ProxyVariables::default() };
        let error = ProxyRules::new(&wrong).err().unwrap().to_string();
        assert!(error.contains("HTTP_PROXY") && !error.contains("secret"), "{error}");
    }
}
