//! Commands that show the content of a ModelKit, its differences from another, and its origin.

mod cat;
mod cp;
mod diff;
mod info;
mod lineage;
pub(super) mod list;
mod log;
mod ls;
mod modelkit;
mod news;
mod report;
mod signed;
mod verify;

pub(crate) use cat::CatArgs;
pub(crate) use cp::CpArgs;
pub(crate) use diff::{DiffArgs, short};
pub(crate) use info::InfoArgs;
pub(crate) use lineage::LineageArgs;
pub(crate) use list::{ListArgs, or_none, or_null};
pub(crate) use log::LogArgs;
pub(crate) use ls::LsArgs;
pub(crate) use modelkit::InspectArgs;
pub(crate) use news::NewsArgs;
pub(crate) use report::ReportArgs;
pub(crate) use verify::VerifyArgs;
