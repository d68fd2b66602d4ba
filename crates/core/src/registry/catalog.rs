//! The list of a registry's repositories, which docker's registry offers and many others do not (distribution's API,
//! "Listing Repositories"; it is not part of the distribution-spec).

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde::Deserialize;

use super::client::Client;
use super::error::Error;
use crate::oci::without_bom;
use crate::registry::auth::Access;
use crate::registry::http::{Call, Then};

#[derive(Deserialize)]
struct Page {
    /// The names; `null` if there are none.
    repositories: Option<Vec<String>>,
}

impl Client {
    /// Lists the repositories of `registry` in its order.
    pub fn repositories(&self, registry: &str) -> Result<Vec<String>, Error> {
        let endpoint = self.endpoint(registry)?;
        let mut url = endpoint.url("/v2/_catalog");
        // The default of docker's registry is 100.
        url.set_query(Some("n=1000"));
        let call = Call {
            method: Method::GET,
            url,
            headers: HeaderMap::new(),
            body: Vec::new(),
            access: Access { endpoint, rights: None },
            retry: self.settings.retry,
            attempt: format!("list the repositories of `{registry}`"),
            subject: format!("the list of the repositories of {registry}"),
        };
        let mut names = Vec::new();
        self.read_pages(call, |_, body| {
            let page: Page = serde_json::from_slice(without_bom(body))
                .map_err(|error| format!("the answer is not a list of repositories: {error}"))?;
            names.extend(page.repositories.unwrap_or_default());
            Ok(Then::Next)
        })?;
        Ok(names)
    }
}
