//! Commands that make a ModelKit or prepare one.

mod extract;
mod import;
mod init;
mod names;
pub(super) mod pack;
mod update;
mod validate;

pub(crate) use import::ImportArgs;
pub(crate) use init::InitArgs;
pub(crate) use pack::PackArgs;
pub(crate) use update::UpdateArgs;
pub(crate) use validate::ValidateArgs;
