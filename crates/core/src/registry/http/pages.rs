//! Lists that come page by page (distribution-spec 1.1, "Listing Tags" and "Listing Referrers").

use reqwest::Url;
use reqwest::header::{HeaderMap, LINK};

use super::endpoint::locate;
use super::exchange::Call;
use crate::limits;
use crate::registry::client::Client;
use crate::registry::error::Error;

/// The decision of the reader of a page.
pub(crate) enum Then {
    /// Read the page after it, if there is one.
    Next,
    /// Read nothing more.
    Enough,
}

impl Client {
    /// Sends `call`, and then a request for each further page. `read` takes the headers and the body, or describes
    /// their error.
    pub(crate) fn read_pages(
        &self,
        mut call: Call,
        mut read: impl FnMut(&HeaderMap, &[u8]) -> Result<Then, String>,
    ) -> Result<(), Error> {
        let attempt = call.attempt.clone();
        let broken = |problem: String| Error::Protocol { attempt: attempt.clone(), problem };
        let mut bytes = 0;
        for _ in 0..limits::LIST_PAGES {
            let (headers, body, url) = self.fetch(&call, limits::MANIFEST_BYTES)?;
            bytes += body.len() as u64;
            if bytes > limits::LIST_BYTES {
                return Err(Error::ListTooLong { attempt, limit: limits::LIST_BYTES, what: "bytes" });
            }
            let Then::Next = read(&headers, &body).map_err(broken)? else { return Ok(()) };
            let Some(next) = next_page(&headers) else { return Ok(()) };
            let next: Url =
                locate(&url, next).map_err(|problem| broken(format!("there is a next page, but {problem}")))?;
            if next == call.url || !call.access.endpoint.owns(&next) {
                return Err(broken("the next page is the same page, or on another server".to_owned()));
            }
            call.url = next;
        }
        Err(Error::ListTooLong { attempt, limit: limits::LIST_PAGES as u64, what: "pages" })
    }
}

/// The target of `Link: <target>; rel="next"` (RFC 8288).
fn next_page(headers: &HeaderMap) -> Option<&str> {
    let links = headers.get_all(LINK).into_iter().filter_map(|link| link.to_str().ok());
    links.flat_map(|link| link.split(',')).find_map(|link| {
        let (target, parameters) = link.trim().strip_prefix('<')?.split_once('>')?;
        let is_next = |text: &str| {
            let (name, value) = text.split_once('=').unwrap_or((text, ""));
            name.trim().eq_ignore_ascii_case("rel") && value.trim().trim_matches('"').eq_ignore_ascii_case("next")
        };
        parameters.split(';').any(is_next).then_some(target)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_found() {
        for (link, expected) in [
            (r#"</v2/a/tags/list?last=x&n=1>; rel="next""#, Some("/v2/a/tags/list?last=x&n=1")),
            ("<b>;rel=next", Some("b")),
            (r#"<a>; rel="prev", <b>; title="x"; REL="next""#, Some("b")),
            (r#"<a>; rel="prev""#, None),
            ("a; rel=next", None),
        ] {
            let headers = [(LINK, link.parse().unwrap())].into_iter().collect();
            assert_eq!(next_page(&headers), expected, "{link}");
        }
    }
}
