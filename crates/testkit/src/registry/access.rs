//! Access control: open to all, user name and password, or tokens from the registry's own token server.

use base64::Engine as _;
use bytes::Bytes;
use hyper::Response;
use hyper::header::{AUTHORIZATION, WWW_AUTHENTICATE};

use super::answer::{Asked, error, parameters};
use super::state::{Grant, State};

/// The authentication that the registry requires.
#[derive(Clone)]
pub enum Access {
    Open,
    /// User name and password with each request.
    Basic {
        username: &'static str,
        password: &'static str,
    },
    Bearer(Bearer),
}

/// Tokens of the server at `/token`.
#[derive(Clone)]
pub struct Bearer {
    /// The announced address of the token server; the registry itself if empty.
    pub realm: String,
    /// The user that gets tokens; any user if `None`.
    pub user: Option<(&'static str, &'static str)>,
    /// An identity token that is accepted instead.
    pub identity_token: Option<&'static str>,
    /// The announced lifetime of tokens.
    pub expires_in: Option<u64>,
    /// The number of requests that a token is valid for, regardless of its announced lifetime.
    pub uses: u32,
    /// Set if the challenge names a scope.
    pub names_scope: bool,
}

impl Default for Bearer {
    fn default() -> Self {
        let (realm, user, identity_token, expires_in) = (String::new(), None, None, None);
        Self { realm, user, identity_token, expires_in, uses: u32::MAX, names_scope: true }
    }
}

/// The 401 for a request without valid credentials.
pub(super) fn refusal(state: &mut State, asked: &Asked) -> Option<Response<Bytes>> {
    let given = asked.header(AUTHORIZATION.as_str()).unwrap_or_default();
    match state.options.access.clone() {
        Access::Open => None,
        Access::Basic { username, password } => {
            (given != basic(username, password)).then(|| challenge("Basic realm=\"fake\""))
        }
        Access::Bearer(bearer) => {
            let needed = needed_scope(asked);
            let origin = asked.parameter("from").map(|origin| format!("repository:{origin}:pull"));
            let is_enough = |token| is_good(state, token, needed.as_deref(), origin.as_deref());
            if given.strip_prefix("Bearer ").is_some_and(is_enough) {
                return None;
            }
            let host = asked.header("host").unwrap_or_default();
            let realm = if bearer.realm.is_empty() { format!("http://{host}/token") } else { bearer.realm };
            let scope = needed.filter(|_| bearer.names_scope).map(|scope| format!(",scope=\"{scope}\""));
            let text = format!("Bearer realm=\"{realm}\",service=\"fake\"{}", scope.unwrap_or_default());
            Some(challenge(&text))
        }
    }
}

fn is_good(state: &mut State, token: &str, needed: Option<&str>, origin: Option<&str>) -> bool {
    let Some(grant) = state.tokens.get_mut(token) else { return false };
    let is_covered = |needed: &str| grant.scopes.iter().any(|scope| covers(scope, needed));
    let is_enough = needed.into_iter().chain(origin).all(is_covered);
    if !is_enough || grant.uses_left == 0 {
        return false;
    }
    grant.uses_left -= 1;
    true
}

fn covers(scope: &str, needed: &str) -> bool {
    let (Some((have, granted)), Some((want, wanted))) = (scope.rsplit_once(':'), needed.rsplit_once(':')) else {
        return false;
    };
    have == want && wanted.split(',').all(|action| granted.split(',').any(|have| have == action))
}

fn needed_scope(asked: &Asked) -> Option<String> {
    let rest = asked.path().strip_prefix("/v2/")?;
    let end = ["/blobs/", "/manifests/", "/tags/", "/referrers/"].iter().filter_map(|part| rest.find(part)).min()?;
    let actions = match asked.method.as_str() {
        "GET" | "HEAD" if !rest.contains("/uploads/") => "pull",
        "DELETE" => "delete",
        _ => "pull,push",
    };
    Some(format!("repository:{}:{actions}", &rest[..end]))
}

/// The token server: GET with user name and password, POST with an identity token.
pub(super) fn token(state: &mut State, asked: &Asked) -> Response<Bytes> {
    let Access::Bearer(bearer) = state.options.access.clone() else {
        return error(404, "NOT_FOUND", "there is no token server");
    };
    let form = if asked.method == "POST" {
        String::from_utf8(asked.body.to_vec()).unwrap()
    } else {
        asked.target.split_once('?').map(|(_, query)| query.to_owned()).unwrap_or_default()
    };
    let form = parameters(&form);
    let find =
        |name: &str| form.iter().filter(|(key, _)| key == name).map(|(_, value)| value.clone()).collect::<Vec<_>>();
    let is_known = if asked.method == "POST" {
        find("grant_type") == ["refresh_token"]
            && bearer.identity_token.is_some_and(|token| find("refresh_token") == [token])
    } else {
        let given = asked.header(AUTHORIZATION.as_str());
        bearer.user.is_none_or(|(username, password)| given == Some(&basic(username, password)))
    };
    if !is_known {
        let document = serde_json::json!({ "details": "incorrect username or password" });
        return Response::builder().status(401).body(document.to_string().into()).unwrap();
    }
    let token = format!("token-{}", state.next_number());
    let scopes = find("scope").iter().flat_map(|scope| scope.split(' ')).map(str::to_owned).collect();
    state.tokens.insert(token.clone(), Grant { scopes, uses_left: bearer.uses });
    let name = if asked.method == "POST" { "access_token" } else { "token" };
    let mut document = serde_json::json!({ name: token });
    if let Some(seconds) = bearer.expires_in {
        document["expires_in"] = seconds.into();
    }
    Response::new(document.to_string().into())
}

fn basic(username: &str, password: &str) -> String {
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{username}:{password}"));
    format!("Basic {encoded}")
}

fn challenge(text: &str) -> Response<Bytes> {
    let mut response = error(401, "UNAUTHORIZED", "authentication required");
    response.headers_mut().insert(WWW_AUTHENTICATE, text.parse().unwrap());
    response
}
