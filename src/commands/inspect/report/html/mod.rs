//! The page of `kit report`.

mod blocks;
mod changes;
mod frame;
mod history;
mod licenses;
mod lineage;
mod model;
mod parts;
mod scan;
mod summary;
mod trust;

pub(super) use frame::page;
