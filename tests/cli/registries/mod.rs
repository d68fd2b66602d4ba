//! Tests of credentials, settings and diagnosis.

mod config;
mod doctor;
mod secrets;
