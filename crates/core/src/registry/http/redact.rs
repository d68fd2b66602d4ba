//! URLs without secrets: every URL in a log line or an error is formatted here.

use reqwest::Url;

/// Parameters whose values are not secret. A signed URL of an object store has many that are.
const SHOWN: [&str; 8] = ["digest", "n", "last", "scope", "service", "mount", "from", "ns"];

/// Formats `url` without user, password and fragment, and without the values of all parameters but those in
/// [`SHOWN`].
pub(crate) fn redacted(url: &Url) -> String {
    let origin = url.origin();
    // The origin of a scheme without hosts, such as `file`, has no text.
    let origin = if origin.is_tuple() { origin.ascii_serialization() } else { format!("{}://", url.scheme()) };
    let place = format!("{origin}{}", url.path());
    if url.query().is_none() {
        return place;
    }
    let pairs: Vec<String> = url.query_pairs().map(|(name, value)| pair(&name, &value)).collect();
    format!("{place}?{}", pairs.join("&"))
}

fn pair(name: &str, value: &str) -> String {
    let value = if SHOWN.contains(&name) { value } else { "***" };
    format!("{name}={value}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_harmless_parameters_keep_their_value() {
        for (url, expected) in [
            ("https://r.io/v2/", "https://r.io/v2/"),
            ("https://r.io/v2/a/tags/list?n=5&last=v1", "https://r.io/v2/a/tags/list?n=5&last=v1"),
            (
                "https://s3.io/b?X-Amz-Signature=abc&X-Amz-Date=1#f",
                "https://s3.io/b?X-Amz-Signature=***&X-Amz-Date=***",
            ),
            ("file:///etc/passwd?key=abc", "file:///etc/passwd?key=***"),
            ("https://user:secret@r.io/u?_state=xyz&digest=sha256:1", "https://r.io/u?_state=***&digest=sha256:1"),
        ] {
            assert_eq!(redacted(&Url::parse(url).unwrap()), expected);
        }
    }
}
