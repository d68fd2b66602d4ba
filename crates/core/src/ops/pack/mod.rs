//! Packs a project directory into the layers and documents of a ModelKit, in the local store or straight in a registry.

mod compressing;
mod convert;
mod entries;
mod guarding;
mod ignore_file;
mod image_base;
mod image_layout;
mod into_registry;
mod into_store;
mod lock;
mod modes;
mod packer;
mod record;
mod uncovered;

pub(crate) use convert::list_part;
pub use convert::{convert, list_as, publish};
pub(crate) use entries::{clean_path, referenced_modelkits};
pub(crate) use ignore_file::unmatched_ignore_lines;
pub use image_base::{ImageBase, image_base};
pub(crate) use into_registry::find_in_folder;
pub use into_registry::{PackedAway, pack_and_push, plan_pack};
pub use into_store::{Keeping, Locking, PackOptions, Packed, Reading, pack};
pub(crate) use lock::read_selected;
pub(crate) use packer::Assembled;
pub(crate) use record::record;
pub use record::{Git, Recording};
pub(crate) use uncovered::uncovered;
