//! Commands that move ModelKits between the local store, registries, archives and directories.

mod also;
mod as_skill;
mod checklist;
mod convert;
mod copy;
mod forms;
mod load;
mod promote;
mod pull;
mod push;
mod save;
mod unpack;
mod unsigned;

pub(crate) use convert::ConvertArgs;
pub(crate) use copy::CopyArgs;
pub(crate) use load::LoadArgs;
pub(crate) use promote::PromoteArgs;
pub(crate) use pull::{FetchArgs, PullArgs};
pub(crate) use push::{PushArgs, SendArgs, Sent};
pub(crate) use save::SaveArgs;
pub(crate) use unpack::{UnpackArgs, moved};
pub(crate) use unsigned::note_unsigned;
