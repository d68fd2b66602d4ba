//! The `WWW-Authenticate` header: the authentication schemes of a registry (RFC 9110, 11.6.1; distribution's token
//! specification).

use reqwest::header::{HeaderMap, WWW_AUTHENTICATE};

/// An authentication scheme that a registry offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Challenge {
    /// User name and password with each request.
    Basic,
    /// A token from the server at `realm`.
    Bearer { realm: String, service: Option<String>, scope: Option<String> },
}

impl Challenge {
    /// The best scheme among those that `headers` offer: a token is better than a password.
    pub(crate) fn best(headers: &HeaderMap) -> Option<Self> {
        let values = headers.get_all(WWW_AUTHENTICATE).into_iter();
        // Realms in messages for people can contain any bytes.
        let texts = values.map(|value| String::from_utf8_lossy(value.as_bytes()));
        let mut known: Vec<Self> = texts.flat_map(|text| parse(&text)).collect();
        let bearer = known.iter().position(|challenge| matches!(challenge, Self::Bearer { .. }));
        (!known.is_empty()).then(|| known.swap_remove(bearer.unwrap_or_default()))
    }

    fn new(scheme: &str, parameters: &[(String, String)]) -> Option<Self> {
        let find = |name| parameters.iter().find(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, v)| v.clone());
        if scheme.eq_ignore_ascii_case("basic") {
            return Some(Self::Basic);
        }
        if scheme.eq_ignore_ascii_case("bearer") {
            return Some(Self::Bearer { realm: find("realm")?, service: find("service"), scope: find("scope") });
        }
        None
    }
}

fn parse(header: &str) -> Vec<Challenge> {
    let mut rest = header;
    let mut found = Vec::new();
    while let Some((scheme, after)) = take_token(rest) {
        let (parameters, after) = take_parameters(after);
        found.extend(Challenge::new(scheme, &parameters));
        rest = after;
    }
    found
}

/// Reads `name=value` pairs until a name without a value, which is the scheme of the next challenge.
fn take_parameters(mut rest: &str) -> (Vec<(String, String)>, &str) {
    let mut parameters = Vec::new();
    while let Some((name, after)) = take_token(rest) {
        let Some(after) = after.trim_start().strip_prefix('=') else { break };
        let (value, after) = take_value(after.trim_start());
        parameters.push((name.to_owned(), value));
        rest = after;
    }
    (parameters, rest)
}

fn take_token(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([',', ';', ' ', '\t']);
    let is_token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~/".contains(c);
    let end = text.find(|c| !is_token(c)).unwrap_or(text.len());
    (end > 0).then(|| text.split_at(end))
}

/// Reads a quoted text or a bare one. Some registries use a bare text with characters that would need quotes.
fn take_value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let (value, rest) = text.split_at(end_of_bare(text));
        return (value.to_owned(), rest);
    };
    let mut value = String::new();
    let mut signs = quoted.char_indices();
    while let Some((index, sign)) = signs.next() {
        match sign {
            '"' => return (value, &quoted[index + 1..]),
            '\\' => value.extend(signs.next().map(|(_, escaped)| escaped)),
            sign => value.push(sign),
        }
    }
    (value, "")
}

/// The end of a bare value. A comma belongs to it unless a parameter or a scheme follows, as in the actions of
/// `scope=repository:a/b:pull,push`.
fn end_of_bare(text: &str) -> usize {
    let ends = |at: usize| {
        let Some(rest) = text[at..].strip_prefix(',') else { return true };
        let Some((name, after)) = take_token(rest) else { return true };
        let is_scheme = SCHEMES.iter().any(|scheme| name.eq_ignore_ascii_case(scheme));
        is_scheme || after.trim_start().starts_with('=') || rest.starts_with([' ', '\t'])
    };
    text.match_indices([',', ';', ' ', '\t']).map(|(at, _)| at).find(|at| ends(*at)).unwrap_or(text.len())
}

/// Schemes that a registry or a proxy offers (IANA, "HTTP Authentication Schemes").
const SCHEMES: [&str; 6] = ["basic", "bearer", "digest", "negotiate", "ntlm", "oauth"];

#[cfg(test)]
mod tests {
    use super::*;

    fn bearer(realm: &str, service: Option<&str>, scope: Option<&str>) -> Challenge {
        let owned = |text: Option<&str>| text.map(str::to_owned);
        Challenge::Bearer { realm: realm.to_owned(), service: owned(service), scope: owned(scope) }
    }

    #[test]
    fn challenges_of_real_registries_are_read() {
        let hub = r#"Bearer realm="https://auth.docker.io/token",service="registry.docker.io",scope="repository:a/b:pull,push""#;
        let hub_parsed =
            bearer("https://auth.docker.io/token", Some("registry.docker.io"), Some("repository:a/b:pull,push"));
        for (header, expected) in [
            (hub, vec![hub_parsed]),
            (r#"Basic realm="Registry Realm""#, vec![Challenge::Basic]),
            ("basic", vec![Challenge::Basic]),
            (r#"BEARER Realm = "https://x/t" , error="insufficient_scope""#, vec![bearer("https://x/t", None, None)]),
            ("Bearer realm=https://x/t?a=b", vec![bearer("https://x/t?a=b", None, None)]),
            (
                r#"Basic realm="a, b", Bearer realm="https://x/t""#,
                vec![Challenge::Basic, bearer("https://x/t", None, None)],
            ),
            (r#"Negotiate abc==, Basic realm="x""#, vec![Challenge::Basic]),
            (r#"Bearer realm="a\"b""#, vec![bearer("a\"b", None, None)]),
            (
                "Bearer realm=https://x/t,service=s,scope=repository:a/b:pull,push",
                vec![bearer("https://x/t", Some("s"), Some("repository:a/b:pull,push"))],
            ),
            (
                "Bearer scope=repository:a/b:pull,push,realm=https://x/t,Basic",
                vec![bearer("https://x/t", None, Some("repository:a/b:pull,push")), Challenge::Basic],
            ),
            ("Bearer\trealm=\"https://x/t\";service=\"s\"", vec![bearer("https://x/t", Some("s"), None)]),
            ("Bearer realm=\"https://x/t\"service=\"s\"", vec![bearer("https://x/t", Some("s"), None)]),
            (", ,Bearer  realm = \"https://x/t\" ,, service=s", vec![bearer("https://x/t", Some("s"), None)]),
            ("Bearer service=x", vec![]),
            ("", vec![]),
        ] {
            assert_eq!(parse(header), expected, "{header}");
        }
    }

    #[test]
    fn a_token_is_better_than_a_password() {
        let mut headers = HeaderMap::new();
        headers.append(WWW_AUTHENTICATE, "Basic realm=x".parse().unwrap());
        headers.append(WWW_AUTHENTICATE, "Bearer realm=\"https://x/t\"".parse().unwrap());
        assert_eq!(Challenge::best(&headers), Some(bearer("https://x/t", None, None)));
        assert_eq!(Challenge::best(&HeaderMap::new()), None);
    }

    proptest::proptest! {
        #[test]
        fn arbitrary_headers_never_panic(text: String, tail in "[a-zA-Z=\", \\\\]{0,30}") {
            drop(parse(&text));
            drop(parse(&tail));
        }
    }
}
