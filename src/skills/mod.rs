//! Installing skills into the folders of agents on this machine.

mod agents;
mod install;
mod own;

pub(crate) use agents::{AgentFolders, Scope, choose};
pub(crate) use install::Installer;
pub(crate) use own::own_skill;
