//! Commands that manage names, indexes and the local store.

mod cache;
mod fsck;
mod index;
mod materialize;
mod prune;
mod remove;
mod tag;

pub(crate) use cache::CacheArgs;
pub(crate) use fsck::FsckArgs;
pub(crate) use index::IndexArgs;
pub(crate) use materialize::MaterializeArgs;
pub(crate) use prune::PruneArgs;
pub(crate) use remove::RemoveArgs;
pub(crate) use tag::TagArgs;
