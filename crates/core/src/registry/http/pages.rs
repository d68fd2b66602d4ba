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

/// The target of `Link: <target>; rel="next"` (RFC 8288), as relative or absolute URL.
fn next_page(headers: &HeaderMap) -> Option<&str> {
    headers.get_all(LINK).into_iter().filter_map(|link| link.to_str().ok()).find_map(next_in)
}

/// Finds the next page in one header, which may contain several links.
fn next_in(header: &str) -> Option<&str> {
    let mut rest = header;
    loop {
        let (target, after) = rest.trim_start_matches([',', ' ', '\t']).strip_prefix('<')?.split_once('>')?;
        let (is_next, after) = read_parameters(after);
        if is_next {
            return Some(target.trim());
        }
        rest = after;
    }
}

/// Reads the parameters of a link up to the comma before the next one. Returns true if its first `rel` contains `next`,
/// and the text after the parameters. Separators in a quoted text do not count.
fn read_parameters(text: &str) -> (bool, &str) {
    let mut rest = text;
    let mut is_next = None;
    while let Some(after) = rest.trim_start().strip_prefix(';') {
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let name = after[..end].trim();
        let (value, after) = match after[end..].strip_prefix('=') {
            Some(value) => parameter_value(value.trim_start()),
            None => ("", &after[end..]),
        };
        if name.eq_ignore_ascii_case("rel") && is_next.is_none() {
            is_next = Some(value.split_whitespace().any(|relation| relation.eq_ignore_ascii_case("next")));
        }
        rest = after;
    }
    (is_next.unwrap_or_default(), rest)
}

/// Splits a quoted or a bare value from what follows.
fn parameter_value(text: &str) -> (&str, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(text.find([';', ',']).unwrap_or(text.len()));
        return (value.trim(), rest);
    };
    let mut is_escaped = false;
    for (at, sign) in quoted.char_indices() {
        match sign {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return (&quoted[..at], &quoted[at + 1..]),
            _ => {}
        }
    }
    (quoted, "")
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
            (r#"<a>;rel=prev,<b>;rel=next"#, Some("b")),
            (r#"<a>; title="x, <c>; rel=next"; rel=prev, <b> ; rel = "next" "#, Some("b")),
            (r#"<a>; title="say \"next\""; rel="next""#, Some("a")),
            (r#"<a?x=1,2;3>; rel="next""#, Some("a?x=1,2;3")),
            (r#"<a>; rel="last next"; type="x""#, Some("a")),
            (r#"<a>; rel="last"; rel="next""#, None),
            ("<a>; crossorigin; rel=next", Some("a")),
            ("< https://r.io/b >; rel=next", Some("https://r.io/b")),
            (r#"<a>; rel="prev""#, None),
            ("a; rel=next", None),
            ("<a>", None),
            ("<a>; rel=\"next", Some("a")),
            ("", None),
        ] {
            let headers = [(LINK, link.parse().unwrap())].into_iter().collect();
            assert_eq!(next_page(&headers), expected, "{link}");
        }
        let mut several = HeaderMap::new();
        several.append(LINK, "<a>; rel=prev".parse().unwrap());
        several.append(LINK, "<b>; rel=next".parse().unwrap());
        assert_eq!(next_page(&several), Some("b"));
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_links_never_panic(text: String, links in "[<>a;,=\" \\\\rel]{0,40}") {
            next_in(&text);
            next_in(&links);
        }
    }
}
