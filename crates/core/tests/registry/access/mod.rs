//! Tests of credentials, authorization and TLS.

mod authorization;
mod credentials;
mod tls;
