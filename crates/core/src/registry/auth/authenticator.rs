//! Authentication for each registry: its challenges, the credentials for it, and the tokens it issued.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Instant;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Request, StatusCode, Url};
use tokio::sync::Mutex;

use super::challenge::Challenge;
use super::credential_store::CredentialStore;
use super::credentials::Credentials;
use super::token::{Token, TokenRequest, basic, bearer, parse_token, safe_realm};
use crate::limits;
use crate::registry::error::Error;
use crate::registry::http::{Answer, Endpoint, RetryPolicy, RetryState, Transport, read_capped, retrying};
use crate::registry::settings::Timeouts;

/// The endpoint and the rights of a request. Requests with equal access share a token.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Access {
    pub(crate) endpoint: Endpoint,
    /// The rights; `None` to ping the registry as a whole.
    pub(crate) rights: Option<Rights>,
}

/// The rights that a request needs for repositories.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Rights {
    pub(crate) repository: String,
    /// The actions, such as `pull,push`.
    pub(crate) actions: &'static str,
    /// A repository to mount a blob from, which needs the right to pull from it.
    pub(crate) origin: Option<String>,
}

impl Access {
    fn repository(&self) -> Option<&str> {
        self.rights.as_ref().map(|rights| rights.repository.as_str())
    }

    /// The scopes of a token: those that the registry requests and those that the request needs, so that one token
    /// serves a whole push (distribution's token specification, "Requesting a Token").
    fn scopes(&self, challenged: Option<&str>) -> Vec<String> {
        let own = self.rights.as_ref().map(|rights| format!("repository:{}:{}", rights.repository, rights.actions));
        let origin = self.rights.as_ref().and_then(|rights| rights.origin.as_ref());
        let origin = origin.map(|origin| format!("repository:{origin}:pull"));
        let mut merged: Vec<(String, BTreeSet<String>)> = Vec::new();
        for scope in
            own.iter().chain(&origin).map(String::as_str).chain(challenged.unwrap_or_default().split_whitespace())
        {
            let (resource, actions) = scope.rsplit_once(':').unwrap_or((scope, ""));
            let actions = actions.split(',').filter(|action| !action.is_empty()).map(str::to_owned);
            match merged.iter_mut().find(|(known, _)| known == resource) {
                Some((_, known)) => known.extend(actions),
                None => merged.push((resource.to_owned(), actions.collect())),
            }
        }
        let joined = |actions: BTreeSet<String>| actions.into_iter().collect::<Vec<_>>().join(",");
        merged.into_iter().map(|(resource, actions)| format!("{resource}:{}", joined(actions))).collect()
    }
}

/// The source of credentials.
pub(crate) enum Keys {
    Store(CredentialStore),
    /// Credentials to be checked.
    Only(Credentials),
    /// A header that every request carries from the start: servers that are not registries do not ask for it.
    Unasked(Option<HeaderValue>),
}

/// The authentication state of a client. It is locked while a token is fetched: workers that need the same token wait
/// for it, and it is fetched once.
pub(crate) struct Auth {
    keys: Arc<Keys>,
    transport: Arc<Transport>,
    retry: RetryPolicy,
    timeouts: Timeouts,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    challenges: HashMap<Endpoint, Challenge>,
    tokens: HashMap<Access, Token>,
    credentials: HashMap<(String, Option<String>), Option<Credentials>>,
}

impl Auth {
    pub(crate) fn new(keys: Keys, transport: Arc<Transport>, retry: RetryPolicy, timeouts: Timeouts) -> Self {
        Self { keys: Arc::new(keys), transport, retry, timeouts, state: Mutex::default() }
    }

    /// The `Authorization` for a request, if the registry's challenge is known from an earlier one.
    pub(crate) async fn header(&self, access: &Access) -> Result<Option<HeaderValue>, Error> {
        if let Keys::Unasked(header) = &*self.keys {
            if header.is_some() && !access.endpoint.is_encrypted() {
                self.transport.check_unencrypted(&access.endpoint.name)?;
            }
            return Ok(header.clone());
        }
        let mut state = self.state.lock().await;
        let Some(challenge) = state.challenges.get(&access.endpoint).cloned() else { return Ok(None) };
        self.fulfil(&mut state, access, &challenge, Reuse::Fresh).await
    }

