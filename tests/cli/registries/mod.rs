//! Tests of credentials, settings and diagnosis.

mod config;
mod doctor;
mod plain_http;
mod secrets;
