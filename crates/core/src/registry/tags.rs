//! The list of a repository's tags (distribution-spec 1.1, "Listing Tags").

use reqwest::Method;
use serde::Deserialize;

use super::error::Error;
use super::repository::{PULL, Repository};
use crate::limits;
use crate::oci::{Companion, Referrer, without_bom};
use crate::registry::http::Then;

#[derive(Deserialize)]
struct Page {
    /// The tags; `null` if there are none, in some versions of docker's registry.
    tags: Option<Vec<String>>,
}

impl Repository {
    /// Lists all tags in the order of the registry, without those of referrers and companions.
    pub fn tags(&self) -> Result<Vec<String>, Error> {
        let tags = self.tags_up_to(limits::TAGS, |tag| !Companion::is_reserved(tag))?;
        if tags.len() > limits::TAGS {
            let attempt = self.listing();
            return Err(Error::ListTooLong { attempt, limit: limits::TAGS as u64, what: "tags" });
        }
        Ok(tags)
    }

    /// Lists the tags that hold the referrers of a manifest, for a registry without an API for them.
    pub(crate) fn referrer_tags(&self) -> Result<Vec<String>, Error> {
        self.tags_up_to(limits::TAGS, Referrer::is_tag)
    }

    /// Lists the tags on the first page of the registry.
    pub(crate) fn some_tags(&self) -> Result<Vec<String>, Error> {
        self.tags_up_to(0, |tag| !Companion::is_reserved(tag))
    }

    fn listing(&self) -> String {
        format!("list the tags of `{self}`")
    }

    /// Lists the tags page by page, until there are more than `limit`.
    fn tags_up_to(&self, limit: usize, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<String>, Error> {
        let call = self.call(Method::GET, "tags/list", PULL, self.listing(), self.to_string())?;
        let mut tags = Vec::new();
        let read = self.client.read_pages(call, |_, body| {
            let page: Page = serde_json::from_slice(without_bom(body))
                .map_err(|error| format!("the answer is not a list of tags: {error}"))?;
            tags.extend(page.tags.unwrap_or_default().into_iter().filter(|tag| is_wanted(tag)));
            Ok(if tags.len() <= limit { Then::Next } else { Then::Enough })
        });
        read?;
        Ok(tags)
    }
}
