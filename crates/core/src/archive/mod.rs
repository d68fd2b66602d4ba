//! A folder to a layer and back.
//!
//! Packing walks the folder and writes a tar that equals the one of KitOps byte for byte. Unpacking trusts nothing that it
//! reads: nothing leaves the target folder, and nothing has its final name there before all of it is known to be right.
//! Memory use does not grow with the size of files, and by some 16 bytes with each of them.

mod beneath;
mod error;
mod folder;
mod ignore;
mod pack;
mod reading;
mod tar;
mod unpack;

pub use error::{Conflict, Error, Obstacle};
pub use ignore::{IgnoreProblem, IgnoreRules};
pub use pack::{Fingerprint, LayerSource, LayerSummary, Links, Measured, write_layer};
pub use tar::{KnownTar, LayerMember, Listing, TarWriter};
pub use unpack::{
    Destination, Extracted, FileInParts, FindPart, LayerShape, Overwrite, Placed, SingleFile, extract_cloning,
    extract_file, extract_folder, extract_layer,
};