    /// A new `Authorization` after the registry answered 401 with `headers` to a request that carried `refused`.
    ///
    /// Returns `None` if there is no other header to send.
    pub(crate) async fn renew(
        &self,
        access: &Access,
        headers: &HeaderMap,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<HeaderValue>, Error> {
        if let Keys::Unasked(_) = *self.keys {
            return Ok(None);
        }
        let mut state = self.state.lock().await;
        let Some(challenge) = Challenge::best(headers) else { return Ok(None) };
        state.challenges.insert(access.endpoint.clone(), challenge.clone());
        let reuse = refused.map_or(Reuse::Fresh, Reuse::Except);
        let header = self.fulfil(&mut state, access, &challenge, reuse).await?;
        Ok(header.filter(|header| Some(header) != refused))
    }

    /// Returns true if the registry has asked for credentials.
    pub(crate) async fn was_asked(&self, access: &Access) -> bool {
        self.state.lock().await.challenges.contains_key(&access.endpoint)
    }

    /// The error for a refused request: wrong credentials, missing ones, or credentials that were never asked for.
    pub(crate) async fn refusal(&self, access: &Access, source: Option<Answer>) -> Error {
        let registry = access.endpoint.name.clone();
        let has_credentials = if let Keys::Unasked(header) = &*self.keys {
            Ok(header.is_some())
        } else {
            let mut state = self.state.lock().await;
            if !state.challenges.contains_key(&access.endpoint) {
                return Error::NoChallenge { registry, source };
            }
            self.credentials(&mut state, access).await.map(|found| found.is_some())
        };
        match has_credentials {
            Ok(true) => Error::Unauthorized { registry, source },
            Ok(false) => Error::NoCredentials { registry, source },
            Err(error) => error,
        }
    }

    async fn fulfil(
        &self,
        state: &mut State,
        access: &Access,
        challenge: &Challenge,
        reuse: Reuse<'_>,
    ) -> Result<Option<HeaderValue>, Error> {
        let credentials = match challenge {
            Challenge::Basic => self.credentials(state, access).await?,
            Challenge::Bearer { .. } => match state.tokens.get(access).filter(|token| reuse.allows(token)) {
                Some(token) => return Ok(Some(token.header.clone())),
                None => self.credentials(state, access).await?,
            },
        };
        if credentials.as_ref().is_some_and(|credentials| !is_encrypted(access, challenge, credentials)) {
            self.transport.check_unencrypted(&access.endpoint.name)?;
        }
        match (challenge, credentials) {
            (_, Some(Credentials::Bearer(token))) => Ok(bearer(&token)),
            (Challenge::Basic, Some(Credentials::Password { username, password })) => {
                Ok(Some(basic(&username, &password)))
            }
            (Challenge::Basic, None) => Ok(None),
            (Challenge::Basic, Some(Credentials::IdentityToken(_))) => Err(Error::Setting(format!(
                "`{}` requires a user name with a password, but the credentials for it are an identity token",
                access.endpoint.name
            ))),
            (Challenge::Bearer { realm, service, scope }, credentials) => {
                let scopes = access.scopes(scope.as_deref());
                let request = |realm| TokenRequest::new(realm, service.as_deref(), &scopes, credentials.as_ref());
                let token = self.fetch(access, credentials.is_some(), realm, request).await?;
                let header = token.header.clone();
                state.tokens.insert(access.clone(), token);
                Ok(Some(header))
            }
        }
    }

    async fn fetch(
        &self,
        access: &Access,
        has_credentials: bool,
        realm: &str,
        request: impl Fn(Url) -> TokenRequest,
    ) -> Result<Token, Error> {
        let realm = safe_realm(&access.endpoint, realm)?;
        retrying(RetryState::new(self.retry).reporting(self.transport.waits()), async || {
            let asked_at = Instant::now();
            let (status, retry_after, body) = self.ask(access, request(realm.clone())).await?;
            let registry = access.endpoint.name.clone();
            if status.is_success() {
                let problem = "the token server's answer contains no token".to_owned();
                return parse_token(&body, asked_at).ok_or(Error::Protocol { attempt: attempt(access), problem });
            }
            let source = Answer::parse(&body, self.transport.sent_secrets());
            // OAuth 2 servers answer 400 `invalid_grant` to an invalid token (RFC 6749, 5.2).
            let is_grant_refused = source.as_ref().is_some_and(|answer| answer.has_code("invalid_grant"));
            Err(match status {
                _ if is_grant_refused => Error::Unauthorized { registry, source },
                StatusCode::UNAUTHORIZED if has_credentials => Error::Unauthorized { registry, source },
                StatusCode::UNAUTHORIZED => Error::NoCredentials { registry, source },
                StatusCode::FORBIDDEN => Error::Denied { registry, attempt: attempt(access), source },
                status => {
                    let host = crate::registry::http::host_and_port(&realm);
                    Error::Status { host, attempt: attempt(access), status: status.as_u16(), retry_after, source }
                }
            })
        })
        .await
    }

    async fn ask(
        &self,
        access: &Access,
        asked: TokenRequest,
    ) -> Result<(StatusCode, Option<std::time::Duration>, Vec<u8>), Error> {
        let mut request = Request::new(asked.method, asked.url);
        *request.headers_mut() = asked.headers;
        *request.body_mut() = (!asked.body.is_empty()).then(|| asked.body.into());
        let attempt = attempt(access);
        let response = self.transport.execute(request, &attempt, self.timeouts.silence).await?;
        let (status, retry_after) = (response.status(), crate::registry::http::retry_after(response.headers()));
        let body = read_capped(response, limits::TOKEN_ANSWER_BYTES, &attempt, self.timeouts).await?;
        Ok((status, retry_after, body))
    }

    /// Asks the store once for each repository: a helper program can be slow, or prompt the user.
    async fn credentials(&self, state: &mut State, access: &Access) -> Result<Option<Credentials>, Error> {
        let key = (access.endpoint.name.clone(), access.repository().map(str::to_owned));
        if let Some(known) = state.credentials.get(&key) {
            return Ok(known.clone());
        }
        let (keys, (registry, repository)) = (Arc::clone(&self.keys), key.clone());
        let find = move || match &*keys {
            Keys::Only(credentials) => Ok(Some(credentials.clone())),
            Keys::Store(store) => store.find(&registry, repository.as_deref()),
            Keys::Unasked(_) => Ok(None),
        };
        let found = tokio::task::spawn_blocking(find).await.expect("looking for credentials does not panic")?;
        if let Some(Credentials::IdentityToken(token)) = &found {
            // It is sent in the body of a request; all others are in a header.
            self.transport.sent_secrets().note(token);
        }
        state.credentials.insert(key, found.clone());
        Ok(found)
    }
}

/// Returns true if the credentials are sent over https only: to the registry, or to its token server.
fn is_encrypted(access: &Access, challenge: &Challenge, credentials: &Credentials) -> bool {
    match (challenge, credentials) {
        (Challenge::Basic, _) | (_, Credentials::Bearer(_)) => access.endpoint.is_encrypted(),
        // `safe_realm` refuses anything but a URL; a token server without encryption is on the registry's own host.
        (Challenge::Bearer { realm, .. }, _) => Url::parse(realm).is_ok_and(|realm| realm.scheme() == "https"),
    }
}

fn attempt(access: &Access) -> String {
    format!("get a token for `{}`", access.endpoint.name)
}

/// The cached tokens that may be reused.
#[derive(Clone, Copy)]
enum Reuse<'a> {
    /// Any that has not expired.
    Fresh,
    /// Any but the one that was just refused: another worker may have fetched a new one meanwhile.
    Except(&'a HeaderValue),
}

impl Reuse<'_> {
    fn allows(self, token: &Token) -> bool {
        match self {
            Self::Fresh => token.is_fresh(),
            Self::Except(refused) => token.is_fresh() && token.header != refused,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(own: Option<&'static str>, challenged: Option<&str>, expected: &[&str]) {
        let endpoint = Endpoint::new("r.io", false).unwrap();
        let rights = own.map(|actions| Rights { repository: "a/b".to_owned(), actions, origin: None });
        assert_eq!(Access { endpoint, rights }.scopes(challenged), expected);
    }

    #[test]
    fn scopes_are_the_requested_and_the_required_ones() {
        check(Some("pull,push"), None, &["repository:a/b:pull,push"]);
        check(Some("pull,push"), Some("repository:a/b:pull"), &["repository:a/b:pull,push"]);
        check(
            Some("pull"),
            Some("repository:c:pull registry:x:*"),
            &["repository:a/b:pull", "repository:c:pull", "registry:x:*"],
        );
        check(None, Some("repository:a/b:push,pull"), &["repository:a/b:pull,push"]);
        check(None, None, &[]);
    }

    #[test]
    fn a_mount_needs_the_right_to_pull_from_its_origin() {
        let rights = Rights { repository: "a/b".to_owned(), actions: "pull,push", origin: Some("c".to_owned()) };
        let access = Access { endpoint: Endpoint::new("r.io", false).unwrap(), rights: Some(rights) };
        let expected = ["repository:a/b:pull,push", "repository:c:pull"];
        assert_eq!(access.scopes(None), expected);
        assert_eq!(access.scopes(Some("repository:c:pull")), expected);
    }
}
