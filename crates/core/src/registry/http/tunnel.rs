//! The status with which a proxy refuses a tunnel. The HTTP client knows only that it is not 200.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Url;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// The length of `HTTP/1.1 200`.
const STATUS_LINE: usize = 12;

/// Asks `proxy` once more for a tunnel to the host of `url`, and returns the status of its answer. `None` if there is
/// no answer within `patience`, or if the proxy itself speaks https.
pub(super) async fn refusal(proxy: &Url, url: &Url, patience: Duration) -> Option<u16> {
    if proxy.scheme() != "http" {
        return None;
    }
    tokio::time::timeout(patience, ask(proxy, url)).await.ok()?
}

async fn ask(proxy: &Url, url: &Url) -> Option<u16> {
    let address = (proxy.host_str()?.trim_matches(['[', ']']), proxy.port_or_known_default()?);
    let mut stream = TcpStream::connect(address).await.ok()?;
    let target = format!("{}:{}", url.host_str()?, url.port_or_known_default()?);
    let credentials = authorization(proxy);
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n{credentials}\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut line = [0; STATUS_LINE];
    stream.read_exact(&mut line).await.ok()?;
    status(&line)
}

/// The header line with the credentials in the URL of `proxy`.
fn authorization(proxy: &Url) -> String {
    let decoded = |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    let (user, password) = (decoded(proxy.username()), decoded(proxy.password().unwrap_or_default()));
    if user.is_empty() && password.is_empty() {
        return String::new();
    }
    format!("Proxy-Authorization: Basic {}\r\n", STANDARD.encode(format!("{user}:{password}")))
}

/// The status in the first bytes of an answer (RFC 9112, 4).
fn status(line: &[u8]) -> Option<u16> {
    let text = str::from_utf8(line).ok()?;
    text.strip_prefix("HTTP/1.")?.get(2..)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_status_is_in_the_first_line() {
        for (line, expected) in [("HTTP/1.1 403", Some(403)), ("HTTP/1.0 502", Some(502)), ("HTTP/2 20000", None)] {
            assert_eq!(status(line.as_bytes()), expected, "{line}");
        }
    }

    #[test]
    fn credentials_are_those_of_the_url() {
        for (url, expected) in
            [("http://proxy:1", ""), ("http://me:p%40ss@proxy", "Proxy-Authorization: Basic bWU6cEBzcw==\r\n")]
        {
            assert_eq!(authorization(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
