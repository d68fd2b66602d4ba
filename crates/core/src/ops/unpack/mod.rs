//! Extracting all or part of a ModelKit into a directory.

mod choice;
mod damage;
mod dropped;
mod into_folder;
mod layers;
mod ledger;
mod pieces;
mod plan;
mod selected;
mod space;

pub(crate) use choice::{Chosen, wanted_parents};
pub(crate) use damage::Damage;
pub(crate) use dropped::named;
pub use into_folder::{DroppedFiles, UnpackOptions, Unpacked, unpack};
pub use plan::{PlannedAction, PlannedFile, UnpackPlan, plan_unpack};
