//! Unpacks the bytes of a layer into files: extraction into a staging folder, then final names.

mod destination;
mod extract;
mod ledger;
mod parts;
mod placing;
mod preview;
mod receive;
mod spelling;
mod staging;
mod unsafe_paths;

pub use destination::{Destination, Overwrite, Placed};
pub use extract::{
    Extracted, FindPart, LayerShape, SingleFile, extract_cloning, extract_file, extract_folder, extract_layer,
};
pub use ledger::{Ledger, Received};
pub use parts::FileInParts;
pub use preview::{Existing, Preview};
pub use unsafe_paths::{Danger, UnsafePaths};
