//! `ls`, `cat`, `cp`: single files of a ModelKit, and the amount of data that is read for them.

mod copying;
mod listing;
mod printing;
mod scene;
mod selecting;
mod verification;

pub(crate) use scene::drop_tables;
