//! `kit list`

mod command;
mod table;

pub(crate) use command::{ListArgs, or_null, report_links};
pub(crate) use table::or_none;
