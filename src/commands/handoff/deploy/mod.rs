//! `kit deploy`: manifests for the deployment of a ModelKit, and the comparison of one with it.

mod check;
mod command;
mod kubernetes;
mod script;
mod settings;

pub(crate) use command::DeployArgs;
