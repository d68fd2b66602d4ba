//! Commands about registries: credentials, settings, diagnosis.

mod config;
mod doctor;
mod login;
mod logout;

pub(crate) use config::ConfigArgs;
pub(crate) use doctor::DoctorArgs;
pub(crate) use login::{LoginArgs, prompt, prompt_hidden};
pub(crate) use logout::LogoutArgs;
