//! Commands about `kit` itself: version, schema, shell completion, man pages, the skill for agents.

mod complete;
mod completion;
mod man;
mod schema;
mod skill;
mod version;

pub(crate) use complete::CompleteArgs;
pub(crate) use completion::{CompletionArgs, installed_completion};
pub(crate) use man::ManArgs;
pub(crate) use schema::SchemaArgs;
pub(crate) use skill::SkillArgs;
pub(crate) use version::VersionArgs;
