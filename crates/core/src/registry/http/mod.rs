//! HTTP as registries speak it: endpoints, requests with retries, error bodies, paged lists.

mod ahead;
mod answer;
mod document;
mod endpoint;
mod exchange;
mod pages;
mod redact;
mod retry;
mod sent_secrets;
mod transport;
mod trust;
mod tunnel;
mod waits;
mod warnings;

pub use answer::Answer;
pub(crate) use document::read_capped;
pub(crate) use endpoint::{Endpoint, canonical, credential_key, locate};
pub(crate) use exchange::{Call, Exchange, is_challenge, is_html, kept_redirect, request, retry_after};
pub(crate) use pages::Then;
pub(crate) use redact::redacted;
pub use retry::RetryPolicy;
pub(crate) use retry::{RetryState, retrying};
pub use transport::check_authorities;
pub(crate) use transport::{Transport, failure, host_and_port, silent};
