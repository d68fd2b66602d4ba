//! Tests of credentials, settings and diagnosis.

mod answers;
mod config;
mod doctor;
mod plain_http;
mod promotion;
mod secrets;
