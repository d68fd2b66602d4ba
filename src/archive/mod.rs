//! A folder to a layer and back.
//!
//! Packing walks the folder and writes a tar that equals the one of KitOps byte for byte. Unpacking trusts nothing that it
//! reads: nothing leaves the target folder, and nothing has its final name there before all of it is known to be right.
//! Memory use does not grow with the size of files, and by some 16 bytes with each of them.

mod beneath;
mod destination;
mod error;
mod extract;
mod fingerprint;
mod folder;
mod header;
mod ignore;
mod known_tar;
mod listing;
mod members;
mod parts;
mod pattern;
mod placing;
mod reading;
mod receive;
mod records;
mod staging;
mod tar_writer;
mod walk;
mod write;

pub use destination::{Destination, Overwrite, Placed};
pub use error::{Conflict, Error, Obstacle};
pub use extract::{
    Extracted, FindPart, LayerShape, SingleFile, extract_cloning, extract_file, extract_folder, extract_layer,
};
pub use fingerprint::Fingerprint;
pub use ignore::{IgnoreProblem, IgnoreRules};
pub use known_tar::KnownTar;
pub use listing::{LayerMember, Listing};
pub use parts::FileInParts;
pub use tar_writer::TarWriter;
pub use walk::{LayerSource, Links, Measured};
pub use write::{LayerSummary, write_layer};
