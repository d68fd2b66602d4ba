//! A web server that is no registry, reached as registries are: with the same settings, retries, and downloads in ranges.

use std::io::Read;
use std::sync::Arc;

use reqwest::header::{HeaderMap, HeaderValue};
use reqwest::{Method, Url};

use super::auth::{Access, Keys};
use super::download::RemoteBlob;
use super::endpoint::Endpoint;
use super::exchange::{Call, Exchange};
use super::pages::Then;
use super::token::bearer;
use super::{Client, Credentials, Error};
use crate::oci::{Content, ContentError, Descriptor};

/// A web server. Cloning is cheap.
#[derive(Clone)]
pub struct Site {
    client: Client,
    exchange: Arc<Exchange>,
    base: Url,
}

/// What is asked of a site, and what messages say about it.
#[derive(Debug, Clone)]
pub struct Question {
    /// The names on the way from the base of the site. Each may hold any signs, slashes too.
    pub path: Vec<String>,
    /// What follows the question mark.
    pub query: Option<&'static str>,
    /// Completes "cannot …".
    pub attempt: String,
    /// What is missing if the answer is 404.
    pub subject: String,
}

impl Client {
    /// The site at `base`, which may have a path. A bearer token goes with every request to its own host, and to no other.
    pub fn site(&self, base: &str, token: Option<&Credentials>) -> Result<Site, Error> {
        let unfit = || Error::Setting(format!("`{base}` is not the address of a web server"));
        let base = Url::parse(base).map_err(|_| unfit())?;
        let is_plain = base.username().is_empty() && base.password().is_none() && base.query().is_none();
        if !is_plain || !matches!(base.scheme(), "https" | "http") {
            return Err(unfit());
        }
        let keys = Keys::Unasked(token.map(header).transpose()?);
        let (retry, timeouts) = (self.settings.retry, self.settings.timeouts);
        let exchange = Exchange::new(Arc::clone(&self.transport), keys, retry, timeouts);
        Ok(Site { client: self.clone(), exchange: Arc::new(exchange), base })
    }
}

fn header(token: &Credentials) -> Result<HeaderValue, Error> {
    let Credentials::Bearer(token) = token else {
        return Err(Error::Setting("a site takes a token, not a name with a password".to_owned()));
    };
    bearer(token).ok_or_else(|| Error::Setting("the token has signs that no header can carry".to_owned()))
}

impl Site {
    /// How many connections to it are used at once.
    pub fn concurrency(&self) -> usize {
        self.client.concurrency(&self.host())
    }

    /// Host and port, as messages call it.
    pub fn host(&self) -> String {
        Endpoint::of(&self.base).name
    }

    /// A whole answer of at most `limit` bytes.
    pub fn read(&self, question: &Question, limit: u64) -> Result<Vec<u8>, Error> {
        let (_, body, _) = self.client.runtime.block_on(self.exchange.fetch(&self.call(question), limit))?;
        Ok(body)
    }

    /// Each page of a list, whose head names the next one (RFC 8288). `read` may tell what is wrong with a page.
    pub fn read_pages(
        &self,
        question: &Question,
        mut read: impl FnMut(&[u8]) -> Result<(), String>,
    ) -> Result<(), Error> {
        self.client.read_pages(&self.exchange, self.call(question), |_, body| read(body).map(|()| Then::Next))
    }

    /// Content that is worth several connections, and whose digest and size are known.
    pub fn content(&self, question: &Question, descriptor: &Descriptor) -> impl Content + use<> {
        let budget = Arc::clone(self.client.budget(&self.host()));
        let exchange = Arc::clone(&self.exchange);
        let blob = RemoteBlob::new(&self.client, budget, exchange, self.call(question), descriptor);
        SiteContent { blob, size: descriptor.size }
    }

    fn call(&self, question: &Question) -> Call {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(&question.path);
        }
        url.set_query(question.query);
        Call {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            access: Access { endpoint: Endpoint::of(&self.base), rights: None },
            retry: self.client.settings.retry,
            attempt: question.attempt.clone(),
            subject: question.subject.clone(),
        }
    }
}

struct SiteContent {
    blob: RemoteBlob,
    size: u64,
}

impl Content for SiteContent {
    fn open_at(&self, offset: u64) -> Result<Box<dyn Read + Send>, ContentError> {
        Ok(self.blob.try_open(offset..self.size)?)
    }
}
